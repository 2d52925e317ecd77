//! The answers of an experiment as sentences, made from ratios of paired rounds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::axis_words::{from_to, value_words};
use super::chart::{Chart, Point};
use super::estimate::{Ratio, Shown};
use super::layout::{FAULT, differ_only_in};
use super::measure::{Measure, Unit, estimate_text};
use crate::report::failover::GapKind;
use crate::report::human::three_digits;
use crate::report::statistics::Interval;
use crate::workload::{Axis, FigurePlan};

/// Ratios from this one on are printed as a multiple, smaller ones as a percentage.
const MULTIPLE_MIN: f64 = 2.0;
/// Steps of an axis in one sentence. With more, the sentence has the first and the last one.
const STEPS_MAX: usize = 3;

/// A sentence with the comparisons that it states.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub text: String,
    /// Whether it belongs to the overview. Others are shown beside their figure.
    pub headline: bool,
    pub contrasts: Vec<Contrast>,
}

/// A comparison of two cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contrast {
    pub measure: Measure,
    /// Label of the line.
    pub line: String,
    pub from: String,
    pub to: String,
    pub ratio: Ratio,
}

/// Compares the first value of x with the others on every line.
pub(super) fn along_x(chart: &Chart, measure: Measure, headline: bool) -> Vec<Answer> {
    let x = &chart.layout.x;
    let mut answers = Vec::new();
    for line in 0..chart.layout.lines.len() {
        let points = chart.points(line, measure);
        let Some((first, base)) = points.first().copied() else {
            continue;
        };
        let steps = first_and_last(&points[1..]);
        let label = &chart.layout.lines[line].label;
        let mut sentence = Sentence::new(chart.who(line));
        for (to, point) in steps {
            let Some(ratio) = Ratio::of(base.estimate, point.estimate) else {
                continue;
            };
            let (from, to) = (&chart.layout.values[first], &chart.layout.values[to]);
            let words = if sentence.contrasts.is_empty() {
                format!(
                    "Going from {}{}",
                    from_to(x, from, to),
                    effect(measure, &ratio)
                )
            } else {
                format!("to {}: {}", value_words(x, to), short(measure, &ratio))
            };
            sentence.add(
                words,
                Contrast {
                    measure,
                    line: label.clone(),
                    from: value_words(x, from),
                    to: value_words(x, to),
                    ratio,
                },
            );
        }
        answers.extend(sentence.end(headline));
    }
    answers
}

/// Compares every target with the first one, at the first and the last value of x.
pub(super) fn between_targets(chart: &Chart, measure: Measure, headline: bool) -> Vec<Answer> {
    between(chart, FigurePlan::TARGET, measure, headline)
}

/// Compares lines that differ in the axis `key` only with the first of them, at the first and the last value of x.
pub(super) fn between(chart: &Chart, key: &str, measure: Measure, headline: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    let lines = &chart.layout.lines;
    for (other, line) in lines.iter().enumerate() {
        // Different faults are usually different cases.
        let also: &[&str] = if key == FAULT { &[Axis::CASE] } else { &[] };
        let is_base = |base: &usize| differ_only_in(&lines[*base], line, key, also);
        let Some(base) = (0..other).find(is_base) else {
            continue;
        };
        let (Some(base_name), Some(name)) = (chart.fixed(base, key), chart.fixed(other, key))
        else {
            continue;
        };
        let (base_points, points) = (chart.points(base, measure), chart.points(other, measure));
        let mut sentence = Sentence::new(chart.who_but(other, key));
        for (at, point) in ends(&points) {
            let same = base_points.iter().find(|(x, _)| *x == at);
            let Some(ratio) = same.and_then(|(_, base)| Ratio::of(base.estimate, point.estimate))
            else {
                continue;
            };
            let place = chart.place(at);
            let words = if sentence.contrasts.is_empty() {
                format!(
                    "{name} against {base_name}{place}: {} {}",
                    measure.words(),
                    short(measure, &ratio)
                )
            } else {
                format!("{}: {}", place.trim_start(), short(measure, &ratio))
            };
            sentence.add(
                words,
                Contrast {
                    measure,
                    line: chart.who_but(other, key),
                    from: format!("{base_name}{place}"),
                    to: format!("{name}{place}"),
                    ratio,
                },
            );
        }
        answers.extend(sentence.end(headline));
    }
    answers
}

