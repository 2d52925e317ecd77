//! The limits of what only ZooKeeper has.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::RangeInclusive;

/// Characters of the chroot.
pub(super) const CHROOT_CHARS: usize = 256;

pub(super) const ZNODES: RangeInclusive<u64> = 0..=10_000_000;
/// Data of all prepared znodes together: a ZooKeeper server holds them in memory.
pub(super) const PREPARED_BYTES: u64 = 8 << 30;
/// One KiB below the default `jute.maxbuffer` of 1 MiB: path and header need room too.
pub(super) const SIZE_BYTES: RangeInclusive<u64> = 0..=(1 << 20) - (1 << 10);
/// A listing of a full parent (12 bytes a child) must fit `jute.maxbuffer`.
pub(super) const PER_PARENT: RangeInclusive<u64> = 1..=50_000;
/// A listing of the chroot must fit `jute.maxbuffer`.
pub(super) const PARENTS: u64 = 50_000;

/// A listing of a session's directory must fit `jute.maxbuffer`.
pub(super) const KEEP_COUNT: RangeInclusive<u64> = 1..=50_000;
pub(super) const BATCH: RangeInclusive<u64> = 1..=1_000;
/// Bytes a sub-operation of a transaction takes beside its data: path, header, version.
pub(super) const SUB_OPERATION_BYTES: u64 = 64;
