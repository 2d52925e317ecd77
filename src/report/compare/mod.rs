//! Compares two results: whether the candidate is better or worse than the base, and with what
//! certainty.
//!
//! The two runs of a round, one of each side, are a pair; [`judge()`] computes estimates and
//! verdicts from the pairs. The headline metric is chosen before anything is measured. Objections
//! to a comparison are shown above its figures and never hide them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod csv;
mod fail_if;
mod forest;
mod forest_data;
mod forest_row;
mod json;
mod judge;
mod markdown;
mod metric;
mod note;
mod objection;
mod observation;
mod page;
mod page_runs;
mod pairing;
mod side;
mod summary;
mod text;
#[cfg(test)]
mod trials;
mod warning;
mod words;

use judge::{judge, rounds_for};
use metric::{is_closed, metrics, named, roles, usual_headline};
use objection::objections;
use observation::{Chosen, values};
use pairing::{Pair, pair};
use warning::warnings;

use crate::measure::Recording;
use crate::result::RunResult;
use crate::workload::Plan;

pub use fail_if::{FailIf, FailIfError};
pub use judge::{Contrast, Estimate, Outcome, ROUNDS_MIN, RUNS_MIN};
pub use metric::{Figure, Metric, Role};
pub use objection::Objection;
pub use page::comparison_plots;
pub use side::Side;

pub(super) use csv::render as csv;
pub(super) use forest::Forest;
pub(super) use forest_data::ForestData;
pub(super) use json::render as json;
pub(super) use markdown::render as markdown;
pub(super) use page::render as page;
pub(super) use text::render as text;

/// Two sides, compared metric by metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub workload: String,
    /// The side to compare with.
    pub base: Side,
    pub candidate: Side,
    /// Numbers of the rounds that are judged as pairs, from 0; `None` without pairs.
    pub rounds: Option<Vec<u32>>,
    /// Whether the load was a closed loop.
    pub closed_loop: bool,
    /// One per metric. Those of an operation are adjacent.
    pub contrasts: Vec<Contrast>,
    /// Reasons not to rely on the comparison.
    pub objections: Vec<Objection>,
    /// What a reader should know before using the figures, one sentence each.
    pub warnings: Vec<String>,
    /// Index of the headline in `contrasts`.
    headline: usize,
}

/// Why two results cannot be compared.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompareError {
    /// A side has no run.
    #[error("nothing to compare: the {side} ({target}) has no run")]
    Nothing {
        /// `base` or `candidate`.
        side: &'static str,
        /// The target as given by the user.
        target: String,
    },
    /// The workload has no such metric.
    #[error("no metric `{name}`: --headline takes one of: {}", known.join(", "))]
    UnknownHeadline {
        name: String,
        /// Names of the existing metrics.
        known: Vec<String>,
    },
}

impl Comparison {
    #[must_use]
    pub fn headline(&self) -> &Contrast {
        &self.contrasts[self.headline]
    }
}

/// Checks that results of `plan` have a metric of that name.
///
/// # Errors
///
/// If they have not. The error lists the existing metrics.
pub fn check_headline(plan: &Plan, name: &str) -> Result<(), CompareError> {
    find_headline(&metrics(plan, plan), name).map(|_| ())
}

/// Returns the number of rounds that can show a difference in every judged metric of `plan`.
#[must_use]
pub fn rounds_needed(plan: &Plan, headline: Option<&str>) -> usize {
    let metrics = metrics(plan, plan);
    let headline = headline
        .and_then(|name| named(name, &metrics))
        .unwrap_or_else(|| usual_headline(plan, &metrics));
    let roles = roles(plan, &metrics, headline);
    rounds_for(roles.iter().filter(|role| **role == Role::Further).count())
}

fn find_headline(metrics: &[Metric], name: &str) -> Result<usize, CompareError> {
    named(name, metrics).ok_or_else(|| CompareError::UnknownHeadline {
        name: name.to_owned(),
        known: metrics.iter().map(Metric::name).collect(),
    })
}

