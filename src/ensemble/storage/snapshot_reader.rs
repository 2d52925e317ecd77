//! Loads a snapshot file of any release in bounded memory (specification 15.4).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use simd_adler32::Adler32;

use crate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder};

use super::StorageError;
use super::dirs::SnapshotFile;
use super::error::SnapshotFault;
use super::format::{FILE_HEADER_BYTES, FileKind};

/// Length of a seal: a checksum and the string "/".
pub(super) const SEAL_BYTES: usize = 13;
/// Every complete snapshot ends with these bytes.
pub(super) const SEAL_END: [u8; 5] = [0, 0, 0, 1, b'/'];
/// Size of one read.
const CHUNK_BYTES: usize = 256 << 10;
/// Exceeds the trailers of every release.
const TRAILER_BYTES_MAX: usize = 1024;

/// Whether the file ends with a seal. This is a cheap check before loading, as in Java.
///
/// # Errors
/// If the file cannot be read.
pub fn looks_complete(snapshot: &SnapshotFile) -> Result<bool, StorageError> {
    let path = &snapshot.path;
    let io = || StorageError::io("read", path);
    let mut file = File::open(path).map_err(StorageError::io("open", path))?;
    let length = file.metadata().map_err(io())?.len();
    if length < (FILE_HEADER_BYTES + SEAL_BYTES) as u64 {
        return Ok(false);
    }
    if snapshot.compressed {
        return Ok(true);
    }
    let mut end = [0; SEAL_END.len()];
    file.seek(SeekFrom::End(-5)).map_err(io())?;
    file.read_exact(&mut end).map_err(io())?;
    Ok(end == SEAL_END)
}

/// Loads the snapshot. The zxid in its name becomes the database's last processed one. Release 3.9
/// appends a later zxid, which is not used: applying transactions twice does no harm.
///
/// # Errors
/// If the file cannot be read, is not a snapshot, or differs from what was written.
pub fn load(snapshot: &SnapshotFile, settings: DatabaseSettings) -> Result<Database, StorageError> {
    let path = &snapshot.path;
    let fault = |reason| StorageError::Snapshot {
        path: path.clone(),
        reason,
    };
    if snapshot.compressed {
        return Err(fault(SnapshotFault::Compressed));
    }
    if !looks_complete(snapshot)? {
        return Err(fault(SnapshotFault::Incomplete));
    }
    let mut file = File::open(path).map_err(StorageError::io("open", path))?;
    let mut header = [0; FILE_HEADER_BYTES];
    file.read_exact(&mut header)
        .map_err(StorageError::io("read", path))?;
    if !FileKind::Snapshot.begins(&header) {
        return Err(StorageError::NotSuch {
            path: path.clone(),
            kind: "snapshot",
        });
    }
    let mut adler = Adler32::new();
    adler.write(&header);
    let (mut database, trailer) = load_body(&mut file, path, &mut adler, settings)?;
    check_seals(&trailer, adler).map_err(fault)?;
    database.set_last_processed(snapshot.zxid);
    Ok(database)
}

/// Decodes up to the end of the nodes. Also returns the trailer that follows them.
fn load_body(
    file: &mut File,
    path: &Path,
    adler: &mut Adler32,
    settings: DatabaseSettings,
) -> Result<(Database, Vec<u8>), StorageError> {
    let fault = |reason| StorageError::Snapshot {
        path: path.to_owned(),
        reason,
    };
    let mut decoder = SnapshotDecoder::new(settings);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file
            .read(&mut chunk)
            .map_err(StorageError::io("read", path))?;
        if read == 0 {
            return Err(fault(SnapshotFault::Incomplete));
        }
        let (used, done) = decoder
            .feed(&chunk[..read])
            .map_err(|error| fault(error.into()))?;
        adler.write(&chunk[..used]);
        if done {
            let mut trailer = chunk[used..read].to_vec();
            file.take(TRAILER_BYTES_MAX as u64)
                .read_to_end(&mut trailer)
                .map_err(StorageError::io("read", path))?;
            let database = decoder.finish().map_err(|error| fault(error.into()))?;
            return Ok((database, trailer));
        }
    }
}

