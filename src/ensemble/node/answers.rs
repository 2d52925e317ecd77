//! Answers the four-letter words from the state of the node.

use super::{Node, poller};
use crate::ensemble::database::ConnId;
use crate::ensemble::peer::{self, Latency, LatencyHistogram, Now};
use crate::ensemble::words::{
    self, ClientCounters, Configuration, Connection, ConnectionLatency, Descriptors, DirSizes,
    Environment, Ephemerals, GlobalSession, Interest, LatencyMs, Leading, Metrics, Mode,
    ProtocolCounters, Quorum, Reply, Session, SessionBucket, Sessions, Sizes, Source, Statistics,
    Summary, Times, WatchSummary, Watched, Word,
};

/// Executes the four-letter word that connection `asker` has sent and returns its answer. Returns
/// `None` if `bytes` are not a word.
pub(super) fn answer(node: &mut Node, now: Now, asker: ConnId, bytes: [u8; 4]) -> Option<String> {
    let word = Word::parse(&bytes)?;
    node.peer.word_received(asker);
    let whitelist = node.config.whitelist().to_vec();
    let text = words::respond(word, &whitelist, &mut Asked { node, now, asker });
    node.peer.word_answered(asker);
    Some(text)
}

/// The node while it answers a word of connection `asker`.
struct Asked<'a> {
    node: &'a mut Node,
    now: Now,
    asker: ConnId,
}

impl Source for Asked<'_> {
    fn is_serving(&self) -> bool {
        self.node.peer.is_serving()
    }

    fn statistics(&self) -> Statistics {
        let peer = &self.node.peer;
        let db = peer.database();
        let figures = peer.figures();
        Statistics {
            mode: match peer.mode() {
                // The words ask only while the server serves.
                peer::Mode::Looking | peer::Mode::Standalone => Mode::Standalone,
                peer::Mode::Leader => Mode::Leader,
                peer::Mode::Follower => Mode::Follower,
                peer::Mode::Observer => Mode::Observer,
            },
            latency_ms: LatencyMs {
                min: figures.latency.min_ms,
                mean: figures.latency.mean_ms(),
                max: figures.latency.max_ms,
            },
            received: figures.received,
            sent: figures.sent,
            connections: peer.connection_count(),
            outstanding: peer.outstanding(),
            zxid: db.last_processed(),
            node_count: db.node_count(),
            proposal_bytes: peer
                .leader_status()
                .map(|leader| sizes(leader.proposal_bytes)),
        }
    }

    fn metrics(&self) -> Metrics {
        let node = &*self.node;
        let peer = &node.peer;
        let db = peer.database();
        let figures = peer.figures();
        let protocol = peer.protocol_figures();
        let disk = node.disk.stats();
        Metrics {
            statistics: self.statistics(),
            uptime_ms: self.now.mono_ms.saturating_sub(peer.role_since_ms()),
            watches: db.watch_count(),
            ephemerals: db.ephemerals_count(),
            data_bytes: db.approximate_data_bytes(),
            sessions: db.session_count(),
            descriptors: descriptors(),
            response_bytes: sizes(figures.response_bytes),
            clients: ClientCounters {
                bytes_received: node.traffic.received_bytes,
                connection_requests: figures.connection_requests,
                revalidations: figures.revalidations,
                rejected: node.traffic.rejected,
                dropped: node.traffic.dropped,
                sessionless_expired: figures.sessionless_expired,
                failed_authentications: figures.failed_authentications,
                watch_bytes: figures.watch_bytes,
            },
            protocol: self.protocol_counters(),
            quorum: self.quorum(),
            reads: times(&figures.reads),
            updates: times(&figures.updates),
            quorum_acks: if node.config.is_standalone() {
                Times::default()
            } else {
                times(&protocol.quorum_acks)
            },
            elections_ms: summary(protocol.election_ms),
            syncs_ms: Summary {
                count: disk.fsync_count,
                sum: disk.fsync_total_ns / 1_000_000,
                min: disk.fsync_ns_min / 1_000_000,
                mean: mean(disk.fsync_total_ns, disk.fsync_count) / 1e6,
                max: disk.fsync_ns_max / 1_000_000,
            },
            sync_batches: Summary {
                count: disk.fsync_count,
                sum: disk.synced_entries,
                min: disk.group_min,
                mean: mean(disk.synced_entries, disk.fsync_count),
                max: disk.group_max,
            },
            snapshots_ms: summary(node.traffic.snapshot_ms),
        }
    }

    fn connections(&self) -> Vec<Connection> {
        connections(self.node, self.asker)
    }

    fn sessions(&self) -> Sessions {
        let peer = &self.node.peer;
        let Some(buckets) = peer.session_buckets() else {
            let sessions = peer.database().sessions();
            let known = sessions.map(|(session, timeout_ms)| GlobalSession {
                session,
                timeout_ms,
            });
            return Sessions::Known(known.collect());
        };
        let wall_ms = |mono_ms: u64| {
            let left_ms = mono_ms.saturating_sub(self.now.mono_ms);
            let left_ms = i64::try_from(left_ms).unwrap_or(i64::MAX);
            self.now.wall_ms.saturating_add(left_ms)
        };
        let tracked = buckets.into_iter().map(|bucket| SessionBucket {
            expires_at_ms: wall_ms(bucket.expires_at_ms),
            sessions: bucket.sessions,
        });
        Sessions::Tracked(tracked.collect())
    }

    fn ephemerals(&self) -> Vec<Ephemerals> {
        let db = self.node.peer.database();
        db.ephemeral_owners()
            .map(|session| Ephemerals {
                session,
                paths: db.ephemerals(session),
            })
            .collect()
    }

    fn watch_summary(&self) -> WatchSummary {
        let db = self.node.peer.database();
        let (connections, paths) = db.watch_breadth();
        WatchSummary {
            connections,
            paths,
            total: db.watch_count(),
        }
    }

    fn watched(&self) -> Vec<Watched> {
        let watched = self.node.peer.watched();
        watched
            .map(|(session, path)| Watched { session, path })
            .collect()
    }

    fn configuration(&self) -> Configuration {
        let config = &self.node.config;
        let mut values = config.rendered();
        if let Some(DirSizes { data, log }) = self.dir_sizes() {
            values.insert("dataDirSize", data.to_string());
            values.insert("dataLogSize", log.to_string());
        }
        if config.is_standalone() {
            // As in Java. The id in the server's session ids may differ.
            values.insert("serverId", "0".to_owned());
        }
        Configuration {
            values,
            membership: (!config.is_standalone()).then(|| config.config_text()),
        }
    }

    fn dir_sizes(&self) -> Option<DirSizes> {
        let (data, log) = self.node.config.data_dirs().sizes().ok()?;
        Some(DirSizes { data, log })
    }

    fn environment(&self) -> Environment {
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| Some(text.to_string_lossy().into_owned());
        let variable = |name| std::env::var(name).ok();
        Environment {
            host_name: text(system.nodename()),
            os_name: text(system.sysname()),
            os_version: text(system.release()),
            user_name: variable("USER").or_else(|| variable("LOGNAME")),
            user_home: variable("HOME"),
            user_dir: std::env::current_dir()
                .ok()
                .map(|dir| dir.display().to_string()),
        }
    }

    fn reset_connections(&mut self) {
        self.node.peer.reset_accounts();
    }

    fn reset_statistics(&mut self) {
        self.node.peer.reset_figures();
        self.node.traffic.reset();
        self.node.disk.reset_stats();
    }
}

