//! Computes estimates and verdicts from the values of both sides.

use super::metric::{Metric, Role};
use crate::report::statistics::{
    LEVEL, holm, least_p, least_split_p, median, ratio_interval, sign_flip, split,
};

/// Smallest number of pairs for a verdict. The smallest p-value of the exact sign-flip test is
/// 2/2^6 = 0.031 with six pairs and 0.063 with five (Fisher 1935; see `docs/METHODOLOGY.md`).
pub const ROUNDS_MIN: usize = 6;
/// Smallest number of runs of each side for a verdict without pairs. Four would be enough for the
/// permutation test (2/70 = 0.029), but a bootstrap of four values hardly varies.
pub const RUNS_MIN: usize = 5;

/// One metric, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    pub metric: Metric,
    pub role: Role,
    /// The base's value per run, or per round if paired, in the unit of the figure; `None` if the
    /// run has no value.
    pub base_runs: Vec<Option<f64>>,
    /// The same for the candidate.
    pub candidate_runs: Vec<Option<f64>>,
    /// `None` unless every run has a value above 0.
    pub estimate: Option<Estimate>,
    pub outcome: Outcome,
}

/// How far the candidate is from the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// With pairs: the median of candidate / base over the rounds. Without pairs: the ratio of the
    /// medians.
    pub ratio: f64,
    /// 95 % confidence interval of the ratio for this metric alone; `None` with too few runs, or if
    /// the metric is not judged.
    pub interval: Option<(f64, f64)>,
    /// Two-sided p-value of the hypothesis that the sides do not differ; `None` if the metric is
    /// not judged.
    pub p: Option<f64>,
    /// `p` corrected for the number of further metrics; `None` for the headline.
    pub p_corrected: Option<f64>,
}

/// The verdict on a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The data show that the candidate is better.
    Faster,
    /// The data show that the candidate is worse.
    Slower,
    /// The data show neither. This does not mean that both are equal.
    NoDifference,
    /// Too few rounds or runs for a verdict.
    TooFew,
    /// A run has no value, or a value of 0.
    NotMeasured,
    /// The metric is listed without a verdict.
    NotJudged,
}

impl Outcome {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifference => "no difference shown",
            Self::TooFew => "too few runs",
            Self::NotMeasured => "not measured",
            Self::NotJudged => "not judged",
        }
    }
}

impl Contrast {
    /// Returns the median of the base's runs.
    #[must_use]
    pub fn base(&self) -> Option<f64> {
        median(&present(&self.base_runs))
    }

    /// Returns the median of the candidate's runs.
    #[must_use]
    pub fn candidate(&self) -> Option<f64> {
        median(&present(&self.candidate_runs))
    }

    /// Returns the p-value that the verdict uses: the corrected one if there is one.
    #[must_use]
    pub fn decisive_p(&self) -> Option<f64> {
        let estimate = self.estimate?;
        estimate.p_corrected.or(estimate.p)
    }
}

/// The values of a metric before it is judged.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub metric: Metric,
    pub role: Role,
    pub base: Vec<Option<f64>>,
    pub candidate: Vec<Option<f64>>,
}

/// Judges every metric. With `paired`, the n-th values of both sides are a pair.
pub(super) fn judge(metrics: Vec<Values>, paired: bool) -> Vec<Contrast> {
    let mut contrasts: Vec<Contrast> = metrics
        .into_iter()
        .map(|values| Contrast {
            estimate: estimate(&values, paired),
            metric: values.metric,
            role: values.role,
            base_runs: values.base,
            candidate_runs: values.candidate,
            outcome: Outcome::NotMeasured,
        })
        .collect();
    let mut further: Vec<&mut Estimate> = contrasts
        .iter_mut()
        .filter(|contrast| contrast.role == Role::Further)
        .filter_map(|contrast| contrast.estimate.as_mut())
        .collect();
    let p_values: Vec<f64> = further.iter().filter_map(|estimate| estimate.p).collect();
    for (estimate, corrected) in further.iter_mut().zip(holm(&p_values)) {
        estimate.p_corrected = Some(corrected);
    }
    for contrast in &mut contrasts {
        contrast.outcome = outcome(contrast, paired, p_values.len());
    }
    contrasts
}

