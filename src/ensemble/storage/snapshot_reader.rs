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

/// Whether the file ends with a seal, or begins like a compressed file. This is a cheap check before
/// loading, as in Java.
///
/// # Errors
/// If the file cannot be read.
pub fn looks_complete(snapshot: &SnapshotFile) -> Result<bool, StorageError> {
    let path = &snapshot.path;
    let io = || StorageError::io("read", path);
    let mut file = File::open(path).map_err(StorageError::io("open", path))?;
    let length = file.metadata().map_err(io())?.len();
    if length < (FILE_HEADER_BYTES + SEAL_BYTES) as u64 {
        return Ok(false); // nor is a compressed file shorter: it also has a header and a seal
    }
    if let Some(compression) = snapshot.compression {
        // The end is known only after decompressing everything. Java looks at the beginning, too.
        let mut begin = vec![0; compression.magic().len()];
        file.read_exact(&mut begin).map_err(io())?;
        return Ok(begin == compression.magic());
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
    if !looks_complete(snapshot)? {
        return Err(fault(SnapshotFault::Incomplete));
    }
    let file = File::open(path).map_err(StorageError::io("open", path))?;
    let mut content: Box<dyn Read> = match snapshot.compression {
        Some(compression) => compression.reader(file),
        None => Box::new(file),
    };
    let mut header = [0; FILE_HEADER_BYTES];
    content
        .read_exact(&mut header)
        .map_err(StorageError::io("read", path))?;
    if !FileKind::Snapshot.begins(&header) {
        return Err(StorageError::NotSuch {
            path: path.clone(),
            kind: "snapshot",
        });
    }
    let mut adler = Adler32::new();
    adler.write(&header);
    let (mut database, trailer) = load_body(&mut *content, path, &mut adler, settings)?;
    check_seals(&trailer, adler).map_err(fault)?;
    database.set_last_processed(snapshot.zxid);
    Ok(database)
}

/// Decodes up to the end of the nodes. Also returns the trailer that follows them.
fn load_body(
    content: &mut dyn Read,
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
        let read = content
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
            content
                .take(TRAILER_BYTES_MAX as u64)
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
    use super::super::compression::Compression;
    use super::super::snapshot_writer::SnapshotWriter;
    use super::*;
    use crate::ensemble::database::tests::golden::java_snapshot;
    use crate::wire::jute::Zxid;

    /// `snapshot.0.gz` of Java 3.9.5.
    const JAVA_GZIP: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0x8b, 0xf2, 0x0e, 0xf6, 0x63,
        0x60, 0x60, 0x60, 0xfa, 0x0f, 0x05, 0x0c, 0x10, 0xc0, 0x88, 0x44, 0xc3, 0x30, 0x6b, 0x79,
        0x7e, 0x51, 0x4e, 0x0a, 0x90, 0xc1, 0x96, 0x98, 0x57, 0x99, 0x9f, 0x97, 0x0a, 0x55, 0xc2,
        0x80, 0xa6, 0x95, 0x5c, 0xc0, 0xa5, 0x5f, 0x95, 0x9f, 0x9f, 0x9d, 0x9a, 0x5a, 0x90, 0x5a,
        0x44, 0x45, 0x53, 0x05, 0x11, 0xa6, 0xea, 0x27, 0xe7, 0xe7, 0xa5, 0x65, 0xa6, 0x23, 0x49,
        0x32, 0xe2, 0xd4, 0x86, 0x06, 0x70, 0x38, 0x44, 0x00, 0xc9, 0xf0, 0xc2, 0xd2, 0xfc, 0x92,
        0x44, 0x2a, 0x3a, 0x9c, 0x51, 0x1f, 0x44, 0xee, 0x58, 0x64, 0xed, 0x09, 0xe7, 0x40, 0x01,
        0x13, 0xb2, 0xb2, 0xa9, 0x3b, 0x6d, 0x23, 0xd1, 0x15, 0x30, 0xec, 0x7d, 0x61, 0x9f, 0x0b,
        0x16, 0x04, 0x00, 0xed, 0x2b, 0x96, 0xf8, 0xde, 0x01, 0x00, 0x00,
    ];

    /// `snapshot.0.snappy` of Java 3.9.5.
    const JAVA_SNAPPY: &[u8] = &[
        0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
        0x01, 0x00, 0x00, 0x00, 0xa4, 0xde, 0x03, 0x20, 0x5a, 0x4b, 0x53, 0x4e, 0x00, 0x00, 0x00,
        0x02, 0xff, 0x0d, 0x01, 0x00, 0x00, 0x09, 0x01, 0x00, 0x01, 0x09, 0x07, 0x05, 0x08, 0x01,
        0x0c, 0x01, 0x04, 0x3c, 0x05, 0x77, 0x6f, 0x72, 0x6c, 0x64, 0x00, 0x00, 0x00, 0x06, 0x61,
        0x6e, 0x79, 0x6f, 0x6e, 0x65, 0x0d, 0x23, 0x00, 0x00, 0x0d, 0x3a, 0x11, 0x3b, 0xde, 0x01,
        0x00, 0x28, 0x0a, 0x2f, 0x7a, 0x6f, 0x6f, 0x6b, 0x65, 0x65, 0x70, 0x65, 0x72, 0x01, 0x43,
        0xfe, 0x56, 0x00, 0x0d, 0x56, 0x00, 0x11, 0x19, 0x56, 0x18, 0x2f, 0x63, 0x6f, 0x6e, 0x66,
        0x69, 0x67, 0x01, 0x5d, 0x0d, 0x01, 0x01, 0xd6, 0x92, 0x01, 0x00, 0x01, 0x8d, 0x4a, 0x29,
        0x00, 0x00, 0x10, 0x1d, 0x5d, 0x10, 0x71, 0x75, 0x6f, 0x74, 0x61, 0x01, 0x24, 0x01, 0x2c,
        0x01, 0x01, 0x01, 0x0c, 0xea, 0x01, 0x00, 0x2c, 0x01, 0x2f, 0x00, 0x00, 0x00, 0x00, 0xb8,
        0xa2, 0x3b, 0x49, 0x00, 0x00, 0x0d, 0x0d, 0x0d, 0x01, 0x00, 0x02, 0x0d, 0x08, 0x05, 0x01,
        0x0c, 0x95, 0xb9, 0x3d, 0x59, 0x3e, 0x21, 0x00, 0x24, 0x00, 0xbd, 0xe8, 0x3f, 0x6d, 0x00,
        0x00, 0x00, 0x01, 0x2f,
    ];

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

    /// Two snapshots that Java 3.9.5 wrote on its first start.
    #[test]
    fn loads_the_compressed_snapshots_of_java() {
        for (name, bytes) in [
            ("snapshot.0.gz", JAVA_GZIP),
            ("snapshot.0.snappy", JAVA_SNAPPY),
        ] {
            let dir = tempfile::tempdir().expect("a directory");
            let dirs = DataDirs::new(dir.path(), None);
            dirs.create().expect("created");
            let path = dirs.snapshots().join(name);
            std::fs::write(&path, bytes).expect("written");
            let file = || dirs.list_snapshots().expect("listed").remove(0);
            let database = load(&file(), DatabaseSettings::default()).expect(name);
            assert_eq!(
                database.node_count(),
                Database::new(DatabaseSettings::default()).node_count()
            );
            for cut in 0..bytes.len() {
                std::fs::write(&path, &bytes[..cut]).expect("written");
                // The last 8 bytes of a gzip file are a checksum of its own.
                assert!(
                    load(&file(), DatabaseSettings::default()).is_err(),
                    "{name} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn loads_what_the_writer_compressed() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut bodies = Vec::new();
        for (compression, name) in [
            (None, "snapshot.8"),
            (Some(Compression::Gzip), "snapshot.8.gz"),
            (Some(Compression::Snappy), "snapshot.8.snappy"),
        ] {
            let dirs = DataDirs::new(dir.path(), None).compressing(compression);
            dirs.create().expect("created");
            let file = large_snapshot(&dirs);
            let path = dirs.snapshots().join(name);
            assert_eq!(dirs.snapshot_path(Zxid(8)), path);
            assert!(compression.is_none_or(|kind| file.starts_with(kind.magic())));
            let written = dirs
                .list_snapshots()
                .expect("listed")
                .into_iter()
                .find(|written| written.path == path)
                .expect("under its name");
            let mut body = Vec::new();
            load(&written, DatabaseSettings::default())
                .expect(name)
                .encode_snapshot(&mut body);
            bodies.push((file.len(), body));
        }
        let [(plain, body), (gzip, of_gzip), (snappy, of_snappy)] = &bodies[..] else {
            panic!("three snapshots");
        };
        assert!(body == of_gzip && body == of_snappy);
        assert!(gzip < snappy && snappy < plain, "{gzip} {snappy} {plain}");
    }

    /// A snapshot file of many nodes, also written as `snapshot.8`.
    fn large_snapshot(dirs: &DataDirs) -> Vec<u8> {
        let mut database = Database::new(DatabaseSettings::default());
        for zxid in 1..=2000 {
            let entry = super::super::sample::entry(Zxid(zxid));
            database.apply(&entry, &mut |_| {}).expect("applied");
        }
        let mut body = Vec::new();
        database.encode_snapshot(&mut body);
        let mut writer = SnapshotWriter::begin(dirs, Zxid(8)).expect("begun");
        writer.write(&body).expect("written");
        writer.finish().expect("finished");
        std::fs::read(dirs.snapshot_path(Zxid(8))).expect("read")
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
