//! Limits of the keys that only ZooKeeper has.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::RangeInclusive;

/// Maximum length of the chroot, in characters.
pub(super) const CHROOT_CHARS: usize = 256;

pub(super) const ZNODES: RangeInclusive<u64> = 0..=10_000_000;
/// Maximum size of the data of all prepared znodes. A ZooKeeper server holds them in memory.
pub(super) const PREPARED_BYTES: u64 = 8 << 30;
/// Range of a data size. The end is one KiB below the default `jute.maxbuffer` of 1 MiB, because
/// path and header need room.
pub(super) const SIZE_BYTES: RangeInclusive<u64> = 0..=(1 << 20) - (1 << 10);
/// A listing of a full parent (12 bytes a child) must fit `jute.maxbuffer`.
pub(super) const PER_PARENT: RangeInclusive<u64> = 1..=50_000;
/// A listing of the chroot must fit `jute.maxbuffer`.
pub(super) const PARENTS: u64 = 50_000;

/// A listing of a session's directory must fit `jute.maxbuffer`.
pub(super) const KEEP_COUNT: RangeInclusive<u64> = 1..=50_000;
pub(super) const BATCH: RangeInclusive<u64> = 1..=1_000;
/// Size of a sub-operation of a transaction without its data: path, header, version.
pub(super) const SUB_OPERATION_BYTES: u64 = 64;
