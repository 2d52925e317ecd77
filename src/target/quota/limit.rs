//! The numbers of a CPU quota, and what the kernel reports of its effect.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::Throttled;

/// Usual length of a period in microseconds. It is short because a server that has used its quota waits for the
/// next period.
const PERIOD_US: f64 = 50_000.0;
/// Longest period that the kernel accepts, in microseconds.
const PERIOD_MAX_US: f64 = 1_000_000.0;
/// Shortest quota that the kernel accepts, in microseconds.
const QUOTA_MIN_US: f64 = 1_000.0;

/// A CPU quota: the processor time that a group may use in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) quota_us: u64,
    pub(super) period_us: u64,
}

impl Limit {
    /// Returns the limit for a share of one core. The period is longer than usual if the quota would be too short
    /// for the kernel.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both values lie between 1,000 and 256 million"
    )]
    pub(super) fn of(share: f64) -> Self {
        let share = share.clamp(QUOTA_MIN_US / PERIOD_MAX_US, 256.0);
        let period_us = (QUOTA_MIN_US / share)
            .ceil()
            .clamp(PERIOD_US, PERIOD_MAX_US);
        let quota_us = (share * period_us).round().max(QUOTA_MIN_US);
        Self {
            quota_us: quota_us as u64,
            period_us: period_us as u64,
        }
    }
}

/// Reads `cpu.stat`: `throttled_time` in nanoseconds (version 1) or `throttled_usec` (version 2). Returns `None` if
/// a value is missing.
pub(super) fn throttled(stat: &str) -> Option<Throttled> {
    let value = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_prefix(' ')?.trim().parse::<u64>().ok()
    };
    Some(Throttled {
        periods: value("nr_periods")?,
        throttled_periods: value("nr_throttled")?,
        throttled_ns: match value("throttled_time") {
            Some(ns) => ns,
            None => value("throttled_usec")?.checked_mul(1_000)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_short_and_the_quota_is_not_too_short_for_the_kernel() {
        let limit = |quota_us, period_us| Limit {
            quota_us,
            period_us,
        };
        assert_eq!(Limit::of(0.03), limit(1_500, 50_000));
        assert_eq!(Limit::of(2.0), limit(100_000, 50_000));
        assert_eq!(Limit::of(0.02), limit(1_000, 50_000));
        assert_eq!(Limit::of(0.01), limit(1_000, 100_000));
        assert_eq!(Limit::of(0.001), limit(1_000, 1_000_000));
    }

    #[test]
    fn both_versions_of_cpu_stat_are_read() {
        let first = "nr_periods 61\nnr_throttled 60\nthrottled_time 2904126057\nnr_bursts 0\n";
        let second = "usage_usec 9\nnr_periods 61\nnr_throttled 60\nthrottled_usec 2904126\n";
        let read = throttled(first).unwrap();
        assert_eq!((read.periods, read.throttled_periods), (61, 60));
        assert_eq!(read.throttled_ns, 2_904_126_057);
        assert_eq!(throttled(second).unwrap().throttled_ns, 2_904_126_000);
        // The group at the top has no quota.
        assert_eq!(throttled("usage_usec 9\n"), None);
    }
}
