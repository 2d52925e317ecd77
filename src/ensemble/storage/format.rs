//! The byte format of log and snapshot files: file headers and framed log entries (specification
//! 15.2).
//!
//! A framed entry is `i64 checksum, i32 length, entry, 'B'`. The entry consists of a header, a
//! record and an optional digest; this module reads only its zxid.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::disk::Batch;
use crate::wire::jute::{WriteJute, Zxid};

/// Length of the file header, which precedes the first entry of a log and the body of a snapshot.
pub const FILE_HEADER_BYTES: usize = 16;
/// Length of the checksum and the length field before the entry.
pub const ENTRY_PREFIX_BYTES: usize = 12;
/// Bytes that the framing adds to an entry.
pub const ENTRY_FRAMING_BYTES: usize = ENTRY_PREFIX_BYTES + 1;
/// Length of a transaction header, which every entry contains.
pub const ENTRY_BYTES_MIN: usize = 32;
/// Longer entries are refused. The limit is 32 times the largest client frame.
pub const ENTRY_BYTES_MAX: usize = 32 << 20;
/// Follows every entry.
const END_OF_ENTRY: u8 = b'B';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Magic `ZKLG`.
    Log,
    /// Magic `ZKSN`.
    Snapshot,
}

impl FileKind {
    /// Returns the header of a new file of this kind.
    #[must_use]
    pub fn header(self) -> [u8; FILE_HEADER_BYTES] {
        let (magic, dbid) = match self {
            Self::Log => (*b"ZKLG", 0_i64),
            Self::Snapshot => (*b"ZKSN", -1_i64),
        };
        let mut raw = [0; FILE_HEADER_BYTES];
        raw[0..4].copy_from_slice(&magic);
        raw[4..8].copy_from_slice(&2_i32.to_be_bytes());
        raw[8..16].copy_from_slice(&dbid.to_be_bytes());
        raw
    }

    /// Whether the file begins with the header of this kind. Any dbid is accepted (specification
    /// 15.2).
    #[must_use]
    pub fn begins(self, bytes: &[u8]) -> bool {
        bytes.len() >= FILE_HEADER_BYTES && bytes[..8] == self.header()[..8]
    }
}

/// The Adler-32 checksum, widened to the stored type.
#[must_use]
pub fn checksum(bytes: &[u8]) -> i64 {
    i64::from(simd_adler32::adler32(&bytes))
}

/// Framed entries to append to the log.
pub type LogBatch = Batch<Zxid>;

impl LogBatch {
    /// Frames and appends an entry (header, record, optional digest) whose zxid is `zxid`.
    ///
    /// # Panics
    /// If recovery could not read the entry back.
    pub fn push(&mut self, zxid: Zxid, entry: &[u8]) {
        assert!((ENTRY_BYTES_MIN..=ENTRY_BYTES_MAX).contains(&entry.len()));
        self.push_with(zxid, |bytes| {
            bytes.put_i64(checksum(entry));
            bytes.put_buffer(Some(entry));
            bytes.put_u8(END_OF_ENTRY);
        });
    }
}

/// The framed length of the entry that begins here, by its length field; `None` if there is none.
#[must_use]
pub fn announced_bytes(bytes: &[u8]) -> Option<usize> {
    let field = bytes.get(8..ENTRY_PREFIX_BYTES)?.first_chunk::<4>()?;
    let size = usize::try_from(i32::from_be_bytes(*field)).ok()?;
    (ENTRY_BYTES_MIN..=ENTRY_BYTES_MAX)
        .contains(&size)
        .then_some(size + ENTRY_FRAMING_BYTES)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry<'a> {
    pub zxid: Zxid,
    /// Header, record and optional digest, as the leader proposed them.
    pub bytes: &'a [u8],
}

impl LogEntry<'_> {
    /// Length of the framed entry in the file.
    #[must_use]
    pub const fn framed_bytes(&self) -> usize {
        self.bytes.len() + ENTRY_FRAMING_BYTES
    }
}

/// What the log contains at a position where an entry can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A complete entry with a valid checksum.
    Entry(LogEntry<'a>),
    /// The entry is longer than the available bytes; this many bytes are needed.
    Short(usize),
    /// Zeros: the unused part of the file.
    Padding,
    /// The bytes are not a valid entry.
    Bad(Fault),
}

