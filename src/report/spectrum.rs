//! The percentile spectrum for a terminal: the times of each operation by percentile, up to the
//! rare ones.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;
use std::str::FromStr;

use super::human::{count, duration_us};
use super::resolution;
use super::summary::Summary;
use super::table::{Align, Table};
use super::wrap::wrapped;
use crate::measure::{Histogram, OpRecord};
use crate::result::{Resolution, RunResult};

/// The percentile's name, the share of operations at or below it, and N if one of N operations lies
/// above it.
const PERCENTILES: [Percentile; 7] = [
    Percentile::new("50 %", 0.5, 2),
    Percentile::new("75 %", 0.75, 4),
    Percentile::new("90 %", 0.9, 10),
    Percentile::new("99 %", 0.99, 100),
    Percentile::new("99.9 %", 0.999, 1_000),
    Percentile::new("99.99 %", 0.9999, 10_000),
    Percentile::new("99.999 %", 0.999_99, 100_000),
];
/// Length of the longest bar in columns.
const BAR_MAX: f64 = 30.0;
/// The smallest duration that a histogram can tell from zero. Zero has no logarithm.
const LEAST_US: f64 = 1.0;

#[derive(Clone, Copy, Debug)]
struct Percentile {
    name: &'static str,
    share: f64,
    one_in: u64,
}

impl Percentile {
    const fn new(name: &'static str, share: f64, one_in: u64) -> Self {
        Self {
            name,
            share,
            one_in,
        }
    }
}

/// The kind of time that a spectrum shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpectrumTime {
    /// From the intended start.
    Response,
    /// From the moment of sending.
    Service,
}

impl SpectrumTime {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 2] =
        [("response", Self::Response), ("service", Self::Service)];

    fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
        }
    }

    fn of(self, record: &OpRecord) -> &Histogram {
        match self {
            Self::Response => &record.response,
            Self::Service => &record.service,
        }
    }
}

impl FromStr for SpectrumTime {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, time)| *time)
            .ok_or_else(|| format!("unknown kind of time {name:?}; use response or service"))
    }
}

/// Returns the spectrum of every operation, and of all operations together if there are several.
#[must_use]
pub fn spectrum(result: &RunResult, time: SpectrumTime) -> String {
    let summary = Summary::new(result);
    let mut shown: Vec<(&str, &Histogram)> = summary
        .ops
        .iter()
        .map(|op| (op.label, time.of(&op.record)))
        .collect();
    if shown.len() > 1 {
        shown.push(("all", time.of(&summary.all)));
    }
    let scale = Scale::of(shown.iter().map(|(_, histogram)| *histogram));
    let mut table = Table::new([
        (Align::Left, "percentile"),
        (Align::Right, time.name()),
        (Align::Right, "1 in"),
        (Align::Right, "above"),
        (Align::Left, ""),
    ]);
    for (label, histogram) in shown {
        let times = counted(histogram.count());
        table.line(format!("{label}: {times}"));
        rows(&mut table, histogram, summary.resolution, scale);
    }
    let mut text = format!("percentile spectrum of the {} time\n", time.name());
    text.push_str(&table.render());
    if let Some(scale) = scale {
        let sentence = format!(
            "Bars are logarithmic, from {} to {}. A percentile is shown only if ten operations or more lie above it.",
            duration_us(scale.low_us),
            duration_us(scale.high_us)
        );
        wrapped(&mut text, "", 0, &sentence);
    }
    text
}

fn counted(times: u64) -> String {
    let s = if times == 1 { "" } else { "s" };
    format!("{} operation{s}", count(times))
}

/// Returns a row for each percentile with enough operations above it, a row for the maximum, and a
/// line that names the omitted percentiles.
fn rows(
    table: &mut Table,
    histogram: &Histogram,
    resolution: Option<Resolution>,
    scale: Option<Scale>,
) {
    let (Some(scale), Some(max_us)) = (scale, histogram.max_us()) else {
        return;
    };
    let mut withheld = Vec::new();
    for percentile in PERCENTILES {
        let Some(us) = histogram.supported_us(percentile.share) else {
            withheld.push(percentile.name);
            continue;
        };
        table.row([
            format!("  {}", percentile.name),
            resolution::cell(us, percentile.share, resolution),
            count(percentile.one_in),
            count(histogram.count() / percentile.one_in),
            scale.bar(us),
        ]);
    }
    table.row([
        "  maximum".to_owned(),
        resolution::cell(max_us, 1.0, resolution),
        count(histogram.count()),
        count(0),
        scale.bar(max_us),
    ]);
    if !withheld.is_empty() {
        let mut line = String::new();
        wrapped(
            &mut line,
            "  ",
            4,
            &format!("too few operations for {}", withheld.join(", ")),
        );
        table.line(line);
    }
}

