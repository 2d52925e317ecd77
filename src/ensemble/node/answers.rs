//! Collects the figures that the four-letter words report.

use super::Node;
use super::poller::Interest;
use crate::ensemble::database::ConnId;
use crate::ensemble::peer::{Mode, Now};
use crate::ensemble::words::{self, Connection, Reply, Session, View, WatchSummary, Word};

/// Executes the four-letter word that connection `asker` has sent and returns its answer. Returns
/// `None` if `bytes` are not a word.
pub(super) fn answer(node: &mut Node, now: Now, asker: ConnId, bytes: [u8; 4]) -> Option<String> {
    let word = Word::parse(&bytes)?;
    node.peer.word_received(asker);
    if word.is_allowed(node.config.whitelist()) && node.peer.is_serving() {
        match word {
            Word::Crst => node.peer.reset_accounts(),
            Word::Srst => {
                node.peer.reset_figures();
                node.disk.reset_stats();
            }
            _ => {}
        }
    }
    let view = view(node, now, asker, word);
    node.peer.word_answered(asker);
    Some(words::answer(word, view, node.config.whitelist()))
}

fn view(node: &Node, now: Now, asker: ConnId, word: Word) -> View {
    let status = node.peer.status();
    let db = node.peer.database();
    let mode = match status.mode {
        _ if !node.peer.is_serving() => None,
        Mode::Looking => None,
        Mode::Standalone => Some("standalone"),
        Mode::Leader => Some("leader"),
        Mode::Follower => Some("follower"),
        Mode::Observer => Some("observer"),
    };
    let disk = node.disk.stats();
    let mut view = View {
        mode,
        packets: (status.received, status.sent),
        latency_ms: status.latency_ms,
        outstanding: status.outstanding,
        zxid: status.zxid.0,
        counts: (db.node_count(), db.watch_count(), db.ephemerals_count()),
        data_bytes: db.approximate_data_bytes(),
        proposal_bytes: status
            .proposal_bytes
            .filter(|_| status.mode == Mode::Leader)
            .map(|bytes| (bytes.last, bytes.min, bytes.max)),
        learners: status
            .learners
            .filter(|_| status.mode == Mode::Leader)
            .map(|learners| {
                let (followers, observers) = (learners.synced_followers, learners.synced_observers);
                (learners.all, followers, observers, status.pending_syncs)
            }),
        quorum_size: node
            .config
            .servers()
            .filter(|server| !server.observer)
            .count(),
        uptime_ms: now.mono_ms,
        sessions: status
            .sessions
            .iter()
            .map(|(session, timeout)| (session.0, *timeout))
            .collect(),
        fsyncs: (disk.fsync_count, disk.fsync_total_ns, disk.fsync_ns_max),
        connections: connections(node, asker),
        ..View::default()
    };
    match word {
        Word::Mntr => view.descriptors = descriptors(),
        Word::Wchs => {
            let (connections, paths) = db.watch_breadth();
            view.watches = WatchSummary {
                connections,
                paths,
                total: db.watch_count(),
            };
        }
        Word::Wchc | Word::Wchp => {
            let watched = node.peer.watched();
            view.watched = watched.map(|(session, path)| (session.0, path)).collect();
        }
        Word::Dirs => view.dir_bytes = node.config.data_dirs().sizes().unwrap_or_default(),
        Word::Conf => {
            view.config = node.config.rendered();
            view.membership = (!node.config.is_standalone()).then(|| node.config.config_text());
        }
        _ => {}
    }
    view
}

fn connections(node: &Node, asker: ConnId) -> Vec<Connection> {
    node.peer
        .connections()
        .filter_map(|state| {
            let ConnId(id) = state.conn;
            let client = node.clients.get(&id)?;
            // The asker's connection closes after the answer, so the server polls it for nothing.
            let polled = if state.conn == asker {
                Interest::NONE
            } else {
                client.socket.wanted_interest()
            };
            let account = &state.account;
            Some(Connection {
                address: client.address,
                interest: words::Interest {
                    read: polled.read,
                    write: polled.write,
                },
                queued: state.queued,
                received: account.received,
                sent: account.sent,
                session: state.session.map(|session| Session {
                    id: session.0,
                    timeout_ms: state.timeout_ms,
                    established_ms: state.established_ms,
                    last_cxid: account.last_cxid,
                    last: account.last.map(|last| Reply {
                        op: last.op,
                        zxid: last.zxid,
                        at_ms: last.at_ms,
                        latency_ms: last.latency_ms,
                    }),
                    latency_ms: account.latency_ms(),
                }),
            })
        })
        .collect()
}

/// Returns the number of open files and their limit. A number that the system does not report is 0.
fn descriptors() -> (u64, u64) {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    (open, limit.current.unwrap_or(0))
}
