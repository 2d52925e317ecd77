//! Reads one transaction log from its beginning, in bounded memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::disk::tail::Tail;
use crate::wire::jute::Zxid;

use super::StorageError;
use super::format::{FILE_HEADER_BYTES, Fault, FileKind, LogEntry, Parsed, parse_entry};
use super::tail::judge_tail;

/// Size of one read.
const CHUNK_BYTES: usize = 128 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// Offset directly after the last valid entry; 0 if the file header is missing.
    pub offset: u64,
    /// If a write was torn: the fault of the entry at `offset` and the number of lost bytes.
    pub torn: Option<(Fault, usize)>,
}

/// Reads the entries of one log.
#[derive(Debug)]
pub struct LogReader {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Position of the next entry in the buffer.
    at: usize,
    /// Position of the next entry in the file.
    offset: u64,
    last: Zxid,
    eof: bool,
    end: Option<LogEnd>,
}

impl LogReader {
    /// Opens a log. A log without a file header and without data, left by a crash after its creation,
    /// is accepted as empty.
    ///
    /// # Errors
    /// If the file cannot be read, is not a log, or holds data but no header.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let file = File::open(path).map_err(StorageError::io("open", path))?;
        let mut reader = Self {
            file,
            path: path.to_owned(),
            buffer: Vec::new(),
            at: 0,
            offset: 0,
            last: Zxid::ZERO,
            eof: false,
            end: None,
        };
        while reader.buffer.len() < FILE_HEADER_BYTES && !reader.eof {
            reader.fill()?;
        }
        if FileKind::Log.begins(&reader.buffer) {
            reader.at = FILE_HEADER_BYTES;
            reader.offset = FILE_HEADER_BYTES as u64;
            return Ok(reader);
        }
        let header = &reader.buffer[..FILE_HEADER_BYTES.min(reader.buffer.len())];
        if header.len() < FILE_HEADER_BYTES {
            reader.finish(Fault::Cut)?;
            return Ok(reader);
        }
        let path = path.to_owned();
        if header.iter().any(|byte| *byte != 0) {
            let kind = "transaction log";
            return Err(StorageError::NotSuch { path, kind });
        }
        match reader.finish(Fault::Gap) {
            Ok(()) if reader.end.is_some_and(|end| end.torn.is_none()) => Ok(reader),
            Ok(()) | Err(StorageError::Damaged { .. }) => Err(StorageError::NoHeader { path }),
            Err(other) => Err(other),
        }
    }

    /// Returns the next entry and its offset in the file, or `None` at the end; see
    /// [`LogReader::end`].
    ///
    /// # Errors
    /// If the file cannot be read or is damaged here. A torn write is not an error.
    pub fn next_entry(&mut self) -> Result<Option<(u64, LogEntry<'_>)>, StorageError> {
        if self.end.is_some() {
            return Ok(None);
        }
        let (zxid, size) = loop {
            let fault = match parse_entry(&self.buffer[self.at..]) {
                Parsed::Entry(entry) => break (entry.zxid, entry.bytes.len()),
                Parsed::Short(_) if !self.eof => {
                    self.fill()?;
                    continue;
                }
                Parsed::Short(_) => Fault::Cut,
                Parsed::Padding => Fault::Gap,
                Parsed::Bad(fault) => fault,
            };
            self.finish(fault)?;
            return Ok(None);
        };
        let start = self.at + super::format::ENTRY_PREFIX_BYTES;
        let offset = self.offset;
        let bytes = start..start + size;
        let entry = LogEntry {
            zxid,
            bytes: &self.buffer[bytes],
        };
        self.at += entry.framed_bytes();
        self.offset += entry.framed_bytes() as u64;
        self.last = zxid;
        Ok(Some((offset, entry)))
    }

    /// Returns how the log ends; `None` until [`LogReader::next_entry`] has returned `None`.
    #[must_use]
    pub const fn end(&self) -> Option<LogEnd> {
        self.end
    }

    /// Zxid of the last entry read; zero before the first.
    #[must_use]
    pub const fn last(&self) -> Zxid {
        self.last
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Drops the consumed bytes and reads more.
    fn fill(&mut self) -> Result<(), StorageError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let before = self.buffer.len();
        // Doubles the read size for an entry larger than a chunk.
        let more = CHUNK_BYTES.max(before) as u64;
        let read = (&self.file)
            .take(more)
            .read_to_end(&mut self.buffer)
            .map_err(StorageError::io("read", &self.path))?;
        self.eof = (read as u64) < more;
        Ok(())
    }

    /// Decides whether the bytes from `offset` on are unused space, a torn write or damage.
    fn finish(&mut self, fault: Fault) -> Result<(), StorageError> {
        let tail = self
            .read_tail()
            .map_err(StorageError::io("read", &self.path))?;
        let torn = match tail {
            Tail::Clean => None,
            Tail::Torn { lost_bytes } => Some((fault, lost_bytes)),
            Tail::Damaged => {
                return Err(StorageError::Damaged {
                    path: self.path.clone(),
                    offset: self.offset,
                    fault,
                });
            }
        };
        self.end = Some(LogEnd {
            offset: self.offset,
            torn,
        });
        Ok(())
    }

    fn read_tail(&mut self) -> io::Result<Tail> {
        // The rest is nearly always zeros only, up to 64 MiB. Check for that first, without storing
        // them.
        let mut zeros_only = self.buffer[self.at..].iter().all(|byte| *byte == 0);
        let mut chunk = vec![0; CHUNK_BYTES];
        while zeros_only && !self.eof {
            let read = self.file.read(&mut chunk)?;
            zeros_only = chunk[..read].iter().all(|byte| *byte == 0);
            self.eof = read == 0;
        }
        if zeros_only {
            return Ok(Tail::Clean);
        }
        self.file.seek(SeekFrom::Start(self.offset))?;
        let mut rest = Vec::new();
        self.file.read_to_end(&mut rest)?;
        self.eof = true;
        Ok(judge_tail(&rest, self.offset, self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::LogBatch;
    use super::super::sample::{batch, read_zxids};
    use super::*;

    fn log(dir: &Path, parts: &[&[u8]]) -> PathBuf {
        let path = dir.join("log.1");
        std::fs::write(&path, parts.concat()).expect("written");
        path
    }

    fn end(path: &Path) -> Result<LogEnd, StorageError> {
        let mut reader = LogReader::open(path)?;
        while reader.next_entry()?.is_some() {}
        Ok(reader.end().expect("at the end"))
    }

    #[test]
    fn reads_entries_across_chunks_and_larger_than_chunks() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut large = LogBatch::new();
        for zxid in 1..=5_i64 {
            let mut entry = vec![9; CHUNK_BYTES * 3];
            entry[12..20].copy_from_slice(&zxid.to_be_bytes());
            large.push(Zxid(zxid), &entry);
        }
        let small = batch(6..=4000);
        let path = log(
            dir.path(),
            &[
                &FileKind::Log.header(),
                large.bytes(),
                small.bytes(),
                &[0; 300_000],
            ],
        );
        assert_eq!(read_zxids(&path), (1..=4000).collect::<Vec<_>>());
        let used = 16 + large.bytes().len() + small.bytes().len();
        let offset = used as u64;
        assert_eq!(end(&path).expect("sound"), LogEnd { offset, torn: None });
    }

    #[test]
    fn a_log_without_header_is_empty_and_other_files_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        for bytes in [&[][..], &[0; 7], &[0; 100_000]] {
            let path = log(dir.path(), &[bytes]);
            let empty = LogEnd {
                offset: 0,
                torn: None,
            };
            assert_eq!(end(&path).expect("empty"), empty);
        }
        let path = log(dir.path(), &[b"ZKLG\0\0"]);
        assert!(end(&path).expect("torn").torn.is_some());
        let path = log(dir.path(), &[&[0; 4096], batch(2..=3).bytes()]);
        let error = end(&path).expect_err("refused").to_string();
        assert!(error.contains("its header is missing"), "{error}");
        let path = log(dir.path(), &[&FileKind::Snapshot.header(), &[0; 20]]);
        let error = end(&path).expect_err("refused").to_string();
        assert!(
            error.contains("does not begin like a transaction log"),
            "{error}"
        );
    }

    #[test]
    fn the_error_of_a_damaged_log_names_file_and_offset() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut bytes = batch(2..=10).bytes().to_vec();
        let entry = bytes.len() / 9;
        bytes[3 * entry + 20] ^= 4;
        let path = log(dir.path(), &[&FileKind::Log.header(), &bytes, &[0; 5000]]);
        let error = end(&path).expect_err("damaged").to_string();
        let place = format!("log.1 is damaged at byte {}", 16 + 3 * entry);
        assert!(error.contains(&place), "{error}");
    }
}
