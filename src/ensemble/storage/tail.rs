//! Interprets the end of a transaction log; see [`crate::disk::tail`].
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::disk::tail::{self, RecordSearch, Tail};
use crate::wire::jute::Zxid;

use super::format::{
    ENTRY_BYTES_MAX, ENTRY_FRAMING_BYTES, ENTRY_PREFIX_BYTES, Parsed, announced_bytes, parse_entry,
};

/// The upper half of every checksum is zero, so up to four zeros after an entry can belong to the
/// next one.
const ORDINARY_ZEROS: usize = 4;

/// Classifies `rest`, which is the end of the file from byte `offset`, directly after the last
/// valid entry (`after`).
#[must_use]
pub fn judge_tail(rest: &[u8], offset: u64, after: Zxid) -> Tail {
    let search = RecordSearch {
        record_bytes_min: ENTRY_FRAMING_BYTES,
        record_bytes_max: ENTRY_BYTES_MAX + ENTRY_FRAMING_BYTES,
        prefix_bytes: ENTRY_PREFIX_BYTES,
        announced_bytes,
        ordinary_zeros: ORDINARY_ZEROS,
        begins_newer: |bytes: &[u8]| matches!(parse_entry(bytes), Parsed::Entry(entry) if entry.zxid > after),
    };
    tail::judge_tail(rest, offset, &search)
}

#[cfg(test)]
mod tests {
    use super::super::format::LogBatch;
    use super::*;
    use crate::disk::tail::UNSYNCED_BYTES_MAX;

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
    fn a_tail_of_zeros_is_clean() {
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
    fn a_changed_byte_is_damage_before_a_valid_entry_and_torn_in_the_last_one() {
        let mut first = framed(1..=3, 10);
        first[20] ^= 1;
        assert_eq!(judge_tail(&first, 16, Zxid(0)), Tail::Damaged);
        let mut last = framed(3..=3, 10);
        last[20] ^= 1;
        let lost_bytes = last.len();
        assert_eq!(judge_tail(&last, 16, Zxid(2)), Tail::Torn { lost_bytes });
    }

    #[test]
    fn a_missing_page_is_torn_and_less_than_a_page_is_damage() {
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
    fn more_bytes_than_one_torn_write_can_leave_are_damage() {
        let junk = vec![3; UNSYNCED_BYTES_MAX + 1];
        assert_eq!(judge_tail(&junk, 16, Zxid(0)), Tail::Damaged);
    }

    #[test]
    fn a_torn_entry_larger_than_other_writes_is_torn() {
        let entry = framed(1..=1, 20 << 20);
        for cut in [UNSYNCED_BYTES_MAX + 1, 15 << 20, entry.len() - 1] {
            let lost_bytes = cut;
            let torn = Tail::Torn { lost_bytes };
            assert_eq!(judge_tail(&entry[..cut], 16, Zxid(0)), torn, "cut at {cut}");
        }
        // Power loss: the pages with the beginning did not reach the disk. At 4090 the entry's length
        // lies in the second page.
        for (offset, missing) in [
            (16, 0..4080),
            (4090, 0..6),
            (4090, 6..4102),
            (4096, 0..4096),
        ] {
            let mut written = entry.clone();
            written[missing.clone()].fill(0);
            let verdict = judge_tail(&written, offset, Zxid(0));
            assert!(
                matches!(verdict, Tail::Torn { .. }),
                "at {offset} without {missing:?}: {verdict:?}"
            );
        }
    }

    #[test]
    fn bytes_behind_a_large_torn_entry_are_damage() {
        let mut written = framed(1..=1, 9 << 20);
        written[40] ^= 1;
        assert!(matches!(
            judge_tail(&written, 16, Zxid(0)),
            Tail::Torn { .. }
        ));
        written.push(1);
        assert_eq!(judge_tail(&written, 16, Zxid(0)), Tail::Damaged);
    }
}
