//! What the end of a log means: unused, torn by a crash, or damaged.
//!
//! The writer follows one rule, which [`super::Appender`] enforces: what is written and not yet synced
//! is at most [`UNSYNCED_BYTES_MAX`], or a single record that is larger. So a crash can tear only that
//! much. A killed process leaves a prefix of it. A machine that lost power leaves any subset of its
//! pages; the other pages are still zeros. So the rest of a file behind its last sound record is
//!
//! - clean, if it is nothing but zeros;
//! - torn, if it was unsynced by the rule above and holds no further sound record, or if zeros up to
//!   the end of a page separate it from the next one (a page that never reached the disk, or whose last
//!   part did not);
//! - damaged otherwise: bytes that were synced and acknowledged have changed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// What is unsynced is not larger, unless it is a single record.
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

/// How to recognise records in bytes that begin with none.
#[derive(Clone, Copy, Debug)]
pub struct RecordSearch<F, G> {
    /// Bytes that a record has at least.
    pub record_bytes_min: usize,
    /// Bytes that a record has at most.
    pub record_bytes_max: usize,
    /// Bytes at the beginning of a record that tell its length.
    pub prefix_bytes: usize,
    /// The whole length of the record that begins here, by its prefix; `None` if no record begins so.
    pub announced_bytes: G,
    /// Bytes of zeros that an ordinary record may hold where the last sound one ends. They do not
    /// show that a page is missing.
    pub ordinary_zeros: usize,
    /// Whether the given bytes begin with a sound record that is newer than the last one.
    pub begins_newer: F,
}

/// Judges `rest`, which begins `offset` bytes into the file, directly behind the last sound record,
/// and reaches to the end of the file.
pub fn judge_tail<F, G>(rest: &[u8], offset: u64, search: &RecordSearch<F, G>) -> Tail
where
    F: Fn(&[u8]) -> bool,
    G: Fn(&[u8]) -> Option<usize>,
{
    let Some(last) = rest.iter().rposition(|byte| *byte != 0) else {
        return Tail::Clean;
    };
    let lost_bytes = last + 1;
    let written = &rest[..lost_bytes];
    if lost_bytes > UNSYNCED_BYTES_MAX && !is_one_record(written, offset, search) {
        return Tail::Damaged;
    }
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

/// Whether all of `written` can belong to one record: its prefix says so, or did not reach the disk.
fn is_one_record<F, G>(written: &[u8], offset: u64, search: &RecordSearch<F, G>) -> bool
where
    G: Fn(&[u8]) -> Option<usize>,
{
    let (rest, pages) = split_page(written, offset);
    let prefix_missing = (rest.len() > search.ordinary_zeros && zeros(rest))
        || (rest.len() < search.prefix_bytes && zeros(&pages[..PAGE_BYTES.min(pages.len())]));
    let bytes_max = match (search.announced_bytes)(written) {
        Some(bytes) if !prefix_missing => bytes,
        _ if prefix_missing => search.record_bytes_max,
        _ => 0,
    };
    written.len() <= bytes_max
}

/// Whether a page did not reach the disk. `bytes` begin at `offset`, where the last sound record ends.
/// Either everything behind it in its page is zeros, as before the write, or a whole page is.
fn misses_page(bytes: &[u8], offset: u64, ordinary_zeros: usize) -> bool {
    let (rest, pages) = split_page(bytes, offset);
    let reaches_next =
        !pages.is_empty() || (offset + rest.len() as u64).is_multiple_of(PAGE_BYTES as u64);
    reaches_next
        && ((rest.len() > ordinary_zeros && zeros(rest))
            || pages.chunks_exact(PAGE_BYTES).any(zeros))
}

/// The rest of the page in which byte `offset` of the file lies, and the pages behind it.
fn split_page(bytes: &[u8], offset: u64) -> (&[u8], &[u8]) {
    let page = PAGE_BYTES as u64;
    let rest = usize::try_from((page - offset % page) % page).unwrap_or(0);
    bytes.split_at(rest.min(bytes.len()))
}

fn zeros(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
