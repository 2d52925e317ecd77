//! The `[load]` table: sessions, arrivals, durations.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::problems::Read;
use super::schema;
use super::section::Section;
use super::units::format_duration;
use crate::workload::limits;
use crate::workload::plan::{
    Arrival, Attach, LoadPlan, RatePhase, Reconnect, Spacing, TargetShape,
};

/// Default number of sessions. It divides by 2, 3, 6 and 9 servers, so that each server gets the
/// same number.
const SESSIONS: u32 = 18;
const IN_FLIGHT_CAP: u32 = 64;
const DURATION_MS: u64 = 30_000;
const WARM_UP_MS: u64 = 5_000;
const TIMEOUT_MS: u64 = 10_000;
/// Longest drain that is a default. The file can set a longer one.
const DRAIN_MS: u64 = 10_000;

/// The table: the values that other tables depend on, and the plan if all values are right.
pub(super) struct Load {
    pub(super) sessions: Read<u32>,
    /// Share of reading operations, 0 to 1, if the file sets one.
    pub(super) read_ratio: Read<Option<f64>>,
    pub(super) plan: Read<LoadPlan>,
}

/// Whether acknowledged writes are verified in a file without `load.verify`.
#[derive(Clone, Copy, Debug)]
pub(super) struct VerifyDefault(pub(super) bool);

/// Reads the table and checks its values. `target` is the shape of the ensemble that the sessions
/// attach to.
pub(super) fn read(
    table: &Section<'_>,
    target: Option<&TargetShape>,
    verify: VerifyDefault,
) -> Load {
    let attach = read_attach(table);
    let sessions = if table.has("sessions_per_server") {
        read_sessions_per_server(table, target, attach)
    } else {
        table.integer("sessions", limits::SESSIONS, SESSIONS)
    };
    Load {
        sessions,
        read_ratio: table.number("read_ratio", limits::RATIO),
        plan: read_plan(table, sessions, attach, verify),
    }
}

/// Reads the number of sessions per server, and returns the number of all sessions.
fn read_sessions_per_server(
    table: &Section<'_>,
    target: Option<&TargetShape>,
    attach: Read<Attach>,
) -> Read<u32> {
    let key = "sessions_per_server";
    if table.has("sessions") {
        let problem =
            "`load.sessions` and `load.sessions_per_server` exclude each other; remove one of them";
        return table.inconsistent(key, problem);
    }
    let each: u32 = table.integer(key, limits::SESSIONS, 1)?;
    let servers = u32::from(attach?.servers(target?));
    let sessions = u64::from(each) * u64::from(servers);
    if !limits::SESSIONS.contains(&sessions) {
        let problem = format!(
            "is {each}, which makes {sessions} sessions on {servers} servers; there must be {} to {}",
            limits::SESSIONS.start(),
            limits::SESSIONS.end()
        );
        return table.bad(key, problem);
    }
    u32::try_from(sessions).ok()
}

/// Reads everything before it checks for errors, so that all problems are reported.
fn read_plan(
    table: &Section<'_>,
    sessions: Read<u32>,
    attach: Read<Attach>,
    verify: VerifyDefault,
) -> Read<LoadPlan> {
    let threads = read_threads(table, sessions);
    let duration_asked_ms = table.duration_ms("duration", limits::DURATION_MS);
    let (arrival, duration_ms) = read_arrival(table, sessions, duration_asked_ms);
    let interval_ms = read_interval(table, duration_ms);
    let operation_timeout_ms = table.duration_ms("operation_timeout", limits::OPERATION_TIMEOUT_MS);
    let drain_ms = table.duration_ms("drain", limits::DRAIN_MS);
    let warm_up_ms = table.duration_ms("warm_up", limits::WARM_UP_MS);
    let session_timeout_ms = table.duration_ms("session_timeout", limits::SESSION_TIMEOUT_MS);
    let repeats = table.integer("repeats", limits::REPEATS, 1);
    let reconnect = read_reconnect(table);
    let verify = table.boolean("verify", verify.0);
    let operation_timeout_ms = operation_timeout_ms?.unwrap_or(TIMEOUT_MS);
    Some(LoadPlan {
        sessions: sessions?,
        threads: threads?,
        arrival: arrival?,
        warm_up_ms: warm_up_ms?.unwrap_or(WARM_UP_MS),
        duration_ms: duration_ms?,
        drain_ms: drain_ms?.unwrap_or(operation_timeout_ms.min(DRAIN_MS)),
        repeats: repeats?,
        interval_ms: interval_ms?,
        session_timeout_ms: session_timeout_ms?.unwrap_or(TIMEOUT_MS),
        operation_timeout_ms,
        attach: attach?,
        reconnect: reconnect?,
        verify: verify?,
    })
}

fn read_threads(table: &Section<'_>, sessions: Read<u32>) -> Read<u32> {
    let threads = table.integer("threads", limits::THREADS, 1)?;
    match sessions {
        Some(sessions) if threads > sessions => {
            let problem = format!("is {threads}, more than the {sessions} sessions; lower it");
            table.bad("threads", problem)
        }
        _ => Some(threads),
    }
}

