//! The steps of a script in their order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::workload::{Fault, FaultAction, planned_ends_ms};

/// The beginning or the planned end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Milliseconds since the start of the measured phase.
    pub(super) at_ms: u64,
    /// Index of the fault in the plan.
    pub(super) fault: usize,
    pub(super) kind: StepKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StepKind {
    // At the same instant, faults end before others begin.
    End,
    Begin,
}

/// Returns the steps in order of time. A fault with the action restart has no step of its own: it is the end
/// of the kill before it.
pub(super) fn steps(faults: &[Fault]) -> Vec<Step> {
    let ends_ms = planned_ends_ms(faults);
    let mut steps = Vec::new();
    for (fault, (planned, end_ms)) in faults.iter().zip(ends_ms).enumerate() {
        if planned.action == FaultAction::Restart {
            continue;
        }
        steps.push(Step {
            at_ms: planned.at_ms,
            fault,
            kind: StepKind::Begin,
        });
        steps.extend(end_ms.map(|at_ms| Step {
            at_ms,
            fault,
            kind: StepKind::End,
        }));
    }
    steps.sort_by_key(|step| (step.at_ms, step.kind, step.fault));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Victim;

    fn fault(at_ms: u64, action: FaultAction, for_ms: Option<u64>) -> Fault {
        Fault {
            at_ms,
            action,
            victim: Victim::Leader,
            for_ms,
        }
    }

    #[test]
    fn steps_are_in_order_of_time_and_ends_come_before_beginnings() {
        let faults = [
            fault(30, FaultAction::Pause, None),
            fault(10, FaultAction::Kill, Some(10)),
            fault(20, FaultAction::Kill, None),
            fault(25, FaultAction::Restart, None),
        ];
        let order: Vec<(u64, usize, StepKind)> = steps(&faults)
            .iter()
            .map(|step| (step.at_ms, step.fault, step.kind))
            .collect();
        assert_eq!(
            order,
            [
                (10, 1, StepKind::Begin),
                (20, 1, StepKind::End),
                (20, 2, StepKind::Begin),
                (25, 2, StepKind::End),
                (30, 0, StepKind::Begin),
            ]
        );
    }
}
