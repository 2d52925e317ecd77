//! Tests of recovery: fresh directories, crashes at every point, damage, directories of other
//! releases.

use std::fs;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::format::{FileKind, LogBatch};
use super::sample::{SESSION, batch, entry, read_zxids};
use super::{
    DataDirs, LogWriter, RecoverOptions, Recovered, SnapshotWriter, StorageError, recover, truncate,
};
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::Zxid;

fn dirs() -> (tempfile::TempDir, DataDirs) {
    let dir = tempfile::tempdir().expect("a directory");
    let dirs = DataDirs::new(dir.path(), None);
    (dir, dirs)
}

fn start(dirs: &DataDirs) -> Result<Recovered, StorageError> {
    recover(dirs, &RecoverOptions::default())
}

fn body(database: &Database) -> Vec<u8> {
    let mut out = Vec::new();
    database.encode_snapshot(&mut out);
    out
}

/// Returns a database with transactions 1 to `last` applied.
fn reference(last: i64) -> Database {
    let mut database = Database::new(DatabaseSettings::default());
    for zxid in 1..=last {
        let entry = entry(Zxid(zxid));
        database.apply(&entry, &mut |_| {}).expect("applied");
    }
    database
}

fn snapshot(dirs: &DataDirs, database: &Database) {
    let mut writer = SnapshotWriter::begin(dirs, database.last_processed()).expect("begun");
    writer.write(&body(database)).expect("written");
    writer.finish().expect("finished");
}

/// Writes a log file with `padding` bytes of zeros after the entries.
fn write_log(dirs: &DataDirs, entries: &LogBatch, padding: usize) {
    let bytes = [&FileKind::Log.header(), entries.bytes(), &vec![0; padding]].concat();
    fs::write(dirs.log_path(entries.first()), bytes).expect("written");
}

#[test]
fn a_fresh_directory_gets_its_first_snapshot_and_epochs() {
    let (_dir, dirs) = dirs();
    let fresh = start(&dirs).expect("recovered");
    assert_eq!(fresh.last_logged, Zxid(0));
    assert_eq!((fresh.accepted_epoch, fresh.current_epoch), (0, 0));
    assert!(fresh.warnings.is_empty(), "{:?}", fresh.warnings);
    let snapshots = dirs.list_snapshots().expect("listed");
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0].zxid, Zxid(0));
    assert_eq!(start(&dirs).expect("again").last_logged, Zxid(0));
}

#[test]
fn replays_the_log_after_the_newest_snapshot_and_keeps_the_last_transactions() {
    let (_dir, dirs) = dirs();
    start(&dirs).expect("fresh");
    write_log(&dirs, &batch(1..=300), 900);
    snapshot(&dirs, &reference(250));
    write_log(&dirs, &batch(301..=900), 0);
    let recovered = start(&dirs).expect("recovered");
    assert_eq!(recovered.last_logged, Zxid(900));
    assert_eq!(body(&recovered.database), body(&reference(900)));
    assert_eq!(recovered.database.session_timeout(SESSION), Some(9000));
    let kept: Vec<i64> = recovered.committed.iter().map(|(zxid, _)| zxid.0).collect();
    assert_eq!(kept, (401..=900).collect::<Vec<_>>());
    assert_eq!(*recovered.committed[0].1, *entry(Zxid(401)));
}

#[test]
fn an_older_snapshot_replaces_a_damaged_one() {
    let (_dir, dirs) = dirs();
    start(&dirs).expect("fresh");
    write_log(&dirs, &batch(1..=50), 10);
    snapshot(&dirs, &reference(20));
    snapshot(&dirs, &reference(40));
    let newest = dirs.snapshot_path(Zxid(40));
    let mut bytes = fs::read(&newest).expect("read");
    bytes[100] ^= 1;
    fs::write(&newest, bytes).expect("written");
    fs::write(dirs.snapshot_path(Zxid(45)), "begun").expect("written");
    fs::write(dirs.snapshots().join("snapshot.30.tmp"), "begun").expect("written");
    let recovered = start(&dirs).expect("recovered");
    assert_eq!(body(&recovered.database), body(&reference(50)));
    assert_eq!(recovered.warnings.len(), 2, "{:?}", recovered.warnings);
    assert!(!dirs.snapshots().join("snapshot.30.tmp").exists());
}

