//! Tests of recovery: history with a hole is refused, and what can be read is not taken for a hole.

use std::fs;
use std::path::Path;

use super::compression::snappy;
use super::format::{FileKind, LogBatch};
use super::sample::{SESSION, batch, entry};
use super::{DataDirs, RecoverOptions, Recovered, SnapshotWriter, StorageError, recover};
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::{Acl, OpCode, Txn, TxnHeader, Zxid, encode_entry};

/// A directory with a first snapshot.
fn fresh() -> (tempfile::TempDir, DataDirs) {
    let dir = tempfile::tempdir().expect("a directory");
    let dirs = DataDirs::new(dir.path(), None);
    start(&dirs).expect("fresh");
    (dir, dirs)
}

fn start(dirs: &DataDirs) -> Result<Recovered, StorageError> {
    recover(dirs, &RecoverOptions::default())
}

fn refusal(dirs: &DataDirs) -> String {
    start(dirs).expect_err("refused").to_string()
}

/// Writes a log file with `padding` bytes of zeros after the entries.
fn write_log(dirs: &DataDirs, zxids: std::ops::RangeInclusive<i64>, padding: usize) {
    let entries = batch(zxids);
    let bytes = [&FileKind::Log.header(), entries.bytes(), &vec![0; padding]].concat();
    fs::write(dirs.log_path(entries.first()), bytes).expect("written");
}

/// Writes a snapshot with transactions 1 to `last` applied.
fn snapshot(dirs: &DataDirs, last: i64) {
    let mut database = Database::new(DatabaseSettings::default());
    for zxid in 1..=last {
        let entry = entry(Zxid(zxid));
        database.apply(&entry, &mut |_| {}).expect("applied");
    }
    let mut body = Vec::new();
    database.encode_snapshot(&mut body);
    let mut writer = SnapshotWriter::begin(dirs, Zxid(last)).expect("begun");
    writer.write(&body).expect("written");
    writer.finish().expect("finished");
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("written");
}

#[test]
fn an_empty_log_before_newer_ones_is_refused() {
    for content in [&[][..], &[0; 16], &[0; 70_000], b"ZKLG"] {
        let (_dir, dirs) = fresh();
        write_log(&dirs, 1..=10, 50);
        fs::write(dirs.log_path(Zxid(11)), content).expect("written");
        write_log(&dirs, 21..=30, 50);
        let error = refusal(&dirs);
        assert!(
            error.contains("log.b is empty, but newer logs follow")
                && error.contains("clear the data directory"),
            "{error}"
        );
        assert_eq!(fs::read(dirs.log_path(Zxid(11))).expect("kept"), content);
    }
}

#[test]
fn missing_transactions_of_an_epoch_are_refused_unless_they_are_allowed() {
    // Between two logs, before the first log, and within a log.
    let between: &[&[(i64, i64)]] = &[&[(1, 10)], &[(21, 30)]];
    let before: &[&[(i64, i64)]] = &[&[(5, 10)]];
    let within: &[&[(i64, i64)]] = &[&[(1, 10), (21, 30)]];
    for (logs, last) in [(between, 30), (before, 10), (within, 30)] {
        let (_dir, dirs) = fresh();
        for parts in logs {
            let mut entries = LogBatch::new();
            for zxid in parts.iter().flat_map(|(from, to)| *from..=*to) {
                entries.push(Zxid(zxid), &entry(Zxid(zxid)));
            }
            let bytes = [&FileKind::Log.header(), entries.bytes()].concat();
            fs::write(dirs.log_path(entries.first()), bytes).expect("written");
        }
        let error = refusal(&dirs);
        assert!(error.contains("are missing; restore"), "{error}");
        let allowing = RecoverOptions {
            allow_gaps: true,
            ..RecoverOptions::default()
        };
        let recovered = recover(&dirs, &allowing).expect("allowed");
        assert_eq!(recovered.last_logged, Zxid(last));
        assert_eq!(recovered.warnings.len(), 1, "{:?}", recovered.warnings);
        let zxids: Vec<i64> = recovered.committed.iter().map(|(zxid, _)| zxid.0).collect();
        assert!(
            zxids.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{zxids:?}"
        );
    }
}

#[test]
fn an_empty_log_that_a_snapshot_makes_unnecessary_is_not_read() {
    let (_dir, dirs) = fresh();
    write_log(&dirs, 1..=10, 50);
    fs::write(dirs.log_path(Zxid(11)), [0; 100]).expect("written");
    snapshot(&dirs, 25);
    write_log(&dirs, 21..=30, 50);
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(30));
}

/// A Java server leaves such a log when it is killed after a roll and then joins a newer epoch.
#[test]
fn a_log_with_only_a_header_before_newer_ones_is_no_hole() {
    let (_dir, dirs) = fresh();
    write_log(&dirs, 1..=10, 50);
    fs::write(dirs.log_path(Zxid(11)), FileKind::Log.header()).expect("written");
    let next = Zxid::new(1, 1);
    let mut entries = LogBatch::new();
    entries.push(next, &entry(next));
    let bytes = [&FileKind::Log.header(), entries.bytes()].concat();
    fs::write(dirs.log_path(next), bytes).expect("written");
    super::Epochs::write_current(&dirs, 1).expect("written");
    super::Epochs::write_accepted(&dirs, 1).expect("written");
    assert_eq!(start(&dirs).expect("recovered").last_logged, next);
}

