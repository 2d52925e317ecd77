//! The workload file that an import writes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::Imported;
use super::sizes::Sizes;

/// The largest weight that an imported operation gets.
const WEIGHT_MAX: f64 = 10_000.0;

/// How operations arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arrival {
    /// Operations in flight per session.
    Closed(u64),
    /// Operations per second over all sessions.
    Open(f64),
}

/// One operation of the mix.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Op {
    pub(super) kind: &'static str,
    /// Relative frequency, in any unit.
    pub(super) weight: f64,
    pub(super) size: Option<Sizes>,
    /// Further lines of the table, such as `batch = 5`.
    pub(super) more: Vec<String>,
}

/// A workload file before it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) name: &'static str,
    pub(super) why: String,
    pub(super) znodes: u64,
    pub(super) prepared: Sizes,
    pub(super) per_parent: u64,
    pub(super) sessions: u64,
    pub(super) arrival: Arrival,
    /// Further lines of `[load]`.
    pub(super) load: Vec<String>,
    pub(super) ops: Vec<Op>,
    pub(super) notes: Vec<String>,
}

impl Draft {
    /// Writes the file. Operations without any share are left out.
    pub(super) fn render(self) -> Imported {
        let mut text = String::new();
        // Writing to a string cannot fail.
        for note in &self.notes {
            let _ = writeln!(text, "# {note}");
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "name = \"{}\"\nwhy  = \"{}\"",
            self.name,
            escaped(&self.why)
        );
        let _ = writeln!(
            text,
            "\n[prepare]\nznodes = {}\nsize = {}\nper_parent = {}",
            self.znodes,
            self.prepared.render(),
            self.per_parent
        );
        let _ = writeln!(text, "\n[load]\nsessions = {}", self.sessions);
        let _ = match self.arrival {
            Arrival::Closed(in_flight) => writeln!(text, "in_flight = {in_flight}"),
            Arrival::Open(rate) => writeln!(text, "rate = {}", rounded(rate)),
        };
        for line in &self.load {
            let _ = writeln!(text, "{line}");
        }
        let weights = whole_weights(&self.ops);
        for (index, (op, weight)) in self.ops.iter().zip(weights).enumerate() {
            let _ = writeln!(text, "\n[[op]]\nkind = \"{}\"", op.kind);
            if self.ops[..index].iter().any(|other| other.kind == op.kind) {
                let _ = writeln!(text, "label = \"{}-{}\"", op.kind, index + 1);
            }
            let _ = writeln!(text, "weight = {weight}");
            if let Some(size) = &op.size {
                let _ = writeln!(text, "size = {}", size.render());
            }
            for line in &op.more {
                let _ = writeln!(text, "{line}");
            }
        }
        Imported {
            text,
            notes: self.notes,
        }
    }
}

/// Returns whole numbers in nearly the same proportions. The smallest share keeps at least 1.
fn whole_weights(ops: &[Op]) -> Vec<u64> {
    let largest = ops.iter().map(|op| op.weight).fold(0.0, f64::max);
    let smallest = ops.iter().map(|op| op.weight).fold(f64::INFINITY, f64::min);
    let already = ops.iter().all(|op| op.weight.fract() == 0.0) && largest <= WEIGHT_MAX;
    let factor = if already || smallest <= 0.0 {
        1.0
    } else {
        // The smallest share becomes 100, so that rounding changes it by half a percent at most.
        (100.0 / smallest).min(WEIGHT_MAX / largest)
    };
    let whole: Vec<u64> = ops
        .iter()
        .map(|op| whole((op.weight * factor).round()).max(1))
        .collect();
    let divisor = whole.iter().copied().fold(0, gcd).max(1);
    whole.into_iter().map(|weight| weight / divisor).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is between 0 and the largest weight"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Rounds a rate to three digits, but never below the smallest rate of a workload file.
fn rounded(rate: f64) -> f64 {
    let digits = 2.0 - rate.log10().floor();
    let scale = 10_f64.powf(digits);
    ((rate * scale).round() / scale).max(0.01)
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(of: &[f64]) -> Vec<u64> {
        let ops: Vec<Op> = of
            .iter()
            .map(|weight| Op {
                kind: "get",
                weight: *weight,
                size: None,
                more: Vec::new(),
            })
            .collect();
        whole_weights(&ops)
    }

    #[test]
    fn weights_become_whole_numbers_in_the_same_proportions() {
        assert_eq!(weights(&[1.0, 10.0]), [1, 10]);
        assert_eq!(weights(&[0.5, 0.5, 2.0]), [1, 1, 4]);
        assert_eq!(weights(&[12_345_678.0, 1.0]), [10_000, 1]);
        assert_eq!(weights(&[200.0, 400.0]), [1, 2]);
    }

    #[test]
    fn a_rate_has_three_digits() {
        assert_eq!(format!("{}", rounded(1_234.567)), "1230");
        assert_eq!(format!("{}", rounded(0.000_1)), "0.01");
    }
}
