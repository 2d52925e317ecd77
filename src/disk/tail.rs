//! Judges the end of a log: unused, torn by a crash, or damaged.
//!
//! The writer follows two rules: it syncs each write before it begins the next, and no write is larger
//! than [`UNSYNCED_BYTES_MAX`]. Therefore a crash can tear only the last write. If the process is killed,
//! a prefix of that write remains. If the machine loses power, any subset of its pages remains, and the
//! other pages are still zeros. The rest of a file behind its last sound record is
//!
//! - clean, if it contains only zeros;
//! - torn, if it fits into one write and contains no further sound record, or if zeros up to the end of
//!   a page separate it from the next sound record (the page, or its last part, did not reach the disk);
//! - damaged otherwise: bytes that were synced and acknowledged have changed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Maximum size of one write, and therefore of the unsynced bytes.
pub const UNSYNCED_BYTES_MAX: usize = 8 << 20;

/// The unit in which the kernel writes a file to the disk.
const PAGE_BYTES: usize = 4096;

/// The verdict on the rest of a file behind its last sound record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Contains only unused zeros.
    Clean,
    /// Contains a write that was never synced and therefore never acknowledged. Recovery removes it.
    Torn {
        /// Number of bytes up to the last one that is not zero.
        lost_bytes: usize,
    },
    /// Contains bytes that were synced and have changed since.
    Damaged,
}

/// Describes how to find a later record behind bytes that are not a record.
#[derive(Clone, Copy, Debug)]
pub struct RecordSearch<F> {
    /// Minimum size of a record in bytes.
    pub record_bytes_min: usize,
    /// Number of zero bytes with which every sound record may begin. Up to this many zeros behind the last
    /// sound record do not show that a page is missing.
    pub ordinary_zeros: usize,
    /// Returns whether the given bytes begin with a sound record that is newer than the last one.
    pub begins_newer: F,
}

/// Judges `rest`, the bytes of the file from `offset`, where the last sound record ends, to its end.
pub fn judge_tail<F>(rest: &[u8], offset: u64, search: &RecordSearch<F>) -> Tail
where
    F: Fn(&[u8]) -> bool,
{
    let Some(last) = rest.iter().rposition(|byte| *byte != 0) else {
        return Tail::Clean;
    };
    let lost_bytes = last + 1;
    if lost_bytes > UNSYNCED_BYTES_MAX {
        return Tail::Damaged;
    }
    let written = &rest[..lost_bytes];
    let next = (1..lost_bytes.saturating_sub(search.record_bytes_min))
        .find(|at| (search.begins_newer)(&written[*at..]));
    match next {
        None => Tail::Torn { lost_bytes },
        Some(at) if misses_page(&rest[..at], offset, search.ordinary_zeros) => {
            Tail::Torn { lost_bytes }
        }
        Some(_) => Tail::Damaged,
    }
}

/// Whether a page did not reach the disk. `bytes` begin at `offset`, where the last sound record ends.
/// A missing page shows as zeros: either the rest of the page that contains `offset`, or a whole page.
fn misses_page(bytes: &[u8], offset: u64, ordinary_zeros: usize) -> bool {
    let page = PAGE_BYTES as u64;
    let skip = usize::try_from((page - offset % page) % page).unwrap_or(0);
    let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    bytes.split_at_checked(skip).is_some_and(|(rest, pages)| {
        (rest.len() > ordinary_zeros && zeros(rest)) || pages.chunks_exact(PAGE_BYTES).any(zeros)
    })
}
