//! Appends batches to log files: one write per batch, into zeros that are on disk already.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::directory::sync_directory;
use super::zeroed::{SpareMaker, create_zeroed};
use super::{Batch, DiskError, kill};

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
/// After each [`Appender::append`] comes [`Appender::sync`]: recovery relies on nothing being written
/// behind bytes that are not synced. After an error it must not be used again: the kernel may report
/// a failed write only once.
pub struct Appender<L: Layout> {
    layout: L,
    options: AppendOptions,
    spares: Option<SpareMaker>,
    make: MakeFile,
    current: Option<Current>,
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
        })
    }

    /// Writes the batch with one call, into a new file if the current one has no room. It is not
    /// durable before [`Appender::sync`].
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn append(&mut self, batch: &Batch<L::Position>) -> Result<(), DiskError> {
        if batch.is_empty() {
            return Ok(());
        }
        let size = batch.bytes().len() as u64;
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.end + size > current.size)
        {
            self.roll()?;
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.open_next(batch.first(), size)?,
        };
        kill::check().map_err(DiskError::io("append to", &current.path))?;
        let written = current
            .file
            .write_all_at(batch.bytes(), current.end)
            .map_err(DiskError::io("append to", &current.path));
        current.end += size;
        self.current = Some(current);
        written
    }

    /// Makes all appended records durable and returns how long the disk took. Without `fsync`, does
    /// nothing.
    ///
    /// # Errors
    /// If the disk fails. What was appended since the last sync may be lost then.
    pub fn sync(&mut self) -> Result<Option<Duration>, DiskError> {
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

    /// Closes the current file, which must be synced, and cuts its unused zeros; the next batch
    /// opens a new one.
    ///
    /// # Errors
    /// If the file cannot be cut.
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
        kill::check().map_err(DiskError::io("begin", &path))?;
        file.write_all_at(&header, 0)
            .map_err(DiskError::io("begin", &path))?;
        Ok(Current {
            file,
            path,
            end: header.len() as u64,
            size,
        })
    }

    /// Blocks until a file of zeros is ready; `false` if none can be made.
    #[cfg(test)]
    pub(crate) fn wait_spare(&self) -> bool {
        self.spares.as_ref().is_some_and(SpareMaker::wait_ready)
    }
}
