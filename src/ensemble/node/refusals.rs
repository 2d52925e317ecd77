//! Log lines about refused clients. Their rate is limited, so that many refusals do not fill the disk.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Shortest time between two lines about the same limit, ms.
const QUIET_MS: u64 = 1_000;

/// The connections that a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// Those of one address (`maxClientCnxns`).
    Host(IpAddr),
    /// Those of all clients (`maxCnxns`).
    All,
}

/// Limits that refused a client during the last [`QUIET_MS`].
#[derive(Debug, Default)]
pub(super) struct Refusals {
    limits: BTreeMap<Counted, Limit>,
}

#[derive(Debug)]
struct Limit {
    /// When the last line about this limit was logged.
    logged_ms: u64,
    /// Clients refused since then.
    unlogged: u64,
    connections: u32,
}

impl Refusals {
    /// Counts a client that was refused because there are `connections` already. Returns the line to
    /// log, or `None` if a line about this limit was logged less than [`QUIET_MS`] ago.
    pub(super) fn refused(
        &mut self,
        now_ms: u64,
        counted: Counted,
        connections: u32,
    ) -> Option<String> {
        if let Some(known) = self.limits.get_mut(&counted) {
            known.unlogged += 1;
            return None;
        }
        let new = Limit {
            logged_ms: now_ms,
            unlogged: 0,
            connections,
        };
        self.limits.insert(counted, new);
        Some(line(counted, connections))
    }

    /// Returns one line for each limit with refusals that were counted but not logged, once
    /// [`QUIET_MS`] have passed since its last line. Removes limits without such refusals.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        self.limits.retain(|counted, limit| {
            if now_ms < limit.logged_ms.saturating_add(QUIET_MS) {
                return true;
            }
            let unlogged = std::mem::take(&mut limit.unlogged);
            if unlogged > 0 {
                let first = line(*counted, limit.connections);
                lines.push(format!("{first} ({unlogged} more refused)"));
                limit.logged_ms = now_ms;
            }
            unlogged > 0
        });
        lines
    }
}

/// Uses the wording of Apache ZooKeeper, which operators search logs for.
fn line(counted: Counted, connections: u32) -> String {
    match counted {
        Counted::Host(host) => format!("Too many connections from /{host} - max is {connections}"),
        Counted::All => format!("Too many connections max allowed is {connections}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_refusals_log_one_line_a_second() {
        let host = Counted::Host(IpAddr::from([127, 0, 0, 1]));
        let other = Counted::Host(IpAddr::from([127, 0, 0, 2]));
        let mut refusals = Refusals::default();
        let first = "Too many connections from /127.0.0.1 - max is 60";
        assert_eq!(refusals.refused(5, host, 60).as_deref(), Some(first));
        for now_ms in 5..905 {
            assert_eq!(refusals.refused(now_ms, host, 60), None);
            assert!(refusals.due(now_ms).is_empty());
        }
        let of_other = "Too many connections from /127.0.0.2 - max is 7";
        assert_eq!(refusals.refused(905, other, 7).as_deref(), Some(of_other));
        assert_eq!(refusals.due(1_005), [format!("{first} (900 more refused)")]);
        assert_eq!(refusals.refused(1_500, host, 60), None);
        assert_eq!(refusals.due(2_005), [format!("{first} (1 more refused)")]);
        assert!(refusals.due(3_005).is_empty());
        assert!(refusals.limits.is_empty(), "both limits are removed");
        assert_eq!(refusals.refused(3_006, host, 60).as_deref(), Some(first));
        let of_all = "Too many connections max allowed is 9";
        let line = refusals.refused(3_006, Counted::All, 9);
        assert_eq!(line.as_deref(), Some(of_all));
    }
}
