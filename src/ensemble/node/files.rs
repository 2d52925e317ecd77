//! The limit of open files, and how many connections each port may hold within it.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections never use. The log, snapshots, epochs, lookups of names and the answers
/// to four-letter words need some at any time, and a log that cannot open its next file ends the server.
const RESERVE: usize = 64;
/// Most connections of the quorum port.
const LINKS_MAX: usize = 1_024;
/// Most connections of the election port whose greeting has not arrived.
const GREETINGS_MAX: usize = 64;

/// Raises the soft limit of open files to the hard one.
///
/// The usual soft limit is 1,024. Beyond the limit the kernel still establishes connections, but the
/// server cannot accept or answer them.
pub(super) fn allow_all() -> io::Result<()> {
    let limits = getrlimit(Resource::Nofile);
    if limits.current == limits.maximum {
        return Ok(());
    }
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

/// Most connections of each port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) clients: usize,
    pub(super) links: usize,
    /// Connections of the election port whose greeting has not arrived. Each other server has one more.
    pub(super) greetings: usize,
}

impl Room {
    /// Divides the descriptors that are free now among the ports of one of `servers` servers.
    pub(super) fn now(servers: usize) -> Self {
        let limit = getrlimit(Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        // Without /proc, more than a server has open when it starts.
        let open = std::fs::read_dir("/proc/self/fd").map_or(32, Iterator::count);
        Self::within(limit.saturating_sub(open), servers)
    }

    fn within(free: usize, servers: usize) -> Self {
        let free = free.saturating_sub(RESERVE.min(free / 2));
        if servers < 2 {
            return Self {
                clients: free.max(1),
                links: 0,
                greetings: 0,
            };
        }
        // One connection to each server that is open, and one that replaces it.
        let elections = 2 * servers;
        let links = LINKS_MAX.min(free / 4).max(servers);
        let greetings = GREETINGS_MAX.min(free / 8).max(1);
        let clients = free.saturating_sub(links + greetings + elections).max(1);
        Self {
            clients,
            links,
            greetings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_the_reserve_free() {
        for (free, servers) in [(1_000, 3), (1_048_000, 3), (500, 7), (4_000, 1)] {
            let room = Room::within(free, servers);
            let most = room.clients + room.links + room.greetings + 2 * servers;
            assert!(most <= free - RESERVE + 2, "{room:?} of {free}");
            assert!(room.clients >= free / 2, "{room:?} of {free}");
        }
        assert_eq!(
            Room::within(usize::MAX, 3).links,
            LINKS_MAX,
            "without a limit"
        );
    }

    #[test]
    fn a_low_limit_leaves_room_for_every_port() {
        let room = Room::within(60, 3);
        assert!(room.clients >= 10 && room.links >= 3 && room.greetings >= 1);
    }
}
