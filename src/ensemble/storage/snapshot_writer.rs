//! Writes a snapshot file. The file appears under its name only when it is complete and durable.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use simd_adler32::Adler32;

use crate::disk::directory::sync_directory;
use crate::disk::kill;
use crate::wire::jute::Zxid;

use super::DataDirs;
use super::StorageError;
use super::compression::Compressor;
use super::format::FileKind;
use super::snapshot_reader::SEAL_END;

/// Bytes between two syncs. Short syncs do not delay the syncs of the log.
const SYNC_STEP_BYTES: usize = 1 << 20;

/// An unfinished snapshot. Dropping it before [`SnapshotWriter::finish`] removes its file.
pub struct SnapshotWriter {
    dirs: DataDirs,
    zxid: Zxid,
    /// `None` after an error of the last step, [`SnapshotWriter::finish`].
    output: Option<Compressor<SteppedFile>>,
    temporary: PathBuf,
    /// Of the content before compression.
    adler: Adler32,
    finished: bool,
}

/// A file that is synced after every [`SYNC_STEP_BYTES`].
#[derive(Debug)]
struct SteppedFile {
    file: File,
    unsynced_bytes: usize,
}

impl Write for SteppedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = &bytes[..bytes.len().min(SYNC_STEP_BYTES)];
        let written = self.file.write(step)?;
        self.unsynced_bytes += written;
        if self.unsynced_bytes >= SYNC_STEP_BYTES {
            self.unsynced_bytes = 0;
            self.file.sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotWriter")
            .field("zxid", &self.zxid)
            .finish_non_exhaustive()
    }
}

impl SnapshotWriter {
    /// # Errors
    /// If the file cannot be created.
    pub fn begin(dirs: &DataDirs, zxid: Zxid) -> Result<Self, StorageError> {
        let mut temporary = dirs.snapshot_path(zxid).into_os_string();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        kill::check().map_err(StorageError::io("create", &temporary))?;
        let file = File::create(&temporary).map_err(StorageError::io("create", &temporary))?;
        let mut writer = Self {
            dirs: dirs.clone(),
            zxid,
            output: Some(Compressor::new(
                dirs.compression(),
                SteppedFile {
                    file,
                    unsynced_bytes: 0,
                },
            )),
            temporary,
            adler: Adler32::new(),
            finished: false,
        };
        writer.write(&FileKind::Snapshot.header())?;
        Ok(writer)
    }

    /// Appends a part of the body, which consists of sessions, ACLs, nodes and terminator.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn write(&mut self, body: &[u8]) -> Result<(), StorageError> {
        self.put(body)
            .map_err(StorageError::io("write", &self.temporary))?;
        self.adler.write(body);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        kill::check()?;
        match &mut self.output {
            Some(output) => output.write_all(bytes),
            None => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Seals the snapshot, makes it durable and renames it to its final name.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn finish(mut self) -> Result<(), StorageError> {
        let mut seal = i64::from(self.adler.finish()).to_be_bytes().to_vec();
        seal.extend_from_slice(&SEAL_END);
        self.put(&seal)
            .and_then(|()| kill::check())
            .and_then(|()| self.complete())
            .map_err(StorageError::io("write", &self.temporary))?;
        let path = self.dirs.snapshot_path(self.zxid);
        kill::check()
            .and_then(|()| fs::rename(&self.temporary, &path))
            .map_err(StorageError::io("create", &path))?;
        self.finished = true;
        Ok(sync_directory(self.dirs.snapshots())?)
    }

    /// Writes the end of a compressed stream, and syncs the file.
    fn complete(&mut self) -> io::Result<()> {
        match self.output.take() {
            Some(output) => output.finish()?.file.sync_all(),
            None => Err(io::ErrorKind::WriteZero.into()),
        }
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if !self.finished {
            // An error does no harm: the next start removes the file.
            drop(kill::check().and_then(|()| fs::remove_file(&self.temporary)));
        }
    }
}
