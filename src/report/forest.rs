//! The plot of a comparison: per metric the ratio of medians with its 95 % interval.

use plotters::prelude::DrawingBackend;

use super::canvas::{Anchor, Canvas, Painted};
use super::compare::{Comparison, Estimate, Outcome};
use super::figure::Ink;
use super::human;

/// Size of text.
const SMALL: f64 = 12.0;
/// Size of a title.
const LARGE: f64 = 15.0;
/// Room below the rows: ticks and the axis label.
const FOOT: f64 = 44.0;
/// Narrower than this, a row's texts stand above its bar.
const NARROW: u32 = 600;

/// What is plotted.
#[derive(Clone, Debug)]
pub(super) struct Forest {
    title: String,
    rows: Vec<Row>,
    /// Smallest and largest ratio of the axis.
    extent: (f64, f64),
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    estimate: Estimate,
    outcome: Outcome,
}

impl Forest {
    /// Rows are the metrics that both sides measured.
    pub(super) fn new(comparison: &Comparison) -> Self {
        let rows: Vec<Row> = comparison
            .findings
            .iter()
            .filter_map(|finding| {
                Some(Row {
                    name: finding.metric.name(),
                    estimate: finding.estimate?,
                    outcome: finding.outcome,
                })
            })
            .collect();
        let ends = rows.iter().flat_map(|row| {
            let (low, high) = row
                .estimate
                .interval
                .unwrap_or((row.estimate.ratio, row.estimate.ratio));
            [low, high]
        });
        let (low, high) = ends
            .filter(|ratio| *ratio > 0.0)
            .fold((1.0_f64, 1.0_f64), |(low, high), ratio| {
                (low.min(ratio), high.max(ratio))
            });
        let room = (high / low).max(1.02).powf(0.06);
        Self {
            title: format!("{}: candidate / base", comparison.workload),
            rows,
            extent: (low / room, high * room),
        }
    }

    /// Pixels needed at a width.
    pub(super) fn height(&self, width: u32) -> u32 {
        let row = if width < NARROW { 46 } else { 30 };
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        row * rows.clamp(1, 100) + 60
    }

    /// Paints it.
    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, title: bool) -> Painted {
        let mut top = 8.0;
        if title {
            let style = (Ink::Text, Anchor::Left, true);
            canvas.text((16.0, top + LARGE - 4.0), &self.title, LARGE, style)?;
            top += 30.0;
        }
        let narrow = canvas.width < f64::from(NARROW);
        let widest = |texts: Vec<String>| {
            texts
                .iter()
                .map(|text| canvas.text_width(text, SMALL))
                .fold(0.0, f64::max)
        };
        let (left, right) = if narrow {
            (14.0, canvas.width - 14.0)
        } else {
            let names = widest(self.rows.iter().map(|row| row.name.clone()).collect());
            let notes = widest(self.rows.iter().map(Row::note).collect());
            (names + 28.0, canvas.width - notes - 28.0)
        };
        let bottom = canvas.height - FOOT;
        let (low, high) = (self.extent.0.ln(), self.extent.1.ln());
        let x = |ratio: f64| left + (ratio.ln() - low) / (high - low) * (right - left);
        for ratio in self.ticks(if narrow { 4.0 } else { 7.0 }) {
            let at = x(ratio);
            let one = (ratio - 1.0).abs() < 1e-9;
            let ink = if one { Ink::Muted } else { Ink::Grid };
            canvas.line(&[(at, top), (at, bottom)], ink, if one { 1.5 } else { 1.0 })?;
            let label = format!("{}×", human::number(ratio));
            canvas.text(
                (at, bottom + 12.0),
                &label,
                SMALL,
                (Ink::Muted, Anchor::Center, false),
            )?;
        }
        let step = (bottom - top) / (self.rows.len().max(1)) as f64;
        for (row, n) in self.rows.iter().zip(0_u32..) {
            let y = top + step * (f64::from(n) + if narrow { 0.78 } else { 0.5 });
            if narrow {
                let at = y - 20.0;
                canvas.plated_text(
                    (left, at),
                    &row.name,
                    SMALL,
                    (Ink::Text, Anchor::Left, false),
                )?;
                let note = (Ink::Muted, Anchor::Right, false);
                canvas.plated_text((right, at), &row.note(), SMALL, note)?;
            } else {
                canvas.text(
                    (left - 16.0, y),
                    &row.name,
                    SMALL,
                    (Ink::Text, Anchor::Right, false),
                )?;
                let note = (row.ink(), Anchor::Left, false);
                canvas.text((right + 16.0, y), &row.note(), SMALL, note)?;
            }
            if let Some((low, high)) = row.estimate.interval {
                canvas.line(&[(x(low), y), (x(high), y)], row.ink(), 2.5)?;
                for end in [low, high] {
                    canvas.line(&[(x(end), y - 4.0), (x(end), y + 4.0)], row.ink(), 2.0)?;
                }
            }
            canvas.disc((x(row.estimate.ratio), y), 4.5, row.ink())?;
        }
        let label = "ratio of medians, candidate / base, with its 95 % interval";
        let below = (canvas.width / 2.0, canvas.height - 10.0);
        canvas.text(below, label, SMALL, (Ink::Muted, Anchor::Center, false))
    }

    /// Round ratios within the extent; 1 always.
    fn ticks(&self, wanted: f64) -> Vec<f64> {
        let (low, high) = self.extent;
        let mut ticks: Vec<f64> = if high / low > 3.0 {
            (-6..=6)
                .flat_map(|decade| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(decade)))
                .collect()
        } else {
            let rough = (high - low) / wanted;
            let power = 10_f64.powf(rough.log10().floor());
            let step = [1.0, 2.0, 5.0, 10.0]
                .into_iter()
                .map(|factor| factor * power)
                .find(|step| *step >= rough)
                .unwrap_or(1.0);
            (-50..=50).map(|n| 1.0 + f64::from(n) * step).collect()
        };
        ticks.retain(|ratio| (low..=high).contains(ratio));
        ticks
    }
}

impl Row {
    /// `2.01×, faster`.
    fn note(&self) -> String {
        let ratio = human::ratio_digits(self.estimate.ratio);
        format!("{ratio}×, {}", self.outcome.words())
    }

    fn ink(&self) -> Ink {
        match self.outcome {
            Outcome::Faster => Ink::Series(2),
            Outcome::Slower => Ink::Mark,
            Outcome::NoDifference | Outcome::TooFewRuns | Outcome::NotMeasured => Ink::Muted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::{compare, tests::side_of};
    use super::*;

    #[test]
    fn the_axis_holds_every_interval_and_one() {
        let comparison = compare(&side_of(5, 10), &side_of(5, 5), false).unwrap();
        let forest = Forest::new(&comparison);
        assert!(forest.extent.0 < 1.0 && forest.extent.1 > 2.0);
        let ticks = forest.ticks(7.0);
        assert!(
            ticks.iter().any(|tick| (tick - 1.0).abs() < 1e-9),
            "{ticks:?}"
        );
        assert!(ticks.len() >= 4 && ticks.len() <= 8, "{ticks:?}");
    }
}
