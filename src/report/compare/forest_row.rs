//! A row of the plot of a comparison: a metric with its runs, its estimate and the interval.

use plotters::prelude::DrawingBackend;

use super::forest::{LANE, Layout, SMALL};
use super::judge::{Contrast, Estimate, Outcome};
use super::metric::{Figure, Role};
use super::text::marked_verdict;
use super::words::{estimate_interval, estimate_words, ratio_words, value};
use crate::report::canvas::{Anchor, Canvas, Painted};
use crate::report::figure::Ink;
use crate::report::human;

/// Dots per row and side; more would run together.
const DOTS_MAX: usize = 200;

/// A metric of the plot.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) note: String,
    headline: bool,
    outcome: Outcome,
    /// Speed of the candidate relative to the base: above 1 is faster.
    speed: f64,
    interval: Option<(f64, f64)>,
    /// The runs of the candidate. A paired run is divided by the base's run of the same round, any other by the
    /// base's median.
    pub(super) dots: Vec<Dot>,
    /// The runs of the base divided by the base's median, where the runs are not paired.
    pub(super) base_dots: Vec<Dot>,
    /// What the page says about the row: names and values.
    pub(super) facts: Vec<(&'static str, String)>,
}

/// A run or a round of a metric.
#[derive(Clone, Debug)]
pub(super) struct Dot {
    pub(super) speed: f64,
    /// `round 3: base 5.12 ms, candidate 4.90 ms, 4.30 % faster`.
    pub(super) words: String,
}

impl Row {
    /// `rounds` are the numbers of the judged rounds, from 0, where the runs are paired.
    pub(super) fn new(
        contrast: &Contrast,
        estimate: Estimate,
        rounds: Option<&[u32]>,
    ) -> Option<Self> {
        let figure = contrast.metric.figure;
        let middle = contrast.base()?;
        let (dots, base_dots) = match rounds {
            Some(rounds) => (pairs(contrast, rounds), Vec::new()),
            None => (
                single_runs(contrast, "candidate", &contrast.candidate_runs, middle),
                single_runs(contrast, "base", &contrast.base_runs, middle),
            ),
        };
        let mut facts = vec![
            ("base", value(figure, Some(middle))),
            ("candidate", value(figure, contrast.candidate())),
            ("candidate is", estimate_words(contrast)),
        ];
        facts.extend(estimate_interval(contrast).map(|words| ("95 % interval", words)));
        facts.push(("verdict", marked_verdict(contrast)));
        Some(Self {
            name: contrast.metric.name(),
            note: estimate_words(contrast),
            headline: contrast.role == Role::Headline,
            outcome: contrast.outcome,
            speed: speed(figure, estimate.ratio),
            interval: estimate
                .interval
                .map(|(low, high)| (speed(figure, low), speed(figure, high))),
            dots,
            base_dots,
            facts,
        })
    }

    pub(super) fn ends(&self) -> impl Iterator<Item = f64> {
        let interval = self.interval.map(|(a, b)| [a, b]);
        let dots = self.dots.iter().chain(&self.base_dots);
        let single = dots.map(|dot| dot.speed);
        single
            .chain([self.speed])
            .chain(interval.into_iter().flatten())
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        layout: &Layout,
        y: f64,
    ) -> Painted {
        let scale = layout.scale;
        if layout.stacked {
            let at = y - 24.0;
            let name = (Ink::Text, Anchor::Left, self.headline);
            canvas.plated_text((scale.left, at), &self.name, SMALL, name)?;
            let texts = canvas.text_width(&self.name, SMALL) + canvas.text_width(&self.note, SMALL);
            // Without room it is left out; the table has it, too.
            if 1.08 * texts + 12.0 < scale.right - scale.left {
                let note = (self.ink(), Anchor::Right, self.headline);
                canvas.plated_text((scale.right, at), &self.note, SMALL, note)?;
            }
        } else {
            let name = (Ink::Text, Anchor::Right, self.headline);
            canvas.text((scale.left - 16.0, y), &self.name, SMALL, name)?;
            let note = (self.ink(), Anchor::Left, self.headline);
            canvas.text((scale.right + 16.0, y), &self.note, SMALL, note)?;
        }
        for dot in &self.base_dots {
            canvas.disc((scale.x(dot.speed), y - LANE), 2.0, Ink::Axis)?;
        }
        for dot in &self.dots {
            canvas.disc((scale.x(dot.speed), y + LANE), 2.0, self.ink())?;
        }
        if let Some((low, high)) = self.interval {
            canvas.line(&[(scale.x(low), y), (scale.x(high), y)], self.ink(), 2.5)?;
            for end in [low, high] {
                let x = scale.x(end);
                canvas.line(&[(x, y - 4.0), (x, y + 4.0)], self.ink(), 2.0)?;
            }
        }
        canvas.disc((scale.x(self.speed), y), 4.5, self.ink())
    }