/// Compares two results of the same plan. `headline` names the metric that decides; `None` means
/// the default of the plan. The times of the runs tell whether they are pairs.
///
/// # Errors
///
/// If a side has no run, or if there is no metric called `headline`. All other problems are
/// objections in the comparison.
pub fn compare(
    base: &RunResult,
    candidate: &RunResult,
    headline: Option<&str>,
) -> Result<Comparison, CompareError> {
    let pairs = pair(&base.runs, &candidate.runs);
    compare_runs(base, candidate, headline, pairs.as_deref())
}

/// Like [`compare`], but never pairs runs. For a base that was measured earlier: two single runs
/// within an hour would look like a round.
///
/// # Errors
///
/// Like [`compare`].
pub fn compare_unpaired(
    base: &RunResult,
    candidate: &RunResult,
    headline: Option<&str>,
) -> Result<Comparison, CompareError> {
    compare_runs(base, candidate, headline, None)
}

fn compare_runs(
    base: &RunResult,
    candidate: &RunResult,
    headline: Option<&str>,
    pairs: Option<&[Pair]>,
) -> Result<Comparison, CompareError> {
    for (side, result) in [("base", base), ("candidate", candidate)] {
        if result.runs.is_empty() {
            return Err(CompareError::Nothing {
                side,
                target: result.target.spec.clone(),
            });
        }
    }
    let metrics = metrics(&base.plan, &candidate.plan);
    let headline = match headline {
        None => usual_headline(&base.plan, &metrics),
        Some(name) => find_headline(&metrics, name)?,
    };
    let places = |of: fn(&Pair) -> usize, runs: &[Recording]| match pairs {
        Some(pairs) => pairs.iter().map(of).collect(),
        None => (0..runs.len()).collect::<Vec<usize>>(),
    };
    let base_runs = Chosen {
        result: base,
        places: places(|pair| pair.base, &base.runs),
    };
    let candidate_runs = Chosen {
        result: candidate,
        places: places(|pair| pair.candidate, &candidate.runs),
    };
    let roles = roles(&base.plan, &metrics, headline);
    let contrasts = judge(
        values(&metrics, roles, &base_runs, &candidate_runs),
        pairs.is_some(),
    );
    let seen = [
        base_runs.seen_as("base"),
        candidate_runs.seen_as("candidate"),
    ];
    let warnings = warnings(&seen, &contrasts);
    let (contrasts, headline) = shown(contrasts);
    Ok(Comparison {
        workload: base.plan.name.clone(),
        base: Side::new(base),
        candidate: Side::new(candidate),
        rounds: pairs.is_some().then(|| {
            let places = base_runs.places.iter();
            places.map(|place| base.runs[*place].number).collect()
        }),
        closed_loop: is_closed(&base.plan),
        contrasts,
        objections: objections(base, candidate),
        warnings,
        headline,
    })
}

