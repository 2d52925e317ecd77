//! The plot of a comparison. Each row shows one metric: its runs, the estimate and the 95 % interval. Right of
//! the middle the candidate is faster, for every figure.

use plotters::prelude::DrawingBackend;

use super::Comparison;
use super::forest_row::Row;
use super::metric::Role;
use crate::report::canvas::{Anchor, Canvas, Painted};
use crate::report::draw::Frame;
use crate::report::figure::Ink;
use crate::report::human;

/// Height of text, in pixels.
pub(super) const SMALL: f64 = 12.0;
/// Height of a title, in pixels.
const LARGE: f64 = 15.0;
/// Pixels below the rows, for the ticks and the directions.
const FOOT: f64 = 44.0;
/// Below this width in pixels, the texts of a row stand above its bar.
const NARROW: u32 = 600;
/// Largest share of the width that the texts beside the bars may take.
const TEXTS_MAX: f64 = 0.6;
/// Approximate width of a letter, in pixels.
const LETTER: f64 = 6.5;
/// Rows drawn; the table lists all metrics.
const ROWS_MAX: usize = 100;
/// Distance of the dots from the line of the interval, in pixels.
pub(super) const LANE: f64 = 8.0;

/// The rows of the plot, before they have a size.
#[derive(Clone, Debug)]
pub(in crate::report) struct Forest {
    title: String,
    pub(super) rows: Vec<Row>,
    /// Smallest and largest speed of the axis.
    extent: (f64, f64),
}

impl Forest {
    /// Makes a row of each judged metric that has an estimate.
    pub(in crate::report) fn new(comparison: &Comparison) -> Self {
        let rows: Vec<Row> = comparison
            .contrasts
            .iter()
            .filter(|contrast| contrast.role != Role::Listed)
            .filter_map(|contrast| {
                Row::new(contrast, contrast.estimate?, comparison.rounds.as_deref())
            })
            .take(ROWS_MAX)
            .collect();
        let (low, high) = rows
            .iter()
            .flat_map(Row::ends)
            .filter(|speed| *speed > 0.0 && speed.is_finite())
            .fold((1.0_f64, 1.0_f64), |(low, high), speed| {
                (low.min(speed), high.max(speed))
            });
        let room = (high / low).max(1.02).powf(0.06);
        Self {
            title: format!("{}: the candidate against the base", comparison.workload),
            rows,
            extent: (low / room, high * room),
        }
    }

    /// Height of the plot at a width, both in pixels.
    pub(in crate::report) fn height(&self, width: u32) -> u32 {
        let row = if self.stacked(width) { 54 } else { 38 };
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        row * rows.max(1) + 60
    }

    /// Whether the texts of a row stand above its bar, because there is no room beside it.
    fn stacked(&self, width: u32) -> bool {
        let longest = |text: fn(&Row) -> &String| {
            let letters = self.rows.iter().map(|row| text(row).chars().count());
            letters.max().unwrap_or(0)
        };
        let letters = longest(|row| &row.name) + longest(|row| &row.note);
        width < NARROW || LETTER * letters as f64 > TEXTS_MAX * f64::from(width)
    }

