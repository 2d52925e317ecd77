//! What a fault did to the sessions.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use super::length::{Known, Length, ms};
use crate::measure::{FaultTimes, Recording, SessionOutage};
use crate::workload::Plan;

/// What a fault did to the sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SessionImpact {
    /// Sessions of the run.
    pub sessions: u32,
    /// Sessions that lost their connection.
    pub lost: u64,
    /// Connections that came back with the same session id.
    pub resumed: u64,
    /// Connections that came back with a new session, because the old one had expired.
    pub expired: u64,
    /// Connections that did not come back.
    pub gone: u64,
    /// From the loss of a connection to the answer of a server, in milliseconds, ascending.
    pub back_ms: Vec<f64>,
    /// The longest gap between two acknowledgements of each session, in milliseconds, ascending.
    /// Sessions whose gaps were all too short to be recorded are missing.
    pub gaps_ms: Vec<f64>,
    /// The longest gap of any session; `None` if none was recorded.
    pub longest_gap: Option<Length>,
}

impl SessionImpact {
    /// `event` is the index of the fault's event among those of the run.
    pub(super) fn of(run: &Recording, plan: &Plan, times: &FaultTimes, event: usize) -> Self {
        let found = &run.interruptions;
        let own = |outage: &&SessionOutage| times.last_before(outage.lost_ns) == Some(event);
        let outages: Vec<&SessionOutage> = found.outages.iter().filter(own).collect();
        let count = |wanted: Option<bool>| {
            let ends = outages
                .iter()
                .map(|outage| outage.back.map(|back| back.resumed));
            ends.filter(|end| *end == wanted).count() as u64
        };
        let lost: BTreeSet<u32> = outages.iter().map(|outage| outage.session).collect();
        let back = outages
            .iter()
            .filter_map(|outage| Some(ms(outage.back?.at_ns - outage.lost_ns)));
        let measured_ns = run.measured_ns();
        let gaps: Vec<Length> = found
            .session_gaps
            .iter()
            .filter(|of| times.cause_of(&of.gap) == Some(event))
            .map(|of| Length {
                ms: ms(i64::try_from(of.gap.length_ns(measured_ns)).unwrap_or(i64::MAX)),
                known: if of.gap.to_ns.is_some() {
                    Known::Exactly
                } else {
                    Known::AtLeast
                },
            })
            .collect();
        Self {
            sessions: plan.load.sessions,
            lost: lost.len() as u64,
            resumed: count(Some(true)),
            expired: count(Some(false)),
            gone: count(None),
            back_ms: ascending(back.collect()),
            gaps_ms: ascending(gaps.iter().map(|gap| gap.ms).collect()),
            longest_gap: gaps.into_iter().max_by(|a, b| a.ms.total_cmp(&b.ms)),
        }
    }
}

fn ascending(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
