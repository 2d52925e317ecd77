//! Appends to transaction logs: one write per batch, into zeros that were there before.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::wire::jute::Zxid;

use super::dirs::{DataDirs, sync_dir};
use super::format::{FILE_HEADER_BYTES, FileKind, LogBatch};
use super::zeroed::{SpareMaker, create_zeroed};
use super::{DiskOptions, StorageError};

/// Makes a file of zeros; another one in tests.
pub(super) type MakeFile = Box<dyn FnMut(&Path, u64) -> io::Result<File> + Send>;

/// The log that is being written.
///
/// [`LogWriter::append`] then [`LogWriter::sync`], always both, in this order: recovery relies on
/// nothing being written behind bytes that are not synced. After an error it must not be used again:
/// what the kernel could not write it may report only once.
pub struct LogWriter {
    dirs: DataDirs,
    fsync: bool,
    first_bytes: u64,
    spare_bytes: u64,
    spares: Option<SpareMaker>,
    make: MakeFile,
    current: Option<Current>,
}

impl std::fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogWriter")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Current {
    file: File,
    path: PathBuf,
    /// Where the next entry goes.
    end: u64,
    /// The zeros end here.
    size: u64,
}

impl LogWriter {
    /// A writer that opens its first file with the first batch, and in the background makes the
    /// zeros for the second.
    ///
    /// # Errors
    /// If the background thread cannot start in the log directory.
    pub fn new(dirs: &DataDirs, options: &DiskOptions) -> Result<Self, StorageError> {
        Self::with_maker(dirs, options, Box::new(create_zeroed))
    }

    pub(super) fn with_maker(
        dirs: &DataDirs,
        options: &DiskOptions,
        make: MakeFile,
    ) -> Result<Self, StorageError> {
        let spares = (options.log_bytes > 0)
            .then(|| SpareMaker::start(dirs.logs(), options.log_bytes))
            .transpose()
            .map_err(StorageError::io("prepare a log file in", dirs.logs()))?;
        Ok(Self {
            dirs: dirs.clone(),
            fsync: options.fsync,
            first_bytes: options.first_log_bytes,
            spare_bytes: options.log_bytes,
            spares,
            make,
            current: None,
        })
    }

    /// Writes the batch with one call, into a new file if the current one has no room. It is not
    /// durable before [`LogWriter::sync`].
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn append(&mut self, batch: &LogBatch) -> Result<(), StorageError> {
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
        let current = match &mut self.current {
            Some(current) => current,
            none => none.insert(open_next(
                &self.dirs,
                batch.first(),
                Room {
                    needed: FILE_HEADER_BYTES as u64 + size,
                    first: self.first_bytes,
                    spare: self.spare_bytes,
                    fsync: self.fsync,
                },
                self.spares.as_ref(),
                &mut self.make,
            )?),
        };
        current
            .file
            .write_all_at(batch.bytes(), current.end)
            .map_err(StorageError::io("append to", &current.path))?;
        current.end += size;
        Ok(())
    }

    /// Makes all appended entries durable; how long the disk took. Without `fsync`, does nothing.
    ///
    /// # Errors
    /// If the disk fails. What was appended since the last sync may be lost then.
    pub fn sync(&mut self) -> Result<Option<Duration>, StorageError> {
        let Some(current) = self.current.as_ref().filter(|_| self.fsync) else {
            return Ok(None);
        };
        let start = Instant::now();
        current
            .file
            .sync_data()
            .map_err(StorageError::io("sync", &current.path))?;
        Ok(Some(start.elapsed()))
    }

    /// Closes the current file, which must be synced, and cuts its unused zeros; the next batch
    /// opens a new one.
    ///
    /// # Errors
    /// If the file cannot be cut.
    pub fn roll(&mut self) -> Result<(), StorageError> {
        if let Some(current) = self.current.take()
            && current.end < current.size
        {
            current
                .file
                .set_len(current.end)
                .map_err(StorageError::io("cut the unused end of", &current.path))?;
        }
        Ok(())
    }

    /// Blocks until a file of zeros is ready; `false` if none can be made.
    #[cfg(test)]
    pub(super) fn wait_spare(&self) -> bool {
        self.spares.as_ref().is_some_and(SpareMaker::wait_ready)
    }
}

