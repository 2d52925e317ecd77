//! When the throughput was back after a fault.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::length::ms;
use crate::report::statistics::median;

/// The throughput is back at this share of its median before the fault.
pub(crate) const SHARE: f64 = 0.95;
/// It is back if it stays so for this long, in milliseconds.
const HOLD_MS: u64 = 1_000;
/// Seconds before the first fault that the median is taken of.
const BEFORE_MAX: usize = 30;

/// Acknowledged operations per bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts<'a> {
    pub buckets: &'a [u32],
    pub bucket_ms: u64,
}

/// The times of a fault, in nanoseconds since the start of the measured phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The first fault of the run. What lies before it is the normal throughput.
    pub first_fault_ns: i64,
    pub at_ns: i64,
    /// The end of the gap that the fault made; the fault's time if there was none.
    pub served_ns: i64,
    /// End of the measured phase.
    pub until_ns: i64,
}

/// Returns the time from the fault until one second begins in which the throughput is back, in
/// milliseconds. That second does not begin before the gap has ended, because the operations that
/// waited would otherwise fill it. `None` if it never was back, or if less than a second before the
/// first fault was measured.
pub(super) fn recovery_ms(counts: Counts<'_>, span: Span) -> Option<f64> {
    let bucket_ns = i64::try_from(counts.bucket_ms.max(1)).ok()? * 1_000_000;
    let hold = usize::try_from((HOLD_MS / counts.bucket_ms.max(1)).max(1)).ok()?;
    let index = |at_ns: i64| usize::try_from(at_ns / bucket_ns).ok();
    let sums = running_sums(counts.buckets);
    let sum = |from: usize, to: usize| {
        let last = sums.len() - 1;
        sums[to.min(last)] - sums[from.min(last)]
    };
    let normal = normal(&sum, index(span.first_fault_ns)?, hold)?;
    let end = index(span.until_ns)?;
    let start = (index(span.served_ns.max(span.at_ns))?..)
        .take_while(|start| start + hold <= end)
        .find(|start| sum(*start, start + hold) >= SHARE * normal)?;
    let start_ns = i64::try_from(start).ok()?.saturating_mul(bucket_ns);
    Some(ms(start_ns.max(span.served_ns).max(span.at_ns) - span.at_ns))
}

/// Returns the median of the seconds before bucket `first_fault`, if it is above 0.
fn normal(sum: &impl Fn(usize, usize) -> f64, first_fault: usize, hold: usize) -> Option<f64> {
    let seconds: Vec<f64> = (1..=BEFORE_MAX)
        .map_while(|back| first_fault.checked_sub(back * hold))
        .map(|from| sum(from, from + hold))
        .collect();
    median(&seconds).filter(|normal| *normal > 0.0)
}

fn running_sums(buckets: &[u32]) -> Vec<f64> {
    let mut total = 0.0;
    let mut sums = vec![0.0];
    sums.extend(buckets.iter().map(|count| {
        total += f64::from(*count);
        total
    }));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn back(buckets: &[u32], at_ms: i64, served_ms: i64) -> Option<f64> {
        let counts = Counts {
            buckets,
            bucket_ms: 10,
        };
        let until_ns = i64::try_from(buckets.len()).unwrap() * 10 * MS;
        let span = Span {
            first_fault_ns: at_ms * MS,
            at_ns: at_ms * MS,
            served_ns: served_ms * MS,
            until_ns,
        };
        recovery_ms(counts, span)
    }

    #[test]
    fn the_operations_that_waited_do_not_make_a_gap_look_recovered() {
        // Nothing for 214 ms, then everything that waited at once.
        let mut buckets = vec![10; 500];
        buckets[200..221].fill(0);
        buckets[221] = 220;
        assert_eq!(back(&buckets, 2_000, 2_214), Some(214.0));
    }

    #[test]
    fn throughput_that_stays_low_is_not_back() {
        let mut buckets = vec![10; 600];
        // 0.4 s without an answer, then 80 % until 4 s.
        buckets[200..240].fill(0);
        buckets[240..400].fill(8);
        let ms = back(&buckets, 2_000, 2_400).unwrap();
        // A second with a quarter at 80 % has 95 %.
        assert!((ms - 1_750.0).abs() < 20.0, "{ms}");
        buckets[240..600].fill(8);
        assert_eq!(back(&buckets, 2_000, 2_400), None);
    }

    #[test]
    fn a_fault_that_nobody_noticed_is_recovered_at_once() {
        assert_eq!(back(&[10; 500], 2_000, 2_000), Some(0.0));
    }

    #[test]
    fn without_a_second_before_the_fault_or_after_it_there_is_no_answer() {
        assert_eq!(back(&[10; 500], 900, 900), None);
        assert_eq!(back(&[10; 500], 4_500, 4_500), None);
        assert_eq!(back(&[0; 500], 2_000, 2_000), None);
    }
}
