//! Limits how many bytes of requests the server holds for its clients: incomplete requests, and those that
//! wait because the client does not read its replies.

/// The server reads no more from a connection that holds more than this.
pub(super) const INBOX_MAX: usize = 4 << 20;
/// While all clients together hold more than this, the server reads nothing more from clients that hold
/// [`SMALL`] bytes, except for those that have their turn.
const ALL_MAX: usize = 32 << 20;
const SMALL: usize = 4 << 10;
/// While all clients together hold more than this, a client that does not use its turn is closed.
const ALL_HARD: usize = 48 << 20;

/// The memory of the received bytes of all clients that the peer has not consumed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inboxes {
    bytes: usize,
    /// Clients may be paused because of [`ALL_MAX`].
    pauses: bool,
}

impl Inboxes {
    /// Replaces the memory of an inbox that has been counted with `before` bytes. Returns how many bytes
    /// are counted now: small inboxes are not.
    pub(super) fn count(&mut self, before: usize, capacity: usize) -> usize {
        let counted = if capacity > 2 * SMALL { capacity } else { 0 };
        self.bytes = self.bytes.saturating_sub(before) + counted;
        counted
    }

    /// How many bytes to read at once from a client that holds `held` bytes. While all hold too much, so few
    /// that many clients cannot add much to it.
    pub(super) fn read_max(&self, held: usize) -> usize {
        if self.bytes <= ALL_MAX {
            return usize::MAX;
        }
        SMALL + 1 - held.min(SMALL)
    }

    /// Whether the server reads nothing more from a client that holds `held` bytes.
    pub(super) fn pauses(&mut self, held: usize) -> bool {
        if self.bytes <= ALL_MAX {
            return held > INBOX_MAX;
        }
        self.pauses = true;
        held > SMALL
    }

    /// Whether clients may be paused because all hold too much.
    pub(super) const fn is_pausing(&self) -> bool {
        self.pauses
    }

    pub(super) const fn is_excessive(&self) -> bool {
        self.bytes > ALL_HARD
    }

    /// Returns `true` once after clients were paused and there is room again.
    pub(super) fn take_room(&mut self) -> bool {
        let room = self.pauses && self.bytes <= ALL_MAX;
        if room {
            self.pauses = false;
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_with_large_requests_wait_while_all_hold_too_much() {
        let mut inboxes = Inboxes::default();
        for _ in 0..32 {
            assert_eq!(inboxes.count(0, 1 << 20), 1 << 20);
        }
        assert!(!inboxes.pauses(INBOX_MAX) && inboxes.pauses(INBOX_MAX + 1));
        assert!(!inboxes.take_room(), "none was paused");
        assert_eq!(
            inboxes.count(0, 2 * SMALL),
            0,
            "small inboxes are not counted"
        );
        assert_eq!(inboxes.read_max(0), usize::MAX);
        inboxes.count(0, 3 * SMALL);
        assert!(inboxes.pauses(SMALL + 1) && !inboxes.pauses(SMALL));
        for held in [0, 1, SMALL] {
            assert_eq!(held + inboxes.read_max(held), SMALL + 1);
        }
        assert!(!inboxes.take_room());
        inboxes.count(1 << 20, 0);
        assert!(inboxes.take_room() && !inboxes.take_room());
        assert!(!inboxes.pauses(SMALL + 1));
    }
}