/// Whether a verdict is possible after the correction for this many tests: the smallest possible
/// p-value must still be small enough.
pub(super) fn can_be_shown_among(contrast: &Contrast, paired: bool, tests: usize) -> bool {
    let runs = (contrast.base_runs.len(), contrast.candidate_runs.len());
    let least = if paired {
        least_p(runs.0)
    } else {
        least_split_p(runs.0, runs.1)
    };
    times(least, tests) <= LEVEL
}

fn times(p: f64, tests: usize) -> f64 {
    p * f64::from(u32::try_from(tests).unwrap_or(u32::MAX))
}

/// Returns the number of rounds that can show a difference in `further` metrics after the
/// correction.
pub(super) fn rounds_for(further: usize) -> usize {
    let enough = |rounds: &usize| times(least_p(*rounds), further) <= LEVEL;
    (ROUNDS_MIN..64).find(enough).unwrap_or(64)
}

/// Returns `None` unless every run has a value above 0. Leaving out runs without a value would
/// favour the side that failed.
fn estimate(values: &Values, paired: bool) -> Option<Estimate> {
    let base: Option<Vec<f64>> = values.base.iter().copied().collect();
    let candidate: Option<Vec<f64>> = values.candidate.iter().copied().collect();
    let (base, candidate) = (base?, candidate?);
    let usable = |value: &f64| value.is_finite() && *value > 0.0;
    if base.is_empty() || candidate.is_empty() || !base.iter().chain(&candidate).all(usable) {
        return None;
    }
    let judged = values.role != Role::Listed;
    Some(if paired {
        of_pairs(&base, &candidate, judged)?
    } else {
        of_samples(&base, &candidate, judged)?
    })
}

fn of_pairs(base: &[f64], candidate: &[f64], judged: bool) -> Option<Estimate> {
    let differences: Vec<f64> = base
        .iter()
        .zip(candidate)
        .map(|(base, candidate)| (candidate / base).ln())
        .collect();
    let found = if judged {
        sign_flip(&differences)
    } else {
        None
    };
    let interval = found.and_then(|found| found.interval);
    Some(Estimate {
        ratio: median(&differences)?.exp(),
        interval: interval.map(|(low, high)| (low.exp(), high.exp())),
        p: found.map(|found| found.p),
        p_corrected: None,
    })
}

fn of_samples(base: &[f64], candidate: &[f64], judged: bool) -> Option<Estimate> {
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<_>>();
    let enough = base.len().min(candidate.len()) >= RUNS_MIN;
    Some(Estimate {
        ratio: median(candidate)? / median(base)?,
        interval: if judged && enough {
            ratio_interval(base, candidate)
        } else {
            None
        },
        p: if judged {
            split(&logs(base), &logs(candidate))
        } else {
            None
        },
        p_corrected: None,
    })
}

/// A difference is shown if the test finds it and both estimate and interval lie on the same side
/// of 1. They can disagree: without pairs, interval and p-value come from different methods; with
/// pairs, the median of two separate groups of rounds can lie on another side than their mean.
fn outcome(contrast: &Contrast, paired: bool, further: usize) -> Outcome {
    let Some(estimate) = contrast.estimate else {
        return Outcome::NotMeasured;
    };
    if contrast.role == Role::Listed {
        return Outcome::NotJudged;
    }
    let (Some((low, high)), Some(p)) = (estimate.interval, contrast.decisive_p()) else {
        return Outcome::TooFew;
    };
    if contrast.role == Role::Further && !can_be_shown_among(contrast, paired, further) {
        return Outcome::TooFew;
    }
    let more = low > 1.0 && estimate.ratio > 1.0;
    let less = high < 1.0 && estimate.ratio < 1.0;
    if p > LEVEL || !(more || less) {
        Outcome::NoDifference
    } else if more == contrast.metric.figure.more_is_better() {
        Outcome::Faster
    } else {
        Outcome::Slower
    }
}

