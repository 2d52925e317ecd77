//! Describes a gate.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::human::number;
use crate::result::GateOutcome;

/// `p99_ms 1.9, must be at most 5`.
pub(crate) fn gate_line(gate: &GateOutcome) -> String {
    let bound = if gate.name.ends_with("throughput_per_s") {
        "at least"
    } else {
        "at most"
    };
    let actual = gate
        .actual
        .map_or_else(|| "not measured".to_owned(), number);
    format!(
        "{} {actual}, must be {bound} {}",
        gate.name,
        number(gate.limit)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throughput_gate_of_one_operation_is_a_lower_bound_too() {
        let line = |name: &str| {
            gate_line(&GateOutcome {
                name: name.into(),
                limit: 5.0,
                actual: Some(7.0),
                passed: true,
            })
        };
        let get = "get.throughput_per_s";
        assert!(line(get).ends_with(", must be at least 5"), "{}", line(get));
        let late = "get.late_p99_ms";
        assert!(
            line(late).ends_with(", must be at most 5"),
            "{}",
            line(late)
        );
    }
}
