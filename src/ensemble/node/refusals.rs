//! Log lines about refused clients. Their rate is limited, so that many refusals do not fill the disk.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Shortest time between two lines about the same host, ms.
const QUIET_MS: u64 = 1_000;

/// Hosts with a refused client during the last [`QUIET_MS`].
#[derive(Debug, Default)]
pub(super) struct Refusals {
    hosts: BTreeMap<IpAddr, Host>,
}

#[derive(Debug)]
struct Host {
    /// When the last line about this host was logged.
    logged_ms: u64,
    /// Clients refused since then.
    unlogged: u64,
    /// Connections that the host may have.
    limit: u32,
}

impl Refusals {
    /// Counts a refused client of `host`, which already has `limit` connections. Returns the line to
    /// log, or `None` if a line about this host was logged less than [`QUIET_MS`] ago.
    pub(super) fn refused(&mut self, now_ms: u64, host: IpAddr, limit: u32) -> Option<String> {
        if let Some(known) = self.hosts.get_mut(&host) {
            known.unlogged += 1;
            return None;
        }
        let new = Host {
            logged_ms: now_ms,
            unlogged: 0,
            limit,
        };
        self.hosts.insert(host, new);
        Some(line(host, limit))
    }

    /// Returns one line for each host with refusals that were counted but not logged, once
    /// [`QUIET_MS`] have passed since its last line. Removes hosts without such refusals.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        self.hosts.retain(|ip, host| {
            if now_ms < host.logged_ms.saturating_add(QUIET_MS) {
                return true;
            }
            let unlogged = std::mem::take(&mut host.unlogged);
            if unlogged > 0 {
                let first = line(*ip, host.limit);
                lines.push(format!("{first} ({unlogged} more refused)"));
                host.logged_ms = now_ms;
            }
            unlogged > 0
        });
        lines
    }
}

/// Uses the wording of Apache ZooKeeper, which operators search logs for.
fn line(host: IpAddr, limit: u32) -> String {
    format!("Too many connections from /{host} - max is {limit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_refusals_log_one_line_a_second() {
        let host = IpAddr::from([127, 0, 0, 1]);
        let other = IpAddr::from([127, 0, 0, 2]);
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
        assert!(refusals.hosts.is_empty(), "both hosts are removed");
        assert_eq!(refusals.refused(3_006, host, 60).as_deref(), Some(first));
    }
}
