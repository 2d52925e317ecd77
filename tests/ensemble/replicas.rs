//! Reads and compares what must be equal on all servers: the tree and the log entries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::client::{Client, Stat, Taken};
use super::servers::{Ensemble, Server, wait_for};

/// Returns every znode of a server except `/zookeeper` and its descendants, which differ between releases.
pub(crate) fn tree(server: &Server) -> BTreeMap<String, (Vec<u8>, Stat)> {
    let mut client = wait_for("a session", || Client::try_new(server.client, 60_000).ok());
    client.sync();
    let mut nodes = BTreeMap::new();
    let mut paths = vec![String::new()];
    while let Some(path) = paths.pop() {
        let shown = if path.is_empty() { "/" } else { &path };
        for name in client.children(shown, false).unwrap() {
            let child = format!("{path}/{name}");
            if child != "/zookeeper" {
                paths.push(child);
            }
        }
        if !path.is_empty() {
            let node = client.get(&path, false).unwrap();
            nodes.insert(path, node);
        }
    }
    client.close();
    nodes
}

/// The header of a logged transaction: session, cxid, zxid, time and type. The rest of an entry differs
/// between releases, because newer ones append a digest.
pub(crate) type Head = [u8; 32];

/// Returns the header of every entry in a server's logs by zxid. Leaves out an incomplete entry at the
/// end.
pub(crate) fn log(server: &Server) -> BTreeMap<i64, Head> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(server.version_dir()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if name.starts_with("log.") {
            read_log(&path, &mut all);
        }
    }
    all
}

fn read_log(path: &Path, all: &mut BTreeMap<i64, Head>) {
    let bytes = fs::read(path).unwrap();
    let mut taken = Taken(bytes.get(16..).unwrap_or_default());
    while taken.0.len() > 12 {
        let checksum = taken.long();
        let length = usize::try_from(taken.int()).unwrap();
        if (checksum, length) == (0, 0) || taken.0.len() <= length {
            return;
        }
        let head: Head = taken.bytes(length)[..32].try_into().unwrap();
        if taken.byte() != b'B' {
            return;
        }
        let zxid = i64::from_be_bytes(head[12..20].try_into().unwrap());
        assert_eq!(all.insert(zxid, head), None, "0x{zxid:x} is logged twice");
    }
}

/// Checks that all servers have the same tree and the same log entries from `since` on. A synchronised
/// learner may have earlier entries only in a snapshot.
pub(crate) fn assert_alike(ensemble: &Ensemble, since: i64) {
    let mut trees = ensemble.servers.iter().map(tree);
    let first = trees.next().unwrap();
    for (index, other) in trees.enumerate() {
        assert_eq!(other, first, "the tree of server {} differs", index + 2);
    }
    // The sessions above are log entries too. A follower logs what precedes a sync before it answers the
    // sync, but later entries may still be under way.
    wait_for("equal logs", || {
        let mut logs = ensemble.servers.iter().map(|server| {
            let mut entries = log(server);
            entries.retain(|zxid, _| *zxid >= since);
            entries
        });
        let first = logs.next()?;
        logs.all(|other| other == first).then_some(())
    });
}