/// Returns the contrasts to show and the index of the headline among them.
fn shown(contrasts: Vec<Contrast>) -> (Vec<Contrast>, usize) {
    let headline = contrasts
        .iter()
        .position(|contrast| contrast.role == Role::Headline)
        .expect("exactly one contrast is the headline, and it is always shown");
    (contrasts, headline)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::measure::DiskState;
    use crate::result::{Verdict, example};
    use crate::workload::Arrival;

    /// A closed loop: `runs` runs of the same operations, one per round. Each takes `tenths` tenths
    /// of the usual time.
    pub(crate) fn side_of(runs: u32, tenths: u64) -> RunResult {
        let mut result = example::result();
        result.plan.load.arrival = Arrival::Closed { in_flight: 4 };
        result.runs = (0..runs)
            .map(|number| {
                let mut run = example::recording();
                run.number = number;
                run.started_unix_ms += u64::from(number) * 60_000;
                run.measured_s = tenths as f64 / 10.0 * (2.0 + f64::from(number * 7 % 5) * 0.002);
                run
            })
            .collect();
        result
    }

    pub(crate) fn compared(base: &RunResult, candidate: &RunResult) -> Comparison {
        compare(base, candidate, None).unwrap()
    }

    /// The same result, measured later.
    fn later(mut result: RunResult) -> RunResult {
        for run in &mut result.runs {
            run.started_unix_ms += 86_400_000;
        }
        result
    }

    #[test]
    fn runs_of_another_time_are_not_paired() {
        let lone = side_of(1, 10);
        assert!(compared(&lone, &lone).rounds.is_some());
        assert_eq!(compare_unpaired(&lone, &lone, None).unwrap().rounds, None);
    }

    #[test]
    fn runs_of_one_round_are_judged_as_pairs() {
        let comparison = compared(&side_of(7, 10), &side_of(7, 5));
        assert_eq!(
            comparison.rounds.as_deref(),
            Some([0, 1, 2, 3, 4, 5, 6].as_slice())
        );
        let headline = comparison.headline();
        assert_eq!(headline.metric.name(), "set: throughput");
        assert_eq!(headline.outcome, Outcome::Faster);
        let estimate = headline.estimate.unwrap();
        assert!((estimate.ratio - 2.0).abs() < 0.01, "{estimate:?}");
        assert!((estimate.p.unwrap() - 2.0 / 128.0).abs() < 1e-12);
        assert_eq!(
            compared(&side_of(7, 5), &side_of(7, 10)).headline().outcome,
            Outcome::Slower
        );
        assert_eq!(
            compared(&side_of(7, 5), &side_of(7, 5)).headline().outcome,
            Outcome::NoDifference
        );
    }

    #[test]
    fn separate_results_are_judged_unpaired() {
        let comparison = compared(&side_of(5, 10), &later(side_of(6, 5)));
        assert_eq!(comparison.rounds, None);
        assert_eq!(comparison.headline().outcome, Outcome::Faster);
        let few = compared(&side_of(4, 10), &later(side_of(9, 5)));
        assert_eq!(few.headline().outcome, Outcome::TooFew);
    }

    #[test]
    fn rounds_that_one_side_lacks_are_left_out_and_counted() {
        let mut candidate = side_of(8, 5);
        candidate.runs.remove(2);
        let comparison = compared(&side_of(8, 10), &candidate);
        assert_eq!(
            comparison.rounds.as_deref(),
            Some([0, 1, 3, 4, 5, 6, 7].as_slice())
        );
        assert!(
            comparison.warnings[0].starts_with("1 run of the base (bundled) left out"),
            "{:?}",
            comparison.warnings
        );
    }

    #[test]
    fn in_a_closed_loop_only_the_throughput_is_judged() {
        let comparison = compared(&side_of(7, 10), &side_of(7, 5));
        let judged = comparison
            .contrasts
            .iter()
            .filter(|c| c.outcome != Outcome::NotJudged);
        assert_eq!(judged.count(), 1);
        // A run has 2,000 operations. Two beyond the 99.9th percentile are too few to show it.
        let names: Vec<String> = comparison
            .contrasts
            .iter()
            .map(|c| c.metric.name())
            .collect();
        assert_eq!(
            names,
            ["set: throughput", "set: response p50", "set: response p99"]
        );
    }

    #[test]
    fn an_unknown_headline_lists_the_existing_ones() {
        let (base, candidate) = (side_of(7, 10), side_of(7, 5));
        let comparison = compare(&base, &candidate, Some("set: response p99")).unwrap();
        assert_eq!(comparison.headline().metric.name(), "set: response p99");
        assert_eq!(comparison.headline().outcome, Outcome::NoDifference);
        let error = compare(&base, &candidate, Some("p99")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("set: throughput, set: response p50"),
            "{error}"
        );
        assert!(check_headline(&base.plan, "set: response p99.9").is_ok());
        assert!(check_headline(&base.plan, "get: response p99").is_err());
        assert_eq!(rounds_needed(&base.plan, None), 6);
        assert_eq!(rounds_needed(&example::plan(), None), 7);
    }

    #[test]
    fn a_comparison_with_objections_still_has_its_figures() {
        let mut other = side_of(7, 5);
        other.plan.load.sessions = 99;
        other.plan.target.voters = 7;
        other.schema = 1;
        other.verdict = Verdict::Invalid {
            reasons: vec!["the generator was the bottleneck".into()],
        };
        let comparison = compared(&side_of(7, 10), &other);
        let texts: Vec<String> = comparison.objections.iter().map(Objection::text).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts[0].contains("load.sessions: 15 and 99"), "{texts:?}");
        assert!(
            !texts[0].contains("voters"),
            "the target may differ: {texts:?}"
        );
        assert!(
            texts[1].contains("schema 2, the candidate under schema 1"),
            "{texts:?}"
        );
        assert!(
            texts[2].contains("candidate (bundled) is invalid") && texts[2].contains("bottleneck")
        );
        assert_eq!(comparison.headline().outcome, Outcome::Faster);
    }

    #[test]
    fn a_comparison_needs_runs_on_both_sides() {
        let error = compare(&side_of(0, 10), &side_of(1, 10), None).unwrap_err();
        let target = "bundled".to_owned();
        assert_eq!(
            error,
            CompareError::Nothing {
                side: "base",
                target
            }
        );
    }

    #[test]
    fn a_trend_over_the_rounds_is_a_warning_with_its_direction() {
        let mut drifting = side_of(7, 10);
        for (run, number) in drifting.runs.iter_mut().zip(0_u32..) {
            run.measured_s = 2.0 + 0.01 * f64::from(number);
        }
        let comparison = compared(&drifting, &side_of(7, 10));
        let [warning] = comparison.warnings.as_slice() else {
            panic!("not one warning: {:?}", comparison.warnings);
        };
        assert!(
            warning.starts_with(
                "the base (bundled) became slower from round to round in set: throughput (Kendall's tau -1.00"
            ),
            "{warning}"
        );
    }

    #[test]
    fn warnings_count_the_affected_rounds() {
        let mut candidate = side_of(7, 10);
        for run in &mut candidate.runs[..3] {
            run.disk = Some(DiskState {
                baseline_us: 100.0,
                before_us: 900.0,
                waited_s: 30.0,
                settled: false,
            });
            run.stolen = Some(0.1);
        }
        candidate.environment.hostname = Some("other".into());
        candidate.tool.version = "0.0.9".into();
        let comparison = compared(&side_of(7, 10), &candidate);
        let text = comparison.warnings.join("\n");
        for expected in [
            "the disk had not settled before 3 of 7 runs of the candidate (bundled)",
            "the hypervisor took away more than 0.5 % of the processors' time in 3 of 7 runs",
            "different machines: bench for the base, other for the candidate",
            "different versions of quorate",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
    }

    #[test]
    fn several_operations_are_compared_separately_and_one_that_never_ran_gives_a_warning() {
        let mut result = side_of(7, 10);
        result.plan = example::plan();
        let mut get = result.plan.ops[0].clone();
        get.label = "get".into();
        result.plan.ops.push(get);
        let comparison = compared(&result, &result);
        let contrast = |name: &str| {
            let found = comparison
                .contrasts
                .iter()
                .find(|c| c.metric.name() == name);
            found.unwrap()
        };
        assert_eq!(comparison.headline().metric.name(), "set: response p50");
        assert_eq!(contrast("response p50").outcome, Outcome::NotJudged);
        assert_eq!(contrast("set: response p99").outcome, Outcome::NoDifference);
        assert_eq!(contrast("get: response p50").outcome, Outcome::NotMeasured);
        assert!(
            comparison.warnings[0].starts_with("get: response p50 has no value in 7 of 7 runs"),
            "{:?}",
            comparison.warnings
        );
    }
}