/// Exactly one of these keys must be given. It determines how operations arrive.
const ARRIVALS: [&str; 3] = ["rate", "in_flight", "phase"];

/// Reads the arrival and the measured duration, which phases can imply.
fn read_arrival(
    table: &Section<'_>,
    sessions: Read<u32>,
    duration_ms: Read<Option<u64>>,
) -> (Read<Arrival>, Read<u64>) {
    let given: Vec<&str> = ARRIVALS.into_iter().filter(|key| table.has(key)).collect();
    let plain_ms = duration_ms.map(|ms| ms.unwrap_or(DURATION_MS));
    match given.as_slice() {
        [] => {
            // A misspelt arrival key was reported already and counts as given.
            if !ARRIVALS.into_iter().any(|key| table.is_settled(key)) {
                let problem = "the load has no arrival; give `load.rate` (operations per second, open loop) or `load.in_flight` (operations in flight per session, closed loop)";
                table.inconsistent::<()>("load", problem);
            }
            (None, plain_ms)
        }
        ["in_flight"] => (read_closed(table, sessions), plain_ms),
        ["rate"] => (read_rate(table, sessions, plain_ms), plain_ms),
        [_] => read_phases(table, sessions, duration_ms),
        [first, others @ ..] => {
            for other in others {
                let problem = format!(
                    "`load.{first}` and `load.{other}` exclude each other: `rate` and `phase` make an open loop, `in_flight` a closed one; remove one of them"
                );
                table.inconsistent::<()>(other, problem);
            }
            (None, None)
        }
    }
}

fn read_closed(table: &Section<'_>, sessions: Read<u32>) -> Read<Arrival> {
    let in_flight = read_in_flight(table, "in_flight", 1, sessions);
    if table.has("in_flight_cap") {
        let problem = "belongs to an open loop; a closed loop has `load.in_flight` only; remove one of the two";
        return table.bad("in_flight_cap", problem);
    }
    if table.has("spacing") {
        let problem = "belongs to an open loop; in a closed loop the next operation starts after a reply; remove it";
        return table.bad("spacing", problem);
    }
    Some(Arrival::Closed {
        in_flight: in_flight?,
    })
}

fn read_rate(table: &Section<'_>, sessions: Read<u32>, duration_ms: Read<u64>) -> Read<Arrival> {
    let rate = table.number("rate", limits::RATE_PER_S);
    let in_flight_cap = read_cap(table, sessions);
    let spacing = read_spacing(table);
    let rate = rate??;
    let phase = RatePhase {
        duration_ms: duration_ms?,
        from_per_s: rate,
        to_per_s: rate,
    };
    Some(Arrival::Open {
        phases: vec![phase],
        in_flight_cap: in_flight_cap?,
        spacing: spacing?,
    })
}

/// Reads the operations in flight per session under `key`. Their sum over all sessions has a limit
/// too.
fn read_in_flight(table: &Section<'_>, key: &str, default: u32, sessions: Read<u32>) -> Read<u32> {
    let each: u32 = table.integer(key, limits::IN_FLIGHT, default)?;
    match sessions {
        Some(sessions) if u64::from(sessions) * u64::from(each) > limits::IN_FLIGHT_TOTAL => {
            let problem = format!(
                "is {each}; times {sessions} sessions that is more than {} operations in flight: lower one of them",
                limits::IN_FLIGHT_TOTAL
            );
            table.bad(key, problem)
        }
        _ => Some(each),
    }
}

fn read_cap(table: &Section<'_>, sessions: Read<u32>) -> Read<u32> {
    read_in_flight(table, "in_flight_cap", IN_FLIGHT_CAP, sessions)
}

fn read_phases(
    table: &Section<'_>,
    sessions: Read<u32>,
    duration_ms: Read<Option<u64>>,
) -> (Read<Arrival>, Read<u64>) {
    let in_flight_cap = read_cap(table, sessions);
    let spacing = read_spacing(table);
    let phases = read_phase_list(table);
    let total_ms = phases
        .as_ref()
        .map(|phases| phases.iter().map(|phase| phase.duration_ms).sum());
    let arrival = phases.zip(in_flight_cap).zip(spacing);
    let arrival = arrival.map(|((phases, in_flight_cap), spacing)| Arrival::Open {
        phases,
        in_flight_cap,
        spacing,
    });
    (arrival, phased_duration_ms(table, duration_ms, total_ms))
}

fn read_phase_list(table: &Section<'_>) -> Read<Vec<RatePhase>> {
    let tables = table.sections("phase", &schema::PHASE)?;
    if tables.is_empty() || tables.len() > limits::PHASES {
        return table.bad("phase", format!("must list 1 to {} phases", limits::PHASES));
    }
    let phases: Vec<Read<RatePhase>> = tables
        .iter()
        .map(|table| read_phase(table.as_ref()?))
        .collect();
    phases.into_iter().collect()
}

