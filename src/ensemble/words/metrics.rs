//! `mntr`: every figure that the server measures, one per line.
//!
//! The names are Apache ZooKeeper's. A row whose figure this server does not measure is missing;
//! `docs/FOUR_LETTER_WORDS.md` lists these rows.

use std::fmt::{Display, Write as _};

use super::statistics::{LatencyMs, Mode, Sizes, Statistics, mean};
use super::version::full_version;
use crate::wire::jute::PeerId;

/// Values of one kind, since the server started or since `srst`. All are 0 before the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    pub count: u64,
    pub sum: u64,
    pub min: u64,
    pub mean: f64,
    pub max: u64,
}

/// Times of one kind, in milliseconds, with their percentiles.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub summary: Summary,
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
    pub p999: u64,
}

/// A number that the system does not report is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Descriptors {
    pub open: Option<u64>,
    pub max: Option<u64>,
}

/// Figures of client connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCounters {
    pub bytes_received: u64,
    /// Requests for a session, new or existing.
    pub connection_requests: u64,
    /// Requests for a session that the client already has.
    pub revalidations: u64,
    /// Connections refused because their host had too many.
    pub rejected: u64,
    /// Connections that the client ended without closing its session.
    pub dropped: u64,
    /// Connections closed because their client did not request a session in time.
    pub sessionless_expired: u64,
    pub failed_authentications: u64,
    /// Bytes of watch notifications.
    pub watch_bytes: u64,
}

/// Figures of the server as a member of an ensemble.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProtocolCounters {
    /// Number of elections that the server has started.
    pub elections: u64,
    /// Proposals sent, as leader.
    pub proposals: u64,
    /// Commits sent, as leader.
    pub commits: u64,
    /// Learners synchronised by a difference, as leader.
    pub diffs: u64,
    /// Learners synchronised by a snapshot, as leader.
    pub snapshots: u64,
    /// Sessions that learners asked the leader to revalidate, as leader.
    pub revalidations: u64,
    /// Sessions that expired, as leader or as standalone server.
    pub expired_sessions: u64,
    /// Proposals received, as follower.
    pub received_proposals: u64,
    /// Commits received, as learner.
    pub received_commits: u64,
}

/// Figures that only the leader of a quorum has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leading {
    /// Time since it started to serve as leader.
    pub uptime_ms: u64,
    /// All connected learners.
    pub learners: usize,
    pub synced_followers: usize,
    pub synced_observers: usize,
    pub pending_syncs: usize,
}

/// Figures that only a member of an ensemble has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quorum {
    pub voters: usize,
    pub leading: Option<Leading>,
    /// The server from which an observer learns.
    pub observer_master: Option<PeerId>,
}

/// Everything that `mntr` prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics {
    pub statistics: Statistics,
    /// Time since the server took its current role.
    pub uptime_ms: u64,
    pub watches: usize,
    pub ephemerals: usize,
    /// Bytes of all paths and data.
    pub data_bytes: usize,
    pub sessions: usize,
    pub descriptors: Descriptors,
    pub response_bytes: Sizes,
    pub clients: ClientCounters,
    pub protocol: ProtocolCounters,
    pub quorum: Option<Quorum>,
    /// Time from a read to its reply.
    pub reads: Times,
    /// Time from a write to its reply.
    pub updates: Times,
    /// Time from a proposal to its acknowledgement by a quorum, as leader.
    pub quorum_acks: Times,
    /// Durations of elections, ms.
    pub elections_ms: Summary,
    /// Durations of syncs of the log, ms.
    pub syncs_ms: Summary,
    /// Numbers of transactions per sync of the log.
    pub sync_batches: Summary,
    /// Durations of snapshots, ms.
    pub snapshots_ms: Summary,
}

#[derive(Default)]
struct Rows(String);

impl Rows {
    fn put(&mut self, name: &str, value: impl Display) {
        let _infallible = writeln!(self.0, "zk_{name}\t{value}");
    }

