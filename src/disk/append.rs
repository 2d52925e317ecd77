//! Appends batches to log files: one write per part of a batch, into zeros that are on disk already.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::directory::sync_directory;
use super::tail::UNSYNCED_BYTES_MAX;
use super::zeroed::{SpareMaker, create_zeroed};
use super::{Batch, DiskError, Part, kill};

/// Name of a log file that is being made. No log file has this name.
const UNNAMED: &str = "next.log";

/// The directory, file names and file headers of a log.
pub trait Layout: Send + 'static {
    /// Identifies a record. Positions increase from each record to the next.
    type Position: Copy + Default + Ord + Debug + Send + 'static;

    /// Returns the directory that holds all files of the log.
    fn directory(&self) -> &Path;

    /// Returns the path of the file whose first record is `first`.
    fn path(&self, first: Self::Position) -> PathBuf;

    /// Returns the bytes that precede the first record of a file.
    fn header(&self, first: Self::Position) -> Vec<u8>;
}

/// Options for writing a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// Whether [`Appender::sync`] calls `fdatasync`. If false, nothing is durable.
    pub fsync: bool,
    /// Size in bytes of the spare file that is kept ready as the next log file. 0 disables spare files.
    pub spare_bytes: u64,
    /// Size in bytes of a log file that is created when no spare is ready, as at the start.
    pub first_bytes: u64,
}

/// Creates a file of the given path and number of zeros. Tests pass a function that fails.
pub type MakeFile = Box<dyn FnMut(&Path, u64) -> io::Result<File> + Send>;

/// Writes a log.
///
/// Recovery relies on two rules, which this type enforces. The header of a file is synced before the
/// first record is written. At most [`UNSYNCED_BYTES_MAX`] bytes, or one larger record, are written and not
/// yet synced. After an error the appender must not be used again: the kernel may report a failed
/// write only once.
pub struct Appender<L: Layout> {
    layout: L,
    options: AppendOptions,
    spares: Option<SpareMaker>,
    make: MakeFile,
    current: Option<Current>,
    /// Bytes written to the current file since the last sync.
    unsynced_bytes: usize,
}

impl<L: Layout> Debug for Appender<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Appender")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Current {
    file: File,
    path: PathBuf,
    /// Offset of the next record.
    end: u64,
    /// Size of the file, unused zeros included.
    size: u64,
}

impl<L: Layout> Appender<L> {
    /// Creates an appender. It opens its first file with the first batch. A background thread
    /// prepares the second file.
    ///
    /// # Errors
    /// If the background thread cannot start in the log's directory.
    pub fn new(layout: L, options: AppendOptions) -> Result<Self, DiskError> {
        Self::with_maker(layout, options, Box::new(create_zeroed))
    }

    /// Like [`Appender::new`], with a function that creates a file when no spare is ready.
    ///
    /// # Errors
    /// Like [`Appender::new`].
    pub fn with_maker(
        layout: L,
        options: AppendOptions,
        make: MakeFile,
    ) -> Result<Self, DiskError> {
        let spares = (options.spare_bytes > 0)
            .then(|| SpareMaker::start(layout.directory(), options.spare_bytes))
            .transpose()
            .map_err(DiskError::io("prepare a log file in", layout.directory()))?;
        Ok(Self {
            layout,
            options,
            spares,
            make,
            current: None,
            unsynced_bytes: 0,
        })
    }

    /// Writes all parts of the batch. Its end is not durable before [`Appender::sync`].
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn append(&mut self, batch: &Batch<L::Position>) -> Result<(), DiskError> {
        batch.parts().try_for_each(|part| self.append_part(&part))
    }

