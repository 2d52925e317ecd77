//! What the end of a log means: unused, torn by a crash, or damaged.
//!
//! The writer follows one rule: it writes nothing before everything written earlier is synced, and
//! no write is larger than [`UNSYNCED_BYTES_MAX`]. So a crash can tear only the last write. A killed
//! process leaves a prefix of it. A machine that lost power leaves any subset of its pages; the other
//! pages are still zeros. So the rest of a file behind its last sound record is
//!
//! - clean, if it is nothing but zeros;
//! - torn, if it fits into one write and holds no further sound record, or if zeros up to the end of
//!   a page separate it from the next one (a page that never reached the disk, or whose last part
//!   did not);
//! - damaged otherwise: bytes that were synced and acknowledged have changed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// No write, and so nothing unsynced, is larger.
pub const UNSYNCED_BYTES_MAX: usize = 8 << 20;

/// The unit that reaches the disk or does not.
const PAGE_BYTES: usize = 4096;

/// The verdict on the rest of a file behind its last sound record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Unused.
    Clean,
    /// Begun but never synced, so never acknowledged: to be cut off.
    Torn {
        /// Bytes up to the last that is not zero.
        lost_bytes: usize,
    },
    /// Synced once and changed since.
    Damaged,
}

/// How to find a later record behind bytes that are none.
#[derive(Clone, Copy, Debug)]
pub struct RecordSearch<F> {
    /// Bytes that a record has at least.
    pub record_bytes_min: usize,
    /// Bytes of zeros that an ordinary record may hold where the last sound one ends. They do not
    /// show that a page is missing.
    pub ordinary_zeros: usize,
    /// Whether the given bytes begin with a sound record that is newer than the last one.
    pub begins_newer: F,
}

/// Judges `rest`, which begins `offset` bytes into the file, directly behind the last sound record,
/// and reaches to the end of the file.
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
    // At any byte behind the first.
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
/// Either everything behind it in its page is zeros, as before the write, or a whole page is.
fn misses_page(bytes: &[u8], offset: u64, ordinary_zeros: usize) -> bool {
    let page = PAGE_BYTES as u64;
    let skip = usize::try_from((page - offset % page) % page).unwrap_or(0);
    let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    bytes.split_at_checked(skip).is_some_and(|(rest, pages)| {
        (rest.len() > ordinary_zeros && zeros(rest)) || pages.chunks_exact(PAGE_BYTES).any(zeros)
    })
}
