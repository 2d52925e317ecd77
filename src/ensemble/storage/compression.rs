//! Compressed snapshots, as Java reads and writes them (`snapshot.compression.method`, specification 15.4).

use std::fs::File;
use std::io::{self, Read, Write};

use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The largest block that is accepted. Java writes blocks of 32 KiB.
const BLOCK_BYTES_MAX: usize = 16 << 20;
/// The stream of snappy-java begins with this, a version and the oldest version that can read it.
const SNAPPY_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const SNAPPY_HEADER_BYTES: usize = 16;
/// Version of the stream format that is read and written.
const SNAPPY_VERSION: i32 = 1;
/// Content of a written block, as in Java.
const SNAPPY_BLOCK_BYTES: usize = 32 << 10;
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
        [Self::Gzip, Self::Snappy]
            .into_iter()
            .find_map(|compression| Some((name.strip_suffix(compression.suffix())?, compression)))
    }

    /// The end of the name of such a file.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Snappy => ".snappy",
        }
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

/// Compresses what is written to it. Without [`Compressor::finish`] the end of the stream is missing.
#[derive(Debug)]
pub(super) enum Compressor<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Snappy(SnappyWriter<W>),
}

impl<W: Write> Compressor<W> {
    pub(super) fn new(compression: Option<Compression>, output: W) -> Self {
        match compression {
            None => Self::Plain(output),
            Some(Compression::Gzip) => {
                Self::Gzip(GzEncoder::new(output, flate2::Compression::default()))
            }
            Some(Compression::Snappy) => Self::Snappy(SnappyWriter::new(output)),
        }
    }

    pub(super) fn write_all(&mut self, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.write_all(content),
            Self::Gzip(encoder) => encoder.write_all(content),
            Self::Snappy(writer) => writer.write_all(content),
        }
    }

    /// Writes the end of the stream, and returns the output.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(output) => Ok(output),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Snappy(writer) => writer.finish(),
        }
    }
}

/// Writes a stream of snappy-java.
#[derive(Debug)]
pub(super) struct SnappyWriter<W> {
    output: W,
    begun: bool,
    /// Content of the next block.
    block: Vec<u8>,
    compressed: Vec<u8>,
}

impl<W: Write> SnappyWriter<W> {
    const fn new(output: W) -> Self {
        Self {
            output,
            begun: false,
            block: Vec::new(),
            compressed: Vec::new(),
        }
    }

    fn write_all(&mut self, mut content: &[u8]) -> io::Result<()> {
        while !content.is_empty() {
            let room = SNAPPY_BLOCK_BYTES - self.block.len();
            let (part, rest) = content.split_at(room.min(content.len()));
            self.block.extend_from_slice(part);
            content = rest;
            if self.block.len() == SNAPPY_BLOCK_BYTES {
                self.write_block()?;
            }
        }
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        self.write_header()?;
        let size = snap::raw::max_compress_len(self.block.len());
        self.compressed.resize(size, 0);
        let length = snap::raw::Encoder::new()
            .compress(&self.block, &mut self.compressed)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.block.clear();
        let prefix = u32::try_from(length).map_err(|_too_long| invalid("a block is too long"))?;
        self.output.write_all(&prefix.to_be_bytes())?;
        self.output.write_all(&self.compressed[..length])
    }

    fn write_header(&mut self) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            self.output.write_all(&SNAPPY_MAGIC)?;
            // The version, and the oldest version that can read the stream.
            self.output.write_all(&SNAPPY_VERSION.to_be_bytes())?;
            self.output.write_all(&SNAPPY_VERSION.to_be_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        self.write_header()?;
        if !self.block.is_empty() {
            self.write_block()?;
        }
        Ok(self.output)
    }
}

/// Returns the compressed stream of this content.
#[cfg(test)]
pub(super) fn snappy(content: &[u8]) -> Vec<u8> {
    let mut writer = SnappyWriter::new(Vec::new());
    writer.write_all(content).expect("written");
    writer.finish().expect("finished")
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