#[test]
fn logs_without_a_snapshot_are_refused_unless_trusted() {
    let (_dir, dirs) = dirs();
    dirs.create().expect("created");
    write_log(&dirs, &batch(1..=5), 100);
    let error = start(&dirs).expect_err("refused");
    assert!(
        error.to_string().contains("snapshot.trust.empty"),
        "{error}"
    );
    let trusting = RecoverOptions {
        trust_empty: true,
        ..RecoverOptions::default()
    };
    let recovered = recover(&dirs, &trusting).expect("recovered");
    assert_eq!(body(&recovered.database), body(&reference(5)));
    // The start above wrote a snapshot.
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(5));
}

#[test]
fn an_empty_directory_is_not_a_database_if_autocreate_is_off() {
    let (dir, dirs) = dirs();
    let strict = RecoverOptions {
        autocreate: false,
        ..RecoverOptions::default()
    };
    let lost = recover(&dirs, &strict).expect("recovered");
    assert_eq!(lost.last_logged, Zxid(-1));
    assert_eq!((lost.accepted_epoch, lost.current_epoch), (0, 0));
    assert!(dirs.list_snapshots().expect("listed").is_empty());
    fs::write(dir.path().join("initialize"), "").expect("written");
    assert_eq!(recover(&dirs, &strict).expect("new").last_logged, Zxid(0));
    assert!(!dir.path().join("initialize").exists());
}

/// SIGKILL leaves a prefix of the last write. Recovery keeps every complete entry, cuts off the
/// rest, and later writes append to the log.
#[test]
fn a_log_cut_anywhere_keeps_its_complete_entries() {
    let entries = batch(1..=6);
    let mut ends = vec![0];
    for zxid in 1..=6 {
        ends.push(batch(1..=zxid).bytes().len());
    }
    for cut in 0..=entries.bytes().len() {
        let (_dir, dirs) = dirs();
        start(&dirs).expect("fresh");
        let path = dirs.log_path(Zxid(1));
        let padding = if cut % 2 == 0 { 500 } else { 0 };
        let mut bytes = [&FileKind::Log.header(), &entries.bytes()[..cut]].concat();
        bytes.resize(bytes.len() + padding, 0);
        fs::write(&path, bytes).expect("written");
        let whole = ends.iter().rposition(|end| *end <= cut).expect("zero");
        let recovered = start(&dirs).expect("recovered");
        let whole = i64::try_from(whole).expect("few");
        assert_eq!(recovered.last_logged.0, whole, "cut at {cut}");
        assert_eq!(body(&recovered.database), body(&reference(whole)));
        let next = whole + 1;
        let mut writer = LogWriter::new(dirs.clone(), no_spare().append()).expect("started");
        writer.append(&batch(next..=next)).expect("appended");
        writer.sync().expect("synced");
        let again = start(&dirs).expect("recovered");
        assert_eq!(again.last_logged, Zxid(next), "cut at {cut}");
        assert!(again.warnings.is_empty(), "{:?}", again.warnings);
    }
}

fn no_spare() -> super::DiskOptions {
    super::DiskOptions {
        log_bytes: 0,
        first_log_bytes: 4096,
        ..super::DiskOptions::default()
    }
}

/// Power loss leaves any subset of the pages of the last write. Recovery returns a prefix of the
/// written entries that includes all synced ones. `SEED=` replays one case.
#[test]
fn power_loss_loses_no_synced_entry() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..60,
    };
    for seed in seeds {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (_dir, dirs) = dirs();
        start(&dirs).expect("fresh");
        let synced: i64 = rng.random_range(0..150);
        let written: i64 = synced + rng.random_range(1..300);
        let safe = 16 + batch(1..=synced).bytes().len();
        let mut bytes = [&FileKind::Log.header(), batch(1..=written).bytes()].concat();
        bytes.resize(bytes.len().next_multiple_of(4096) + 4096, 0);
        // Only pages that the unsynced write touched may keep their old content.
        for page in (safe / 4096)..(bytes.len() / 4096) {
            if rng.random_bool(0.4) {
                let from = (page * 4096).max(safe);
                bytes[from..(page + 1) * 4096].fill(0);
            }
        }
        fs::write(dirs.log_path(Zxid(1)), &bytes).expect("written");
        let recovered = start(&dirs).unwrap_or_else(|error| panic!("SEED={seed}: {error}"));
        let last = recovered.last_logged.0;
        assert!((synced..=written).contains(&last), "SEED={seed}: {last}");
        assert_eq!(
            body(&recovered.database),
            body(&reference(last)),
            "SEED={seed}"
        );
    }
}

