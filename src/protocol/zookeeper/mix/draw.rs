//! Random draws: a seeded stream, sizes and keys.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_distr::{Distribution as _, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::scatter::Scatter;
use crate::workload::{KeyChoice, SizeChoice};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: Xoshiro256PlusPlus,
}

impl Random {
    /// Returns stream number `stream` of a session. Streams do not overlap in practice.
    pub(super) fn new(seed: u64, session: u32, stream: u64) -> Self {
        let mixed = split_mix(split_mix(split_mix(seed) ^ u64::from(session)) ^ stream);
        Self {
            state: Xoshiro256PlusPlus::seed_from_u64(mixed),
        }
    }

    /// Returns a number below `bound`, or 0 if `bound` is 0. It uses one multiplication instead of
    /// a division (Lemire). The bias is below `bound / 2^64`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.state.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit affects every output bit.
fn split_mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Data sizes in bytes.
#[derive(Clone, Debug)]
pub(super) enum Sizes {
    Fixed(usize),
    Uniform { min: usize, span: u64 },
    OneOf(Vec<usize>),
}

impl Sizes {
    pub(super) fn new(choice: &SizeChoice) -> Self {
        let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
        match choice {
            SizeChoice::Fixed(bytes) => Self::Fixed(size(*bytes)),
            SizeChoice::Uniform(min, max) => Self::Uniform {
                min: size(*min),
                span: u64::from(max.saturating_sub(*min)) + 1,
            },
            SizeChoice::OneOf(sizes) => {
                Self::OneOf(sizes.iter().map(|bytes| size(*bytes)).collect())
            }
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> usize {
        match self {
            Self::Fixed(size) => *size,
            Self::Uniform { min, span } => min + usize::try_from(random.below(*span)).unwrap_or(0),
            Self::OneOf(sizes) => {
                let bound = u64::try_from(sizes.len()).unwrap_or(0);
                let index = usize::try_from(random.below(bound)).unwrap_or(0);
                sizes.get(index).copied().unwrap_or(0)
            }
        }
    }
}

/// Indices of prepared znodes.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    /// Uniform in `from .. from + count`.
    Uniform { from: u64, count: u64 },
    /// Rank 1 is the most frequent.
    Zipf { ranks: Zipf<f64>, scatter: Scatter },
    /// The next index, round and round.
    Sequential { next: u64, count: u64 },
}

impl Keys {
    pub(super) fn new(choice: &KeyChoice, count: u64, sessions: u32, session: u32) -> Self {
        let sessions = u64::from(sessions.max(1));
        let share = |session: u64| session.saturating_mul(count) / sessions;
        let from = share(u64::from(session)).min(count);
        match choice {
            KeyChoice::Uniform => Self::Uniform { from: 0, count },
            KeyChoice::PerSession => {
                let to = share(u64::from(session) + 1).min(count);
                Self::Uniform {
                    from,
                    count: to.saturating_sub(from),
                }
            }
            // Sessions start at different znodes, so that they do not access the same ones in step.
            KeyChoice::Sequential => Self::Sequential { next: from, count },
            KeyChoice::Zipf(exponent) => zipf(count, *exponent),
        }
    }

    pub(super) fn draw(&mut self, random: &mut Random) -> u64 {
        match self {
            Self::Uniform { from, count } => *from + random.below(*count),
            Self::Zipf { ranks, scatter } => {
                let rank = ranks.sample(&mut random.state);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "ranks are whole numbers from 1 to the count of znodes"
                )]
                let rank = rank as u64;
                scatter.index(rank)
            }
            Self::Sequential { next, count } => {
                let key = *next;
                *next = if key + 1 < *count { key + 1 } else { 0 };
                key
            }
        }
    }
}

fn zipf(count: u64, exponent: f64) -> Keys {
    #[expect(clippy::cast_precision_loss, reason = "at most 10 million znodes")]
    let ranks = Zipf::new(count as f64, exponent);
    // Fails only without znodes or with a negative exponent, and a workload file can have neither.
    ranks.map_or(Keys::Uniform { from: 0, count }, |ranks| Keys::Zipf {
        ranks,
        scatter: Scatter::new(count),
    })
}
