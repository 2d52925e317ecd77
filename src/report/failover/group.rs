//! The same fault over several runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::impact::{Impact, Unavailability};
use super::length::{Known, Length};
use crate::report::statistics::{median, median_interval};

/// Runs that an interval of the median needs.
const INTERVAL_RUNS: usize = 5;

/// A figure of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GapKind {
    WriteWindow,
    WriteFirst,
    ReadWindow,
    ReadFirst,
    SessionGap,
    SessionBack,
    Recovery,
    WriteBefore,
    ReadBefore,
}

impl GapKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::WriteWindow,
        Self::WriteFirst,
        Self::ReadWindow,
        Self::ReadFirst,
        Self::SessionGap,
        Self::SessionBack,
        Self::Recovery,
        Self::WriteBefore,
        Self::ReadBefore,
    ];

    /// Its name in JSON.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::WriteWindow => "write_unavailable_ms",
            Self::WriteFirst => "first_write_ms",
            Self::ReadWindow => "read_unavailable_ms",
            Self::ReadFirst => "first_read_ms",
            Self::SessionGap => "longest_session_gap_ms",
            Self::SessionBack => "last_session_back_ms",
            Self::Recovery => "recovery_ms",
            Self::WriteBefore => "longest_write_gap_before_ms",
            Self::ReadBefore => "longest_read_gap_before_ms",
        }
    }

    /// Its name in a table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::WriteWindow => "nobody could write",
            Self::WriteFirst => "first write sent after it",
            Self::ReadWindow => "nobody could read",
            Self::ReadFirst => "first read sent after it",
            Self::SessionGap => "longest gap of a session",
            Self::SessionBack => "last session back",
            Self::Recovery => "throughput back at 95 %",
            Self::WriteBefore => "longest write gap before",
            Self::ReadBefore => "longest read gap before",
        }
    }

    /// Whether a group has this figure: what was before the fault belongs to its beginning.
    pub(crate) fn applies_to(self, group: &Group) -> bool {
        !(group.ended && matches!(self, Self::WriteBefore | Self::ReadBefore))
    }

    /// The figure of one run; `None` if it has none.
    pub(crate) fn of(self, impact: &Impact) -> Option<Length> {
        let exactly = |ms: f64| Length {
            ms,
            known: Known::Exactly,
        };
        let write = |figure: fn(&Unavailability) -> Option<Length>| figure(impact.writes.as_ref()?);
        let read = |figure: fn(&Unavailability) -> Option<Length>| figure(impact.reads.as_ref()?);
        match self {
            Self::WriteWindow => write(|of| Some(of.window)),
            Self::WriteBefore => write(|of| Some(of.before)),
            Self::ReadWindow => read(|of| Some(of.window)),
            Self::ReadBefore => read(|of| Some(of.before)),
            Self::WriteFirst => impact.writes.as_ref()?.first_ms.map(exactly),
            Self::ReadFirst => impact.reads.as_ref()?.first_ms.map(exactly),
            Self::SessionGap => impact.sessions.longest_gap,
            Self::SessionBack => impact.sessions.back_ms.last().copied().map(exactly),
            Self::Recovery => impact.recovery_ms.map(exactly),
        }
    }
}

/// The values of a figure over the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    /// One per run that has the figure, in order of the runs.
    pub values: Vec<Length>,
    /// Runs without the figure.
    pub missing: usize,
    pub median: Option<Length>,
    /// The interval that holds the median with 95 % confidence, in milliseconds. It needs five runs
    /// whose values are known exactly.
    pub interval_ms: Option<(f64, f64)>,
}

impl Spread {
    /// `None` is the value of a run without the figure.
    pub(crate) fn of(values: impl IntoIterator<Item = Option<Length>>) -> Self {
        let all: Vec<Option<Length>> = values.into_iter().collect();
        let values: Vec<Length> = all.iter().flatten().copied().collect();
        let ms: Vec<f64> = values.iter().map(|value| value.ms).collect();
        let exact = values.iter().all(|value| value.known == Known::Exactly);
        Self {
            missing: all.len() - values.len(),
            median: median(&ms).map(|ms| Length {
                ms,
                known: known_median(&values),
            }),
            interval_ms: (exact && ms.len() >= INTERVAL_RUNS)
                .then(|| median_interval(&ms))
                .flatten(),
            values,
        }
    }

    /// The smallest value.
    pub(crate) fn least(&self) -> Option<Length> {
        let values = self.values.iter().copied();
        values.min_by(|a, b| a.ms.total_cmp(&b.ms))
    }