/// How large the next file is to be.
#[derive(Clone, Copy)]
struct Room {
    needed: u64,
    first: u64,
    spare: u64,
    fsync: bool,
}

fn open_next(
    dirs: &DataDirs,
    first: Zxid,
    room: Room,
    spares: Option<&SpareMaker>,
    make: &mut MakeFile,
) -> Result<Current, StorageError> {
    let path = dirs.log_path(first);
    if path.exists() {
        return Err(StorageError::Exists { path });
    }
    let spare = match spares.filter(|_| room.needed <= room.spare) {
        Some(spares) => spares
            .take_as(&path)
            .map_err(StorageError::io("create", &path))?,
        None => None,
    };
    let (file, size) = if let Some(spare) = spare {
        (spare.file, spare.size_bytes)
    } else {
        let size = room.needed.max(room.first);
        let file = make(&path, size).map_err(StorageError::io("create", &path))?;
        (file, size)
    };
    // The name first: a spare that was written to must never come back as a spare.
    if room.fsync {
        sync_dir(dirs.logs())?;
    }
    file.write_all_at(&FileKind::Log.header(), 0)
        .map_err(StorageError::io("begin", &path))?;
    Ok(Current {
        file,
        path,
        end: FILE_HEADER_BYTES as u64,
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{batch, read_zxids};
    use super::*;
    use std::fs;

    fn options() -> DiskOptions {
        DiskOptions {
            log_bytes: 8192,
            first_log_bytes: 1024,
            ..DiskOptions::default()
        }
    }

    #[test]
    fn writes_into_zeros_and_rolls_when_they_are_used_up() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let mut writer = LogWriter::new(&dirs, &options()).expect("started");
        for zxid in 1..=300 {
            // Whether the next file is the spare or made on the spot must not matter.
            if zxid % 2 == 0 {
                assert!(writer.wait_spare());
            }
            writer.append(&batch(zxid..=zxid)).expect("appended");
            assert!(writer.sync().expect("synced").is_some());
            let newest = dirs.list_logs().expect("listed").pop().expect("a log");
            let size = fs::metadata(&newest.path).expect("there").len();
            assert!(
                size == 8192 || size == 1024,
                "no write makes a file longer: {size}"
            );
        }
        writer.roll().expect("rolled");
        let logs = dirs.list_logs().expect("listed");
        assert!(logs.len() > 2, "it rolled");
        let mut all = Vec::new();
        for log in logs {
            let zxids = read_zxids(&log.path);
            assert_eq!(
                zxids.first(),
                Some(&log.first.0),
                "named by its first entry"
            );
            all.extend(zxids);
        }
        assert_eq!(all, (1..=300).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_larger_than_a_file_gets_one_of_its_size() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let mut writer = LogWriter::new(&dirs, &options()).expect("started");
        writer.append(&batch(1..=500)).expect("appended");
        writer.append(&batch(501..=502)).expect("appended");
        let logs = dirs.list_logs().expect("listed");
        assert_eq!(logs.len(), 2);
        assert_eq!(read_zxids(&logs[0].path), (1..=500).collect::<Vec<_>>());
    }

    #[test]
    fn never_writes_into_a_log_that_exists() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        fs::write(dirs.log_path(Zxid(7)), "precious").expect("written");
        let mut writer = LogWriter::new(&dirs, &options()).expect("started");
        let error = writer.append(&batch(7..=7)).expect_err("refused");
        assert!(matches!(error, StorageError::Exists { .. }), "{error}");
        assert_eq!(fs::read(dirs.log_path(Zxid(7))).expect("read"), b"precious");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let full = Box::new(|_: &Path, _| fs::OpenOptions::new().write(true).open("/dev/full"));
        let mut writer = LogWriter::with_maker(
            &dirs,
            &DiskOptions {
                log_bytes: 0,
                ..options()
            },
            full,
        )
        .expect("started");
        let error = writer.append(&batch(1..=1)).expect_err("full").to_string();
        assert!(error.contains("No space left on device"), "{error}");
    }
}