/// A flipped bit in any byte of an acknowledged entry with entries after it is always detected.
#[test]
fn recovery_refuses_damage_before_the_last_entry() {
    let (_dir, dirs) = dirs();
    start(&dirs).expect("fresh");
    let entries = batch(1..=4);
    let last = batch(1..=3).bytes().len();
    for at in 0..last {
        let mut bytes = [&FileKind::Log.header(), entries.bytes(), &[0; 700]].concat();
        bytes[16 + at] ^= 0x40;
        fs::write(dirs.log_path(Zxid(1)), &bytes).expect("written");
        let error = start(&dirs).expect_err("refused");
        assert!(
            matches!(error, StorageError::Damaged { .. }),
            "byte {at}: {error}"
        );
        let unchanged = fs::read(dirs.log_path(Zxid(1))).expect("read");
        assert_eq!(unchanged, bytes, "the damaged file is not changed");
    }
}

#[test]
fn a_torn_log_before_a_newer_one_is_accepted_but_missing_entries_are_not() {
    let (_dir, dirs) = dirs();
    start(&dirs).expect("fresh");
    let torn = batch(1..=9);
    let cut = batch(1..=8).bytes().len() + 20;
    let bytes = [&FileKind::Log.header(), &torn.bytes()[..cut], &[0; 99]].concat();
    fs::write(dirs.log_path(Zxid(1)), &bytes).expect("written");
    write_log(&dirs, &batch(9..=12), 50);
    let recovered = start(&dirs).expect("recovered");
    assert_eq!(body(&recovered.database), body(&reference(12)));
    assert_eq!(recovered.warnings.len(), 1, "{:?}", recovered.warnings);
    fs::remove_file(dirs.log_path(Zxid(9))).expect("removed");
    write_log(&dirs, &batch(10..=12), 50);
    let error = start(&dirs).expect_err("refused");
    assert!(matches!(error, StorageError::Hole { .. }), "{error}");
}

#[test]
fn truncation_removes_exactly_the_newer_transactions() {
    for target in 1..=30 {
        let (_dir, dirs) = dirs();
        start(&dirs).expect("fresh");
        write_log(&dirs, &batch(1..=10), 100);
        snapshot(&dirs, &reference(8));
        write_log(&dirs, &batch(11..=20), 100);
        snapshot(&dirs, &reference(18));
        write_log(&dirs, &batch(21..=30), 100);
        truncate(&dirs, Zxid(target)).expect("truncated");
        let recovered = start(&dirs).expect("recovered");
        assert_eq!(recovered.last_logged, Zxid(target));
        assert_eq!(body(&recovered.database), body(&reference(target)));
        let all: Vec<i64> = dirs
            .list_logs()
            .expect("listed")
            .iter()
            .flat_map(|log| read_zxids(&log.path))
            .collect();
        assert_eq!(all, (1..=target).collect::<Vec<_>>());
    }
}

#[test]
fn truncation_to_a_missing_transaction_changes_nothing() {
    let (_dir, dirs) = dirs();
    start(&dirs).expect("fresh");
    let mut entries = batch(1..=3);
    for counter in 1..=4 {
        let zxid = Zxid::new(1, counter);
        entries.push(zxid, &entry(zxid));
    }
    write_log(&dirs, &entries, 10);
    truncate(&dirs, Zxid(9)).expect("nothing to do");
    assert_eq!(read_zxids(&dirs.log_path(Zxid(1))).len(), 7);
}

/// A snapshot from a leader leaves a gap in the logs.
#[test]
fn truncation_into_a_gap_that_a_snapshot_covers_changes_nothing() {
    let (_dir, dirs) = dirs();
    start(&dirs).expect("fresh");
    write_log(&dirs, &batch(1..=5), 0);
    snapshot(&dirs, &reference(20));
    write_log(&dirs, &batch(21..=25), 0);
    truncate(&dirs, Zxid(15)).expect("nothing to do");
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(25));
    truncate(&dirs, Zxid(20)).expect("to the snapshot");
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(20));
    truncate(&dirs, Zxid(4)).expect("before the gap");
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(4));
}

#[test]
fn truncation_before_the_oldest_log_changes_nothing() {
    let (_dir, dirs) = dirs();
    dirs.create().expect("created");
    snapshot(&dirs, &reference(10));
    write_log(&dirs, &batch(11..=20), 0);
    truncate(&dirs, Zxid(5)).expect("nothing to do");
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(20));
    truncate(&dirs, Zxid(10)).expect("to the snapshot itself");
    assert_eq!(start(&dirs).expect("recovered").last_logged, Zxid(10));
}
