//! `load.read_ratio`: scales the weights of the operations to a share of reads.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::problems::Read;
use super::section::Section;
use crate::workload::limits;
use crate::workload::plan::OpPlan;

/// Returns the operations with weights of which the reading ones have the share `ratio`. The operations on
/// each side keep their proportions. Implied operations keep their weight of 0. `load` is the table with the
/// key.
pub(super) fn apply(
    load: &Section<'_>,
    mut ops: Vec<OpPlan>,
    ratio: Option<f64>,
) -> Read<Vec<OpPlan>> {
    let Some(ratio) = ratio else {
        return Some(ops);
    };
    let sum = |writes: bool| -> f64 {
        let side = ops.iter().filter(|op| op.is_write() == writes);
        side.map(|op| f64::from(op.weight)).sum()
    };
    let (reads, writes) = (sum(false), sum(true));
    for (share, sum, verb) in [(ratio, reads, "reads"), (1.0 - ratio, writes, "writes")] {
        if share > 0.0 && sum <= 0.0 {
            let problem = format!(
                "is {ratio}, but no operation of the workload {verb}; add an [[op]] that {verb}, or remove the key"
            );
            return load.bad("read_ratio", problem);
        }
    }
    let scaled: Vec<u32> = ops
        .iter()
        .map(|op| {
            let (share, sum) = if op.is_write() {
                (1.0 - ratio, writes)
            } else {
                (ratio, reads)
            };
            scaled(op.weight, share, sum)
        })
        .collect();
    let divisor = scaled
        .iter()
        .copied()
        .fold(0, greatest_common_divisor)
        .max(1);
    for (op, weight) in ops.iter_mut().zip(scaled) {
        op.weight = weight / divisor;
    }
    Some(ops)
}

/// Returns the weight of an operation with `weight` of `sum`, where the sum shall have `share` of all. A
/// small weight becomes 1, so that the operation does not disappear.
fn scaled(weight: u32, share: f64, sum: f64) -> u32 {
    if weight == 0 || share <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a million is exact")]
    let whole = *limits::WEIGHT.end() as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to a million"
    )]
    let weight = (f64::from(weight) / sum * share * whole).round() as u32;
    weight.max(1)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_scaled_to_its_share() {
        assert_eq!(scaled(1, 0.9, 1.0), 900_000);
        assert_eq!(scaled(1, 0.1, 4.0), 25_000);
        assert_eq!((scaled(1, 0.0, 1.0), scaled(0, 0.5, 1.0)), (0, 0));
        assert_eq!(scaled(1, 0.000_000_1, 1.0), 1);
        assert_eq!(greatest_common_divisor(0, 6), 6);
        assert_eq!(greatest_common_divisor(900_000, 100_000), 100_000);
    }
}
