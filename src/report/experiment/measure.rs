//! The quantities that figures and tables show.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::estimate::{Estimate, Observation};
use super::measured::{Class, ClassValues, Measured, Round};
use crate::report::failover::GapKind;
use crate::report::human::{MISSING, duration_us, per_second, three_digits};
use crate::report::statistics::Interval;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Throughput(Class),
    Response(Class, Percentile),
    /// Operations per second of processor time of the servers.
    PerCpu,
    /// The highest rate of a search.
    Saturation,
    /// A length after a fault.
    Gap(GapKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Percentile {
    P50,
    P90,
    P99,
    P999,
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    PerSecond,
    Microseconds,
}

impl Percentile {
    pub(super) const ALL: [Self; 4] = [Self::P50, Self::P90, Self::P99, Self::P999];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }

    fn of(self, values: &ClassValues) -> Option<f64> {
        match self {
            Self::P50 => values.p50_us,
            Self::P90 => values.p90_us,
            Self::P99 => values.p99_us,
            Self::P999 => values.p999_us,
        }
    }
}

impl Class {
    /// `write ` before a noun; empty for all operations.
    pub(super) fn adjective(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Reads => "read ",
            Self::Writes => "write ",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Reads => "read_",
            Self::Writes => "write_",
        }
    }
}

impl Measure {
    /// The name in JSON and CSV: `write_throughput_per_s`, `response_p999_us`.
    pub(super) fn key(self) -> String {
        match self {
            Self::Throughput(class) => format!("{}throughput_per_s", class.prefix()),
            Self::Response(class, percentile) => {
                let word = percentile.word().replace('.', "");
                format!("{}response_{word}_us", class.prefix())
            }
            Self::PerCpu => "operations_per_server_cpu_s".to_owned(),
            Self::Saturation => "saturation_per_s".to_owned(),
            Self::Gap(kind) => kind.key().replace("_ms", "_us"),
        }
    }

    /// The name in sentences: `write throughput`, `write response time p50`.
    pub(super) fn words(self) -> String {
        match self {
            Self::Throughput(class) => format!("{}throughput", class.adjective()),
            Self::Response(class, percentile) => {
                format!("{}response time {}", class.adjective(), percentile.word())
            }
            Self::PerCpu => "operations per second of server CPU".to_owned(),
            Self::Saturation => "highest rate that holds".to_owned(),
            Self::Gap(kind) => gap_words(kind).to_owned(),
        }
    }

    /// The head of a column: `writes/s`, `p50`.
    pub(super) fn head(self) -> String {
        match self {
            Self::Throughput(Class::All) => "operations/s".to_owned(),
            Self::Throughput(Class::Reads) => "reads/s".to_owned(),
            Self::Throughput(Class::Writes) => "writes/s".to_owned(),
            Self::Response(Class::All, percentile) => percentile.word().to_owned(),
            Self::Response(class, percentile) => {
                format!("{}{}", class.adjective(), percentile.word())
            }
            Self::PerCpu => "per CPU second".to_owned(),
            Self::Saturation => "highest rate".to_owned(),
            Self::Gap(kind) => kind.title().to_owned(),
        }
    }

    pub(super) fn unit(self) -> Unit {
        match self {
            Self::Response(..) | Self::Gap(_) => Unit::Microseconds,
            Self::Throughput(_) | Self::PerCpu | Self::Saturation => Unit::PerSecond,
        }
    }

    /// The values of all runs of a cell. A run without a value is left out.
    pub(super) fn estimate(self, measured: &Measured) -> Estimate {
        if self == Self::Saturation {
            return saturation(measured);
        }
        let observe = |round: &Round| {
            Some(Observation {
                round: round.number,
                part: 0,
                value: self.of(round)?,
                valid: round.valid,
            })
        };
        Estimate::new(measured.rounds.iter().filter_map(observe).collect())
    }

    fn of(self, round: &Round) -> Option<f64> {
        match self {
            Self::Throughput(class) => round.class(class)?.throughput_per_s,
            Self::Response(class, percentile) => percentile.of(round.class(class)?),
            Self::PerCpu => round.per_cpu_s,
            Self::Saturation | Self::Gap(_) => None,
        }
    }
}

fn gap_words(kind: GapKind) -> &'static str {
    match kind {
        GapKind::WriteWindow => "time without writes",
        GapKind::WriteFirst => "time to the first write",
        GapKind::ReadWindow => "time without reads",
        GapKind::ReadFirst => "time to the first read",
        GapKind::SessionGap => "longest gap of a session",
        GapKind::SessionBack => "time until the last session was back",
        GapKind::Recovery => "time until the throughput was back",
        GapKind::WriteBefore => "longest gap of writes before",
        GapKind::ReadBefore => "longest gap of reads before",
    }
}

fn saturation(measured: &Measured) -> Estimate {
    let answers = measured.searches.iter().filter_map(|search| {
        Some(Observation {
            round: search.number,
            part: 0,
            value: search.capacity.answer_per_s?,
            valid: !search.capacity.generator_limited,
        })
    });
    Estimate::new(answers.collect())
}

impl Unit {
    /// A value with its unit; a dash if missing.
    pub(super) fn text(self, value: Option<f64>) -> String {
        match self {
            Self::PerSecond => per_second(value),
            Self::Microseconds => duration_us(value),
        }
    }

    /// `[1.10, 1.30]`, in the unit of `value`.
    pub(super) fn interval_text(self, value: f64, interval: Interval) -> String {
        let Interval { low, high } = interval;
        match self {
            Self::PerSecond => format!("[{}, {}]", per_second(low), per_second(high)),
            Self::Microseconds => {
                let divisor = if value < 999.5 {
                    1.0
                } else if value < 999_500.0 {
                    1e3
                } else {
                    1e6
                };
                let [low, high] = [low, high].map(|us| three_digits(us / divisor));
                format!("[{low}, {high}]")
            }
        }
    }
}

/// `1.23 ms [1.10, 1.30]`, `1.23 ms` without an interval, or a dash.
pub(super) fn estimate_text(unit: Unit, estimate: &Estimate) -> String {
    match (estimate.median, estimate.interval) {
        (Some(median), Some(interval)) => format!(
            "{}{} {}",
            estimate.sign,
            unit.text(Some(median)),
            unit.interval_text(median, interval)
        ),
        (Some(median), None) => format!("{}{}", estimate.sign, unit.text(Some(median))),
        (None, _) => MISSING.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_the_unit_of_its_value() {
        let interval = Interval {
            low: 950.0,
            high: 1_300.0,
        };
        assert_eq!(
            Unit::Microseconds.interval_text(1_230.0, interval),
            "[0.95, 1.30]"
        );
        assert_eq!(
            Unit::PerSecond.interval_text(1_230.0, interval),
            "[950.0, 1,300]"
        );
    }

    #[test]
    fn every_measure_has_its_own_key_and_column() {
        let mut measures = vec![Measure::PerCpu, Measure::Saturation];
        for class in [Class::All, Class::Reads, Class::Writes] {
            measures.push(Measure::Throughput(class));
            measures.extend(Percentile::ALL.map(|p| Measure::Response(class, p)));
        }
        let mut keys: Vec<String> = measures.iter().map(|measure| measure.key()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), measures.len());
        assert!(keys.contains(&"write_response_p999_us".to_owned()));
    }
}