/// Returns the measured duration: the given one, or the sum of the phases.
fn phased_duration_ms(
    table: &Section<'_>,
    asked_ms: Read<Option<u64>>,
    total_ms: Read<u64>,
) -> Read<u64> {
    let (asked_ms, Some(total_ms)) = (asked_ms?, total_ms) else {
        return asked_ms?;
    };
    let duration_ms = asked_ms.unwrap_or(total_ms);
    if !limits::DURATION_MS.contains(&duration_ms) {
        let problem = format!(
            "lasts {} in all; it must be {} to {}",
            format_duration(duration_ms),
            format_duration(*limits::DURATION_MS.start()),
            format_duration(*limits::DURATION_MS.end())
        );
        return table.bad("phase", problem);
    }
    if total_ms > duration_ms {
        let problem = format!(
            "is {}, but the phases of the load add up to {}; lengthen it, shorten the phases, or leave it out",
            format_duration(duration_ms),
            format_duration(total_ms)
        );
        return table.bad("duration", problem);
    }
    Some(duration_ms)
}

fn read_phase(table: &Section<'_>) -> Read<RatePhase> {
    let duration_ms = table.duration_ms("duration", limits::PHASE_MS);
    if duration_ms == Some(None) {
        let problem = "this phase has no duration; add duration = \"10s\"";
        table.inconsistent::<()>("duration", problem);
    }
    let rate = table.number("rate", limits::RATE_PER_S);
    let from = table.number("from", limits::RATE_PER_S);
    let to = table.number("to", limits::RATE_PER_S);
    let (from_per_s, to_per_s) = match (rate?, from?, to?) {
        (Some(rate), None, None) => (rate, rate),
        (None, Some(from), Some(to)) => (from, to),
        _ => {
            let problem = "a phase needs either `rate` (a step) or both `from` and `to` (a ramp)";
            return table.inconsistent("rate", problem);
        }
    };
    Some(RatePhase {
        duration_ms: duration_ms??,
        from_per_s,
        to_per_s,
    })
}

fn read_interval(table: &Section<'_>, duration_ms: Read<u64>) -> Read<u64> {
    let asked_ms = table.duration_ms("interval", limits::INTERVAL_MS)?;
    let duration_ms = duration_ms?;
    // A run shorter than the default interval has one interval.
    let interval_ms = asked_ms.unwrap_or(duration_ms.min(1_000));
    if interval_ms > duration_ms {
        let problem = format!(
            "is {}, longer than the measured duration of {}; shorten it",
            format_duration(interval_ms),
            format_duration(duration_ms)
        );
        return table.bad("interval", problem);
    }
    if duration_ms.div_ceil(interval_ms) > limits::INTERVALS {
        let problem = format!(
            "is {}, which cuts {} into more than {} intervals; lengthen it",
            format_duration(interval_ms),
            format_duration(duration_ms),
            limits::INTERVALS
        );
        return table.bad("interval", problem);
    }
    Some(interval_ms)
}

fn read_spacing(table: &Section<'_>) -> Read<Spacing> {
    let Some(text) = table.text("spacing")? else {
        return Some(Spacing::Poisson);
    };
    let spacing = Spacing::ALL
        .into_iter()
        .find(|spacing| spacing.name() == text);
    spacing.or_else(|| {
        let names = Spacing::ALL.map(Spacing::name).join(", ");
        table.bad("spacing", format!("is {text:?}; it must be one of {names}"))
    })
}

fn read_reconnect(load: &Section<'_>) -> Read<Reconnect> {
    let table = load.section("reconnect", &schema::RECONNECT)?;
    let default = Reconnect::default();
    let first_ms = table.duration_ms("first", limits::RECONNECT_MS);
    let max_ms = table.duration_ms("max", limits::RECONNECT_MS);
    let growth = table.number("growth", limits::RECONNECT_GROWTH);
    let jitter = table.number("jitter", limits::RECONNECT_JITTER);
    let reconnect = Reconnect {
        first_ms: first_ms?.unwrap_or(default.first_ms),
        max_ms: max_ms?.unwrap_or(default.max_ms),
        growth: growth?.unwrap_or(default.growth),
        jitter: jitter?.unwrap_or(default.jitter),
    };
    if reconnect.first_ms > reconnect.max_ms {
        let problem = format!(
            "is {}, longer than the longest wait of {}; lower it, or raise `load.reconnect.max`",
            format_duration(reconnect.first_ms),
            format_duration(reconnect.max_ms)
        );
        return table.bad("first", problem);
    }
    Some(reconnect)
}

fn read_attach(table: &Section<'_>) -> Read<Attach> {
    let Some(text) = table.text("attach")? else {
        return Some(Attach::Spread);
    };
    let attach = Attach::ALL.into_iter().find(|attach| attach.name() == text);
    attach.or_else(|| {
        let names = Attach::ALL.map(Attach::name).join(", ");
        table.bad("attach", format!("is {text:?}; it must be one of {names}"))
    })
}
