//! Tests of the disk thread: order, group commit, failure and snapshots.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sample::{batch, read_zxids};
use super::{DataDirs, Disk, DiskEvent, DiskOptions, Epochs, LogBatch};
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::Zxid;

fn dirs() -> (tempfile::TempDir, DataDirs) {
    let dir = tempfile::tempdir().expect("a directory");
    let dirs = DataDirs::new(dir.path(), None);
    dirs.create().expect("created");
    (dir, dirs)
}

fn small() -> DiskOptions {
    DiskOptions {
        log_bytes: 64 << 10,
        first_log_bytes: 8 << 10,
        ..DiskOptions::default()
    }
}

/// Waits for at least one event and returns all that arrived.
fn events(disk: &Disk) -> Vec<DiskEvent> {
    disk.wait_event();
    let mut events = Vec::new();
    disk.poll(&mut events);
    events
}

fn all_zxids(dirs: &DataDirs) -> Vec<i64> {
    let logs = dirs.list_logs().expect("listed");
    logs.iter().flat_map(|log| read_zxids(&log.path)).collect()
}

#[test]
fn batches_that_wait_share_one_sync_and_one_wake() {
    let (_dir, dirs) = dirs();
    let wakes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&wakes);
    let disk = Disk::start(&dirs, &small(), move || {
        counted.fetch_add(1, Ordering::Relaxed);
    })
    .expect("started");
    let held = disk.hold();
    for zxid in 1..=50 {
        disk.append(batch(zxid..=zxid));
    }
    drop(held);
    let seen = events(&disk);
    assert!(
        matches!(
            seen[..],
            [DiskEvent::Synced {
                last: Zxid(50),
                count: 50
            }]
        ),
        "{seen:?}"
    );
    let stats = disk.stats();
    assert_eq!(
        (stats.fsync_count, stats.entries, stats.group_max),
        (1, 50, 50)
    );
    // After the thread has ended, no further wake can arrive.
    drop(disk);
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
    assert_eq!(all_zxids(&dirs), (1..=50).collect::<Vec<_>>());
}

#[test]
fn the_thread_carries_out_requests_in_order() {
    let (_dir, dirs) = dirs();
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    let held = disk.hold();
    disk.append(batch(1..=2));
    disk.write_epochs(Some(7), Some(6));
    disk.append(batch(3..=4));
    disk.roll();
    disk.append(batch(5..=6));
    drop(held);
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.append(&mut events(&disk));
    }
    assert!(
        matches!(
            seen[..],
            [
                DiskEvent::Synced { last: Zxid(2), .. },
                DiskEvent::EpochsWritten {
                    accepted: Some(7),
                    current: Some(6)
                },
                DiskEvent::Synced { last: Zxid(4), .. },
                DiskEvent::Synced { last: Zxid(6), .. },
            ]
        ),
        "{seen:?}"
    );
    let loaded = Epochs::load(&dirs, 0).expect("epochs");
    assert_eq!((loaded.accepted, loaded.current), (7, 6));
    let first: Vec<_> = dirs
        .list_logs()
        .expect("listed")
        .iter()
        .map(|log| log.first.0)
        .collect();
    assert_eq!(first, [1, 5]);
}

