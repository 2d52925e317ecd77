//! Writes transaction logs with the appender of the disk module.

use std::path::{Path, PathBuf};

use crate::disk::{Appender, Layout};
use crate::wire::jute::Zxid;

use super::DataDirs;
use super::format::FileKind;

/// Appends entries to transaction logs.
pub type LogWriter = Appender<DataDirs>;

impl Layout for DataDirs {
    type Position = Zxid;

    fn directory(&self) -> &Path {
        self.logs()
    }

    fn path(&self, first: Zxid) -> PathBuf {
        self.log_path(first)
    }

    fn header(&self, _first: Zxid) -> Vec<u8> {
        FileKind::Log.header().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{batch, read_zxids};
    use super::*;
    use crate::disk::{AppendOptions, DiskError};
    use std::fs;

    fn options() -> AppendOptions {
        AppendOptions {
            fsync: true,
            spare_bytes: 8192,
            first_bytes: 1024,
        }
    }

    #[test]
    fn overwrites_the_zeros_and_rolls_when_the_file_is_full() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let mut writer = LogWriter::new(dirs.clone(), options()).expect("started");
        for zxid in 1..=300 {
            // The result must be the same whether the next file was prepared or is created on
            // demand.
            if zxid % 2 == 0 {
                assert!(writer.wait_spare());
            }
            writer.append(&batch(zxid..=zxid)).expect("appended");
            assert!(writer.sync().expect("synced").is_some());
            let newest = dirs.list_logs().expect("listed").pop().expect("a log");
            let size = fs::metadata(&newest.path).expect("there").len();
            assert!(
                size == 8192 || size == 1024,
                "writes do not extend the file: {size}"
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
                "the file name contains the zxid of its first entry"
            );
            all.extend(zxids);
        }
        assert_eq!(all, (1..=300).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_larger_than_a_file_gets_a_larger_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let mut writer = LogWriter::new(dirs.clone(), options()).expect("started");
        writer.append(&batch(1..=500)).expect("appended");
        writer.append(&batch(501..=502)).expect("appended");
        let logs = dirs.list_logs().expect("listed");
        assert_eq!(logs.len(), 2);
        assert_eq!(read_zxids(&logs[0].path), (1..=500).collect::<Vec<_>>());
    }

    #[test]
    fn never_writes_into_an_existing_log() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        fs::write(dirs.log_path(Zxid(7)), "precious").expect("written");
        let mut writer = LogWriter::new(dirs.clone(), options()).expect("started");
        let error = writer.append(&batch(7..=7)).expect_err("refused");
        assert!(matches!(error, DiskError::Exists { .. }), "{error}");
        assert_eq!(fs::read(dirs.log_path(Zxid(7))).expect("read"), b"precious");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let full = Box::new(|_: &Path, _| fs::OpenOptions::new().write(true).open("/dev/full"));
        let mut writer = LogWriter::with_maker(
            dirs,
            AppendOptions {
                spare_bytes: 0,
                ..options()
            },
            full,
        )
        .expect("started");
        let error = writer.append(&batch(1..=1)).expect_err("full").to_string();
        assert!(error.contains("No space left on device"), "{error}");
    }
}
