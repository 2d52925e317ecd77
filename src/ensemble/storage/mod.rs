//! Stores a server's data on disk in the formats of Apache ZooKeeper (specification section 15).
//!
//! Reading order: [`mod@format`] frames log entries and [`tail`] decides whether the end of a log
//! is torn or damaged; both are pure. [`DataDirs`] holds the directory and file names.
//! [`LogReader`] and [`LogWriter`] handle one transaction log, [`snapshot_reader`] and
//! [`SnapshotWriter`] one snapshot, [`Epochs`] the epoch files. [`recover()`] loads the state at
//! the start. [`truncate()`] and [`purge()`] remove entries and files. [`Disk`] has the threads that
//! do all writing while the server runs: one for the log, one for snapshots. It reports only what is
//! durable.

mod compression;
mod dirs;
mod disk;
mod epoch;
mod error;
pub mod format;
mod log_reader;
mod log_writer;
mod purge;
mod recover;
pub mod snapshot_reader;
mod snapshot_thread;
mod snapshot_writer;
pub mod tail;
mod truncate;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod hole_tests;
#[cfg(test)]
mod recover_tests;
#[cfg(test)]
mod sample;

pub use compression::Compression;
pub use dirs::{DataDirs, LogFile, SnapshotFile};
pub use disk::{Disk, DiskEvent, DiskOptions};
pub use epoch::{EpochFault, Epochs};
pub use error::StorageError;
pub use format::LogBatch;
pub use log_reader::{LogEnd, LogReader};
pub use log_writer::LogWriter;
pub use purge::{Purged, purge};
pub use recover::{RecoverOptions, Recovered, recover};
pub use snapshot_writer::SnapshotWriter;
pub use truncate::truncate;