    fn put_if_known(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn sizes(&mut self, name: &str, sizes: Sizes) {
        for (kind, value) in [("last", sizes.last), ("min", sizes.min), ("max", sizes.max)] {
            self.put(&format!("{kind}_{name}"), value);
        }
    }

    fn summary(&mut self, name: &str, summary: Summary) {
        self.put(&format!("avg_{name}"), mean(summary.mean));
        for (kind, value) in [
            ("min", summary.min),
            ("max", summary.max),
            ("cnt", summary.count),
            ("sum", summary.sum),
        ] {
            self.put(&format!("{kind}_{name}"), value);
        }
    }

    fn times(&mut self, name: &str, times: Times) {
        self.summary(name, times.summary);
        for (kind, value) in [
            ("p50", times.p50),
            ("p95", times.p95),
            ("p99", times.p99),
            ("p999", times.p999),
        ] {
            self.put(&format!("{kind}_{name}"), value);
        }
    }
}

impl Metrics {
    pub(super) fn text(&self) -> String {
        let mut rows = Rows::default();
        self.server(&mut rows);
        if let Some(quorum) = &self.quorum {
            quorum.rows(&mut rows, self.statistics.proposal_bytes);
        }
        self.counters(&mut rows);
        rows.summary("fsynctime", self.syncs_ms);
        rows.summary("sync_processor_batch_size", self.sync_batches);
        rows.summary("snapshottime", self.snapshots_ms);
        rows.summary("election_time", self.elections_ms);
        rows.times("readlatency", self.reads);
        rows.times("updatelatency", self.updates);
        rows.times("quorum_ack_latency", self.quorum_acks);
        rows.0
    }

    /// The first rows are those of every release since 3.4. Some readers take the first line for
    /// the version.
    fn server(&self, rows: &mut Rows) {
        let statistics = &self.statistics;
        let LatencyMs {
            min,
            mean: avg,
            max,
        } = statistics.latency_ms;
        rows.put("version", full_version());
        rows.put("server_state", statistics.mode.name());
        let peer_state = match statistics.mode {
            Mode::Standalone => None,
            Mode::Leader => Some("leading - broadcast"),
            Mode::Follower => Some("following - broadcast"),
            Mode::Observer => Some("observing - broadcast"),
        };
        rows.put_if_known("peer_state", peer_state);
        rows.put("min_latency", min);
        rows.put("avg_latency", mean(avg));
        rows.put("max_latency", max);
        rows.put("packets_received", statistics.received);
        rows.put("packets_sent", statistics.sent);
        rows.put("num_alive_connections", statistics.connections);
        rows.put("outstanding_requests", statistics.outstanding);
        rows.put("znode_count", statistics.node_count);
        rows.put("watch_count", self.watches);
        rows.put("ephemerals_count", self.ephemerals);
        rows.put("approximate_data_size", self.data_bytes);
        rows.put_if_known("open_file_descriptor_count", self.descriptors.open);
        rows.put_if_known("max_file_descriptor_count", self.descriptors.max);
        rows.put("uptime", self.uptime_ms);
        rows.put("global_sessions", self.sessions);
        // The server has no local sessions.
        rows.put("local_sessions", 0);
        rows.sizes("client_response_size", self.response_bytes);
        // The server drops no connection to limit its load.
        rows.put("connection_drop_probability", "0.0");
    }