/// Why the bytes are not a valid entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the entry's length cannot be {0}")]
    Length(i32),
    #[error("the entry does not end with the end-of-entry mark")]
    Mark,
    #[error("the entry's checksum is {computed:#x} but {stored:#x} was stored")]
    Checksum { stored: i64, computed: i64 },
    #[error("the file ends within the entry")]
    Cut,
    /// Zeros that do not continue to the end of the file.
    #[error("zeros are followed by other bytes")]
    Gap,
}

/// Parses the entry at the start of `bytes`.
#[must_use]
pub fn parse_entry(bytes: &[u8]) -> Parsed<'_> {
    let (Some(stored), Some(length)) = (
        bytes.first_chunk::<8>().map(|raw| i64::from_be_bytes(*raw)),
        bytes
            .get(8..ENTRY_PREFIX_BYTES)
            .and_then(|raw| raw.first_chunk::<4>())
            .map(|raw| i32::from_be_bytes(*raw)),
    ) else {
        return Parsed::Short(ENTRY_PREFIX_BYTES);
    };
    if stored == 0 && length == 0 {
        return Parsed::Padding;
    }
    let size = match usize::try_from(length) {
        Ok(size) if (ENTRY_BYTES_MIN..=ENTRY_BYTES_MAX).contains(&size) => size,
        _ => return Parsed::Bad(Fault::Length(length)),
    };
    let end = ENTRY_PREFIX_BYTES + size;
    let Some(mark) = bytes.get(end) else {
        return Parsed::Short(end + 1);
    };
    if *mark != END_OF_ENTRY {
        return Parsed::Bad(Fault::Mark);
    }
    let entry = &bytes[ENTRY_PREFIX_BYTES..end];
    let computed = checksum(entry);
    if computed != stored {
        return Parsed::Bad(Fault::Checksum { stored, computed });
    }
    // The session (8 bytes) and the cxid (4 bytes) precede the zxid.
    let zxid = entry[12..20]
        .first_chunk::<8>()
        .map_or(Zxid::ZERO, |raw| Zxid(i64::from_be_bytes(*raw)));
    Parsed::Entry(LogEntry { zxid, bytes: entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first log file of a fresh Java 3.8.0 server up to the end of its first entry
    /// (specification 22).
    const JAVA_LOG: [u8; 77] = [
        0x5a, 0x4b, 0x4c, 0x47, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xd7, 0x6c, 0x0a,
        0xab, 0, 0, 0, 0x30, 0x01, 0, 0, 0x0c, 0xea, 0xde, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 0x01, 0xa2, 0x05, 0x99, 0x49, 0xd1, 0xff, 0xff, 0xff, 0xf6, 0, 0, 0x27, 0x10, 0,
        0, 0, 2, 0, 0, 0, 0, 0x51, 0xc6, 0xd6, 0x60, 0x42,
    ];

    #[test]
    fn writes_the_same_bytes_as_java() {
        let mut file = FileKind::Log.header().to_vec();
        let mut batch = LogBatch::new();
        batch.push(Zxid(1), &JAVA_LOG[28..76]);
        file.extend_from_slice(batch.bytes());
        assert_eq!(file, JAVA_LOG);
        assert_eq!(
            (batch.first(), batch.last(), batch.count()),
            (Zxid(1), Zxid(1), 1)
        );
    }

    #[test]
    fn reads_the_bytes_of_java() {
        assert!(FileKind::Log.begins(&JAVA_LOG));
        assert!(!FileKind::Snapshot.begins(&JAVA_LOG));
        let Parsed::Entry(entry) = parse_entry(&JAVA_LOG[16..]) else {
            panic!("no entry");
        };
        assert_eq!((entry.zxid, entry.framed_bytes()), (Zxid(1), 61));
        assert_eq!(parse_entry(&[0; 12]), Parsed::Padding);
    }

    #[test]
    fn every_prefix_is_short_and_every_flipped_bit_is_detected() {
        let framed = &JAVA_LOG[16..];
        for cut in 0..framed.len() {
            assert!(matches!(parse_entry(&framed[..cut]), Parsed::Short(n) if n > cut));
        }
        for bit in 0..framed.len() * 8 {
            let mut bad = framed.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            let seen = parse_entry(&bad);
            assert!(
                matches!(seen, Parsed::Bad(_) | Parsed::Short(_)),
                "bit {bit}: {seen:?}"
            );
        }
    }
}
