//! Kills a synchronisation before each of its file operations, and the restart after it as well. The
//! server must start again, with a prefix of what it knew or was sent, and the next synchronisation must
//! succeed.

use super::format::FileKind;
use super::sample::entry;
use super::{
    DataDirs, Epochs, LogBatch, LogWriter, RecoverOptions, Recovered, SnapshotWriter, StorageError,
    recover, truncate,
};
use crate::disk::{AppendOptions, kill};
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::Zxid;

/// The counters of some transactions of an epoch.
#[derive(Clone, Debug)]
struct Part {
    epoch: i64,
    counters: std::ops::RangeInclusive<u32>,
}

const fn part(epoch: i64, counters: std::ops::RangeInclusive<u32>) -> Part {
    Part { epoch, counters }
}

fn zxids(parts: &[Part]) -> Vec<Zxid> {
    parts
        .iter()
        .flat_map(|part| {
            let epoch = part.epoch;
            part.counters
                .clone()
                .map(move |counter| Zxid::new(epoch, counter))
        })
        .collect()
}

/// Returns the database after these transactions.
fn reference(zxids: &[Zxid]) -> Database {
    let mut database = Database::new(DatabaseSettings::default());
    for zxid in zxids {
        let applied = database.apply(&entry(*zxid), &mut |_| {});
        applied.expect("applied");
    }
    database
}

fn body(database: &Database) -> Vec<u8> {
    let mut out = Vec::new();
    database.encode_snapshot(&mut out);
    out
}

fn append(dirs: &DataDirs, zxids: &[Zxid]) -> Result<(), StorageError> {
    let options = AppendOptions {
        fsync: true,
        spare_bytes: 0,
        first_bytes: 4096,
    };
    let mut writer = LogWriter::new(dirs.clone(), options)?;
    for zxid in zxids {
        let mut batch = LogBatch::new();
        batch.push(*zxid, &entry(*zxid));
        writer.append(&batch)?;
        writer.sync()?;
    }
    writer.roll()?;
    Ok(())
}

fn save(dirs: &DataDirs, zxid: Zxid, database: &Database) -> Result<(), StorageError> {
    let mut writer = SnapshotWriter::begin(dirs, zxid)?;
    for part in body(database).chunks(200) {
        writer.write(part)?;
    }
    writer.finish()
}

/// A learner's log, and the history of a leader that has served since `epoch` began.
#[derive(Debug)]
struct Case {
    log: Vec<Zxid>,
    leader: Vec<Zxid>,
    epoch: i64,
    /// The leader no longer has what a learner needs that is behind.
    sends_snapshots: bool,
}

impl Case {
    /// Returns a directory with the learner's log, and snapshots of the empty database and of the state
    /// before the fifth transaction.
    fn prepare(&self) -> (tempfile::TempDir, DataDirs) {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        recover(&dirs, &RecoverOptions::default()).expect("fresh");
        let epoch = self.log.last().expect("a log").epoch();
        Epochs::write_accepted(&dirs, epoch).expect("written");
        Epochs::write_current(&dirs, epoch).expect("written");
        let (old, new) = self.log.split_at(4);
        append(&dirs, old).expect("appended");
        save(&dirs, old[3], &reference(old)).expect("saved");
        append(&dirs, new).expect("appended");
        (dir, dirs)
    }

    /// Does what the peer has the disk do while the leader synchronises it, in the same order.
    fn synchronise(&self, dirs: &DataDirs) -> Result<(), StorageError> {
        let found = recover(dirs, &RecoverOptions::default())?;
        if found.accepted_epoch != self.epoch {
            Epochs::write_accepted(dirs, self.epoch)?;
        }
        let last = found.last_logged;
        let mut lacks: &[Zxid] = &self.leader;
        if last == Zxid::ZERO || self.leader.contains(&last) {
            lacks = &self.leader[self.leader.partition_point(|zxid| *zxid <= last)..];
        } else if !self.sends_snapshots {
            let known = self.leader.partition_point(|zxid| *zxid < last);
            truncate(dirs, self.leader[known - 1])?;
            lacks = &self.leader[known..];
        }
        if self.sends_snapshots && !lacks.is_empty() {
            // All but the last transaction is in the snapshot.
            let (sent, rest) = self.leader.split_at(self.leader.len() - 1);
            if last < sent[sent.len() - 1] {
                save(dirs, sent[sent.len() - 1], &reference(sent))?;
            }
            lacks = rest;
        }
        append(dirs, lacks)?;
        if found.current_epoch != self.epoch {
            Epochs::write_current(dirs, self.epoch)?;
        }
        Ok(())
    }