    /// Paints the plot; `title` is false on a page, which has its own heading.
    pub(in crate::report) fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        title: bool,
    ) -> Painted {
        if title {
            let style = (Ink::Text, Anchor::Left, true);
            canvas.text((16.0, 4.0 + LARGE), &self.title, LARGE, style)?;
        }
        let layout = self.layout(canvas, title);
        self.axis(canvas, &layout)?;
        for (row, n) in self.rows.iter().zip(0_u32..) {
            row.draw(canvas, &layout, layout.bar(n))?;
        }
        Ok(())
    }

    /// Where the bar and the dots of each row are on a canvas without a title. The bar is in the middle.
    pub(in crate::report) fn frames<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
    ) -> Vec<Frame> {
        let layout = self.layout(canvas, false);
        let frame = |(_, n)| Frame {
            left: layout.scale.left,
            right: layout.scale.right,
            top: layout.bar(n) - LANE - 5.0,
            bottom: layout.bar(n) + LANE + 5.0,
        };
        self.rows.iter().zip(0_u32..).map(frame).collect()
    }

    /// The place of a speed on the axis: 0 is its left end, 1 its right end.
    pub(super) fn share(&self, speed: f64) -> f64 {
        let (low, high) = (self.extent.0.ln(), self.extent.1.ln());
        (speed.ln() - low) / (high - low)
    }

    fn layout<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, title: bool) -> Layout {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a width in pixels"
        )]
        let stacked = self.stacked(canvas.width as u32);
        let top = if title { 38.0 } else { 8.0 };
        let bottom = canvas.height - FOOT;
        Layout {
            top,
            bottom,
            step: (bottom - top) / self.rows.len().max(1) as f64,
            stacked,
            scale: self.scale(canvas, stacked),
        }
    }

    fn scale<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, stacked: bool) -> Scale {
        let widest = |text: fn(&Row) -> &String| {
            let widths = self
                .rows
                .iter()
                .map(|row| canvas.text_width(text(row), SMALL));
            widths.fold(0.0, f64::max)
        };
        let (left, right) = if stacked {
            (14.0, canvas.width - 14.0)
        } else {
            // Bold letters are a little wider.
            let names = 1.08 * widest(|row| &row.name);
            let notes = 1.08 * widest(|row| &row.note);
            (names + 28.0, canvas.width - notes - 28.0)
        };
        Scale {
            left,
            right,
            low: self.extent.0.ln(),
            high: self.extent.1.ln(),
        }
    }

    fn axis<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, layout: &Layout) -> Painted {
        let Layout {
            top, bottom, scale, ..
        } = layout;
        let (top, bottom) = (*top, *bottom);
        let muted = |anchor| (Ink::Muted, anchor, false);
        let mut labelled: Vec<(f64, f64)> = Vec::new();
        let wanted = if canvas.width < f64::from(NARROW) {
            5.0
        } else {
            8.0
        };
        for speed in self.ticks(wanted) {
            let at = scale.x(speed);
            let one = (speed - 1.0).abs() < 1e-9;
            let ink = if one { Ink::Axis } else { Ink::Grid };
            canvas.line(&[(at, top), (at, bottom)], ink, if one { 1.5 } else { 1.0 })?;
            let label = if one {
                "equal".to_owned()
            } else {
                format!("{}x", human::number(speed.max(1.0 / speed)))
            };
            let half = canvas.text_width(&label, SMALL) / 2.0 + 6.0;
            let (from, to) = (at - half, at + half);
            if labelled
                .iter()
                .all(|(left, right)| to <= *left || from >= *right)
            {
                labelled.push((from, to));
                canvas.text((at, bottom + 12.0), &label, SMALL, muted(Anchor::Center))?;
            }
        }
        let y = canvas.height - 10.0;
        let equal = scale.x(1.0);
        for (text, near, far, anchor) in [
            ("candidate slower", equal - 10.0, scale.left, Anchor::Right),
            ("candidate faster", equal + 10.0, scale.right, Anchor::Left),
        ] {
            // A side without data may be too narrow for its name.
            if (far - near).abs() >= canvas.text_width(text, SMALL) {
                canvas.text((near, y), text, SMALL, muted(anchor))?;
            }
        }
        Ok(())
    }

    /// Returns about `wanted` round multiples within the extent, in both directions. 1 comes first, so that it
    /// gets its label. The others follow, the nearest first.
    fn ticks(&self, wanted: f64) -> Vec<f64> {
        let (low, high) = self.extent;
        let within = |multiples: Vec<f64>| -> Vec<f64> {
            let both = multiples
                .into_iter()
                .flat_map(|multiple| [1.0 / multiple, multiple]);
            both.filter(|speed| (low..=high).contains(speed)).collect()
        };
        let steps =
            (-4..0).flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade)));
        let linear = steps.map(|step| (1..=10).map(|n| 1.0 + f64::from(n) * step).collect());
        let decades = |factors: &[f64]| -> Vec<f64> {
            let powers = (0..=9).map(|decade| 10_f64.powi(decade));
            let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
            all.filter(|multiple| *multiple > 1.0).collect()
        };
        let logarithmic = [decades(&[1.0, 2.0, 5.0]), decades(&[1.0])];
        let reaches = |multiples: &Vec<f64>| {
            let last = multiples.last().copied().unwrap_or(1.0);
            last >= high.max(1.0 / low)
        };
        // The finest steps that make no more than `wanted` ticks.
        let chosen = linear
            .chain(logarithmic)
            .filter(reaches)
            .map(within)
            .find(|ticks| ticks.len() as f64 <= wanted);
        let mut ticks = vec![1.0];
        ticks.extend(chosen.unwrap_or_default());
        ticks
    }
}

/// Where the parts of the plot are, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    top: f64,
    bottom: f64,
    /// Height of a row.
    step: f64,
    /// Whether the texts of a row stand above its bar.
    pub(super) stacked: bool,
    pub(super) scale: Scale,
}

impl Layout {
    /// The y of the bar of a row.
    fn bar(&self, row: u32) -> f64 {
        let share = if self.stacked { 0.7 } else { 0.5 };
        self.top + self.step * (f64::from(row) + share)
    }
}

/// The axis: its ends in pixels, and the logarithms of their speeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) left: f64,
    pub(super) right: f64,
    low: f64,
    high: f64,
}

impl Scale {
    pub(super) fn x(&self, speed: f64) -> f64 {
        self.left + (speed.ln() - self.low) / (self.high - self.low) * (self.right - self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, side_of};
    use super::*;

    #[test]
    fn the_axis_holds_every_run_and_one() {
        let forest = Forest::new(&compared(&side_of(7, 10), &side_of(7, 5)));
        assert!(forest.extent.0 < 1.0 && forest.extent.1 > 2.0);
        for row in &forest.rows {
            assert!(
                row.ends()
                    .all(|speed| (forest.extent.0..forest.extent.1).contains(&speed))
            );
        }
        let ticks = forest.ticks(7.0);
        assert!(
            ticks.iter().any(|tick| (tick - 1.0).abs() < 1e-9),
            "{ticks:?}"
        );
    }

    #[test]
    fn long_names_stand_above_their_bars() {
        let mut forest = Forest::new(&compared(&side_of(7, 10), &side_of(7, 5)));
        assert!(!forest.stacked(880) && forest.stacked(358));
        forest.rows[0].name = "x".repeat(90);
        assert!(forest.stacked(880));
    }

    #[test]
    fn every_extent_has_a_few_round_ticks() {
        for extent in [
            (0.998, 1.001),
            (0.95, 1.02),
            (0.38, 1.05),
            (0.8, 7.0),
            (0.001, 40.0),
        ] {
            let forest = Forest {
                title: String::new(),
                rows: Vec::new(),
                extent,
            };
            let ticks = forest.ticks(8.0);
            assert!(
                ticks.len() >= 3 && ticks.len() <= 9,
                "{extent:?}: {ticks:?}"
            );
            assert!(
                ticks
                    .iter()
                    .all(|tick| (extent.0..=extent.1).contains(tick))
            );
        }
    }
}
