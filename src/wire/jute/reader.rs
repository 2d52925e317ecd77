//! Reads jute primitives from a borrowed frame (specification 1).

use super::MAX_FIELD_BYTES;

/// Why bytes cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JuteError {
    /// The bytes end within the record.
    #[error("record is cut short")]
    Truncated,
    /// A length that is negative or above its limit.
    #[error("unreasonable length {0}")]
    Length(i32),
    #[error("string is not UTF-8")]
    Utf8,
    /// A value outside its enumeration.
    #[error("unexpected {what} {value}")]
    Value { what: &'static str, value: i64 },
}

/// A cursor over the bytes of a record.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Number of bytes read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// The bytes that are not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Whether all bytes are read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], JuteError> {
        let chunk = self.bytes[self.at..]
            .first_chunk::<N>()
            .ok_or(JuteError::Truncated)?;
        self.at += N;
        Ok(*chunk)
    }

    /// Reads `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], JuteError> {
        let slice = self.bytes[self.at..]
            .get(..length)
            .ok_or(JuteError::Truncated)?;
        self.at += length;
        Ok(slice)
    }

    pub fn u8(&mut self) -> Result<u8, JuteError> {
        Ok(self.take::<1>()?[0])
    }

    /// Reads a boolean: any nonzero byte is true.
    pub fn bool(&mut self) -> Result<bool, JuteError> {
        Ok(self.u8()? != 0)
    }

    pub fn i32(&mut self) -> Result<i32, JuteError> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    pub fn i64(&mut self) -> Result<i64, JuteError> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    /// Reads a length-prefixed buffer. `None` is null, which differs from an empty buffer.
    pub fn buffer(&mut self) -> Result<Option<&'a [u8]>, JuteError> {
        let length = self.i32()?;
        if length == -1 {
            return Ok(None);
        }
        match usize::try_from(length) {
            Ok(size) if size <= MAX_FIELD_BYTES => self.bytes(size).map(Some),
            _ => Err(JuteError::Length(length)),
        }
    }

    /// Reads a string. `None` is null.
    pub fn string(&mut self) -> Result<Option<&'a str>, JuteError> {
        match self.buffer()? {
            None => Ok(None),
            Some(raw) => std::str::from_utf8(raw)
                .map(Some)
                .map_err(|_invalid| JuteError::Utf8),
        }
    }

    /// Reads a string and refuses null.
    pub fn required_string(&mut self) -> Result<&'a str, JuteError> {
        self.string()?.ok_or(JuteError::Length(-1))
    }

    /// Reads the element count of a vector. Null and other negative counts become `None`
    /// (specification 1). A count above the number of remaining bytes is refused, since each
    /// element takes at least one.
    pub fn count(&mut self) -> Result<Option<usize>, JuteError> {
        let count = self.i32()?;
        match usize::try_from(count) {
            Err(_) => Ok(None),
            Ok(size) if size > self.bytes.len() - self.at => Err(JuteError::Truncated),
            Ok(size) => Ok(Some(size)),
        }
    }

    /// Reads a vector of strings. Null becomes the empty vector.
    pub fn strings(&mut self) -> Result<Vec<&'a str>, JuteError> {
        let count = self.count()?.unwrap_or(0);
        (0..count).map(|_| self.required_string()).collect()
    }
}