    fn ink(&self) -> Ink {
        match self.outcome {
            Outcome::Faster => Ink::Series(2),
            Outcome::Slower => Ink::Mark,
            Outcome::NoDifference | Outcome::TooFew | Outcome::NotMeasured | Outcome::NotJudged => {
                Ink::Muted
            }
        }
    }
}

/// A dot per round: the candidate divided by the base of the same round.
fn pairs(contrast: &Contrast, rounds: &[u32]) -> Vec<Dot> {
    let figure = contrast.metric.figure;
    let sides = contrast.base_runs.iter().zip(&contrast.candidate_runs);
    let dot = |((base, candidate), round): ((&Option<f64>, &Option<f64>), &u32)| {
        let ratio = (*candidate)? / (*base)?;
        Some(Dot {
            speed: speed(figure, ratio),
            words: format!(
                "round {}: base {}, candidate {}, {}",
                human::count(u64::from(*round) + 1),
                value(figure, *base),
                value(figure, *candidate),
                ratio_words(figure, ratio)
            ),
        })
    };
    let dots = sides.zip(rounds).filter_map(dot);
    dots.take(DOTS_MAX).collect()
}

/// A dot per run of a side, divided by the base's median.
fn single_runs(contrast: &Contrast, side: &str, runs: &[Option<f64>], median: f64) -> Vec<Dot> {
    let figure = contrast.metric.figure;
    let dot = |(number, run): (u64, &Option<f64>)| {
        let ratio = (*run)? / median;
        Some(Dot {
            speed: speed(figure, ratio),
            words: format!(
                "{side}, run {}: {}, {}",
                human::count(number),
                value(figure, *run),
                against_the_median(figure, ratio)
            ),
        })
    };
    let dots = (1..).zip(runs).filter_map(dot);
    dots.take(DOTS_MAX).collect()
}

/// `4.30 % faster than the base's median`.
fn against_the_median(figure: Figure, ratio: f64) -> String {
    match ratio_words(figure, ratio).as_str() {
        "the same" => "the base's median".to_owned(),
        words => format!("{words} than the base's median"),
    }
}

/// How many times as fast as the base, for a ratio of the candidate's figure to the base's.
pub(super) fn speed(figure: Figure, ratio: f64) -> f64 {
    if figure.more_is_better() {
        ratio
    } else {
        1.0 / ratio
    }
}

#[cfg(test)]
mod tests {
    use super::super::forest::Forest;
    use super::super::tests::{compared, side_of};
    use super::*;

    #[test]
    fn each_round_is_a_dot_and_without_rounds_each_run() {
        let forest = Forest::new(&compared(&side_of(7, 10), &side_of(7, 5)));
        assert_eq!(
            (forest.rows[0].dots.len(), forest.rows[0].base_dots.len()),
            (7, 0)
        );
        let mut later = side_of(6, 5);
        for run in &mut later.runs {
            run.started_unix_ms += 86_400_000;
        }
        let forest = Forest::new(&compared(&side_of(5, 10), &later));
        assert_eq!(
            (forest.rows[0].dots.len(), forest.rows[0].base_dots.len()),
            (6, 5)
        );
    }

    #[test]
    fn the_right_side_is_faster_for_every_figure() {
        assert!(speed(Figure::Throughput, 2.0) > 1.0);
        assert!(speed(Figure::ResponseP99, 2.0) < 1.0);
    }
}