    /// Writes the part with one call, into a new file if the current one has no room. It is not
    /// durable before [`Appender::sync`]. Syncs first if too much would be unsynced otherwise.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn append_part(&mut self, part: &Part<'_, L::Position>) -> Result<(), DiskError> {
        let size = part.bytes.len() as u64;
        let full = self
            .current
            .as_ref()
            .is_some_and(|current| current.end + size > current.size);
        let too_much = self.unsynced_bytes + part.bytes.len() > UNSYNCED_BYTES_MAX;
        if self.unsynced_bytes > 0 && (full || too_much) {
            self.sync()?;
        }
        if full {
            self.roll()?;
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.open_next(part.first, size)?,
        };
        kill::check().map_err(DiskError::io("append to", &current.path))?;
        let written = current
            .file
            .write_all_at(part.bytes, current.end)
            .map_err(DiskError::io("append to", &current.path));
        current.end += size;
        self.current = Some(current);
        self.unsynced_bytes += part.bytes.len();
        written
    }

    /// Makes all appended records durable and returns how long the disk took. Without
    /// [`AppendOptions::fsync`] it does nothing and returns `None`.
    ///
    /// # Errors
    /// If the disk fails. Records that were appended since the last sync may be lost.
    pub fn sync(&mut self) -> Result<Option<Duration>, DiskError> {
        self.unsynced_bytes = 0;
        let Some(current) = self.current.as_ref().filter(|_| self.options.fsync) else {
            return Ok(None);
        };
        kill::check().map_err(DiskError::io("sync", &current.path))?;
        let start = Instant::now();
        current
            .file
            .sync_data()
            .map_err(DiskError::io("sync", &current.path))?;
        Ok(Some(start.elapsed()))
    }

    /// Closes the current file, which must be synced, and truncates its unused zeros. The next batch
    /// opens a new file.
    ///
    /// # Errors
    /// If the file cannot be truncated.
    pub fn roll(&mut self) -> Result<(), DiskError> {
        if let Some(current) = self.current.take()
            && current.end < current.size
        {
            kill::check().map_err(DiskError::io("cut the unused end of", &current.path))?;
            current
                .file
                .set_len(current.end)
                .map_err(DiskError::io("cut the unused end of", &current.path))?;
        }
        Ok(())
    }

    /// Opens the file whose first record is `first`, with room for `batch_bytes`.
    fn open_next(&mut self, first: L::Position, batch_bytes: u64) -> Result<Current, DiskError> {
        let path = self.layout.path(first);
        if path.exists() {
            return Err(DiskError::Exists { path });
        }
        kill::check().map_err(DiskError::io("create", &path))?;
        let header = self.layout.header(first);
        let needed = header.len() as u64 + batch_bytes;
        let spares = self
            .spares
            .as_ref()
            .filter(|_| needed <= self.options.spare_bytes);
        // The file gets its name once it has its header. If the process is killed in between, no file that
        // readers take for a log is without a header.
        let sync = self.options.fsync;
        let begin = |file: &File| {
            file.write_all_at(&header, 0)?;
            if sync { file.sync_data() } else { Ok(()) }
        };
        kill::check().map_err(DiskError::io("begin", &path))?;
        let spare = match spares {
            Some(spares) => spares
                .take_as(&path, begin)
                .map_err(DiskError::io("create", &path))?,
            None => None,
        };
        let (file, size) = if let Some(spare) = spare {
            (spare.file, spare.size_bytes)
        } else {
            let size = needed.max(self.options.first_bytes);
            let unnamed = self.layout.directory().join(UNNAMED);
            match std::fs::remove_file(&unnamed) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(DiskError::io("remove", &unnamed)(error));
                }
                _ => {}
            }
            let file = (self.make)(&unnamed, size).map_err(DiskError::io("create", &path))?;
            begin(&file).map_err(DiskError::io("begin", &path))?;
            kill::check()
                .and_then(|()| std::fs::rename(&unnamed, &path))
                .map_err(DiskError::io("create", &path))?;
            (file, size)
        };
        // The new name becomes durable before any record is written.
        if sync {
            sync_directory(self.layout.directory())?;
        }
        Ok(Current {
            file,
            path,
            end: header.len() as u64,
            size,
        })
    }

    /// Returns the number of bytes written since the last sync.
    #[cfg(test)]
    pub(super) fn unsynced_bytes(&self) -> usize {
        self.unsynced_bytes
    }

    /// Blocks until a spare file is ready. Returns false if none can be created.
    #[cfg(test)]
    pub(crate) fn wait_spare(&self) -> bool {
        self.spares.as_ref().is_some_and(SpareMaker::wait_ready)
    }
}
