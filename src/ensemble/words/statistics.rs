//! `srvr` and `stat`: the server's statistics.

use std::fmt::Write as _;

use super::connection::Connection;
use super::version::version_line;
use crate::wire::jute::Zxid;

/// The role of a server that serves clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Standalone,
    Leader,
    Follower,
    Observer,
}

impl Mode {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
        }
    }
}

/// Time from a request to its reply, in milliseconds, over all requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct LatencyMs {
    pub min: u64,
    pub mean: f64,
    pub max: u64,
}

/// Sizes of messages of one kind, in bytes. All are -1 before the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub last: i64,
    pub min: i64,
    pub max: i64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            last: -1,
            min: -1,
            max: -1,
        }
    }
}

/// What `srvr` prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    pub mode: Mode,
    pub latency_ms: LatencyMs,
    /// Number of frames from clients. A four-letter word counts as one frame.
    pub received: u64,
    /// Number of frames to clients. The answer to a four-letter word counts as one frame.
    pub sent: u64,
    pub connections: usize,
    /// Number of requests that wait for a reply.
    pub outstanding: usize,
    /// The last transaction that was applied.
    pub zxid: Zxid,
    pub node_count: usize,
    /// On the leader only.
    pub proposal_bytes: Option<Sizes>,
}

/// Formats a mean as Java does, with one to four decimals.
pub(super) fn mean(value: f64) -> String {
    format!("{:?}", (value * 1e4).round() / 1e4)
}

pub(super) fn srvr(statistics: &Statistics) -> String {
    version_line() + &lines(statistics)
}

pub(super) fn stat(statistics: &Statistics, connections: &[Connection]) -> String {
    let mut text = version_line() + "Clients:\n";
    for connection in connections {
        connection.brief(&mut text);
    }
    text + "\n" + &lines(statistics)
}

fn lines(statistics: &Statistics) -> String {
    let Statistics {
        mode,
        latency_ms: LatencyMs {
            min,
            mean: avg,
            max,
        },
        received,
        sent,
        connections,
        outstanding,
        zxid,
        node_count,
        proposal_bytes,
    } = statistics;
    let mut text = format!(
        "Latency min/avg/max: {min}/{}/{max}\nReceived: {received}\nSent: {sent}\n\
         Connections: {connections}\nOutstanding: {outstanding}\nZxid: 0x{:x}\nMode: {}\n\
         Node count: {node_count}\n",
        mean(*avg),
        zxid.0,
        mode.name(),
    );
    if let Some(Sizes { last, min, max }) = proposal_bytes {
        let _infallible = writeln!(text, "Proposal sizes last/min/max: {last}/{min}/{max}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_one_to_four_decimals() {
        for (ms, shown) in [
            (0.0, "0.0"),
            (3.0, "3.0"),
            (0.5, "0.5"),
            (1.0 / 3.0, "0.3333"),
            (12.345_67, "12.3457"),
            (0.000_1, "0.0001"),
        ] {
            assert_eq!(mean(ms), shown);
        }
    }

    #[test]
    fn only_a_leader_prints_proposal_sizes() {
        let follower = Statistics {
            mode: Mode::Follower,
            received: 7,
            sent: 6,
            zxid: Zxid(0x1_0000_0002),
            node_count: 5,
            ..Statistics::default()
        };
        let expected = "Latency min/avg/max: 0/0.0/0\nReceived: 7\nSent: 6\nConnections: 0\n\
                        Outstanding: 0\nZxid: 0x100000002\nMode: follower\nNode count: 5\n";
        assert_eq!(srvr(&follower), version_line() + expected);
        let leader = Statistics {
            proposal_bytes: Some(Sizes {
                last: 36,
                min: 32,
                max: 48,
            }),
            ..follower
        };
        assert!(
            srvr(&leader).ends_with("\nNode count: 5\nProposal sizes last/min/max: 36/32/48\n")
        );
        let new = Statistics {
            proposal_bytes: Some(Sizes::default()),
            ..follower
        };
        assert!(srvr(&new).ends_with("\nProposal sizes last/min/max: -1/-1/-1\n"));
    }
}
