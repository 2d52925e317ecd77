//! Tests of torn and damaged transaction logs (specification 15.2).

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use super::client::{Client, Taken};
use super::servers::Ensemble;

const NODES: usize = 10;

/// Starts a standalone server, creates `/n0` to `/n9` and kills it. Returns it with its newest log file.
fn written() -> (Ensemble, PathBuf) {
    let mut ensemble = Ensemble::start(1, 0);
    let mut client = Client::new(ensemble.servers[0].client);
    for node in 0..NODES {
        client.create(&format!("/n{node}"), b"data", 0).unwrap();
    }
    ensemble.kill_all();
    let mut logs: Vec<PathBuf> = fs::read_dir(ensemble.servers[0].version_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("log.")
        })
        .collect();
    logs.sort();
    let log = logs.pop().unwrap();
    (ensemble, log)
}

/// Returns the offset of each entry, and the offset where the last one ends.
fn entries(log: &Path) -> Vec<u64> {
    let bytes = fs::read(log).unwrap();
    assert_eq!(&bytes[..8], b"ZKLG\0\0\0\x02");
    let mut taken = Taken(&bytes[16..]);
    let mut offsets = Vec::new();
    loop {
        offsets.push((bytes.len() - taken.0.len()) as u64);
        if taken.0.len() < 12 || taken.long() == 0 {
            break;
        }
        taken.buffer();
        assert_eq!(taken.byte(), b'B');
    }
    offsets
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let (mut ensemble, log) = written();
    let offsets = entries(&log);
    assert_eq!(
        offsets.len(),
        NODES + 2,
        "one entry for the session and one per znode, and the end"
    );
    let last = offsets[NODES];
    let file = OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(last + 30).unwrap();
    drop(file);
    ensemble.start_all();
    let output = ensemble.servers[0].output();
    let line = output
        .lines()
        .find(|line| line.contains("torn"))
        .unwrap_or_else(|| panic!("{output}"));
    assert!(
        line.contains(&log.display().to_string()) && line.contains(&last.to_string()),
        "{line}"
    );
    let mut client = Client::new(ensemble.servers[0].client);
    assert!(client.exists("/n8", false).is_ok());
    assert_eq!(client.exists("/n9", false), Err(-101));
    client.create("/n9", b"again", 0).unwrap();
    // The entries after the cut are recovered at the next start.
    ensemble.kill_all();
    ensemble.start_all();
    assert_eq!(
        Client::new(ensemble.servers[0].client)
            .get("/n9", false)
            .unwrap()
            .0,
        b"again"
    );
}

#[test]
fn damage_before_the_tail_prevents_the_start_and_the_message_names_the_offset() {
    let (mut ensemble, log) = written();
    let second = entries(&log)[1];
    let mut bytes = fs::read(&log).unwrap();
    let at = usize::try_from(second).unwrap() + 40;
    bytes[at] ^= 0x10;
    fs::write(&log, &bytes).unwrap();
    let server = &mut ensemble.servers[0];
    server.start();
    let status = server.await_exit();
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    let output = server.output();
    assert!(output.contains(&log.display().to_string()), "{output}");
    assert!(output.contains(&format!("byte {second}")), "{output}");
    assert_eq!(
        fs::read(&log).unwrap(),
        bytes,
        "the server must not change a damaged log"
    );
}
