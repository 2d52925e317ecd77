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
use super::{Batch, DiskError, Part};

/// Where a log's files are, what they are called and how they begin.
pub trait Layout: Send + 'static {
    /// Identifies a record and increases from each record to the next.
    type Position: Copy + Default + Ord + Debug + Send + 'static;

    /// Holds all files of the log.
    fn directory(&self) -> &Path;

    /// The file whose first record is `first`.
    fn path(&self, first: Self::Position) -> PathBuf;

    /// The bytes before the first record of a file.
    fn header(&self, first: Self::Position) -> Vec<u8>;
}

/// How to write a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// Whether [`Appender::sync`] syncs. Without, nothing is durable.
    pub fsync: bool,
    /// Bytes of zeros that are kept ready as the next file; 0: none are.
    pub spare_bytes: u64,
    /// Bytes of a file that is made when none is ready, as at the start.
    pub first_bytes: u64,
}

/// Makes a file of that many zeros. Tests pass one that fails.
pub type MakeFile = Box<dyn FnMut(&Path, u64) -> io::Result<File> + Send>;

/// The log that is being written.
///
/// Recovery relies on two rules, which this type enforces. A file's header is synced before the first
/// record is written. At most [`UNSYNCED_BYTES_MAX`] bytes, or one larger record, are written and not
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
    /// Where the next record goes.
    end: u64,
    /// Where the zeros end.
    size: u64,
}

impl<L: Layout> Appender<L> {
    /// An appender that opens its first file with the first batch, and in the background makes the
    /// zeros for the second.
    ///
    /// # Errors
    /// If the background thread cannot start in the log's directory.
    pub fn new(layout: L, options: AppendOptions) -> Result<Self, DiskError> {
        Self::with_maker(layout, options, Box::new(create_zeroed))
    }

    /// As [`Appender::new`]; `make` makes a file when none is ready.
    ///
    /// # Errors
    /// As [`Appender::new`].
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
        let written = current
            .file
            .write_all_at(part.bytes, current.end)
            .map_err(DiskError::io("append to", &current.path));
        current.end += size;
        self.current = Some(current);
        self.unsynced_bytes += part.bytes.len();
        written
    }

    /// Makes all appended records durable and returns how long the disk took. Without `fsync`, does
    /// nothing.
    ///
    /// # Errors
    /// If the disk fails. What was appended since the last sync may be lost then.
    pub fn sync(&mut self) -> Result<Option<Duration>, DiskError> {
        self.unsynced_bytes = 0;
        let Some(current) = self.current.as_ref().filter(|_| self.options.fsync) else {
            return Ok(None);
        };
        let start = Instant::now();
        current
            .file
            .sync_data()
            .map_err(DiskError::io("sync", &current.path))?;
        Ok(Some(start.elapsed()))
    }

    /// Closes the current file, which must be synced, and cuts its unused zeros; the next batch
    /// opens a new one.
    ///
    /// # Errors
    /// If the file cannot be cut.
    pub fn roll(&mut self) -> Result<(), DiskError> {
        if let Some(current) = self.current.take()
            && current.end < current.size
        {
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
        let header = self.layout.header(first);
        let needed = header.len() as u64 + batch_bytes;
        let spares = self
            .spares
            .as_ref()
            .filter(|_| needed <= self.options.spare_bytes);
        let spare = match spares {
            Some(spares) => spares
                .take_as(&path)
                .map_err(DiskError::io("create", &path))?,
            None => None,
        };
        let (file, size) = if let Some(spare) = spare {
            (spare.file, spare.size_bytes)
        } else {
            let size = needed.max(self.options.first_bytes);
            let file = (self.make)(&path, size).map_err(DiskError::io("create", &path))?;
            (file, size)
        };
        // The name first: a spare that was written to must never come back as a spare.
        if self.options.fsync {
            sync_directory(self.layout.directory())?;
        }
        // A file that holds a record but no header is damaged: the header is durable first.
        file.write_all_at(&header, 0)
            .and_then(|()| {
                if self.options.fsync {
                    file.sync_data()
                } else {
                    Ok(())
                }
            })
            .map_err(DiskError::io("begin", &path))?;
        Ok(Current {
            file,
            path,
            end: header.len() as u64,
            size,
        })
    }

    /// Bytes written since the last sync.
    #[cfg(test)]
    pub(super) fn unsynced_bytes(&self) -> usize {
        self.unsynced_bytes
    }

    /// Blocks until a file of zeros is ready; `false` if none can be made.
    #[cfg(test)]
    pub(crate) fn wait_spare(&self) -> bool {
        self.spares.as_ref().is_some_and(SpareMaker::wait_ready)
    }
}