/// States the value at every x of each line that stands for a fault: `After a kill of the leader nobody could write for
/// 214 ms [190, 240] at 3 voters (bundled; medians of 20 faults).`
pub(super) fn overall(chart: &Chart, measure: Measure, headline: bool) -> Vec<Answer> {
    let of_line = |line: usize| {
        let points = chart.points(line, measure);
        let least = points
            .iter()
            .map(|(_, point)| point.estimate.runs())
            .min()?;
        let values = points.iter().map(|(x, point)| {
            let value = estimate_text(measure.unit(), point.estimate);
            format!("{value}{}", chart.place(*x))
        });
        let values: Vec<String> = values.collect();
        let who = chart.who_but(line, FAULT);
        let who = if who.is_empty() {
            chart.target(line).unwrap_or_default().to_owned()
        } else {
            who
        };
        let count = match least {
            1 => "1 fault".to_owned(),
            least => format!("medians of {least} faults"),
        };
        Some(Answer {
            text: format!(
                "After a {} {} {} ({who}; {count}).",
                chart.fixed(line, FAULT)?,
                what(measure),
                values.join("; ")
            ),
            headline,
            contrasts: Vec::new(),
        })
    };
    (0..chart.layout.lines.len()).filter_map(of_line).collect()
}

fn what(measure: Measure) -> String {
    match measure {
        Measure::Gap(GapKind::WriteWindow) => "nobody could write for".to_owned(),
        Measure::Gap(GapKind::ReadWindow) => "nobody could read for".to_owned(),
        _ => format!("the {} is", measure.words()),
    }
}

/// A sentence of several comparisons.
struct Sentence {
    who: String,
    clauses: Vec<String>,
    contrasts: Vec<Contrast>,
}

impl Sentence {
    fn new(who: String) -> Self {
        Self {
            who,
            clauses: Vec::new(),
            contrasts: Vec::new(),
        }
    }

    fn add(&mut self, clause: String, contrast: Contrast) {
        self.clauses.push(clause);
        self.contrasts.push(contrast);
    }

    fn end(self, headline: bool) -> Option<Answer> {
        let pairs = self.contrasts.iter().map(|one| one.ratio.pairs).min()?;
        let invalid = self.contrasts.iter().map(|one| one.ratio.invalid).max()?;
        let mut facts = Vec::new();
        if !self.who.is_empty() {
            facts.push(self.who);
        }
        facts.push(match pairs {
            1 => "1 round".to_owned(),
            pairs => format!("{pairs} rounds"),
        });
        if invalid > 0 {
            facts.push(format!("{invalid} of them with an invalid run"));
        }
        Some(Answer {
            text: format!("{} ({}).", self.clauses.join("; "), facts.join("; ")),
            headline,
            contrasts: self.contrasts,
        })
    }
}

/// The first and the last steps of a line.
fn first_and_last<'a>(steps: &[(usize, Point<'a>)]) -> Vec<(usize, Point<'a>)> {
    if steps.len() <= STEPS_MAX {
        return steps.to_vec();
    }
    ends(steps)
}

fn ends<'a>(points: &[(usize, Point<'a>)]) -> Vec<(usize, Point<'a>)> {
    match points {
        [] => Vec::new(),
        [one] => vec![*one],
        [first, .., last] => vec![*first, *last],
    }
}

/// ` costs 12 % [9.1, 15] of the write throughput`: the end of a clause that names the step.
fn effect(measure: Measure, ratio: &Ratio) -> String {
    let words = measure.words();
    let amount = amount(ratio);
    match (ratio.shown(), measure.unit()) {
        (Shown::Less, Unit::PerSecond) => format!(" costs {amount} of the {words}"),
        (Shown::More, Unit::PerSecond) if ratio.ratio < MULTIPLE_MIN => {
            format!(" adds {amount} to the {words}")
        }
        (Shown::More, Unit::PerSecond) => format!(" multiplies the {words} by {amount}"),
        (Shown::Less, Unit::Microseconds) => format!(" makes the {words} {amount} shorter"),
        (Shown::More, Unit::Microseconds) if ratio.ratio < MULTIPLE_MIN => {
            format!(" makes the {words} {amount} longer")
        }
        (Shown::More, Unit::Microseconds) => format!(" makes the {words} {amount} times as long"),
        (Shown::NoDifference, _) => {
            format!(" shows no difference in the {words}{}", around(ratio))
        }
        (Shown::TooFew, _) => format!(": {words} {}", short(measure, ratio)),
    }
}

/// `12 % less [9.1, 15]`.
pub(super) fn short(measure: Measure, ratio: &Ratio) -> String {
    let direction = match (measure.unit(), ratio.ratio < 1.0) {
        (Unit::PerSecond, true) => "less",
        (Unit::PerSecond, false) => "more",
        (Unit::Microseconds, true) => "shorter",
        (Unit::Microseconds, false) => "longer",
    };
    let multiple = match measure.unit() {
        Unit::PerSecond => "times",
        Unit::Microseconds => "times as long",
    };
    let (number, interval) = parts(ratio);
    let words = if ratio.ratio < MULTIPLE_MIN {
        format!("{number} {direction}")
    } else {
        format!("{number} {multiple}")
    };
    match ratio.shown() {
        Shown::NoDifference => format!("no difference shown{}", around(ratio)),
        Shown::TooFew => format!("{words}, too few rounds to claim it"),
        Shown::More | Shown::Less => format!("{words}{interval}"),
    }
}