#[test]
fn dropping_the_disk_carries_out_all_pending_requests() {
    let (_dir, dirs) = dirs();
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    for zxid in 1..=2000 {
        let mut reused = disk.batch();
        assert!(reused.is_empty());
        reused.append(&batch(zxid..=zxid));
        disk.append(reused);
    }
    drop(disk);
    assert_eq!(all_zxids(&dirs), (1..=2000).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_is_reported_and_nothing_after_it_is_acknowledged() {
    let (_dir, dirs) = dirs();
    let mut made = 0;
    let full_at_third = move |path: &Path, size: u64| -> io::Result<_> {
        made += 1;
        if made == 3 {
            return OpenOptions::new().write(true).open("/dev/full");
        }
        crate::disk::create_zeroed(path, size)
    };
    let options = DiskOptions {
        log_bytes: 0,
        ..small()
    };
    let disk = Disk::start_with(&dirs, &options, Box::new(full_at_third), || {}).expect("started");
    let mut acknowledged = Zxid(0);
    let mut failed = false;
    for zxid in 1.. {
        disk.append(batch(zxid..=zxid));
        for event in events(&disk) {
            match event {
                DiskEvent::Synced { last, .. } => acknowledged = last,
                DiskEvent::Failed(error) => {
                    assert!(error.to_string().contains("No space left"), "{error}");
                    failed = true;
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        if failed {
            break;
        }
    }
    disk.append(batch(100_000..=100_001));
    disk.write_epochs(Some(1), None);
    let mut more = Vec::new();
    disk.poll(&mut more);
    drop(disk);
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(all_zxids(&dirs), (1..=acknowledged.0).collect::<Vec<_>>());
}

#[test]
fn a_missing_log_directory_is_reported_as_a_failure() {
    let (_dir, dirs) = dirs();
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    // The disk thread may create a file in the directory at the same time, so it cannot be emptied and removed.
    let away = dirs.logs().with_file_name("away");
    std::fs::rename(dirs.logs(), away).expect("renamed");
    disk.append(batch(1..=1));
    let seen = events(&disk);
    assert!(matches!(seen[..], [DiskEvent::Failed(_)]), "{seen:?}");
}

#[test]
fn the_log_continues_during_a_snapshot_which_is_reported_when_durable() {
    let (_dir, dirs) = dirs();
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    let mut body = Vec::new();
    Database::new(DatabaseSettings::default()).encode_snapshot(&mut body);
    disk.begin_snapshot(Zxid(8));
    disk.write_snapshot(vec![0; 100]);
    disk.begin_snapshot(Zxid(9));
    for part in body.chunks(50) {
        disk.write_snapshot(part.to_vec());
    }
    disk.finish_snapshot();
    let seen = events(&disk);
    assert!(
        matches!(seen[..], [DiskEvent::SnapshotWritten { zxid: Zxid(9) }]),
        "{seen:?}"
    );
    disk.begin_snapshot(Zxid(10));
    disk.abandon_snapshot();
    drop(disk);
    let snapshots = dirs.list_snapshots().expect("listed");
    assert_eq!(snapshots.len(), 1);
    let loaded =
        super::snapshot_reader::load(&snapshots[0], DatabaseSettings::default()).expect("loaded");
    assert_eq!(loaded.last_processed(), Zxid(9));
    let names = std::fs::read_dir(dirs.snapshots()).expect("read");
    assert_eq!(names.count(), 1, "nothing temporary is left");
}

#[test]
fn a_failed_snapshot_does_not_stop_the_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let log_dir = dir.path().join("log");
    let dirs = DataDirs::new(&dir.path().join("data"), Some(&log_dir));
    dirs.create().expect("created");
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    std::fs::remove_dir_all(dirs.snapshots()).expect("removed");
    disk.begin_snapshot(Zxid(1));
    disk.write_snapshot(vec![1]);
    disk.finish_snapshot();
    let seen = events(&disk);
    assert!(
        matches!(seen[..], [DiskEvent::SnapshotFailed { zxid: Zxid(1), .. }]),
        "{seen:?}"
    );
    disk.append(batch(2..=3));
    let seen = events(&disk);
    assert!(matches!(seen[..], [DiskEvent::Synced { .. }]), "{seen:?}");
}

#[test]
fn a_truncated_log_can_be_appended_to() {
    let (_dir, dirs) = dirs();
    let options = super::RecoverOptions::default();
    super::recover(&dirs, &options).expect("fresh");
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    disk.append(batch(1..=20));
    drop(disk);
    super::truncate(&dirs, Zxid(12)).expect("cut");
    let disk = Disk::start(&dirs, &small(), || {}).expect("started again");
    let epoch_2 = Zxid::new(2, 1);
    let mut next = LogBatch::new();
    next.push(epoch_2, &super::sample::entry(epoch_2));
    disk.append(next);
    drop(disk);
    let expected: Vec<i64> = (1..=12).chain([epoch_2.0]).collect();
    assert_eq!(all_zxids(&dirs), expected);
}

#[test]
fn without_fsync_the_log_is_not_synced() {
    let (_dir, dirs) = dirs();
    let options = DiskOptions {
        fsync: false,
        ..small()
    };
    let disk = Disk::start(&dirs, &options, || {}).expect("started");
    disk.append(batch(1..=3));
    let seen = events(&disk);
    assert!(matches!(seen[..], [DiskEvent::Synced { .. }]), "{seen:?}");
    assert_eq!(disk.stats().fsync_count, 0);
}

#[test]
fn a_purge_that_fails_is_no_failure_of_a_snapshot() {
    let (_dir, dirs) = dirs();
    for zxid in 0..5 {
        // A directory cannot be removed like a file.
        std::fs::create_dir(dirs.log_path(Zxid(zxid + 1))).expect("made");
        let mut bytes = vec![1; 40];
        bytes.extend_from_slice(&super::snapshot_reader::SEAL_END);
        std::fs::write(dirs.snapshot_path(Zxid(zxid * 10)), bytes).expect("written");
    }
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    disk.purge(3);
    let seen = events(&disk);
    assert!(matches!(seen[..], [DiskEvent::PurgeFailed(_)]), "{seen:?}");
}

#[test]
fn who_encodes_a_snapshot_is_told_when_too_much_waits_and_when_there_is_room() {
    let (_dir, dirs) = dirs();
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    assert!(disk.has_snapshot_room());
    disk.begin_snapshot(Zxid(1));
    let mut written = 0;
    // The thread may write while this loop fills its queue, but not faster for ever.
    while disk.has_snapshot_room() {
        disk.write_snapshot(vec![1; 4 << 20]);
        written += 1;
    }
    assert!(written >= 1);
    let seen = events(&disk);
    assert!(matches!(seen[0], DiskEvent::SnapshotRoom), "{seen:?}");
}

#[test]
fn the_log_is_cut_by_the_disk_thread_after_snapshots_and_appends() {
    let (_dir, dirs) = dirs();
    let options = super::RecoverOptions::default();
    super::recover(&dirs, &options).expect("fresh");
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    let held = disk.hold();
    disk.append(batch(1..=20));
    // Complete, but of transactions that are cut: it must not come back after the cut.
    let mut body = Vec::new();
    Database::new(DatabaseSettings::default()).encode_snapshot(&mut body);
    disk.begin_snapshot(Zxid(15));
    disk.write_snapshot(body);
    disk.finish_snapshot();
    disk.begin_snapshot(Zxid(16));
    disk.truncate(Zxid(12), options);
    drop(held);
    let mut seen = Vec::new();
    while !seen
        .iter()
        .any(|event| matches!(event, DiskEvent::Truncated(_)))
    {
        seen.append(&mut events(&disk));
    }
    let Some(DiskEvent::Truncated(recovered)) = seen.pop() else {
        panic!("{seen:?}");
    };
    assert_eq!(recovered.last_logged, Zxid(12));
    assert_eq!(recovered.database.last_processed(), Zxid(12));
    disk.append(batch(13..=14));
    drop(disk);
    assert_eq!(all_zxids(&dirs), (1..=14).collect::<Vec<_>>());
    let snapshots = dirs.list_snapshots().expect("listed");
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
}

#[test]
fn a_cut_that_fails_is_reported() {
    let (_dir, dirs) = dirs();
    let disk = Disk::start(&dirs, &small(), || {}).expect("started");
    disk.append(batch(1..=20));
    disk.truncate(Zxid(12), super::RecoverOptions::default());
    let mut seen = events(&disk);
    while seen.len() < 2 {
        seen.append(&mut events(&disk));
    }
    assert!(
        matches!(
            seen[..],
            [
                DiskEvent::Synced { .. },
                DiskEvent::TruncateFailed { zxid: Zxid(12), .. }
            ]
        ),
        "no snapshot reaches back: {seen:?}"
    );
}
