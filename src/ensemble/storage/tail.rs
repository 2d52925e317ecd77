//! What the end of a log means: unused, torn by a crash, or damaged.
//!
//! The writer keeps one rule: nothing is written before everything written earlier is synced, and
//! no write is larger than [`UNSYNCED_BYTES_MAX`]. What a crash can have torn is therefore only the
//! last write. Of it, a killed process leaves a prefix, and a machine that lost power leaves any
//! subset of its pages, the others still being zeros. So the rest of a file behind its last sound
//! entry is
//!
//! - clean, if it is nothing but zeros;
//! - torn, if it fits into one write and holds no further sound entry, or if zeros up to the end of
//!   a page separate it from the next one (a page that never reached the disk, or whose last part
//!   did not);
//! - damaged otherwise: bytes that once were synced, and acknowledged, have changed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::Zxid;

use super::format::{ENTRY_FRAMING_BYTES, Parsed, parse_entry};

/// No write, and so nothing unsynced, is larger.
pub const UNSYNCED_BYTES_MAX: usize = 8 << 20;

/// What reaches the disk or does not, as a whole.
const PAGE_BYTES: usize = 4096;

/// Verdict over the rest of a file behind its last sound entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Unused.
    Clean,
    /// Begun but never synced, so never acknowledged: to be cut off.
    Torn {
        /// Bytes up to the last that is not zero.
        lost_bytes: usize,
    },
    /// Once synced, now changed.
    Damaged,
}

/// Judges `rest`, which begins `offset` bytes into the file, right behind the last sound entry
/// (`after`), and reaches to the end of the file.
#[must_use]
pub fn judge_tail(rest: &[u8], offset: u64, after: Zxid) -> Tail {
    let Some(last) = rest.iter().rposition(|byte| *byte != 0) else {
        return Tail::Clean;
    };
    let lost_bytes = last + 1;
    if lost_bytes > UNSYNCED_BYTES_MAX {
        return Tail::Damaged;
    }
    match find_entry(&rest[..lost_bytes], after) {
        None => Tail::Torn { lost_bytes },
        Some(at) if misses_page(&rest[..at], offset) => Tail::Torn { lost_bytes },
        Some(_) => Tail::Damaged,
    }
}

/// Where the first sound entry newer than `after` begins, at any byte behind the first.
fn find_entry(bytes: &[u8], after: Zxid) -> Option<usize> {
    (1..bytes.len().saturating_sub(ENTRY_FRAMING_BYTES))
        .find(|at| matches!(parse_entry(&bytes[*at..]), Parsed::Entry(entry) if entry.zxid > after))
}

/// The upper half of every checksum is zero: such zeros tell nothing.
const MEANINGLESS_ZEROS: usize = 4;

/// Did a page not reach the disk? `bytes` begin at `offset`, where the last sound entry ends. Either
/// all that follows it in its page is as it was before the write, zeros, or a whole page is.
fn misses_page(bytes: &[u8], offset: u64) -> bool {
    let page = PAGE_BYTES as u64;
    let skip = usize::try_from((page - offset % page) % page).unwrap_or(0);
    let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    bytes.split_at_checked(skip).is_some_and(|(rest, pages)| {
        (rest.len() > MEANINGLESS_ZEROS && zeros(rest)) || pages.chunks_exact(PAGE_BYTES).any(zeros)
    })
}

#[cfg(test)]
mod tests {
    use super::super::format::LogBatch;
    use super::*;

    fn framed(zxids: std::ops::RangeInclusive<i64>, payload: usize) -> Vec<u8> {
        let mut batch = LogBatch::new();
        for zxid in zxids {
            let mut entry = vec![7; 32 + payload];
            entry[12..20].copy_from_slice(&zxid.to_be_bytes());
            batch.push(Zxid(zxid), &entry);
        }
        batch.bytes().to_vec()
    }

    #[test]
    fn zeros_are_clean() {
        assert_eq!(judge_tail(&[], 16, Zxid(0)), Tail::Clean);
        assert_eq!(judge_tail(&[0; 10_000], 77, Zxid(0)), Tail::Clean);
    }

    #[test]
    fn every_prefix_of_the_last_entry_is_torn() {
        let entry = framed(1..=1, 10);
        for cut in 1..entry.len() {
            let mut rest = entry[..cut].to_vec();
            rest.resize(1000, 0);
            assert!(matches!(
                judge_tail(&rest, 16, Zxid(0)),
                Tail::Torn { .. } | Tail::Clean
            ));
        }
    }

    #[test]
    fn a_changed_byte_before_a_sound_entry_is_damage_and_in_the_last_it_is_torn() {
        let mut first = framed(1..=3, 10);
        first[20] ^= 1;
        assert_eq!(judge_tail(&first, 16, Zxid(0)), Tail::Damaged);
        let mut last = framed(3..=3, 10);
        last[20] ^= 1;
        let lost_bytes = last.len();
        assert_eq!(judge_tail(&last, 16, Zxid(2)), Tail::Torn { lost_bytes });
    }

    #[test]
    fn a_page_that_never_reached_the_disk_is_torn_and_less_than_a_page_is_damage() {
        let written = framed(1..=100, 150);
        for (hole, torn) in [(4096..8192, true), (4096..8191, false)] {
            let mut file = vec![1; 16];
            file.extend_from_slice(&written);
            file[hole].fill(0);
            let mut at = 16;
            let mut after = Zxid(0);
            while let Parsed::Entry(entry) = parse_entry(&file[at..]) {
                at += entry.framed_bytes();
                after = entry.zxid;
            }
            let verdict = judge_tail(&file[at..], at as u64, after);
            assert_eq!(matches!(verdict, Tail::Torn { .. }), torn, "{verdict:?}");
        }
    }

    #[test]
    fn more_junk_than_one_write_can_leave_is_damage() {
        let junk = vec![3; UNSYNCED_BYTES_MAX + 1];
        assert_eq!(judge_tail(&junk, 16, Zxid(0)), Tail::Damaged);
    }
}