/// `12 % [9.1, 15]`, `3.80 [3.70, 3.90]`.
fn amount(ratio: &Ratio) -> String {
    let (number, interval) = parts(ratio);
    format!("{number}{interval}")
}

/// The number of a ratio and its interval: a percentage, or a multiple from [`MULTIPLE_MIN`] on.
fn parts(ratio: &Ratio) -> (String, String) {
    let interval = |low: String, high: String| format!(" [{low}, {high}]");
    let Ratio { ratio: value, .. } = *ratio;
    let (number, ends) = if value >= MULTIPLE_MIN {
        let ends = ratio
            .interval
            .map(|Interval { low, high }| interval(three_digits(low), three_digits(high)));
        (three_digits(value), ends)
    } else {
        let percent = |ratio: f64| {
            percent(
                100.0
                    * if value < 1.0 {
                        1.0 - ratio
                    } else {
                        ratio - 1.0
                    },
            )
        };
        let ends = ratio.interval.map(|Interval { low, high }| {
            let (near, far) = if value < 1.0 {
                (high, low)
            } else {
                (low, high)
            };
            interval(percent(near), percent(far))
        });
        (format!("{} %", percent(value)), ends)
    };
    (number, ends.unwrap_or_default())
}

/// ` [-2.1 %, +3.0 %]`: an interval around no difference.
fn around(ratio: &Ratio) -> String {
    let signed = |ratio: f64| {
        let change = 100.0 * (ratio - 1.0);
        let sign = if change < 0.0 { "-" } else { "+" };
        format!("{sign}{} %", percent(change.abs()))
    };
    ratio.interval.map_or_else(String::new, |found| {
        format!(" [{}, {}]", signed(found.low), signed(found.high))
    })
}

/// Two significant digits at least: `0.52`, `3.4`, `12`, `120`.
fn percent(value: f64) -> String {
    let size = value.abs();
    if size < 0.995 {
        format!("{value:.2}")
    } else if size < 9.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::Percentile;
    use super::super::measured::Class;
    use super::*;

    fn ratio(ratio: f64, low: f64, high: f64) -> Ratio {
        Ratio {
            ratio,
            interval: Some(Interval { low, high }),
            pairs: 6,
            invalid: 0,
        }
    }

    const WRITES: Measure = Measure::Throughput(Class::Writes);
    const P50: Measure = Measure::Response(Class::All, Percentile::P50);

    #[test]
    fn an_effect_states_direction_amount_and_interval() {
        let cases = [
            (
                WRITES,
                ratio(0.88, 0.85, 0.91),
                "costs 12 % [9.0, 15] of the write throughput",
            ),
            (
                WRITES,
                ratio(1.8, 1.75, 1.84),
                "adds 80 % [75, 84] to the write throughput",
            ),
            (
                WRITES,
                ratio(3.8, 3.7, 3.9),
                "multiplies the write throughput by 3.80 [3.70, 3.90]",
            ),
            (
                P50,
                ratio(1.12, 1.09, 1.15),
                "makes the response time p50 12 % [9.0, 15] longer",
            ),
            (
                P50,
                ratio(0.5, 0.4, 0.6),
                "makes the response time p50 50 % [40, 60] shorter",
            ),
            (
                P50,
                ratio(4.2, 4.0, 4.4),
                "makes the response time p50 4.20 [4.00, 4.40] times as long",
            ),
            (
                P50,
                ratio(1.01, 0.979, 1.03),
                "shows no difference in the response time p50 [-2.1 %, +3.0 %]",
            ),
        ];
        for (measure, ratio, words) in cases {
            assert_eq!(effect(measure, &ratio), format!(" {words}"));
        }
    }

    #[test]
    fn too_few_rounds_give_an_amount_without_a_claim() {
        let one = Ratio {
            interval: None,
            pairs: 1,
            ..ratio(0.88, 1.0, 1.0)
        };
        assert_eq!(
            effect(WRITES, &one),
            ": write throughput 12 % less, too few rounds to claim it"
        );
        assert_eq!(
            short(P50, &ratio(1.12, 1.09, 1.15)),
            "12 % longer [9.0, 15]"
        );
        assert_eq!(
            short(P50, &ratio(4.2, 4.0, 4.4)),
            "4.20 times as long [4.00, 4.40]"
        );
    }
}
