//! Limits how many bytes the server holds for clients that do not read them.

use super::socket::{Socket, UNSENT_PAUSE};

/// A client with more unsent bytes than this is closed. Requests are paused long before, so only
/// notifications or single large replies lead there.
pub(super) const CLIENT_MAX: usize = 16 << 20;
/// While all clients together have this many unsent bytes, the server reads no requests of clients with
/// [`SMALL`] unsent bytes.
const ALL_PAUSE: usize = 16 << 20;
/// While all clients together have more unsent bytes than this, clients that take none are closed.
const ALL_SOFT: usize = 32 << 20;
/// Above this, clients with more than one unsent message are closed as well.
const ALL_HARD: usize = 48 << 20;
/// Clients with fewer unsent bytes are left alone.
const SMALL: usize = 16 << 10;
/// A client that has taken no byte for this time does not read, ms.
const STALL_MS: u64 = 100;

/// The unsent bytes of all clients.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsent {
    bytes: usize,
}

impl Unsent {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    pub(super) fn remove(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the server reads no requests of this client for now.
    pub(super) fn pauses(&self, socket: &Socket) -> bool {
        let most = if self.bytes < ALL_PAUSE {
            UNSENT_PAUSE
        } else {
            SMALL
        };
        socket.unsent() >= most
    }

    pub(super) const fn is_excessive(&self) -> bool {
        self.bytes > ALL_SOFT
    }

    /// Chooses the clients to close. Those that have taken no byte for the longest time come first.
    pub(super) fn too_slow<'a>(
        &self,
        now_ms: u64,
        clients: impl Iterator<Item = (u64, &'a Socket)>,
    ) -> Vec<u64> {
        let hard = self.bytes > ALL_HARD;
        let mut slow: Vec<(u64, usize, u64)> = clients
            .filter(|(_, socket)| socket.unsent() >= SMALL)
            .filter(|(_, socket)| {
                let stalled = now_ms >= socket.progress_ms() + STALL_MS;
                stalled || (hard && socket.holds_several())
            })
            .map(|(id, socket)| (socket.progress_ms(), socket.unsent(), id))
            .collect();
        slow.sort_unstable_by_key(|(progress_ms, unsent, _)| {
            (*progress_ms, std::cmp::Reverse(*unsent))
        });
        let mut left = self.bytes;
        slow.into_iter()
            .take_while(|(_, unsent, _)| {
                let closes = left > ALL_SOFT;
                left = left.saturating_sub(*unsent);
                closes
            })
            .map(|(_, _, id)| id)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const LARGE: usize = 12 << 20;

    /// A client that reads nothing, with its unsent messages.
    struct Silent {
        socket: Socket,
        _other: TcpStream,
    }

    fn silent(now_ms: u64, messages: &[usize]) -> Silent {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let other = TcpStream::connect(address).expect("the listener accepts");
        let (stream, _) = listener.accept().expect("dialled");
        let mut socket = Socket::new(stream, CLIENT_MAX).expect("a socket");
        for size in messages {
            socket.queue(now_ms, &vec![0; *size]);
        }
        Silent {
            socket,
            _other: other,
        }
    }

    fn too_slow(now_ms: u64, all: &[Silent]) -> Vec<u64> {
        let mut unsent = Unsent::default();
        for one in all {
            unsent.add(one.socket.unsent());
        }
        unsent.too_slow(now_ms, (0..).zip(all.iter().map(|one| &one.socket)))
    }

    #[test]
    fn clients_that_take_nothing_are_closed_until_the_rest_is_small_enough() {
        let all = [
            silent(200, &[LARGE]),
            silent(100, &[LARGE]),
            silent(150, &[LARGE]),
            silent(10, &[SMALL - 1]),
        ];
        assert_eq!(too_slow(249, &all), [1], "the longest silence first");
        assert_eq!(too_slow(199, &all[..2]), [0; 0], "below the limit");
        assert_eq!(too_slow(199, &all), [0; 0], "they may still read");
    }

    #[test]
    fn clients_that_read_slowly_are_closed_only_above_the_hard_limit() {
        let half = LARGE / 2;
        let reading: Vec<Silent> = (0..5).map(|_| silent(100, &[half, half])).collect();
        assert_eq!(too_slow(150, &reading[..4]), [0; 0]);
        assert_eq!(too_slow(150, &reading).len(), 3);
        let single: Vec<Silent> = (0..5).map(|_| silent(100, &[LARGE])).collect();
        assert_eq!(too_slow(150, &single), [0; 0], "one large reply each");
    }

    #[test]
    fn requests_are_paused_earlier_when_all_clients_hold_much() {
        let one = silent(0, &[SMALL]);
        let mut unsent = Unsent::default();
        assert!(!unsent.pauses(&one.socket));
        unsent.add(ALL_PAUSE);
        assert!(unsent.pauses(&one.socket));
        assert!(!unsent.pauses(&silent(0, &[SMALL - 1]).socket));
    }
}