    /// The largest value.
    pub(crate) fn most(&self) -> Option<Length> {
        let values = self.values.iter().copied();
        values.max_by(|a, b| a.ms.total_cmp(&b.ms))
    }
}

/// What is known about the median: it is a limit if the values around the middle are limits.
fn known_median(values: &[Length]) -> Known {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.ms.total_cmp(&b.ms));
    let middle = sorted.len() / 2;
    let from = middle - usize::from(sorted.len().is_multiple_of(2));
    let around = &sorted[from..=middle];
    let limit = |known| around.iter().any(|value| value.known == known);
    match (limit(Known::AtMost), limit(Known::AtLeast)) {
        (_, true) => Known::AtLeast,
        (true, false) => Known::AtMost,
        (false, false) => Known::Exactly,
    }
}

/// The same event of a fault over the runs of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Index of the fault in the plan.
    pub fault: u32,
    pub action: String,
    /// The fault in words, as in the first run.
    pub what: String,
    /// Whether this is the end of the fault.
    pub ended: bool,
    /// One per run in which the event happened.
    pub impacts: Vec<Impact>,
}

impl Group {
    /// Returns the groups in the order of the faults, each beginning before its end.
    pub(crate) fn all(impacts: Vec<Impact>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for impact in impacts {
            let same = groups.iter_mut().find(|group| {
                (group.fault, group.ended) == (impact.fault, impact.ended)
                    && group.action == impact.action
            });
            match same {
                Some(group) => group.impacts.push(impact),
                None => groups.push(Self {
                    fault: impact.fault,
                    action: impact.action.clone(),
                    what: impact.what.clone(),
                    ended: impact.ended,
                    impacts: vec![impact],
                }),
            }
        }
        groups.sort_by_key(|group| (group.fault, group.ended));
        groups
    }

    /// A short name for a table: `1: kill of the leader`, `1: restart`.
    pub(crate) fn short(&self) -> String {
        let what = if self.ended { &self.action } else { &self.what };
        format!("{}: {what}", self.fault + 1)
    }

    pub(crate) fn spread(&self, kind: GapKind) -> Spread {
        Spread::of(self.impacts.iter().map(|impact| kind.of(impact)))
    }

    /// The impact whose window is the median, which stands for the group in a figure.
    pub(crate) fn typical(&self) -> Option<&Impact> {
        let kind = if self.impacts.iter().any(|impact| impact.writes.is_some()) {
            GapKind::WriteWindow
        } else {
            GapKind::ReadWindow
        };
        let mut sorted: Vec<(f64, &Impact)> = self
            .impacts
            .iter()
            .map(|impact| (kind.of(impact).map_or(0.0, |length| length.ms), impact))
            .collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let middle = sorted.len().checked_sub(1)? / 2;
        sorted.get(middle).map(|(_, impact)| *impact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exactly(ms: f64) -> Option<Length> {
        Some(Length {
            ms,
            known: Known::Exactly,
        })
    }

    #[test]
    fn a_spread_has_median_extremes_and_an_interval_from_five_runs_on() {
        let few = Spread::of([exactly(200.0), None, exactly(240.0)]);
        assert_eq!(few.missing, 1);
        assert_eq!(few.median, exactly(220.0));
        assert_eq!((few.least(), few.most()), (exactly(200.0), exactly(240.0)));
        assert_eq!(few.interval_ms, None);
        let enough = Spread::of([210.0, 200.0, 220.0, 215.0, 260.0].map(exactly));
        let (low, high) = enough.interval_ms.unwrap();
        assert!((200.0..215.0).contains(&low) && (215.0..=260.0).contains(&high));
        assert_eq!(Spread::of([None, None]).median, None);
    }

    #[test]
    fn the_median_of_limits_is_a_limit() {
        let limit = |ms, known| Some(Length { ms, known });
        let short = limit(10.0, Known::AtMost);
        let open = limit(9_000.0, Known::AtLeast);
        let median = |values: [Option<Length>; 3]| Spread::of(values).median.unwrap().words();
        assert_eq!(median([short, short, exactly(30.0)]), "< 10.0 ms");
        assert_eq!(median([short, exactly(30.0), open]), "30.0 ms");
        assert_eq!(median([open, exactly(30.0), open]), "> 9.00 s");
        let five = Spread::of([open, open, open, open, open]);
        assert_eq!(five.interval_ms, None, "limits have no interval");
    }
}
