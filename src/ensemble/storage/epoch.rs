//! The two epoch files of a quorum peer (specification 15.6).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::directory::sync_directory;
use crate::disk::kill;

use super::DataDirs;
use super::StorageError;

/// Names of the epoch files. Each is first written with the suffix `.tmp`. A crash can leave that file
/// behind, complete or empty. Nobody was told of its epoch, so it is never read.
const ACCEPTED: &str = "acceptedEpoch";
const CURRENT: &str = "currentEpoch";

/// The epochs that a peer has accepted and follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    /// The newest epoch whose LEADERINFO (NEWEPOCH) was accepted.
    pub accepted: i64,
    /// The newest epoch whose NEWLEADER was accepted.
    pub current: i64,
}

/// Why the epoch files and the log cannot come from one server that only crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochFault {
    #[error("acceptedEpoch is {accepted}, less than currentEpoch {current}")]
    AcceptedBehindCurrent { accepted: i64, current: i64 },
    #[error("acceptedEpoch is {accepted} but the log holds a transaction of epoch {of_log}")]
    AcceptedBehindLog { accepted: i64, of_log: i64 },
}

impl Epochs {
    /// Checks the epochs of a restart against each other and against the epoch of the last logged
    /// transaction.
    ///
    /// A server accepts an epoch before it logs a transaction of that epoch, and it enters the epoch
    /// (NEWLEADER) after it has logged what the leader sent first. So after a crash the log may hold an
    /// epoch above `current`, but none above `accepted`. The server then votes with `current`, and the next
    /// synchronisation repairs the log.
    ///
    /// # Errors
    /// If an epoch was lost.
    pub const fn check(self, of_log: i64) -> Result<(), EpochFault> {
        let Self { accepted, current } = self;
        if accepted < current {
            return Err(EpochFault::AcceptedBehindCurrent { accepted, current });
        }
        if accepted < of_log {
            return Err(EpochFault::AcceptedBehindLog { accepted, of_log });
        }
        Ok(())
    }

    /// Reads both files and checks them (see [`Self::check`]). A missing file is written with the epoch
    /// of the last logged transaction.
    ///
    /// # Errors
    /// If a file is unreadable, or if an epoch was lost.
    pub fn load(dirs: &DataDirs, of_log: i64) -> Result<Self, StorageError> {
        let stored = |name: &str| match read(&dirs.snapshots().join(name))? {
            Some(epoch) => Ok(epoch),
            None => write_epoch(dirs, name, of_log),
        };
        let epochs = Self {
            current: stored(CURRENT)?,
            accepted: stored(ACCEPTED)?,
        };
        epochs.check(of_log).map_err(|fault| StorageError::Epochs {
            dir: dirs.snapshots().to_owned(),
            fault,
        })?;
        Ok(epochs)
    }

    /// Writes the accepted epoch durably.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn write_accepted(dirs: &DataDirs, epoch: i64) -> Result<(), StorageError> {
        write_epoch(dirs, ACCEPTED, epoch).map(|_written| ())
    }

    /// Writes the current epoch durably.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn write_current(dirs: &DataDirs, epoch: i64) -> Result<(), StorageError> {
        write_epoch(dirs, CURRENT, epoch).map(|_written| ())
    }
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

fn read(path: &Path) -> Result<Option<i64>, StorageError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::io("read", path)(error)),
    };
    match text.trim().parse() {
        Ok(epoch) => Ok(Some(epoch)),
        Err(_) => Err(StorageError::EpochText {
            path: path.to_owned(),
            text: text.chars().take(40).collect(),
        }),
    }
}

/// Replaces the file atomically and durably, and returns the epoch.
fn write_epoch(dirs: &DataDirs, name: &str, epoch: i64) -> Result<i64, StorageError> {
    let path = dirs.snapshots().join(name);
    let temporary = temporary(&path);
    kill::check()
        .and_then(|()| File::create(&temporary))
        .and_then(|mut file| {
            kill::check()?;
            file.write_all(epoch.to_string().as_bytes())?;
            kill::check()?;
            file.sync_all()
        })
        .map_err(StorageError::io("write", &temporary))?;
    kill::check()
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(StorageError::io("replace", &path))?;
    sync_directory(dirs.snapshots())?;
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs() -> (tempfile::TempDir, DataDirs) {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        (dir, dirs)
    }

    #[test]
    fn missing_files_come_from_the_log_and_are_written_as_java_does() {
        let (_dir, dirs) = dirs();
        let three = Epochs {
            accepted: 3,
            current: 3,
        };
        assert_eq!(Epochs::load(&dirs, 3).expect("loaded"), three);
        for name in [ACCEPTED, CURRENT] {
            let text = fs::read_to_string(dirs.snapshots().join(name)).expect("written");
            assert_eq!(text, "3", "decimal, no newline");
        }
        Epochs::write_accepted(&dirs, 5).expect("written");
        let accepted = 5;
        assert_eq!(
            Epochs::load(&dirs, 3).expect("loaded"),
            Epochs { accepted, ..three }
        );
    }

    /// A crash while a leader of epoch 2 synchronises a server of epoch 1.
    #[test]
    fn a_log_ahead_of_the_current_epoch_is_accepted_up_to_the_accepted_epoch() {
        let (_dir, dirs) = dirs();
        Epochs::write_current(&dirs, 1).expect("written");
        Epochs::write_accepted(&dirs, 2).expect("written");
        let stored = Epochs {
            accepted: 2,
            current: 1,
        };
        assert_eq!(Epochs::load(&dirs, 2).expect("loaded"), stored);
        let error = Epochs::load(&dirs, 3).expect_err("lost").to_string();
        assert!(
            error.contains("acceptedEpoch is 2 but the log holds a transaction of epoch 3"),
            "{error}"
        );
    }

    #[test]
    fn a_temporary_file_that_a_crash_left_is_not_read() {
        let (_dir, dirs) = dirs();
        let stored = Epochs {
            accepted: 2,
            current: 1,
        };
        Epochs::write_current(&dirs, stored.current).expect("written");
        Epochs::write_accepted(&dirs, stored.accepted).expect("written");
        for text in ["", "2", "no number"] {
            for name in ["currentEpoch.tmp", "acceptedEpoch.tmp"] {
                fs::write(dirs.snapshots().join(name), text).expect("written");
            }
            assert_eq!(Epochs::load(&dirs, 2).expect("loaded"), stored, "{text:?}");
        }
        Epochs::write_current(&dirs, 2).expect("written over the temporary file");
        assert_eq!(Epochs::load(&dirs, 2).expect("loaded").current, 2);
    }

    #[test]
    fn a_lost_or_unreadable_accepted_epoch_is_refused() {
        let (_dir, dirs) = dirs();
        Epochs::write_current(&dirs, 4).expect("written");
        Epochs::write_accepted(&dirs, 3).expect("written");
        let error = Epochs::load(&dirs, 3).expect_err("lost").to_string();
        assert!(error.contains("acceptedEpoch is 3, less than"), "{error}");
        fs::write(dirs.snapshots().join(ACCEPTED), "four").expect("written");
        let error = Epochs::load(&dirs, 3).expect_err("no number").to_string();
        assert!(error.contains("acceptedEpoch holds \"four\""), "{error}");
    }
}
