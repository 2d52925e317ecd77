//! What a server keeps on disk, in Apache ZooKeeper's own formats (specification section 15).
//!
//! Reading order: [`mod@format`] (the framing of log entries, pure) and [`tail`] (is the end of a log
//! torn or damaged? pure), [`DataDirs`] (where what lies), [`LogReader`] and [`LogWriter`] (one
//! transaction log), [`snapshot_reader`] and [`SnapshotWriter`], [`Epochs`], [`recover`] (what a
//! server starts with), [`truncate`], [`purge`], and [`Disk`], the thread that does all writing
//! while the server runs. Nothing is reported as written before it is durable.

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
mod disk_tests;
#[cfg(test)]
mod recover_tests;
#[cfg(test)]
mod sample;

pub use dirs::{DataDirs, LogFile, SnapshotFile};
pub use disk::{Disk, DiskEvent, DiskOptions};
pub use epoch::Epochs;
pub use error::StorageError;
pub use format::LogBatch;
pub use log_reader::{LogEnd, LogReader};
pub use log_writer::LogWriter;
pub use purge::{Purged, purge};
pub use recover::{RecoverOptions, Recovered, recover};
pub use snapshot_writer::SnapshotWriter;
pub use truncate::truncate;
