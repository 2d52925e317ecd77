//! The two epoch files of a quorum peer (specification 15.6).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::directory::sync_directory;

use super::DataDirs;
use super::StorageError;

/// Names of the epoch files. Each is first written with the suffix `.tmp`.
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

impl Epochs {
    /// Reads both files and checks them against each other and against the last transaction's
    /// epoch. A missing file is written with that epoch.
    ///
    /// # Errors
    /// If a file is unreadable, or if the epochs contradict the log, which means that an epoch was
    /// lost.
    pub fn load(dirs: &DataDirs, epoch_of_log: i64) -> Result<Self, StorageError> {
        let current_path = dirs.snapshots().join(CURRENT);
        let mut current = match read(&current_path)? {
            Some(current) => current,
            None => write_epoch(dirs, CURRENT, epoch_of_log)?,
        };
        if epoch_of_log > current {
            // A crash between writing and renaming leaves the newer value in the temporary file.
            let Some(newer) = read(&temporary(&current_path))? else {
                return Err(StorageError::Epochs {
                    dir: dirs.snapshots().to_owned(),
                    what: format!(
                        "currentEpoch is {current} but the log holds a transaction of epoch {epoch_of_log}"
                    ),
                });
            };
            current = write_epoch(dirs, CURRENT, newer)?;
        }
        let accepted = match read(&dirs.snapshots().join(ACCEPTED))? {
            Some(accepted) => accepted,
            None => write_epoch(dirs, ACCEPTED, epoch_of_log)?,
        };
        if accepted < current {
            return Err(StorageError::Epochs {
                dir: dirs.snapshots().to_owned(),
                what: format!("acceptedEpoch is {accepted}, less than currentEpoch {current}"),
            });
        }
        Ok(Self { accepted, current })
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
    File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(epoch.to_string().as_bytes())?;
            file.sync_all()
        })
        .map_err(StorageError::io("write", &temporary))?;
    fs::rename(&temporary, &path).map_err(StorageError::io("replace", &path))?;
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

    #[test]
    fn a_crash_before_the_rename_is_repaired_and_a_lost_epoch_is_refused() {
        let (_dir, dirs) = dirs();
        Epochs::write_current(&dirs, 1).expect("written");
        Epochs::write_accepted(&dirs, 2).expect("written");
        let error = Epochs::load(&dirs, 2).expect_err("lost").to_string();
        assert!(
            error.contains("currentEpoch is 1 but the log holds"),
            "{error}"
        );
        fs::write(dirs.snapshots().join("currentEpoch.tmp"), "2").expect("written");
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
