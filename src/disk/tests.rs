//! Tests with a log format that is not the ensemble's. A record is the byte 8 followed by its number in
//! eight bytes. A file begins with the number of its first record.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tail::{RecordSearch, Tail, UNSYNCED_BYTES_MAX, judge_tail};
use super::{
    AppendOptions, Appender, Batch, DiskError, DiskThread, Events, Layout, MakeFile, Service,
    create_zeroed,
};

const RECORD_BYTES: usize = 9;
const HEADER_BYTES: usize = 8;

struct Journal(PathBuf);

impl Layout for Journal {
    type Position = u64;

    fn directory(&self) -> &Path {
        &self.0
    }

    fn path(&self, first: u64) -> PathBuf {
        self.0.join(format!("journal-{first}"))
    }

    fn header(&self, first: u64) -> Vec<u8> {
        first.to_le_bytes().to_vec()
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Synced { last: u64, count: u64 },
    Marked { mark: &'static str, files: usize },
    Failed(String),
}

/// Reports each mark together with the number of files in the directory.
struct Marks(PathBuf);

impl Service for Marks {
    type Layout = Journal;
    type Request = &'static str;
    type Event = Seen;
    type Error = DiskError;

    fn perform(
        &mut self,
        mark: &'static str,
        log: &mut Appender<Journal>,
        events: &Arc<Events<Seen>>,
    ) -> Result<(), DiskError> {
        let files = fs::read_dir(&self.0).expect("a directory").count();
        events.report(Seen::Marked { mark, files });
        log.roll()
    }

    fn synced(last: u64, count: u64) -> Seen {
        Seen::Synced { last, count }
    }

    fn failed(error: DiskError) -> Seen {
        Seen::Failed(error.to_string())
    }
}

fn batch(numbers: std::ops::RangeInclusive<u64>) -> Batch<u64> {
    let mut batch = Batch::new();
    for number in numbers {
        batch.push_with(number, |bytes| {
            bytes.push(8);
            bytes.extend_from_slice(&number.to_le_bytes());
        });
    }
    batch
}

fn record(bytes: &[u8]) -> Option<u64> {
    let (8, number) = (*bytes.first()?, bytes.get(1..RECORD_BYTES)?) else {
        return None;
    };
    Some(u64::from_le_bytes(number.try_into().ok()?))
}

fn records(path: &Path) -> Vec<u64> {
    let bytes = fs::read(path).expect("a file");
    bytes[HEADER_BYTES..]
        .chunks(RECORD_BYTES)
        .map_while(record)
        .collect()
}

const OPTIONS: AppendOptions = AppendOptions {
    fsync: true,
    spare_bytes: 0,
    first_bytes: 512,
};

fn start(dir: &Path, make: MakeFile) -> DiskThread<Marks> {
    let log = Appender::with_maker(Journal(dir.to_owned()), OPTIONS, make).expect("opened");
    DiskThread::start(dir, log, Marks(dir.to_owned()), || {}).expect("started")
}

/// Stops the thread and returns all events that it reported.
fn all_events(mut thread: DiskThread<Marks>) -> Vec<Seen> {
    thread.stop();
    let mut seen = Vec::new();
    thread.poll(&mut seen);
    seen
}

#[test]
fn waiting_batches_share_a_sync_unless_a_request_lies_between_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut thread = start(dir.path(), Box::new(create_zeroed));
    let held = thread.hold();
    thread.append(batch(1..=2));
    thread.append(batch(3..=3));
    thread.request("roll");
    thread.append(batch(4..=5));
    thread.append(batch(6..=6));
    drop(held);
    thread.stop();
    let stats = thread.stats();
    assert_eq!((stats.fsync_count, stats.group_max), (2, 3));
    assert_eq!(stats.bytes, 6 * RECORD_BYTES as u64);
    let mark = "roll";
    assert_eq!(
        all_events(thread),
        [
            Seen::Synced { last: 3, count: 3 },
            Seen::Marked { mark, files: 1 },
            Seen::Synced { last: 6, count: 3 },
        ]
    );
    assert_eq!(records(&dir.path().join("journal-1")), [1, 2, 3]);
    assert_eq!(records(&dir.path().join("journal-4")), [4, 5, 6]);
}

#[test]
fn a_failed_write_names_the_file_and_ends_the_work() {
    let dir = tempfile::tempdir().expect("a directory");
    let full = Box::new(|_: &Path, _| OpenOptions::new().write(true).open("/dev/full"));
    let thread = start(dir.path(), full);
    let held = thread.hold();
    thread.append(batch(1..=1));
    thread.request("never");
    drop(held);
    let seen = all_events(thread);
    let [Seen::Failed(error)] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert!(error.contains("journal-1: No space left"), "{error}");
}

#[test]
fn a_log_file_begins_with_its_header_and_is_truncated_when_rolled() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = Appender::new(Journal(dir.path().to_owned()), OPTIONS).expect("opened");
    // 8 + 9 * 56 = 512: the first batch fills the first file, so the second batch opens another.
    log.append(&batch(1..=56)).expect("appended");
    log.sync().expect("synced");
    log.append(&batch(57..=58)).expect("appended");
    log.sync().expect("synced");
    log.roll().expect("rolled");
    let first = fs::read(dir.path().join("journal-1")).expect("read");
    let second = fs::read(dir.path().join("journal-57")).expect("read");
    assert_eq!(first.len(), 512);
    assert_eq!(second.len(), HEADER_BYTES + 2 * RECORD_BYTES);
    assert_eq!(second[..HEADER_BYTES], 57_u64.to_le_bytes());
    assert_eq!(records(&dir.path().join("journal-57")), [57, 58]);
}

