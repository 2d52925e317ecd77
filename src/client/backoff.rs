//! How long to wait before the next attempt to connect: exponential, with jitter.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// Longest first wait.
const FIRST_NS: i64 = 25_000_000;
/// Longest wait.
const MAX_NS: i64 = 1_000_000_000;
/// Attempts after which the wait no longer grows.
const DOUBLINGS_MAX: u32 = 6;

/// The waits of one session. Seeded, so that sessions which lost the same server do not come back
/// in step, yet a run can be repeated.
#[derive(Clone, Debug)]
pub struct Backoff {
    random: SplitMix64,
    attempts: u32,
}

impl Backoff {
    /// A fresh one.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: SplitMix64::seed_from_u64(seed),
            attempts: 0,
        }
    }

    /// The next wait, nanoseconds: between half and all of 25 ms, 50 ms, 100 ms, ... 1 s.
    pub fn next_ns(&mut self) -> i64 {
        let longest = (FIRST_NS << self.attempts.min(DOUBLINGS_MAX)).min(MAX_NS);
        self.attempts = self.attempts.saturating_add(1);
        let half = longest / 2;
        half + i64::from(self.random.next_u32()) * half / i64::from(u32::MAX)
    }

    /// A connection succeeded: the next wait is a short one.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_differ_by_seed() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..10).map(|_| backoff.next_ns()).collect::<Vec<_>>()
        };
        let first = waits(1);
        for (attempt, wait) in first.iter().enumerate() {
            let longest = (FIRST_NS << attempt.min(6)).min(MAX_NS);
            assert!((longest / 2..=longest).contains(wait), "{attempt}: {wait}");
        }
        assert_eq!(first, waits(1));
        assert_ne!(first, waits(2));
        let mut backoff = Backoff::new(1);
        backoff.next_ns();
        backoff.next_ns();
        backoff.reset();
        assert!(backoff.next_ns() <= FIRST_NS);
    }
}
