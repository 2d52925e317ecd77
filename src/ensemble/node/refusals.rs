//! What the log says of refused clients: a flood of them must not fill the disk.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Between two lines about the same host, ms.
const QUIET_MS: u64 = 1_000;

/// Whose connections a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    /// Those of one address (`maxClientCnxns`).
    Host(IpAddr),
    /// Those of all clients (`maxCnxns`).
    All,
}

/// Limits that refused clients a short while ago.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    limits: BTreeMap<Whose, Limit>,
}

#[derive(Debug)]
struct Limit {
    /// When the last line about it was written.
    said_ms: u64,
    /// Clients refused since then.
    unsaid: u64,
    connections: u32,
}

impl Refusals {
    /// Counts a client that was refused because there are `connections` already. Returns a line for the log, unless
    /// there was one about this limit lately.
    pub(super) fn refused(
        &mut self,
        now_ms: u64,
        whose: Whose,
        connections: u32,
    ) -> Option<String> {
        if let Some(known) = self.limits.get_mut(&whose) {
            known.unsaid += 1;
            return None;
        }
        let new = Limit {
            said_ms: now_ms,
            unsaid: 0,
            connections,
        };
        self.limits.insert(whose, new);
        Some(line(whose, connections))
    }

    /// The lines that are due about refusals that were not told one by one. Limits that refused nobody since
    /// the last line are forgotten.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        self.limits.retain(|whose, limit| {
            if now_ms < limit.said_ms.saturating_add(QUIET_MS) {
                return true;
            }
            let unsaid = std::mem::take(&mut limit.unsaid);
            if unsaid > 0 {
                let first = line(*whose, limit.connections);
                lines.push(format!("{first} ({unsaid} more refused)"));
                limit.said_ms = now_ms;
            }
            unsaid > 0
        });
        lines
    }
}

/// The words of Apache ZooKeeper, which people search logs for.
fn line(whose: Whose, connections: u32) -> String {
    match whose {
        Whose::Host(host) => format!("Too many connections from /{host} - max is {connections}"),
        Whose::All => format!("Too many connections max allowed is {connections}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_second() {
        let host = Whose::Host(IpAddr::from([127, 0, 0, 1]));
        let other = Whose::Host(IpAddr::from([127, 0, 0, 2]));
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
        assert!(refusals.limits.is_empty(), "both are forgotten");
        assert_eq!(refusals.refused(3_006, host, 60).as_deref(), Some(first));
        let of_all = "Too many connections max allowed is 9";
        let said = refusals.refused(3_006, Whose::All, 9);
        assert_eq!(said.as_deref(), Some(of_all));
    }
}
