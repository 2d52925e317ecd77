//! Appends jute primitives to a byte vector (specification 1).

/// Appends jute primitives to a byte vector.
pub trait WriteJute {
    fn put(&mut self, bytes: &[u8]);

    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Appends a boolean as 0 or 1.
    fn put_bool(&mut self, value: bool) {
        self.put(&[u8::from(value)]);
    }

    /// Appends four bytes, big-endian.
    fn put_i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }

    /// Appends eight bytes, big-endian.
    fn put_i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }

    /// Appends a length or count.
    ///
    /// # Panics
    /// If it exceeds `i32::MAX`, which the frame limits rule out.
    fn put_len(&mut self, length: usize) {
        self.put_i32(i32::try_from(length).expect("lengths are limited far below 2 GiB"));
    }

    /// Appends a buffer. `None` is null.
    fn put_buffer(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.put_i32(-1),
            Some(bytes) => {
                self.put_len(bytes.len());
                self.put(bytes);
            }
        }
    }

    fn put_string(&mut self, value: &str) {
        self.put_buffer(Some(value.as_bytes()));
    }
}

impl WriteJute for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Starts a length-prefixed frame and returns the position of its length for [`end_frame`].
#[must_use]
pub fn begin_frame(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    at
}

/// Writes the length of the frame that starts at `at`.
///
/// # Panics
/// If the frame exceeds `i32::MAX` bytes.
pub fn end_frame(out: &mut [u8], at: usize) {
    let length = i32::try_from(out.len() - at - 4).expect("frames are limited far below 2 GiB");
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}
