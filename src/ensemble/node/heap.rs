//! Returns freed memory to the system.

/// So many freed bytes are worth the time that it takes to return them: a few milliseconds.
const WORTHWHILE: usize = 16 << 20;
/// Shortest time between two attempts, ms.
const PAUSE_MS: u64 = 5_000;

/// The memory that was freed, and may not have been returned to the system.
///
/// The allocator of glibc keeps freed memory below the last block in use: 100 of 127 MB after a million
/// watches.
#[derive(Debug, Default)]
pub(super) struct Heap {
    freed: usize,
    next_ms: u64,
}

impl Heap {
    /// Counts memory that is free now, or will be before [`Self::return_some`] is called.
    pub(super) fn count_freed(&mut self, bytes: usize) {
        self.freed = self.freed.saturating_add(bytes);
    }

    /// Returns the freed memory to the system if it is much.
    pub(super) fn return_some(&mut self, now_ms: u64) {
        if self.freed < WORTHWHILE || now_ms < self.next_ms {
            return;
        }
        self.freed = 0;
        self.next_ms = now_ms + PAUSE_MS;
        trim();
    }
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the C library offers no safe function for this")]
fn trim() {
    // SAFETY: it only touches memory that is free, and takes the locks of the allocator.
    let _nothing_to_return = unsafe { libc::malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
fn trim() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_memory_is_not_worth_the_time_and_much_is_returned_at_intervals() {
        let mut heap = Heap::default();
        heap.count_freed(WORTHWHILE - 1);
        heap.return_some(0);
        assert_eq!(heap.freed, WORTHWHILE - 1);
        heap.count_freed(1);
        heap.return_some(0);
        assert_eq!(heap.freed, 0);
        heap.count_freed(WORTHWHILE);
        heap.return_some(PAUSE_MS - 1);
        assert_eq!(heap.freed, WORTHWHILE);
        heap.return_some(PAUSE_MS);
        assert_eq!(heap.freed, 0);
    }
}
