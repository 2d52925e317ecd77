//! The statistics of a comparison: exact tests, a confidence interval that agrees with its test, a
//! correction for several tests, and a test for a trend.
//!
//! All tests use the 5 % level. Random draws use a fixed seed, so the same values always give the
//! same verdict.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod bootstrap;
mod holm;
mod kendall;
mod median;
mod sign_flip;
mod split;

use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) use bootstrap::{median_interval, ratio_interval};
pub(super) use holm::holm;
pub(super) use kendall::kendall;
pub(super) use median::median;
pub(super) use sign_flip::{least_p, sign_flip};
pub(super) use split::{least_split_p, split};

/// Largest p-value that shows a difference.
pub(super) const LEVEL: f64 = 0.05;

/// Number of random rearrangements if there are too many to try all.
const DRAWN: u32 = 100_000;

/// A sum of logarithms closer to 0 than this is treated as 0, because the rest is rounding error.
const ROUNDING: f64 = 1e-12;

/// Returns a random generator. Each use has its own `stream`.
fn generator(stream: u64) -> Xoshiro256PlusPlus {
    const SEED: u64 = 0x51_75_6f_72_61_74_65;
    Xoshiro256PlusPlus::seed_from_u64(SEED ^ stream)
}

/// Maps a random word to `0..length` by its upper bits.
fn index_below(length: usize, word: u64) -> usize {
    let product = u128::from(word) * length as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_cover_the_whole_range() {
        assert_eq!(index_below(5, 0), 0);
        assert_eq!(index_below(5, u64::MAX), 4);
    }
}
