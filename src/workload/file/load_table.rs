//! The `[load]` table: who issues, when, for how long.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::schema;
use super::section::Section;
use super::units::format_duration;
use crate::workload::error::WorkloadError;
use crate::workload::limits;
use crate::workload::plan::{Arrival, Attach, LoadPlan, RatePhase, Reconnect, Spacing};

type Read<T> = Result<T, WorkloadError>;

/// Divides by 2, 3, 6 and 9 servers, so that each of them gets as many as the others.
const SESSIONS: u32 = 18;
const IN_FLIGHT_CAP: u32 = 64;
const DURATION_MS: u64 = 30_000;
const WARM_UP_MS: u64 = 5_000;
const TIMEOUT_MS: u64 = 10_000;
/// Longest default drain; a longer one must be asked for.
const DRAIN_MS: u64 = 10_000;

/// Reads the table and checks it in itself.
pub(super) fn read(table: &Section<'_>) -> Read<LoadPlan> {
    let sessions = table.integer("sessions", limits::SESSIONS, SESSIONS)?;
    let threads = table.integer("threads", limits::THREADS, 1)?;
    if threads > sessions {
        let problem = format!("is {threads}, more than the {sessions} sessions; lower it");
        return Err(table.bad("threads", problem));
    }
    let duration_asked_ms = table.duration_ms("duration", limits::DURATION_MS)?;
    let (arrival, duration_ms) = read_arrival(table, duration_asked_ms)?;
    check_in_flight(table, sessions, &arrival)?;
    let interval_ms = read_interval(table, duration_ms)?;
    let operation_timeout_ms = table
        .duration_ms("operation_timeout", limits::OPERATION_TIMEOUT_MS)?
        .unwrap_or(TIMEOUT_MS);
    let drain_ms = table
        .duration_ms("drain", limits::DRAIN_MS)?
        .unwrap_or(operation_timeout_ms.min(DRAIN_MS));
    Ok(LoadPlan {
        sessions,
        threads,
        arrival,
        warm_up_ms: table
            .duration_ms("warm_up", limits::WARM_UP_MS)?
            .unwrap_or(WARM_UP_MS),
        duration_ms,
        drain_ms,
        repeats: table.integer("repeats", limits::REPEATS, 1)?,
        interval_ms,
        session_timeout_ms: table
            .duration_ms("session_timeout", limits::SESSION_TIMEOUT_MS)?
            .unwrap_or(TIMEOUT_MS),
        operation_timeout_ms,
        attach: read_attach(table)?,
        reconnect: read_reconnect(table)?,
    })
}

/// The arrival and the measured duration, which phases can imply.
fn read_arrival(table: &Section<'_>, duration_ms: Option<u64>) -> Read<(Arrival, u64)> {
    let given: Vec<&str> = ["rate", "in_flight", "phase"]
        .into_iter()
        .filter(|key| table.has(key))
        .collect();
    match given.as_slice() {
        [] => Err(table.inconsistent(
            "load",
            "the load has no arrival; give `load.rate` (operations per second, open loop) or `load.in_flight` (operations in flight per session, closed loop)",
        )),
        ["in_flight"] => {
            if table.has("in_flight_cap") {
                let problem = "belongs to an open loop; in a closed one `load.in_flight` says it all: remove one of the two";
                return Err(table.bad("in_flight_cap", problem));
            }
            if table.has("spacing") {
                let problem = "belongs to an open loop; in a closed one the replies decide when the next operation starts: remove it";
                return Err(table.bad("spacing", problem));
            }
            let in_flight = table.integer("in_flight", limits::IN_FLIGHT, 1)?;
            Ok((Arrival::Closed { in_flight }, duration_ms.unwrap_or(DURATION_MS)))
        }
        [_] => {
            let (phases, duration_ms) = read_phases(table, duration_ms)?;
            let in_flight_cap = table.integer("in_flight_cap", limits::IN_FLIGHT, IN_FLIGHT_CAP)?;
            let spacing = read_spacing(table)?;
            let arrival = Arrival::Open { phases, in_flight_cap, spacing };
            Ok((arrival, duration_ms))
        }
        [first, second, ..] => Err(table.inconsistent(
            second,
            format!(
                "`load.{first}` and `load.{second}` exclude each other: `rate` and `phase` make an open loop, `in_flight` a closed one; remove one of them"
            ),
        )),
    }
}

fn read_phases(table: &Section<'_>, duration_ms: Option<u64>) -> Read<(Vec<RatePhase>, u64)> {
    if let Some(rate) = table.number("rate", limits::RATE_PER_S)? {
        let duration_ms = duration_ms.unwrap_or(DURATION_MS);
        let phase = RatePhase {
            duration_ms,
            from_per_s: rate,
            to_per_s: rate,
        };
        return Ok((vec![phase], duration_ms));
    }
    let tables = table.sections("phase", &schema::PHASE)?;
    if tables.is_empty() || tables.len() > limits::PHASES {
        return Err(table.bad("phase", format!("must list 1 to {} phases", limits::PHASES)));
    }
    let phases = tables.iter().map(read_phase).collect::<Read<Vec<_>>>()?;
    let total_ms: u64 = phases.iter().map(|phase| phase.duration_ms).sum();
    let duration_ms = duration_ms.unwrap_or(total_ms);
    if !limits::DURATION_MS.contains(&duration_ms) {
        let problem = format!(
            "lasts {} in all; it must be {} to {}",
            format_duration(duration_ms),
            format_duration(*limits::DURATION_MS.start()),
            format_duration(*limits::DURATION_MS.end())
        );
        return Err(table.bad("phase", problem));
    }
    if total_ms > duration_ms {
        let problem = format!(
            "is {}, but the phases of the load add up to {}; lengthen it, shorten the phases, or leave it out",
            format_duration(duration_ms),
            format_duration(total_ms)
        );
        return Err(table.bad("duration", problem));
    }
    Ok((phases, duration_ms))
}