fn present(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().copied().flatten().collect()
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::metric::Figure;
    use super::*;

    fn values(role: Role, figure: Figure, base: &[f64], candidate: &[f64]) -> Values {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect();
        Values {
            metric: Metric { op: None, figure },
            role,
            base: some(base),
            candidate: some(candidate),
        }
    }

    fn headline(figure: Figure, base: &[f64], candidate: &[f64], paired: bool) -> Contrast {
        judge(
            vec![values(Role::Headline, figure, base, candidate)],
            paired,
        )
        .remove(0)
    }

    const BASE: [f64; 7] = [100.0, 130.0, 90.0, 115.0, 140.0, 95.0, 105.0];

    #[test]
    fn pairs_show_differences_smaller_than_the_spread_over_rounds() {
        let slower = BASE.map(|value| 1.05 * value);
        let contrast = headline(Figure::ResponseP50, &BASE, &slower, true);
        assert_eq!(contrast.outcome, Outcome::Slower);
        let estimate = contrast.estimate.unwrap();
        assert!((estimate.ratio - 1.05).abs() < 1e-9, "{estimate:?}");
        let unpaired = headline(Figure::ResponseP50, &BASE, &slower, false);
        assert_eq!(unpaired.outcome, Outcome::NoDifference);
    }

    #[test]
    fn more_throughput_and_less_time_are_faster() {
        let more = BASE.map(|value| 2.0 * value);
        let outcome = |figure, base: &[f64], candidate: &[f64]| {
            headline(figure, base, candidate, true).outcome
        };
        assert_eq!(outcome(Figure::Throughput, &BASE, &more), Outcome::Faster);
        assert_eq!(outcome(Figure::Throughput, &more, &BASE), Outcome::Slower);
        assert_eq!(outcome(Figure::ResponseP99, &BASE, &more), Outcome::Slower);
        assert_eq!(outcome(Figure::ResponseP99, &more, &BASE), Outcome::Faster);
    }

    #[test]
    fn too_few_runs_give_a_ratio_without_a_verdict() {
        let more = BASE.map(|value| 2.0 * value);
        let five = headline(Figure::Throughput, &BASE[..5], &more[..5], true);
        assert_eq!(five.outcome, Outcome::TooFew);
        assert!((five.estimate.unwrap().ratio - 2.0).abs() < 1e-9);
        let six = headline(Figure::Throughput, &BASE[..6], &more[..6], true);
        assert_eq!(six.outcome, Outcome::Faster);
        let four = headline(Figure::Throughput, &BASE[..4], &more[..7], false);
        assert_eq!(four.outcome, Outcome::TooFew);
        let five = headline(Figure::Throughput, &BASE[..5], &more[..5], false);
        assert_eq!(five.outcome, Outcome::Faster);
    }

    #[test]
    fn a_metric_with_a_missing_value_is_not_judged() {
        let mut dead = values(Role::Headline, Figure::Throughput, &BASE, &BASE);
        dead.candidate[3] = Some(0.0);
        assert_eq!(
            judge(vec![dead.clone()], true)[0].outcome,
            Outcome::NotMeasured
        );
        dead.candidate[3] = None;
        let contrast = judge(vec![dead], true).remove(0);
        assert_eq!(contrast.outcome, Outcome::NotMeasured);
        assert_eq!(contrast.base(), Some(105.0));
    }

    #[test]
    fn p_values_of_further_metrics_are_corrected_but_not_that_of_the_headline() {
        let slower = BASE.map(|value| 1.1 * value);
        let all = |further: usize| {
            let mut metrics = vec![values(Role::Headline, Figure::ResponseP50, &BASE, &slower)];
            metrics.resize_with(1 + further, || {
                values(Role::Further, Figure::ResponseP99, &BASE, &slower)
            });
            metrics.push(values(Role::Listed, Figure::Throughput, &BASE, &slower));
            judge(metrics, true)
        };
        let three = all(3);
        let outcomes: Vec<Outcome> = three.iter().map(|contrast| contrast.outcome).collect();
        assert_eq!(outcomes[..4], [Outcome::Slower; 4]);
        assert_eq!(outcomes[4], Outcome::NotJudged);
        assert_eq!(three[4].estimate.unwrap().p, None);
        let corrected = three[1].decisive_p().unwrap();
        assert!((corrected - 3.0 * 2.0 / 128.0).abs() < 1e-12, "{corrected}");
        // Seven rounds cannot show a fourth metric. The verdict is then not "no difference" either.
        let four = all(4);
        assert_eq!(four[0].outcome, Outcome::Slower);
        assert_eq!(four[1].outcome, Outcome::TooFew);
        assert_eq!([rounds_for(0), rounds_for(3), rounds_for(4)], [6, 7, 8]);
    }

    #[test]
    fn nothing_is_shown_if_median_and_mean_contradict() {
        // Seven rounds are slightly below 1, six far above.
        let ratios: Vec<f64> = [0.99; 7].into_iter().chain([50.0; 6]).collect();
        let contrast = headline(Figure::Throughput, &[1.0; 13], &ratios, true);
        let estimate = contrast.estimate.unwrap();
        assert!(estimate.interval.unwrap().0 > 1.0 && estimate.ratio < 1.0);
        assert_eq!(contrast.outcome, Outcome::NoDifference);
    }

    /// Normal noise around 1 (Box-Muller).
    struct Noise(Xoshiro256PlusPlus);

    impl Noise {
        fn value(&mut self, deviation: f64) -> f64 {
            let mut uniform = || (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            let (a, b) = (1.0 - uniform(), uniform());
            1.0 + deviation * (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        }

        fn runs(&mut self, runs: usize, level: f64, deviation: f64) -> Vec<f64> {
            (0..runs).map(|_| level * self.value(deviation)).collect()
        }
    }

    /// Simulates 1,000 comparisons of seven rounds. Returns the shares that show a difference in
    /// the headline and in any of three further metrics.
    fn shown(seed: u64, level: f64, deviation: f64, paired: bool) -> (f64, f64) {
        let mut noise = Noise(Xoshiro256PlusPlus::seed_from_u64(seed));
        let (mut in_headline, mut in_further) = (0, 0);
        for _ in 0..1_000 {
            let roles = [Role::Headline, Role::Further, Role::Further, Role::Further];
            let metrics = roles.map(|role| {
                let base = noise.runs(7, 1.0, deviation);
                let candidate = noise.runs(7, level, deviation);
                values(role, Figure::ResponseP50, &base, &candidate)
            });
            let shown: Vec<bool> = judge(metrics.into(), paired)
                .iter()
                .map(|contrast| matches!(contrast.outcome, Outcome::Faster | Outcome::Slower))
                .collect();
            in_headline += i32::from(shown[0]);
            in_further += i32::from(shown[1..].iter().any(|shown| *shown));
        }
        (
            f64::from(in_headline) / 1_000.0,
            f64::from(in_further) / 1_000.0,
        )
    }

    #[test]
    fn equal_targets_rarely_show_a_difference() {
        let (headline, further) = shown(1, 1.0, 0.05, true);
        assert!(headline <= 0.06, "{headline}");
        assert!(further <= 0.06, "{further}");
        // An exact test rejects about as often as its level allows. A test that never rejects would
        // pass the upper limit too.
        assert!(headline >= 0.03, "{headline}");
    }

    #[test]
    fn a_slowdown_of_ten_per_cent_is_found() {
        let (headline, _) = shown(2, 1.1, 0.03, true);
        assert!(headline > 0.9, "{headline}");
    }
}
