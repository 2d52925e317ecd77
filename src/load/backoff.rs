//! Waits between attempts to connect. They grow and have jitter.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BackoffPolicy {
    /// Upper bound of the first wait.
    pub(super) first_ns: i64,
    /// Upper bound of every wait.
    pub(super) max_ns: i64,
    /// Factor by which each wait is longer than the one before; at least 1.
    pub(super) growth: f64,
    /// Share of a wait that is random, 0 to 1.
    pub(super) jitter: f64,
}

/// The waits of one session. The jitter keeps sessions that lost the same server from reconnecting
/// all at once; the seed makes it repeatable.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    policy: BackoffPolicy,
    random: SplitMix64,
    /// Upper bound of the next wait.
    next_ns: f64,
}

impl Backoff {
    pub(super) fn new(policy: BackoffPolicy, seed: u64) -> Self {
        Self {
            policy,
            random: SplitMix64::seed_from_u64(seed),
            next_ns: float(policy.first_ns),
        }
    }

    /// Returns the next wait in nanoseconds.
    pub(super) fn next_ns(&mut self) -> i64 {
        let longest = self.next_ns.min(float(self.policy.max_ns));
        self.next_ns = longest * self.policy.growth;
        let drawn = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
        let wait = (longest * (1.0 - self.policy.jitter * drawn)) as i64;
        wait
    }

    /// Starts again with the first wait, after a successful connection.
    pub(super) fn reset(&mut self) {
        self.next_ns = float(self.policy.first_ns);
    }
}

#[expect(clippy::cast_precision_loss, reason = "waits are far below 2^53 ns")]
fn float(ns: i64) -> f64 {
    ns as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BackoffPolicy = BackoffPolicy {
        first_ns: 25_000_000,
        max_ns: 1_000_000_000,
        growth: 2.0,
        jitter: 0.5,
    };

    #[test]
    fn waits_grow_up_to_the_limit_and_differ_by_seed() {
        let waits = |seed| {
            let mut backoff = Backoff::new(POLICY, seed);
            (0..10).map(|_| backoff.next_ns()).collect::<Vec<_>>()
        };
        let first = waits(1);
        for (attempt, wait) in first.iter().enumerate() {
            let longest = (POLICY.first_ns << attempt.min(6)).min(POLICY.max_ns);
            assert!((longest / 2..=longest).contains(wait), "{attempt}: {wait}");
        }
        assert_eq!(first, waits(1));
        assert_ne!(first, waits(2));
        let mut backoff = Backoff::new(POLICY, 1);
        backoff.next_ns();
        backoff.next_ns();
        backoff.reset();
        assert!(backoff.next_ns() <= POLICY.first_ns);
    }

    #[test]
    fn without_jitter_and_growth_every_wait_is_the_first() {
        let policy = BackoffPolicy {
            growth: 1.0,
            jitter: 0.0,
            ..POLICY
        };
        let mut backoff = Backoff::new(policy, 3);
        assert!((0..5).all(|_| backoff.next_ns() == POLICY.first_ns));
    }
}
