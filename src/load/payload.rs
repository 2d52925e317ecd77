//! The data that operations carry: one block of bytes, of which each takes the beginning.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use crate::workload::{Plan, SizeChoice};

/// Bytes that do not compress, the same for the same seed.
#[derive(Debug)]
pub(super) struct Payload {
    bytes: Vec<u8>,
}

impl Payload {
    /// As much as the plan's largest operation or prepared znode needs.
    pub(super) fn new(plan: &Plan) -> Self {
        let sizes = plan.ops.iter().map(|op| op.size.max_bytes());
        let largest = sizes.chain([plan.prepare.size.max_bytes()]).max();
        let largest = usize::try_from(largest.unwrap_or(0)).unwrap_or(0);
        let mut bytes = vec![0; largest];
        Xoshiro256PlusPlus::seed_from_u64(plan.seed).fill_bytes(&mut bytes);
        Self { bytes }
    }

    /// The first `size` bytes.
    pub(super) fn get(&self, size: usize) -> &[u8] {
        &self.bytes[..size.min(self.bytes.len())]
    }
}

/// The sizes of the prepared znodes: a function of the plan and the znode's number.
pub(super) fn prepared_size(plan: &Plan, index: u64) -> usize {
    let size = match &plan.prepare.size {
        SizeChoice::Fixed(size) => *size,
        SizeChoice::Uniform(min, max) => {
            let span = u64::from(max.saturating_sub(*min)) + 1;
            let above = draw(plan.seed, index) % span;
            *min + u32::try_from(above).unwrap_or(0)
        }
        SizeChoice::OneOf(sizes) => {
            let chosen = draw(plan.seed, index) % (sizes.len().max(1) as u64);
            let chosen = usize::try_from(chosen).unwrap_or(0);
            sizes.get(chosen).copied().unwrap_or(0)
        }
    };
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn draw(seed: u64, index: u64) -> u64 {
    // A generator per znode, so that znodes can be created in any order.
    rand_xoshiro::SplitMix64::seed_from_u64(seed ^ index.rotate_left(32)).next_u64()
}