/// Checks the first seal, and the last one if 3.6 (digest) or 3.9 (zxid) wrote trailers. The
/// checksum accumulates, so the last seal covers all trailers.
fn check_seals(trailer: &[u8], mut adler: Adler32) -> Result<(), SnapshotFault> {
    let (first, more) = trailer
        .split_at_checked(SEAL_BYTES)
        .ok_or(SnapshotFault::Incomplete)?;
    check_seal(first, &adler)?;
    if more.is_empty() {
        return Ok(());
    }
    adler.write(first);
    let (content, last) = more
        .len()
        .checked_sub(SEAL_BYTES)
        .and_then(|at| more.split_at_checked(at))
        .ok_or(SnapshotFault::Incomplete)?;
    adler.write(content);
    check_seal(last, &adler)
}

fn check_seal(seal: &[u8], adler: &Adler32) -> Result<(), SnapshotFault> {
    let stored = seal
        .first_chunk::<8>()
        .map(|raw| i64::from_be_bytes(*raw))
        .filter(|_| seal[8..] == SEAL_END)
        .ok_or(SnapshotFault::Incomplete)?;
    let computed = i64::from(adler.finish());
    if computed == stored {
        Ok(())
    } else {
        Err(SnapshotFault::Checksum { stored, computed })
    }
}

#[cfg(test)]
mod tests {
    use super::super::DataDirs;
    use super::super::snapshot_writer::SnapshotWriter;
    use super::*;
    use crate::ensemble::database::tests::golden::java_snapshot;
    use crate::wire::jute::Zxid;

    fn saved(dirs: &DataDirs, bytes: &[u8]) -> SnapshotFile {
        dirs.create().expect("created");
        std::fs::write(dirs.snapshot_path(Zxid(0)), bytes).expect("written");
        dirs.list_snapshots().expect("listed").remove(0)
    }

    #[test]
    fn loads_snapshots_of_java_with_the_trailers_of_each_release() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        let of_3_8 = java_snapshot();
        let of_3_4 = &of_3_8[..of_3_8.len() - 33];
        let mut of_3_9 = of_3_8.clone();
        of_3_9.extend_from_slice(&5_i64.to_be_bytes());
        let sum = super::super::format::checksum(&of_3_9);
        of_3_9.extend_from_slice(&sum.to_be_bytes());
        of_3_9.extend_from_slice(&SEAL_END);
        for bytes in [&of_3_8[..], of_3_4, &of_3_9] {
            let database = load(&saved(&dirs, bytes), DatabaseSettings::default()).expect("loaded");
            assert_eq!(database.last_processed(), Zxid(0));
            assert_eq!(
                database.node_count(),
                Database::new(DatabaseSettings::default()).node_count()
            );
        }
    }

    /// The files differ only in the digest, which Java omits too with `digest.enabled=false`.
    #[test]
    fn a_fresh_snapshot_equals_javas_except_for_the_digest() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        let mut body = Vec::new();
        Database::new(DatabaseSettings::default()).encode_snapshot(&mut body);
        let mut writer = SnapshotWriter::begin(&dirs, Zxid(0)).expect("begun");
        writer.write(&body).expect("written");
        writer.finish().expect("finished");
        let ours = std::fs::read(dirs.snapshot_path(Zxid(0))).expect("read");
        let java = java_snapshot();
        assert_eq!(ours.len(), java.len() - 33);
        assert_eq!(ours, java[..java.len() - 33], "byte by byte");
    }

    #[test]
    fn every_prefix_and_every_changed_byte_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        let whole = java_snapshot();
        let seal_a = whole.len() - 33;
        for cut in (0..whole.len()).filter(|cut| *cut != seal_a) {
            assert!(
                load(&saved(&dirs, &whole[..cut]), DatabaseSettings::default()).is_err(),
                "cut at {cut}"
            );
        }
        // The reader accepts any dbid, but the checksum covers it.
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 0x10;
            assert!(
                load(&saved(&dirs, &bad), DatabaseSettings::default()).is_err(),
                "changed at {at}"
            );
        }
    }
}