/// The scale of all bars: the powers of ten around the values.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    low_us: f64,
    high_us: f64,
}

impl Scale {
    /// Returns `None` if there are no values.
    fn of<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Option<Self> {
        let ends = histograms.filter_map(|histogram| {
            // No row has a lower value.
            let low = histogram.quantile_us(PERCENTILES[0].share)?;
            Some((low.max(LEAST_US), histogram.max_us()?.max(LEAST_US)))
        });
        let (low, high) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        let low_us = 10_f64.powf(low.log10().floor());
        Some(Self {
            low_us,
            high_us: 10_f64.powf(high.log10().ceil()).max(10.0 * low_us),
        })
    }

    fn bar(self, us: f64) -> String {
        let share = (us.max(LEAST_US) / self.low_us).log10() / (self.high_us / self.low_us).log10();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least one and at most BAR_MAX"
        )]
        let columns = (share * BAR_MAX).round().clamp(1.0, BAR_MAX) as usize;
        let mut bar = String::new();
        for _ in 0..columns {
            let _ = write!(bar, "\u{2588}");
        }
        bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::wrap::WIDTH;
    use crate::result::example;

    fn histogram(longest_ms: u64) -> Histogram {
        let mut histogram = Histogram::new();
        for ms in 1..=longest_ms {
            histogram.record_ns(ms * 1_000_000);
        }
        histogram
    }

    fn shown(histogram: &Histogram) -> String {
        let mut table = Table::new([
            (Align::Left, ""),
            (Align::Right, ""),
            (Align::Right, ""),
            (Align::Right, ""),
            (Align::Left, ""),
        ]);
        rows(
            &mut table,
            histogram,
            None,
            Scale::of([histogram].into_iter()),
        );
        table.render()
    }

    #[test]
    fn each_percentile_shows_how_many_operations_lie_above_it() {
        let text = shown(&histogram(1_000));
        let cells = |name: &str| -> Vec<String> {
            let line = text
                .lines()
                .find(|line| line.trim_start().starts_with(name));
            let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
            line.split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(cells("50 %")[2..6], ["500", "ms", "2", "500"]);
        assert_eq!(cells("99 %")[2..6], ["990", "ms", "100", "10"]);
        assert_eq!(cells("maximum")[1..5], ["1.00", "s", "1,000", "0"]);
        assert!(text.contains("too few operations for 99.9 %, 99.99 %, 99.999 %"));
        let few = shown(&histogram(10));
        assert!(few.contains("too few operations for 50 %, 75 %") && few.contains("maximum"));
        assert_eq!(shown(&Histogram::new()).trim(), "");
    }

    #[test]
    fn bars_grow_with_the_logarithm() {
        let scale = Scale {
            low_us: 100.0,
            high_us: 100_000.0,
        };
        let length = |us: f64| scale.bar(us).chars().count();
        assert_eq!([1_000.0, 10_000.0, 100_000.0].map(length), [10, 20, 30]);
        assert_eq!(length(0.0), 1);
        let found = Scale::of([&histogram(1_000)].into_iter());
        assert_eq!(found.map(|scale| scale.high_us.round()), Some(1e6));
    }

    #[test]
    fn every_operation_has_a_spectrum_of_at_most_80_columns() {
        let result = example::result();
        for (name, time) in SpectrumTime::ALL {
            let text = spectrum(&result, time);
            assert!(text.contains(&format!("of the {name} time")), "{text}");
            for op in &result.plan.ops {
                assert!(text.contains(&format!("\n{}: ", op.label)), "{text}");
            }
            assert!(
                text.lines().all(|line| line.chars().count() <= WIDTH),
                "{text}"
            );
        }
        assert!("late".parse::<SpectrumTime>().is_err());
    }
}
