//! The plot of a comparison: per metric the single runs, the estimate, and its 95 % interval. To the right is
//! faster, whatever the figure.

use plotters::prelude::DrawingBackend;

use super::Comparison;
use super::judge::{Contrast, Estimate, Outcome};
use super::metric::{Figure, Role};
use super::words::estimate_words;
use crate::report::canvas::{Anchor, Canvas, Painted};
use crate::report::figure::Ink;
use crate::report::human;

/// Size of text.
const SMALL: f64 = 12.0;
/// Size of a title.
const LARGE: f64 = 15.0;
/// Room below the rows: ticks and the directions.
const FOOT: f64 = 44.0;
/// Narrower than this, a row's texts stand above its bar.
const NARROW: u32 = 600;
/// Largest share of the width that texts beside the bars may take.
const TEXTS_MAX: f64 = 0.6;
/// About the width of a letter.
const LETTER: f64 = 6.5;
/// Rows drawn; the table has all.
const ROWS_MAX: usize = 100;
/// Dots of a row; more would run together.
const DOTS_MAX: usize = 200;
/// How far the dots lie above and below the interval's line.
const LANE: f64 = 8.0;

/// What is plotted.
#[derive(Clone, Debug)]
pub(in crate::report) struct Forest {
    title: String,
    rows: Vec<Row>,
    /// Smallest and largest speed of the axis.
    extent: (f64, f64),
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    note: String,
    headline: bool,
    outcome: Outcome,
    /// Of the candidate relative to the base: above 1 is faster.
    speed: f64,
    interval: Option<(f64, f64)>,
    /// Of pairs: the candidate against the base of the same round. Otherwise each candidate run against
    /// the base's median.
    dots: Vec<f64>,
    /// Of unpaired runs: each base run against the base's median.
    base_dots: Vec<f64>,
}

impl Forest {
    /// Rows are the metrics that are judged, as far as every run of both sides measured them.
    pub(in crate::report) fn new(comparison: &Comparison) -> Self {
        let paired = comparison.rounds.is_some();
        let rows: Vec<Row> = comparison
            .contrasts
            .iter()
            .filter(|contrast| contrast.role != Role::Listed)
            .filter_map(|contrast| Row::new(contrast, contrast.estimate?, paired))
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

    /// Pixels needed at a width.
    pub(in crate::report) fn height(&self, width: u32) -> u32 {
        let row = if self.stacked(width) { 54 } else { 38 };
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        row * rows.max(1) + 60
    }

    /// Whether a row's texts stand above its bar, because there is no room beside it.
    fn stacked(&self, width: u32) -> bool {
        let longest = |text: fn(&Row) -> &String| {
            let letters = self.rows.iter().map(|row| text(row).chars().count());
            letters.max().unwrap_or(0)
        };
        let letters = longest(|row| &row.name) + longest(|row| &row.note);
        width < NARROW || LETTER * letters as f64 > TEXTS_MAX * f64::from(width)
    }

    /// Paints it.
    pub(in crate::report) fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        title: bool,
    ) -> Painted {
        let mut top = 8.0;
        if title {
            let style = (Ink::Text, Anchor::Left, true);
            canvas.text((16.0, top + LARGE - 4.0), &self.title, LARGE, style)?;
            top += 30.0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a width in pixels"
        )]
        let stacked = self.stacked(canvas.width as u32);
        let bottom = canvas.height - FOOT;
        let scale = self.scale(canvas, stacked);
        self.axis(canvas, &scale, (top, bottom))?;
        let step = (bottom - top) / (self.rows.len().max(1)) as f64;
        for (row, n) in self.rows.iter().zip(0_u32..) {
            let share = if stacked { 0.7 } else { 0.5 };
            row.draw(canvas, &scale, top + step * (f64::from(n) + share), stacked)?;
        }
        Ok(())
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

    fn axis<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        scale: &Scale,
        (top, bottom): (f64, f64),
    ) -> Painted {
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
            // On the side where there is nothing to see there may be no room for its name.
            if (far - near).abs() >= canvas.text_width(text, SMALL) {
                canvas.text((near, y), text, SMALL, muted(anchor))?;
            }
        }
        Ok(())
    }

    /// Round multiples within the extent, in both directions, about `wanted` of them. 1 comes first, so that
    /// it gets its label; then the others from the nearest outwards.
    fn ticks(&self, wanted: f64) -> Vec<f64> {
        let (low, high) = self.extent;
        let within = |multiples: Vec<f64>| -> Vec<f64> {
            let both = multiples
                .into_iter()
                .flat_map(|multiple| [1.0 / multiple, multiple]);
            both.filter(|speed| (low..=high).contains(speed)).collect()
        };
        let steps =
            (-4..1).flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade)));
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
        // The finest that is not too fine.
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

/// Where a speed is drawn.
#[derive(Clone, Copy, Debug)]
struct Scale {
    left: f64,
    right: f64,
    low: f64,
    high: f64,
}

impl Scale {
    fn x(&self, speed: f64) -> f64 {
        self.left + (speed.ln() - self.low) / (self.high - self.low) * (self.right - self.left)
    }
}

impl Row {
    fn new(contrast: &Contrast, estimate: Estimate, paired: bool) -> Option<Self> {
        let figure = contrast.metric.figure;
        let middle = contrast.base()?;
        let against = |values: &[Option<f64>], base: &dyn Fn(usize) -> Option<f64>| -> Vec<f64> {
            let ratio = |(index, value): (usize, &Option<f64>)| Some((*value)? / base(index)?);
            let ratios = values.iter().enumerate().filter_map(ratio);
            ratios
                .map(|ratio| speed(figure, ratio))
                .take(DOTS_MAX)
                .collect()
        };
        let same_round = |index: usize| contrast.base_runs.get(index).copied().flatten();
        let (dots, base_dots) = if paired {
            (against(&contrast.candidate_runs, &same_round), Vec::new())
        } else {
            let median = |_| Some(middle);
            (
                against(&contrast.candidate_runs, &median),
                against(&contrast.base_runs, &median),
            )
        };
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
        })
    }

    fn ends(&self) -> impl Iterator<Item = f64> {
        let interval = self.interval.map(|(a, b)| [a, b]);
        let single = self.dots.iter().chain(&self.base_dots).copied();
        single
            .chain([self.speed])
            .chain(interval.into_iter().flatten())
    }

    fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        scale: &Scale,
        y: f64,
        stacked: bool,
    ) -> Painted {
        if stacked {
            let at = y - 24.0;
            let name = (Ink::Text, Anchor::Left, self.headline);
            canvas.plated_text((scale.left, at), &self.name, SMALL, name)?;
            let texts = canvas.text_width(&self.name, SMALL) + canvas.text_width(&self.note, SMALL);
            // The table has it, too.
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
            canvas.disc((scale.x(*dot), y - LANE), 2.0, Ink::Axis)?;
        }
        for dot in &self.dots {
            canvas.disc((scale.x(*dot), y + LANE), 2.0, self.ink())?;
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

/// How many times as fast as the base.
fn speed(figure: Figure, ratio: f64) -> f64 {
    if figure.more_is_better() {
        ratio
    } else {
        1.0 / ratio
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

    #[test]
    fn a_pair_is_a_dot_and_without_pairs_a_run_is() {
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
