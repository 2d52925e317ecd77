//! The statistics that a comparison rests on: exact tests, an interval that agrees with its test, a
//! correction for many tests, and a test for a trend.
//!
//! Everything is decided at 5 %. What is drawn at random is drawn from a fixed seed, so that the same
//! observations always give the same verdict.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod bootstrap;
mod holm;
mod kendall;
mod median;
mod sign_flip;
mod split;

use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) use bootstrap::ratio_interval;
pub(super) use holm::holm;
pub(super) use kendall::kendall;
pub(super) use median::median;
pub(super) use sign_flip::{least_p, sign_flip};
pub(super) use split::{least_split_p, split};

/// Largest p-value at which a difference is shown.
pub(super) const LEVEL: f64 = 0.05;

/// Rearrangements that are drawn where there are too many to look at all of them.
const DRAWN: u32 = 100_000;

/// A sum of logarithms closer to 0 than this is 0: the rest is rounding.
const ROUNDING: f64 = 1e-12;

/// A generator of its own for each use.
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
    fn indices_cover_the_range_and_stay_in_it() {
        assert_eq!(index_below(5, 0), 0);
        assert_eq!(index_below(5, u64::MAX), 4);
    }
}