    /// Checks a restart after a kill.
    fn check(&self, found: &Recovered) {
        let last = found.last_logged;
        let history = if self.log.contains(&last) {
            &self.log
        } else {
            &self.leader
        };
        let end = history.partition_point(|zxid| *zxid <= last);
        assert!(end == 0 || history[end - 1] == last, "{last} is in no log");
        let expected = reference(&history[..end]);
        assert_eq!(body(&found.database), body(&expected), "at {last}");
    }

    /// Kills the synchronisation before each operation, and the restart after `restart_operations`.
    fn run(&self, restart_operations: usize) -> usize {
        for operations in 0.. {
            let (_dir, dirs) = self.prepare();
            let finished = kill::after(operations, || self.synchronise(&dirs));
            assert_logs_have_headers(&dirs, operations);
            let restarted = kill::after(restart_operations, || {
                recover(&dirs, &RecoverOptions::default())
            });
            if let Some(Err(error)) = restarted {
                panic!("killed before operation {operations}: {error}");
            }
            match recover(&dirs, &RecoverOptions::default()) {
                Ok(found) => self.check(&found),
                Err(error) => panic!("killed before operation {operations}: {error}"),
            }
            self.synchronise(&dirs).expect("synchronised");
            let found = recover(&dirs, &RecoverOptions::default()).expect("recovered");
            assert_eq!(Some(&found.last_logged), self.leader.last());
            assert_eq!(body(&found.database), body(&reference(&self.leader)));
            assert_eq!(
                (found.accepted_epoch, found.current_epoch),
                (self.epoch, self.epoch)
            );
            if let Some(result) = finished {
                result.expect("synchronised");
                return operations;
            }
        }
        0
    }
}

/// Java refuses a log without header, also if it is the last one.
fn assert_logs_have_headers(dirs: &DataDirs, operations: usize) {
    for log in dirs.list_logs().expect("listed") {
        let bytes = std::fs::read(&log.path).expect("read");
        let has_header = bytes.starts_with(&FileKind::Log.header());
        assert!(has_header, "killed before operation {operations}: {log:?}");
    }
}

fn check_all(case: &Case, fewest_operations: usize) {
    for restart_operations in [0, 1, 2, 3, usize::MAX] {
        let operations = case.run(restart_operations);
        assert!(
            operations >= fewest_operations,
            "only {operations} operations were seen"
        );
    }
}

#[test]
fn a_kill_during_a_diff() {
    let case = Case {
        log: zxids(&[part(1, 1..=8)]),
        leader: zxids(&[part(1, 1..=10), part(2, 1..=2)]),
        epoch: 2,
        sends_snapshots: false,
    };
    check_all(&case, 20);
}

#[test]
fn a_kill_during_a_truncation() {
    let case = Case {
        log: zxids(&[part(1, 1..=8)]),
        leader: zxids(&[part(1, 1..=6), part(2, 1..=2)]),
        epoch: 2,
        sends_snapshots: false,
    };
    check_all(&case, 18);
}

#[test]
fn a_kill_during_a_truncation_to_before_the_newest_snapshot() {
    let case = Case {
        log: zxids(&[part(1, 1..=8)]),
        leader: zxids(&[part(1, 1..=3), part(2, 1..=2)]),
        epoch: 2,
        sends_snapshots: false,
    };
    check_all(&case, 18);
}

#[test]
fn a_kill_during_a_snapshot() {
    let case = Case {
        log: zxids(&[part(1, 1..=8)]),
        leader: zxids(&[part(1, 1..=12), part(2, 1..=4)]),
        epoch: 2,
        sends_snapshots: true,
    };
    check_all(&case, 20);
}

/// A leader of Java truncates to the start of its epoch if it has logged nothing since.
#[test]
fn a_log_can_be_cut_to_the_start_of_an_epoch() {
    for old in [4, 6] {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        recover(&dirs, &RecoverOptions::default()).expect("fresh");
        let kept = zxids(&[part(1, 1..=old)]);
        let cut = zxids(&[part(2, 1..=3)]);
        if old == 4 {
            // Purged: only a snapshot is left of the first epoch.
            save(&dirs, kept[3], &reference(&kept)).expect("saved");
        } else {
            append(&dirs, &kept).expect("appended");
        }
        append(&dirs, &cut).expect("appended");
        Epochs::write_accepted(&dirs, 2).expect("written");
        truncate(&dirs, Zxid::new(2, 0)).expect("truncated");
        let found = recover(&dirs, &RecoverOptions::default()).expect("recovered");
        assert_eq!(found.last_logged, Zxid::new(1, old));
        assert_eq!(body(&found.database), body(&reference(&kept)));
    }
}