#[test]
fn an_empty_last_log_is_removed_and_the_start_tells_of_it() {
    for content in [&[][..], &[0; 70_000], b"ZKLG\0"] {
        let (_dir, dirs) = fresh();
        write_log(&dirs, 1..=10, 50);
        fs::write(dirs.log_path(Zxid(11)), content).expect("written");
        let recovered = start(&dirs).expect("recovered");
        assert_eq!(recovered.last_logged, Zxid(10));
        assert!(!dirs.log_path(Zxid(11)).exists());
        let [warning] = &recovered.warnings[..] else {
            panic!("{:?}", recovered.warnings);
        };
        assert!(warning.contains("log.b is removed"), "{warning}");
    }
}

#[test]
fn a_log_that_lost_its_first_page_is_refused_and_kept() {
    let (_dir, dirs) = fresh();
    write_log(&dirs, 1..=300, 50);
    let path = dirs.log_path(Zxid(1));
    let mut bytes = fs::read(&path).expect("read");
    bytes[..4096].fill(0);
    fs::write(&path, &bytes).expect("written");
    let error = refusal(&dirs);
    assert!(error.contains("its header is missing"), "{error}");
    assert_eq!(fs::read(&path).expect("kept"), bytes);
}

#[test]
fn transactions_that_only_an_unusable_snapshot_holds_are_missed() {
    // The logs of 1 to 40 are purged: the snapshot of 40 held them.
    let (_dir, dirs) = fresh();
    snapshot(&dirs, 40);
    write_log(&dirs, 41..=50, 50);
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(50));
    damage(&dirs.snapshot_path(Zxid(40)));
    let error = refusal(&dirs);
    assert!(
        error.contains("transactions after 0x0 up to 0x28 are missing")
            && error.contains("snapshot.28"),
        "{error}"
    );
    // No log at all.
    fs::remove_file(dirs.log_path(Zxid(41))).expect("removed");
    let error = refusal(&dirs);
    assert!(error.contains("up to 0x28 are missing"), "{error}");
}

#[test]
fn an_incomplete_snapshot_is_no_proof_that_its_transactions_were_durable() {
    let (_dir, dirs) = fresh();
    write_log(&dirs, 1..=20, 50);
    // A learner that crashed while it saved the leader's snapshot has acknowledged nothing of it.
    fs::write(dirs.snapshot_path(Zxid(40)), "begun").expect("written");
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(20));
    // A log behind it shows that the server went on from it.
    write_log(&dirs, 41..=50, 50);
    let error = refusal(&dirs);
    assert!(
        error.contains("transactions after 0x14 up to 0x28"),
        "{error}"
    );
}

#[test]
fn a_compressed_snapshot_is_loaded_and_not_skipped() {
    let (_dir, dirs) = fresh();
    snapshot(&dirs, 40);
    let plain = dirs.snapshot_path(Zxid(40));
    let content = fs::read(&plain).expect("read");
    fs::write(
        dirs.snapshots().join("snapshot.28.snappy"),
        snappy(&content),
    )
    .expect("written");
    fs::remove_file(&plain).expect("removed");
    write_log(&dirs, 41..=50, 50);
    let recovered = start(&dirs).expect("recovered");
    assert_eq!(recovered.last_logged, Zxid(50));
    assert_eq!(recovered.database.session_timeout(SESSION), Some(9000));
    assert!(recovered.warnings.is_empty(), "{:?}", recovered.warnings);
}

#[test]
fn empty_snapshots_count_as_none_and_need_trust() {
    let (_dir, dirs) = fresh();
    fs::write(dirs.snapshot_path(Zxid(0)), "").expect("written");
    fs::write(dirs.snapshot_path(Zxid(3)), "").expect("written");
    write_log(&dirs, 1..=5, 100);
    let error = refusal(&dirs);
    assert!(error.contains("snapshot.trust.empty"), "{error}");
    let trusting = RecoverOptions {
        trust_empty: true,
        ..RecoverOptions::default()
    };
    let recovered = recover(&dirs, &trusting).expect("recovered");
    assert_eq!(recovered.last_logged, Zxid(5));
    assert_eq!(start(&dirs).expect("again").last_logged, Zxid(5));
}

#[test]
fn a_torn_entry_of_any_size_is_cut_off() {
    let (_dir, dirs) = fresh();
    let data = vec![7; 20 << 20];
    let mut large = Vec::new();
    let header = TxnHeader {
        session: SESSION,
        cxid: 0,
        zxid: Zxid(4),
        time_ms: 1000,
        op: OpCode::Create,
    };
    let txn = Txn::Create {
        path: "/large",
        data: Some(&data),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: 4,
    };
    encode_entry(&header, &txn, &mut large);
    let mut entries = batch(1..=3);
    let whole = entries.bytes().len() + 16;
    entries.push(Zxid(4), &large);
    let bytes = [&FileKind::Log.header(), entries.bytes()].concat();
    let path = dirs.log_path(Zxid(1));
    for cut in [whole + 30, whole + (9 << 20), bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).expect("written");
        let recovered = start(&dirs).expect("recovered");
        assert_eq!(recovered.last_logged, Zxid(3), "cut at {cut}");
        let left = fs::metadata(&path).expect("kept").len();
        assert_eq!(left, whole as u64, "cut at {cut}");
    }
}
