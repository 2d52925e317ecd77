//! The faults in the summary object of `--json`. All times are milliseconds; a missing one is null.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Serialize;

use super::account::{Account, election, unavailable};
use super::group::{GapKind, Group, Spread};
use super::impact::{Impact, Unavailability};
use super::length::Length;
use super::sessions::SessionImpact;
use crate::report::statistics::median;
use crate::result::RunResult;

/// The same event of a fault over the runs.
#[derive(Debug, Serialize)]
pub(crate) struct FaultJson<'a> {
    fault: u32,
    action: &'a str,
    what: &'a str,
    ended: bool,
    figures: BTreeMap<&'static str, SpreadJson>,
    runs: Vec<ImpactJson<'a>>,
}

/// The servers' own account of their elections.
#[derive(Debug, Serialize)]
pub(crate) struct AccountJson {
    election: Option<MeanJson>,
    leader_unavailable: Option<MeanJson>,
}

#[derive(Debug, Serialize)]
struct MeanJson {
    mean_ms: f64,
    times: u64,
}

impl AccountJson {
    /// `None` if the servers count nothing.
    pub(crate) fn of(result: &RunResult) -> Option<Self> {
        let mean = |account: Account| MeanJson {
            mean_ms: rounded(account.mean_ms),
            times: account.times,
        };
        let (election, leader_unavailable) = (election(result), unavailable(result));
        (election.is_some() || leader_unavailable.is_some()).then(|| Self {
            election: election.map(mean),
            leader_unavailable: leader_unavailable.map(mean),
        })
    }
}

#[derive(Debug, Serialize)]
struct SpreadJson {
    median: Option<f64>,
    least: Option<f64>,
    most: Option<f64>,
    interval: Option<[f64; 2]>,
    runs: usize,
    missing: usize,
}

#[derive(Debug, Serialize)]
struct ImpactJson<'a> {
    run: usize,
    at_s: f64,
    took_ms: f64,
    servers: &'a [String],
    writes: Option<ClassJson>,
    reads: Option<ClassJson>,
    recovery_ms: Option<f64>,
    sessions: SessionsJson,
}

#[derive(Debug, Serialize)]
struct ClassJson {
    unavailable_ms: Limits,
    unavailable_from_ms: Option<f64>,
    first_ms: Option<f64>,
    longest_gap_before_ms: Limits,
    resolution_ms: Option<f64>,
    recovery_ms: Option<f64>,
}

/// What a length is at least and at most; both are the same if it is known exactly.
#[derive(Debug, Serialize)]
struct Limits {
    lower: f64,
    upper: Option<f64>,
}

#[derive(Debug, Serialize)]
struct SessionsJson {
    sessions: u32,
    lost: u64,
    resumed: u64,
    expired: u64,
    gone: u64,
    back_ms: Option<Quantiles>,
    longest_gap_ms: Option<Quantiles>,
}

#[derive(Debug, Serialize)]
struct Quantiles {
    least: f64,
    median: f64,
    most: f64,
}

impl<'a> FaultJson<'a> {
    pub(crate) fn new(group: &'a Group) -> Self {
        let kinds = GapKind::ALL.into_iter();
        let kinds = kinds.filter(|kind| kind.applies_to(group));
        let figures = kinds.filter_map(|kind| {
            let spread = group.spread(kind);
            (!spread.values.is_empty()).then(|| (kind.key(), SpreadJson::new(&spread)))
        });
        Self {
            fault: group.fault,
            action: &group.action,
            what: &group.what,
            ended: group.ended,
            figures: figures.collect(),
            runs: group.impacts.iter().map(ImpactJson::new).collect(),
        }
    }
}

impl SpreadJson {
    fn new(spread: &Spread) -> Self {
        let ms = |length: Option<Length>| length.map(|length| rounded(length.ms));
        Self {
            median: ms(spread.median),
            least: ms(spread.least()),
            most: ms(spread.most()),
            interval: spread
                .interval_ms
                .map(|(low, high)| [rounded(low), rounded(high)]),
            runs: spread.values.len(),
            missing: spread.missing,
        }
    }
}

impl<'a> ImpactJson<'a> {
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds within a run")]
    fn new(impact: &'a Impact) -> Self {
        Self {
            run: impact.run + 1,
            at_s: impact.at_ns as f64 / 1e9,
            took_ms: rounded(impact.took_ms),
            servers: &impact.servers,
            writes: impact.writes.as_ref().map(ClassJson::new),
            reads: impact.reads.as_ref().map(ClassJson::new),
            recovery_ms: impact.recovery_ms.map(rounded),
            sessions: SessionsJson::new(&impact.sessions),
        }
    }
}

impl ClassJson {
    fn new(class: &Unavailability) -> Self {
        Self {
            unavailable_ms: Limits::new(class.window),
            unavailable_from_ms: class.window_from_ms.map(rounded),
            first_ms: class.first_ms.map(rounded),
            longest_gap_before_ms: Limits::new(class.before),
            resolution_ms: class.resolution_ms.map(rounded),
            recovery_ms: class.recovery_ms.map(rounded),
        }
    }
}

impl Limits {
    fn new(length: Length) -> Self {
        Self {
            lower: rounded(length.lower_ms()),
            upper: length.upper_ms().map(rounded),
        }
    }
}

impl SessionsJson {
    fn new(sessions: &SessionImpact) -> Self {
        Self {
            sessions: sessions.sessions,
            lost: sessions.lost,
            resumed: sessions.resumed,
            expired: sessions.expired,
            gone: sessions.gone,
            back_ms: Quantiles::of(&sessions.back_ms),
            longest_gap_ms: Quantiles::of(&sessions.gaps_ms),
        }
    }
}

impl Quantiles {
    /// `ascending` are in ascending order.
    fn of(ascending: &[f64]) -> Option<Self> {
        Some(Self {
            least: rounded(*ascending.first()?),
            median: rounded(median(ascending)?),
            most: rounded(*ascending.last()?),
        })
    }
}

/// Rounds to a microsecond.
fn rounded(ms: f64) -> f64 {
    (ms * 1_000.0).round() / 1_000.0
}
