//! The data that operations carry: one block of bytes. Each operation uses its beginning.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// Incompressible bytes that depend only on the seed.
#[derive(Debug)]
pub struct Payload {
    bytes: Vec<u8>,
}

impl Payload {
    /// Makes a payload with room for the largest operation.
    #[must_use]
    pub fn new(seed: u64, largest: usize) -> Self {
        let mut bytes = vec![0; largest];
        Xoshiro256PlusPlus::seed_from_u64(seed).fill_bytes(&mut bytes);
        Self { bytes }
    }

    /// Returns the first `size` bytes.
    #[must_use]
    pub fn get(&self, size: usize) -> &[u8] {
        &self.bytes[..size.min(self.bytes.len())]
    }
}
