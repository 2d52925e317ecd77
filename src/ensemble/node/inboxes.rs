//! Limits how many bytes of requests the server holds for its clients: incomplete requests, and those that
//! wait because the client does not read its replies.

/// The server reads no more from a connection that holds more than this.
pub(super) const INBOX_MAX: usize = 4 << 20;
/// While all clients together hold more than this, the server reads nothing more from clients that hold
/// [`SMALL`] bytes.
const ALL_MAX: usize = 64 << 20;
const SMALL: usize = 4 << 10;

/// The received bytes of all clients that the peer has not consumed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inboxes {
    bytes: usize,
    /// Clients may be paused because of [`ALL_MAX`].
    pauses: bool,
}

impl Inboxes {
    /// Replaces the size of an inbox that has been counted with `before` bytes.
    pub(super) fn count(&mut self, before: usize, now: usize) {
        self.bytes = self.bytes.saturating_sub(before) + now;
    }

    /// Whether the server reads nothing more from a client that holds `held` bytes.
    pub(super) fn pauses(&mut self, held: usize) -> bool {
        if self.bytes <= ALL_MAX {
            return held > INBOX_MAX;
        }
        self.pauses = true;
        held > SMALL
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
        for _ in 0..64 {
            inboxes.count(0, 1 << 20);
        }
        assert!(!inboxes.pauses(INBOX_MAX) && inboxes.pauses(INBOX_MAX + 1));
        assert!(!inboxes.take_room(), "none was paused");
        inboxes.count(0, 1);
        assert!(inboxes.pauses(SMALL + 1) && !inboxes.pauses(SMALL));
        assert!(!inboxes.take_room());
        inboxes.count(1 << 20, 0);
        assert!(inboxes.take_room() && !inboxes.take_room());
        assert!(!inboxes.pauses(SMALL + 1));
    }
}