impl Asked<'_> {
    /// A standalone server reports no proposals, although its writes take the same path as a leader's.
    fn protocol_counters(&self) -> ProtocolCounters {
        let figures = self.node.peer.protocol_figures();
        let (proposals, commits) = if self.node.config.is_standalone() {
            (0, 0)
        } else {
            (figures.proposals, figures.commits)
        };
        ProtocolCounters {
            elections: figures.elections,
            proposals,
            commits,
            diffs: figures.diffs,
            snapshots: figures.snapshots,
            revalidations: figures.revalidations,
            expired_sessions: figures.expired_sessions,
            received_proposals: figures.received_proposals,
            received_commits: figures.received_commits,
        }
    }

    fn quorum(&self) -> Option<Quorum> {
        let Node { config, peer, .. } = &*self.node;
        if config.is_standalone() {
            return None;
        }
        let leading = peer.leader_status().map(|leader| Leading {
            uptime_ms: self.now.mono_ms.saturating_sub(leader.serving_since_ms),
            learners: leader.learners.all,
            synced_followers: leader.learners.synced_followers,
            synced_observers: leader.learners.synced_observers,
            pending_syncs: leader.pending_syncs,
        });
        let observes = peer.mode() == peer::Mode::Observer;
        Some(Quorum {
            voters: config.servers().filter(|server| !server.observer).count(),
            leading,
            observer_master: peer.leader().filter(|_| observes),
        })
    }
}

fn connections(node: &Node, asker: ConnId) -> Vec<Connection> {
    node.peer
        .connections()
        .filter_map(|state| {
            let ConnId(id) = state.conn;
            let client = node.clients.get(&id)?;
            // The asker's connection closes after the answer, so the server polls it for nothing.
            let polled = if state.conn == asker {
                poller::Interest::NONE
            } else {
                client.socket.wanted_interest()
            };
            let account = &state.account;
            let (min, mean, max) = account.latency_ms();
            Some(Connection {
                address: client.address,
                interest: Interest {
                    read: polled.read,
                    write: polled.write,
                },
                queued: state.queued,
                received: account.received,
                sent: account.sent,
                session: state.session.map(|id| Session {
                    id,
                    timeout_ms: state.timeout_ms,
                    established_ms: state.established_ms,
                    last_cxid: account.last_cxid,
                    last: account.last.map(|last| Reply {
                        op: last.op,
                        zxid: last.zxid,
                        at_ms: last.at_ms,
                        latency_ms: last.latency_ms,
                    }),
                    latency_ms: ConnectionLatency { min, mean, max },
                }),
            })
        })
        .collect()
}

fn sizes(sizes: Option<peer::Sizes>) -> Sizes {
    let signed = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    sizes.map_or_else(Sizes::default, |sizes| Sizes {
        last: signed(sizes.last),
        min: signed(sizes.min),
        max: signed(sizes.max),
    })
}

fn summary(latency: Latency) -> Summary {
    Summary {
        count: latency.count,
        sum: latency.total_ms,
        min: latency.min_ms,
        mean: latency.mean_ms(),
        max: latency.max_ms,
    }
}

fn times(histogram: &LatencyHistogram) -> Times {
    Times {
        summary: summary(histogram.latency()),
        p50: histogram.percentile_ms(500),
        p95: histogram.percentile_ms(950),
        p99: histogram.percentile_ms(990),
        p999: histogram.percentile_ms(999),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean for display")]
fn mean(total: u64, count: u64) -> f64 {
    if count == 0 {
        0.0
    } else {
        total as f64 / count as f64
    }
}

fn descriptors() -> Descriptors {
    let entries = std::fs::read_dir("/proc/self/fd").ok();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Descriptors {
        // One of the entries is the directory itself, which is open while it is read.
        open: entries.map(|entries| entries.count().saturating_sub(1) as u64),
        max: limit.current,
    }
}
