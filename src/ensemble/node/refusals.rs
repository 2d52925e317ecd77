//! What the log says of refused clients: a flood of them must not fill the disk.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Between two lines about the same host, ms.
const QUIET_MS: u64 = 1_000;

/// Hosts that were refused a short while ago.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    hosts: BTreeMap<IpAddr, Host>,
}

#[derive(Debug)]
struct Host {
    /// When the last line about it was written.
    said_ms: u64,
    /// Refused since then.
    unsaid: u64,
    /// Connections it may have.
    limit: u32,
}

impl Refusals {
    /// A client of `host` was refused, since the host has `limit` connections. The line for the log, if
    /// none was due lately.
    pub(super) fn refused(&mut self, now_ms: u64, host: IpAddr, limit: u32) -> Option<String> {
        if let Some(known) = self.hosts.get_mut(&host) {
            known.unsaid += 1;
            return None;
        }
        let new = Host {
            said_ms: now_ms,
            unsaid: 0,
            limit,
        };
        self.hosts.insert(host, new);
        Some(line(host, limit))
    }

    /// The lines that are due about refusals that were not told one by one. Hosts that were quiet are
    /// forgotten.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        self.hosts.retain(|ip, host| {
            if now_ms < host.said_ms.saturating_add(QUIET_MS) {
                return true;
            }
            let unsaid = std::mem::take(&mut host.unsaid);
            if unsaid > 0 {
                let first = line(*ip, host.limit);
                lines.push(format!("{first} ({unsaid} more refused)"));
                host.said_ms = now_ms;
            }
            unsaid > 0
        });
        lines
    }
}

/// The words of Apache ZooKeeper, which people search logs for.
fn line(host: IpAddr, limit: u32) -> String {
    format!("Too many connections from /{host} - max is {limit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_second() {
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
        assert!(refusals.hosts.is_empty(), "both are forgotten");
        assert_eq!(refusals.refused(3_006, host, 60).as_deref(), Some(first));
    }
}
