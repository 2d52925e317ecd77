//! The rate that an open-loop plan asks for.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::workload::{Arrival, LoadPlan};

/// Returns the operations per second that the plan asks for, averaged over the first `seconds` of
/// the measured phase; `None` for a closed loop, which has no rate.
#[must_use]
pub fn asked_per_s(load: &LoadPlan, seconds: f64) -> Option<f64> {
    let Arrival::Open { phases, .. } = &load.arrival else {
        return None;
    };
    let last = phases.last()?;
    if seconds <= 0.0 {
        return None;
    }
    let mut operations = 0.0;
    let mut left_s = seconds;
    for phase in phases {
        let length_s = ms_to_s(phase.duration_ms);
        if length_s <= 0.0 {
            continue;
        }
        let part_s = length_s.min(left_s);
        let end_per_s =
            phase.from_per_s + (phase.to_per_s - phase.from_per_s) * (part_s / length_s);
        operations += part_s * f64::midpoint(phase.from_per_s, end_per_s);
        left_s -= part_s;
    }
    operations += left_s.max(0.0) * last.to_per_s;
    Some(operations / seconds)
}

#[expect(clippy::cast_precision_loss, reason = "a length below 2^53 ms")]
fn ms_to_s(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;
    use crate::workload::{RatePhase, Spacing};

    fn load(phases: Vec<RatePhase>) -> LoadPlan {
        LoadPlan {
            arrival: Arrival::Open {
                phases,
                in_flight_cap: 1,
                spacing: Spacing::Even,
            },
            ..example::plan().load
        }
    }

    fn phase(duration_ms: u64, from_per_s: f64, to_per_s: f64) -> RatePhase {
        RatePhase {
            duration_ms,
            from_per_s,
            to_per_s,
        }
    }

    #[test]
    fn the_rate_of_a_ramp_is_its_mean_and_the_last_rate_is_held() {
        let ramp = load(vec![phase(10_000, 0.0, 100.0)]);
        assert_eq!(asked_per_s(&ramp, 10.0), Some(50.0));
        assert_eq!(asked_per_s(&ramp, 5.0), Some(25.0), "cut short in the ramp");
        assert_eq!(asked_per_s(&ramp, 20.0), Some(75.0), "held at 100/s");
        let steps = load(vec![phase(5_000, 10.0, 10.0), phase(5_000, 30.0, 30.0)]);
        assert_eq!(asked_per_s(&steps, 10.0), Some(20.0));
        assert_eq!(asked_per_s(&steps, 0.0), None);
    }

    #[test]
    fn a_closed_loop_has_no_rate() {
        let mut closed = example::plan().load;
        closed.arrival = Arrival::Closed { in_flight: 1 };
        assert_eq!(asked_per_s(&closed, 10.0), None);
    }
}