    fn counters(&self, rows: &mut Rows) {
        let ClientCounters {
            bytes_received,
            connection_requests,
            revalidations,
            rejected,
            dropped,
            sessionless_expired,
            failed_authentications,
            watch_bytes,
        } = self.clients;
        let protocol = &self.protocol;
        for (name, value) in [
            ("bytes_received_count", bytes_received),
            ("connection_request_count", connection_requests),
            ("connection_revalidate_count", revalidations),
            ("connection_rejected", rejected),
            ("connection_drop_count", dropped),
            ("sessionless_connections_expired", sessionless_expired),
            ("auth_failed_count", failed_authentications),
            ("watch_bytes", watch_bytes),
            ("stale_sessions_expired", protocol.expired_sessions),
            ("looking_count", protocol.elections),
            ("proposal_count", protocol.proposals),
            ("commit_count", protocol.commits),
            ("diff_count", protocol.diffs),
            ("snap_count", protocol.snapshots),
            ("revalidate_count", protocol.revalidations),
            (
                "learner_proposal_received_count",
                protocol.received_proposals,
            ),
            ("learner_commit_received_count", protocol.received_commits),
        ] {
            rows.put(name, value);
        }
    }
}

impl Quorum {
    fn rows(&self, rows: &mut Rows, proposal_bytes: Option<Sizes>) {
        rows.put("quorum_size", self.voters);
        rows.put_if_known("observer_master_id", self.observer_master);
        if let Some(Leading {
            uptime_ms,
            learners,
            synced_followers,
            synced_observers,
            pending_syncs,
        }) = self.leading
        {
            rows.put("leader_uptime", uptime_ms);
            rows.put("learners", learners);
            // The name of `learners` before 3.6, which older exporters and Solr read.
            rows.put("followers", learners);
            rows.put("synced_followers", synced_followers);
            rows.put("synced_observers", synced_observers);
            // Every follower votes.
            rows.put("synced_non_voting_followers", 0);
            rows.put("pending_syncs", pending_syncs);
            rows.sizes("proposal_size", proposal_bytes.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        text.lines().find_map(|line| {
            line.strip_prefix("zk_")?
                .strip_prefix(name)?
                .strip_prefix('\t')
        })
    }

    #[test]
    fn the_version_comes_first_and_no_row_comes_twice() {
        let metrics = Metrics {
            quorum: Some(Quorum {
                leading: Some(Leading::default()),
                ..Quorum::default()
            }),
            ..Metrics::default()
        };
        let text = metrics.text();
        assert!(text.starts_with("zk_version\t3.9.5-quorate-"), "{text}");
        let mut names: Vec<&str> = text
            .lines()
            .map(|line| line.split_once('\t').expect("a tab").0)
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn each_role_has_its_own_rows() {
        let of = |mode, quorum| {
            let statistics = Statistics {
                mode,
                ..Statistics::default()
            };
            Metrics {
                statistics,
                quorum,
                ..Metrics::default()
            }
            .text()
        };
        let member = Quorum {
            voters: 3,
            ..Quorum::default()
        };
        let alone = of(Mode::Standalone, None);
        for name in ["peer_state", "quorum_size", "learners", "leader_uptime"] {
            assert_eq!(value(&alone, name), None, "{alone}");
        }
        let follower = of(Mode::Follower, Some(member));
        assert_eq!(
            value(&follower, "peer_state"),
            Some("following - broadcast")
        );
        assert_eq!(value(&follower, "quorum_size"), Some("3"));
        assert_eq!(value(&follower, "learners"), None);
        let observer = of(
            Mode::Observer,
            Some(Quorum {
                observer_master: Some(PeerId(2)),
                ..member
            }),
        );
        assert_eq!(value(&observer, "observer_master_id"), Some("2"));
        let leading = Some(Leading {
            learners: 3,
            synced_followers: 2,
            ..Leading::default()
        });
        let leader = of(Mode::Leader, Some(Quorum { leading, ..member }));
        assert_eq!(value(&leader, "learners"), Some("3"));
        assert_eq!(value(&leader, "followers"), Some("3"));
        assert_eq!(value(&leader, "synced_followers"), Some("2"));
        assert_eq!(value(&leader, "min_proposal_size"), Some("-1"));
    }

    #[test]
    fn what_is_not_known_has_no_row() {
        let text = Metrics::default().text();
        assert_eq!(value(&text, "open_file_descriptor_count"), None);
        let known = Metrics {
            descriptors: Descriptors {
                open: Some(12),
                max: Some(64),
            },
            ..Metrics::default()
        };
        let text = known.text();
        assert_eq!(value(&text, "open_file_descriptor_count"), Some("12"));
        assert_eq!(value(&text, "max_file_descriptor_count"), Some("64"));
    }

    #[test]
    fn a_summary_is_five_rows_and_percentiles_are_four_more() {
        let reads = Times {
            summary: Summary {
                count: 3,
                sum: 10,
                min: 1,
                mean: 10.0 / 3.0,
                max: 6,
            },
            p50: 3,
            p95: 5,
            p99: 6,
            p999: 6,
        };
        let text = Metrics {
            reads,
            ..Metrics::default()
        }
        .text();
        assert!(
            text.contains(
                "zk_avg_readlatency\t3.3333\nzk_min_readlatency\t1\nzk_max_readlatency\t6\n\
                 zk_cnt_readlatency\t3\nzk_sum_readlatency\t10\nzk_p50_readlatency\t3\n\
                 zk_p95_readlatency\t5\nzk_p99_readlatency\t6\nzk_p999_readlatency\t6\n"
            ),
            "{text}"
        );
    }
}