#[test]
fn a_batch_larger_than_one_write_is_split_and_each_part_is_synced() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut thread = start(dir.path(), Box::new(create_zeroed));
    let records = 3 * UNSYNCED_BYTES_MAX as u64 / RECORD_BYTES as u64;
    thread.append(batch(1..=records));
    thread.stop();
    let stats = thread.stats();
    assert_eq!((stats.fsync_count, stats.entries), (4, records));
    assert!(
        stats.write_bytes_max <= UNSYNCED_BYTES_MAX as u64,
        "{stats:?}"
    );
    let mut counted = 0;
    for event in all_events(thread) {
        let Seen::Synced { last, count } = event else {
            panic!("{event:?}");
        };
        counted += count;
        assert_eq!(last, counted, "each report tells what is durable");
    }
    assert_eq!(counted, records);
}

#[test]
fn batches_that_are_not_synced_one_by_one_do_not_exceed_one_write() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = AppendOptions {
        first_bytes: 64 << 20,
        ..OPTIONS
    };
    let mut log = Appender::new(Journal(dir.path().to_owned()), options).expect("opened");
    let records = UNSYNCED_BYTES_MAX as u64 / RECORD_BYTES as u64;
    log.append(&batch(1..=records)).expect("appended");
    assert!(log.unsynced_bytes() > UNSYNCED_BYTES_MAX - RECORD_BYTES);
    log.append(&batch(records + 1..=records + 2))
        .expect("appended");
    assert_eq!(log.unsynced_bytes(), 2 * RECORD_BYTES);
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal-7");
    fs::write(&path, "precious").expect("written");
    let mut log = Appender::new(Journal(dir.path().to_owned()), OPTIONS).expect("opened");
    let error = log.append(&batch(7..=7)).expect_err("refused");
    assert!(matches!(error, DiskError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).expect("read"), b"precious");
}

#[test]
fn a_broken_record_is_torn_at_the_end_and_damage_before_a_sound_record() {
    let newer_than = |last: u64| RecordSearch {
        record_bytes_min: RECORD_BYTES,
        record_bytes_max: RECORD_BYTES,
        prefix_bytes: 1,
        announced_bytes: |_: &[u8]| Some(RECORD_BYTES),
        ordinary_zeros: 7,
        begins_newer: move |bytes: &[u8]| {
            record(bytes).is_some_and(|number| number > last && number < 100)
        },
    };
    let mut rest = batch(3..=5).bytes().to_vec();
    rest[0] = 9;
    assert_eq!(judge_tail(&rest, 26, &newer_than(2)), Tail::Damaged);
    let mut rest = batch(3..=3).bytes().to_vec();
    rest[0] = 9;
    rest.resize(100, 0);
    let torn = Tail::Torn { lost_bytes: 2 };
    assert_eq!(judge_tail(&rest, 26, &newer_than(2)), torn);
    assert_eq!(judge_tail(&[0; 100], 26, &newer_than(2)), Tail::Clean);
}
