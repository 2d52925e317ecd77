//! Lets clients finish their requests in turn while all clients together hold too much of them.
//!
//! Without turns, clients that each hold half of a large request would wait for each other.

use std::collections::BTreeMap;

use super::Node;
use super::poller::Token;
use crate::ensemble::peer::Now;

/// So many clients have a turn at a time.
const TURNS: usize = 32;
/// How long a turn lasts at most, ms.
const TURN_MS: u64 = 5_000;
/// The server looks at the turns at least once in this time, if it runs at all, ms.
const LOOK_MS: u64 = 1_500;

/// The clients that may send the rest of a request.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// When each turn ends, monotonic ms.
    until_ms: BTreeMap<u64, u64>,
    /// The client that was the last to get a turn.
    last: u64,
    /// When turns are given next, monotonic ms.
    next_ms: u64,
    /// When the server last looked at the turns, monotonic ms.
    seen_ms: u64,
}

impl Turns {
    pub(super) fn contains(&self, client: u64) -> bool {
        self.until_ms.contains_key(&client)
    }

    /// Ends the turn of a client that has finished a request.
    pub(super) fn end(&mut self, client: u64) {
        self.until_ms.remove(&client);
    }

    /// Prolongs the turns by the time that the server did not run and read nothing.
    fn make_up_for_stall(&mut self, now_ms: u64) {
        let lost_ms = now_ms.saturating_sub(self.seen_ms + LOOK_MS);
        for until_ms in self.until_ms.values_mut() {
            *until_ms += lost_ms;
        }
        self.seen_ms = now_ms;
    }

    /// Removes and returns the clients whose turn is over.
    fn take_late(&mut self, now_ms: u64) -> Vec<u64> {
        let late = self.until_ms.iter().filter(|(_, until)| **until <= now_ms);
        let late: Vec<u64> = late.map(|(client, _)| *client).collect();
        for client in &late {
            self.until_ms.remove(client);
        }
        late
    }

    /// Gives turns to clients that wait, as far as there are any left: first to those that connected after
    /// the last one. Returns them.
    fn give(&mut self, now_ms: u64, mut waiting: Vec<u64>) -> Vec<u64> {
        waiting.sort_unstable();
        let next = waiting.partition_point(|client| *client <= self.last);
        waiting.rotate_left(next);
        waiting.truncate(TURNS.saturating_sub(self.until_ms.len()));
        for client in &waiting {
            self.until_ms.insert(*client, now_ms + TURN_MS);
            self.last = *client;
        }
        waiting
    }
}

impl Node {
    /// Ends turns after their time, and gives turns to others. A client that has not finished its request is
    /// closed if all hold far too much, and gets another turn otherwise.
    pub(super) fn take_turns(&mut self, now: Now) {
        self.turns.make_up_for_stall(now.mono_ms);
        if !self.inboxes.is_pausing() {
            self.turns.until_ms.clear();
            return;
        }
        // What the client sends may wait for other requests, and not for bytes.
        let clients = &self.clients;
        self.turns.until_ms.retain(|client, _| {
            clients
                .get(client)
                .is_some_and(|client| client.socket.lacks_bytes())
        });
        for late in self.turns.take_late(now.mono_ms) {
            if !self.inboxes.is_excessive() {
                self.hold_back(Token::Client(late));
            } else if let Some(client) = self.clients.get(&late) {
                let line = format!(
                    "closing the connection of /{}: it has sent {} bytes of a request and not the rest, and others wait",
                    client.address,
                    client.socket.inbox.len()
                );
                self.log.limited(now.mono_ms, "half request", line);
                self.disconnected(now, Token::Client(late));
            }
        }
        if self.turns.until_ms.len() == TURNS || now.mono_ms < self.turns.next_ms {
            return;
        }
        self.turns.next_ms = now.mono_ms + 1;
        let waiting = self
            .clients
            .iter()
            .filter(|(id, client)| {
                client.socket.starved && client.socket.lacks_bytes() && !self.turns.contains(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        for client in self.turns.give(now.mono_ms, waiting) {
            self.hold_back(Token::Client(client));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_that_waits_gets_its_turn() {
        let all: Vec<u64> = (1..=80).collect();
        let mut turns = Turns::default();
        assert_eq!(turns.give(0, all.clone()), all[..TURNS]);
        assert_eq!(turns.give(0, all[TURNS..].to_vec()), [0; 0]);
        assert!(turns.contains(1) && !turns.contains(TURNS as u64 + 1));
        turns.make_up_for_stall(LOOK_MS + 7);
        assert_eq!(turns.until_ms[&1], TURN_MS + 7);
        turns.make_up_for_stall(2 * LOOK_MS + 7);
        assert_eq!(turns.until_ms[&1], TURN_MS + 7);
        turns.end(1);
        assert!(!turns.contains(1), "it has finished its request");
        assert_eq!(turns.take_late(TURN_MS + 6), [0; 0]);
        assert_eq!(turns.take_late(TURN_MS + 7), all[1..TURNS]);
        assert_eq!(turns.give(0, all.clone()), all[TURNS..2 * TURNS]);
        turns.take_late(TURN_MS);
        let mut rest = all[2 * TURNS..].to_vec();
        rest.extend(&all[..TURNS - rest.len()]);
        assert_eq!(turns.give(0, all), rest);
    }
}
