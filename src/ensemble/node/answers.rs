//! Fills the view that the four-letter words are written from.

use super::Node;
use crate::ensemble::database::ConnId;
use crate::ensemble::peer::{Mode, Now};
use crate::ensemble::words::{self, Connection, View, Word};

/// The text for the four bytes that a fresh connection began with, if they are a word.
pub(super) fn answer(node: &Node, now: Now, bytes: [u8; 4]) -> Option<String> {
    let word = Word::parse(&bytes)?;
    Some(words::answer(
        word,
        &view(node, now, word),
        node.config.whitelist(),
    ))
}

fn view(node: &Node, now: Now, word: Word) -> View {
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
        packets: status.packets,
        latency_ms: status.latency_ms,
        outstanding: status.outstanding,
        zxid: status.zxid.0,
        counts: (db.node_count(), db.watch_count(), db.ephemerals_count()),
        data_bytes: db.approximate_data_bytes(),
        proposal_bytes: status
            .proposal_bytes
            .filter(|_| status.mode == Mode::Leader),
        learners: status
            .learners
            .filter(|_| status.mode == Mode::Leader)
            .map(|(all, followers, observers)| (all, followers, observers, status.pending_syncs)),
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
        connections: connections(node, now),
        ..View::default()
    };
    match word {
        Word::Mntr => view.descriptors = descriptors(),
        Word::Dirs => view.dir_bytes = node.config.data_dirs().sizes().unwrap_or_default(),
        Word::Conf => {
            view.config = node.config.rendered();
            view.membership = (!node.config.is_standalone()).then(|| node.config.config_text());
        }
        _ => {}
    }
    view
}

fn connections(node: &Node, now: Now) -> Vec<Connection> {
    let started_ms = now
        .wall_ms
        .saturating_sub_unsigned(now.mono_ms)
        .cast_unsigned();
    node.peer
        .connections()
        .filter_map(|state| {
            let ConnId(id) = state.conn;
            let address = node.clients.get(&id)?.address;
            let since_ms = started_ms + state.since_ms;
            Some(Connection {
                address,
                queued: state.queued,
                received: state.received,
                sent: state.sent,
                session: state
                    .session
                    .map(|session| (session.0, state.timeout_ms, since_ms)),
            })
        })
        .collect()
}

/// Open files, and how many are allowed; 0 where the system does not say.
fn descriptors() -> (u64, u64) {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    (open, limit.current.unwrap_or(0))
}
