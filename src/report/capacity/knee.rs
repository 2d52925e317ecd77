//! Finds where a curve of latency over rate bends.
//!
//! Kneedle (Satopaa et al., 2011): scale the curve to a unit square and take the point farthest
//! below the straight line from its first to its last point. The logarithm of the latency is used.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::result::{Capacity, Held};

/// A curve needs at least this many rates.
const RATES_MIN: usize = 5;
/// The point must lie at least this far below the line, as a share of the square.
const DEPTH_MIN: f64 = 0.15;

/// Returns the rate at which p99 begins to rise, in operations per second; `None` if the curve does
/// not bend.
pub(crate) fn knee_per_s(capacity: &Capacity) -> Option<f64> {
    let mut by_rate: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for step in &capacity.steps {
        if let Some(p99_us) = step.p99_us.filter(|us| *us > 0.0)
            && step.held != Held::Invalid
        {
            // The bits of positive floats sort like the floats.
            let rate = by_rate.entry(step.rate_per_s.to_bits()).or_default();
            rate.push(p99_us.ln());
        }
    }
    let points: Vec<(f64, f64)> = by_rate
        .into_iter()
        .map(|(rate, mut logs)| {
            logs.sort_by(f64::total_cmp);
            (f64::from_bits(rate), logs[logs.len() / 2])
        })
        .collect();
    if points.len() < RATES_MIN {
        return None;
    }
    let (first, last) = (points.first()?, points.last()?);
    let (width, height) = (last.0 - first.0, last.1 - first.1);
    if width <= 0.0 || height <= 0.0 {
        return None;
    }
    let depth = |(x, y): &(f64, f64)| (x - first.0) / width - (y - first.1) / height;
    let knee = points.iter().max_by(|a, b| depth(a).total_cmp(&depth(b)))?;
    (depth(knee) >= DEPTH_MIN).then_some(knee.0)
}

#[cfg(test)]
mod tests {
    use super::super::answer::example::{capacity, step};
    use super::*;

    #[test]
    fn the_knee_is_where_the_curve_leaves_the_flat_part() {
        let mut bent = capacity();
        bent.steps = [5_000.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 44_000.0]
            .map(|rate| step(rate, Held::Yes))
            .into();
        let knee = knee_per_s(&bent).unwrap();
        assert!((30_000.0..=40_000.0).contains(&knee), "{knee}");
    }

    #[test]
    fn a_straight_line_has_no_knee() {
        let mut straight = capacity();
        straight.steps = (1..8)
            .map(|n| {
                let mut step = step(f64::from(n) * 1_000.0, Held::Yes);
                step.p99_us = Some(f64::from(n).exp());
                step
            })
            .collect();
        assert_eq!(knee_per_s(&straight), None);
        straight.steps.truncate(4);
        assert_eq!(knee_per_s(&straight), None, "four rates are too few");
    }
}
