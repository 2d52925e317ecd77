//! Reads the snapshots that Java compresses (`snapshot.compression.method`, specification 15.4).

use std::fs::File;
use std::io::{self, Read};

use flate2::read::GzDecoder;

/// The largest block that is accepted. Java writes blocks of 32 KiB.
const BLOCK_BYTES_MAX: usize = 16 << 20;
/// The stream of snappy-java begins with this, a version and the oldest version that can read it.
const SNAPPY_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const SNAPPY_HEADER_BYTES: usize = 16;
/// Version of the stream format that this reader understands.
const SNAPPY_VERSION: i32 = 1;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How a snapshot file is compressed, which its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    /// `.snappy`, in the stream format of snappy-java, which is not that of the `snap` library.
    Snappy,
}

impl Compression {
    /// Splits the suffix off the name of a compressed file.
    #[must_use]
    pub fn of_name(name: &str) -> Option<(&str, Self)> {
        let gzip = name.strip_suffix(".gz").map(|rest| (rest, Self::Gzip));
        gzip.or_else(|| {
            let rest = name.strip_suffix(".snappy")?;
            Some((rest, Self::Snappy))
        })
    }

    /// The bytes that such a file begins with.
    pub(super) const fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => &GZIP_MAGIC,
            Self::Snappy => &SNAPPY_MAGIC,
        }
    }

    /// The content of the file, decompressed as it is read.
    pub(super) fn reader(self, file: File) -> Box<dyn Read> {
        match self {
            Self::Gzip => Box::new(GzDecoder::new(file)),
            Self::Snappy => Box::new(SnappyReader::new(file)),
        }
    }
}

/// Reads a stream of snappy-java: a header, then blocks of a 32-bit length and that many compressed
/// bytes.
#[derive(Debug)]
struct SnappyReader<R> {
    input: R,
    begun: bool,
    compressed: Vec<u8>,
    block: Vec<u8>,
    /// Bytes of the block that were read.
    at: usize,
}

impl<R: Read> SnappyReader<R> {
    const fn new(input: R) -> Self {
        Self {
            input,
            begun: false,
            compressed: Vec::new(),
            block: Vec::new(),
            at: 0,
        }
    }

    fn header(&mut self) -> io::Result<()> {
        let mut header = [0; SNAPPY_HEADER_BYTES];
        self.input.read_exact(&mut header)?;
        let (magic, versions) = header.split_at(SNAPPY_MAGIC.len());
        if magic != SNAPPY_MAGIC {
            return Err(invalid("it does not begin like a snappy stream"));
        }
        // The second version is the oldest that can read the stream.
        let oldest = versions[4..].first_chunk::<4>().copied();
        if oldest.map(i32::from_be_bytes) > Some(SNAPPY_VERSION) {
            return Err(invalid("its snappy stream has a newer format"));
        }
        self.begun = true;
        Ok(())
    }

    /// Decompresses the next block; `false` at the end of the stream.
    fn next_block(&mut self) -> io::Result<bool> {
        if !self.begun {
            self.header()?;
        }
        let mut length = [0; 4];
        if self.input.read(&mut length[..1])? == 0 {
            return Ok(false);
        }
        self.input.read_exact(&mut length[1..])?;
        let length = bounded(usize::try_from(i32::from_be_bytes(length)).ok())?;
        self.compressed.resize(length, 0);
        self.input.read_exact(&mut self.compressed)?;
        let size = bounded(snap::raw::decompress_len(&self.compressed).ok())?;
        self.block.resize(size, 0);
        self.at = 0;
        snap::raw::Decoder::new()
            .decompress(&self.compressed, &mut self.block)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(true)
    }
}

/// The length of a block, if it can be one.
fn bounded(length: Option<usize>) -> io::Result<usize> {
    length
        .filter(|length| *length <= BLOCK_BYTES_MAX)
        .ok_or_else(|| invalid("a block of its snappy stream has an impossible length"))
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

impl<R: Read> Read for SnappyReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.block.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let read = (&self.block[self.at..]).read(out)?;
        self.at += read;
        Ok(read)
    }
}

/// Compresses as snappy-java does.
#[cfg(test)]
pub(super) fn snappy(content: &[u8]) -> Vec<u8> {
    let mut out = SNAPPY_MAGIC.to_vec();
    out.extend_from_slice(&1_i32.to_be_bytes());
    out.extend_from_slice(&1_i32.to_be_bytes());
    for block in content.chunks(32 << 10) {
        let block = snap::raw::Encoder::new()
            .compress_vec(block)
            .expect("compressed");
        let length = i32::try_from(block.len()).expect("small");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&block);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        SnappyReader::new(bytes).read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn reads_back_several_blocks_and_refuses_every_cut() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let stream = snappy(&content);
        assert_eq!(read(&stream).expect("sound"), content);
        let mut ends_of_blocks = 0;
        for cut in (0..stream.len()).step_by(7) {
            match read(&stream[..cut]) {
                Ok(part) => {
                    assert!(content.starts_with(&part) && part.len() < content.len());
                    ends_of_blocks += 1;
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}"),
            }
        }
        assert!(ends_of_blocks <= 13);
    }

    #[test]
    fn a_length_of_a_block_allocates_no_more_than_the_largest_block() {
        let mut stream = snappy(&[1; 10]);
        stream.truncate(SNAPPY_HEADER_BYTES);
        stream.extend_from_slice(&i32::MAX.to_be_bytes());
        let error = read(&stream).expect_err("refused").to_string();
        assert!(error.contains("impossible length"), "{error}");
        // A block that would decompress to 2 GiB.
        stream.truncate(SNAPPY_HEADER_BYTES);
        stream.extend_from_slice(&[0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0x07, 0]);
        let error = read(&stream).expect_err("refused").to_string();
        assert!(error.contains("impossible length"), "{error}");
    }
}
