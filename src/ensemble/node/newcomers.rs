//! Connections of a server port that have not introduced themselves. Anybody can open them, so there is
//! room for a limited number, each for a limited time.

use std::collections::BTreeMap;
use std::net::IpAddr;

#[derive(Debug)]
struct Newcomer {
    host: IpAddr,
    since_ms: u64,
}

#[derive(Debug)]
pub(super) struct Newcomers {
    most: usize,
    patience_ms: u64,
    /// By the id of the connection. Ids grow, so the first is the oldest.
    connections: BTreeMap<u64, Newcomer>,
}

impl Newcomers {
    /// Has room for `most` connections (at least one), and for each of them at most `patience_ms`.
    pub(super) fn new(most: usize, patience_ms: u64) -> Self {
        Self {
            most: most.max(1),
            patience_ms,
            connections: BTreeMap::new(),
        }
    }

    /// Adds a connection. Returns the one that must be closed to make room: the oldest of the host with
    /// most of them. A server introduces itself at once, so connections that only wait make room for it.
    #[must_use]
    pub(super) fn add(&mut self, id: u64, host: IpAddr, now_ms: u64) -> Option<u64> {
        let closed = if self.connections.len() < self.most {
            None
        } else {
            self.oldest_of_the_busiest_host()
        };
        if let Some(closed) = closed {
            self.connections.remove(&closed);
        }
        let since_ms = now_ms;
        self.connections.insert(id, Newcomer { host, since_ms });
        closed
    }

    fn oldest_of_the_busiest_host(&self) -> Option<u64> {
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for newcomer in self.connections.values() {
            *counts.entry(newcomer.host).or_default() += 1;
        }
        let (&busiest, _) = counts.iter().max_by_key(|(_, count)| **count)?;
        let mut oldest = self.connections.iter();
        oldest
            .find(|(_, newcomer)| newcomer.host == busiest)
            .map(|(id, _)| *id)
    }

    /// Removes a connection that has introduced itself or has ended. Returns whether it was here.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.connections.remove(&id).is_some()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.connections.contains_key(&id)
    }

    /// Removes and returns the connections whose time is over.
    pub(super) fn take_late(&mut self, now_ms: u64) -> Vec<u64> {
        let patience_ms = self.patience_ms;
        let late: Vec<u64> = self
            .connections
            .iter()
            .take_while(|(_, newcomer)| now_ms >= newcomer.since_ms + patience_ms)
            .map(|(id, _)| *id)
            .collect();
        for id in &late {
            self.connections.remove(id);
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_many_connections_makes_room_for_others() {
        let attacker = IpAddr::from([10, 0, 0, 9]);
        let server = IpAddr::from([10, 0, 0, 1]);
        let mut newcomers = Newcomers::new(3, 5_000);
        assert_eq!(newcomers.add(1, server, 0), None);
        assert_eq!(newcomers.add(2, attacker, 1), None);
        assert_eq!(newcomers.add(3, attacker, 2), None);
        assert_eq!(newcomers.add(4, attacker, 3), Some(2));
        assert_eq!(newcomers.add(5, attacker, 4), Some(3));
        assert!(newcomers.contains(1), "the server is older, but not closed");
        assert!(newcomers.remove(1), "it has introduced itself");
        assert_eq!(newcomers.add(6, server, 5), None);
    }

    #[test]
    fn connections_that_stay_silent_are_late_in_the_end() {
        let host = IpAddr::from([10, 0, 0, 9]);
        let mut newcomers = Newcomers::new(3, 5_000);
        for id in 0..3 {
            assert_eq!(newcomers.add(id, host, id), None);
        }
        assert_eq!(newcomers.take_late(4_999), [0; 0]);
        assert_eq!(newcomers.take_late(5_001), [0, 1]);
        assert!(!newcomers.remove(0) && newcomers.remove(2));
    }
}
