//! Judges the end of a log: unused, torn by a crash, or damaged.
//!
//! The writer follows one rule, which [`super::Appender`] enforces: the bytes that are written but not yet
//! synced are at most [`UNSYNCED_BYTES_MAX`], or a single record that is larger. Therefore a crash can tear
//! only these bytes. If the process is killed, a prefix of them remains. If the machine loses power, any
//! subset of their pages remains, and the other pages are still zeros. The rest of a file behind its last
//! sound record is
//!
//! - clean, if it contains only zeros;
//! - torn, if it fits the rule and contains no further sound record, or if zeros up to the end of a page
//!   separate it from the next sound record (the page, or its last part, did not reach the disk);
//! - damaged otherwise: bytes that were synced and acknowledged have changed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Maximum size of one write, and therefore of the unsynced bytes. A single record may be larger.
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

/// Describes how to find records in bytes that do not begin with a sound one.
#[derive(Clone, Copy, Debug)]
pub struct RecordSearch<F, G> {
    /// Minimum size of a record in bytes.
    pub record_bytes_min: usize,
    /// Maximum size of a record in bytes.
    pub record_bytes_max: usize,
    /// Number of bytes at the beginning of a record that contain its length.
    pub prefix_bytes: usize,
    /// Returns the size of the record that begins here, which its prefix contains, or `None` if no
    /// record begins like this.
    pub announced_bytes: G,
    /// Number of zero bytes with which every sound record may begin. Up to this many zeros behind the last
    /// sound record do not show that a page is missing.
    pub ordinary_zeros: usize,
    /// Returns whether the given bytes begin with a sound record that is newer than the last one.
    pub begins_newer: F,
}

/// Judges `rest`, the bytes of the file from `offset`, where the last sound record ends, to its end.
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
/// A missing page shows as zeros: either the rest of the page that contains `offset`, or a whole page.
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
