//! Durable changes to a directory and its files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::{DiskError, kill};

/// Makes the creation, renaming and removal of files in `directory` durable.
///
/// # Errors
/// If the directory cannot be opened or synced.
pub fn sync_directory(directory: &Path) -> Result<(), DiskError> {
    kill::check()
        .and_then(|()| File::open(directory))
        .and_then(|file| file.sync_all())
        .map_err(DiskError::io("sync the directory", directory))
}

/// Removes a file. A missing file is no error. The removal is durable after [`sync_directory`].
///
/// # Errors
/// If the file cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), DiskError> {
    match kill::check().and_then(|()| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DiskError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Truncates the file to `end` bytes and syncs it.
///
/// # Errors
/// If the file cannot be changed or synced.
pub fn cut_file(path: &Path, end: u64) -> Result<(), DiskError> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| {
            kill::check()?;
            file.set_len(end)?;
            kill::check()?;
            file.sync_all()
        })
        .map_err(DiskError::io("cut", path))
}