fn read_phase(table: &Section<'_>) -> Read<RatePhase> {
    let Some(duration_ms) = table.duration_ms("duration", limits::PHASE_MS)? else {
        let problem = "this phase has no duration; add duration = \"10s\"";
        return Err(table.inconsistent("duration", problem));
    };
    let rate = table.number("rate", limits::RATE_PER_S)?;
    let from = table.number("from", limits::RATE_PER_S)?;
    let to = table.number("to", limits::RATE_PER_S)?;
    let (from_per_s, to_per_s) = match (rate, from, to) {
        (Some(rate), None, None) => (rate, rate),
        (None, Some(from), Some(to)) => (from, to),
        _ => {
            let problem = "a phase needs either `rate` (a step) or both `from` and `to` (a ramp)";
            return Err(table.inconsistent("rate", problem));
        }
    };
    Ok(RatePhase {
        duration_ms,
        from_per_s,
        to_per_s,
    })
}

fn check_in_flight(table: &Section<'_>, sessions: u32, arrival: &Arrival) -> Read<()> {
    let (key, each) = match arrival {
        Arrival::Open { in_flight_cap, .. } => ("in_flight_cap", *in_flight_cap),
        Arrival::Closed { in_flight } => ("in_flight", *in_flight),
    };
    if u64::from(sessions) * u64::from(each) <= limits::IN_FLIGHT_TOTAL {
        return Ok(());
    }
    let problem = format!(
        "is {each}; times {sessions} sessions that is more than {} operations in flight: lower one of them",
        limits::IN_FLIGHT_TOTAL
    );
    Err(table.bad(key, problem))
}

fn read_interval(table: &Section<'_>, duration_ms: u64) -> Read<u64> {
    // A run shorter than the default interval is one interval.
    let default_ms = duration_ms.min(1_000);
    let interval_ms = table
        .duration_ms("interval", limits::INTERVAL_MS)?
        .unwrap_or(default_ms);
    if interval_ms > duration_ms {
        let problem = format!(
            "is {}, longer than the measured duration of {}; shorten it",
            format_duration(interval_ms),
            format_duration(duration_ms)
        );
        return Err(table.bad("interval", problem));
    }
    if duration_ms.div_ceil(interval_ms) > limits::INTERVALS {
        let problem = format!(
            "is {}, which cuts {} into more than {} intervals; lengthen it",
            format_duration(interval_ms),
            format_duration(duration_ms),
            limits::INTERVALS
        );
        return Err(table.bad("interval", problem));
    }
    Ok(interval_ms)
}

fn read_spacing(table: &Section<'_>) -> Read<Spacing> {
    let Some(text) = table.text("spacing")? else {
        return Ok(Spacing::Poisson);
    };
    let spacing = Spacing::ALL.into_iter().find(|spacing| spacing.name() == text);
    spacing.ok_or_else(|| {
        let names = Spacing::ALL.map(Spacing::name).join(", ");
        table.bad("spacing", format!("is {text:?}; it must be one of {names}"))
    })
}

fn read_reconnect(load: &Section<'_>) -> Read<Reconnect> {
    let table = load.section("reconnect", &schema::RECONNECT)?;
    let default = Reconnect::default();
    let reconnect = Reconnect {
        first_ms: table
            .duration_ms("first", limits::RECONNECT_MS)?
            .unwrap_or(default.first_ms),
        max_ms: table
            .duration_ms("max", limits::RECONNECT_MS)?
            .unwrap_or(default.max_ms),
        growth: table
            .number("growth", limits::RECONNECT_GROWTH)?
            .unwrap_or(default.growth),
        jitter: table
            .number("jitter", limits::RECONNECT_JITTER)?
            .unwrap_or(default.jitter),
    };
    if reconnect.first_ms > reconnect.max_ms {
        let problem = format!(
            "is {}, longer than the longest wait of {}; lower it, or raise `load.reconnect.max`",
            format_duration(reconnect.first_ms),
            format_duration(reconnect.max_ms)
        );
        return Err(table.bad("first", problem));
    }
    Ok(reconnect)
}

fn read_attach(table: &Section<'_>) -> Read<Attach> {
    let Some(text) = table.text("attach")? else {
        return Ok(Attach::Spread);
    };
    let attach = Attach::ALL.into_iter().find(|attach| attach.name() == text);
    attach.ok_or_else(|| {
        let names = Attach::ALL.map(Attach::name).join(", ");
        table.bad("attach", format!("is {text:?}; it must be one of {names}"))
    })
}
