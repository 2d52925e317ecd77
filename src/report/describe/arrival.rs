//! Describes how operations arrive.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::human::number;
use crate::workload::{Arrival, Plan, Spacing};

/// `open loop, 1,000 operations/s, Poisson` or `closed loop, 64 in flight per session`.
pub(crate) fn arrival(plan: &Plan) -> String {
    match &plan.load.arrival {
        Arrival::Closed { in_flight } => format!("closed loop, {in_flight} in flight per session"),
        Arrival::Open {
            phases, spacing, ..
        } => {
            let rates: Vec<String> = phases
                .iter()
                .map(|phase| {
                    let (from, to) = (number(phase.from_per_s), number(phase.to_per_s));
                    if from == to {
                        from
                    } else {
                        format!("{from} to {to}")
                    }
                })
                .collect();
            let spacing = match spacing {
                Spacing::Poisson => "Poisson",
                Spacing::Even => "evenly spaced",
            };
            format!(
                "open loop, {} operations/s, {spacing}",
                rates.join(", then ")
            )
        }
    }
}

/// Returns a note about the response times of a closed loop; `None` for an open loop.
pub(crate) fn closed_loop_note(plan: &Plan) -> Option<&'static str> {
    matches!(plan.load.arrival, Arrival::Closed { .. }).then_some(
        "Closed loop: response time restates throughput here (operations in flight = throughput x mean response time); \
         it is not what users at a fixed rate would see.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn a_closed_loop_has_a_note_about_its_response_time() {
        let mut plan = example::plan();
        assert_eq!(closed_loop_note(&plan), None);
        plan.load.arrival = Arrival::Closed { in_flight: 4 };
        assert!(
            closed_loop_note(&plan)
                .unwrap()
                .contains("response time restates throughput")
        );
    }
}
