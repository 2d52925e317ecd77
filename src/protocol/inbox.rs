//! Bytes that were received and not yet processed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Capacity that is kept, so that a rare huge message does not hold its memory.
const BYTES_KEPT: usize = 64 << 10;
/// Bytes to process at once when a protocol cannot tell how many it needs.
const LOOKAHEAD_BYTES: usize = 4 << 10;

/// The beginning of a message whose rest has not arrived. Whole messages are read in place; only an
/// incomplete message is copied here.
#[derive(Debug, Default)]
pub struct Inbox {
    tail: Vec<u8>,
    /// Bytes needed before `step` is called again.
    need: usize,
}

impl Inbox {
    /// Removes everything, for a new connection.
    pub fn reset(&mut self) {
        self.tail = Vec::new();
        self.need = 0;
    }

    /// Processes bytes that were just read. `step` takes a message off the front of its argument,
    /// or returns how many bytes it needs in total.
    ///
    /// # Errors
    /// The error of `step`. The inbox must be reset then.
    #[inline]
    pub fn feed<E>(
        &mut self,
        mut input: &[u8],
        mut step: impl FnMut(&mut &[u8]) -> Result<Option<usize>, E>,
    ) -> Result<(), E> {
        while !self.tail.is_empty() && !input.is_empty() {
            let missing = match self.need.saturating_sub(self.tail.len()) {
                0 | 1 => LOOKAHEAD_BYTES,
                missing => missing,
            };
            let (part, rest) = input.split_at(missing.min(input.len()));
            self.tail.extend_from_slice(part);
            input = rest;
            if self.tail.len() < self.need {
                return Ok(());
            }
            let mut unread = self.tail.as_slice();
            self.need = take_all(&mut unread, &mut step)?;
            let used = self.tail.len() - unread.len();
            self.tail.drain(..used);
            self.tail.shrink_to(BYTES_KEPT);
        }
        self.need = self.need.max(take_all(&mut input, &mut step)?);
        self.tail.extend_from_slice(input);
        Ok(())
    }
}

/// Takes messages off until more bytes are needed. Returns how many are needed in total, 0 if
/// nothing is left.
#[inline]
fn take_all<E>(
    unread: &mut &[u8],
    step: &mut impl FnMut(&mut &[u8]) -> Result<Option<usize>, E>,
) -> Result<usize, E> {
    while !unread.is_empty() {
        if let Some(need) = step(unread)? {
            return Ok(need);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a message that begins with its length in one byte.
    fn counted(input: &mut &[u8], taken: &mut Vec<Vec<u8>>) -> Option<usize> {
        let length = usize::from(input[0]);
        let Some(message) = input.get(1..=length) else {
            return Some(1 + length);
        };
        taken.push(message.to_vec());
        *input = &input[1 + length..];
        None
    }

    /// Takes a message that ends with a zero.
    fn terminated(input: &mut &[u8], taken: &mut Vec<Vec<u8>>) -> Option<usize> {
        let Some(end) = input.iter().position(|byte| *byte == 0) else {
            return Some(input.len() + 1);
        };
        taken.push(input[..end].to_vec());
        *input = &input[end + 1..];
        None
    }

    type Take = fn(&mut &[u8], &mut Vec<Vec<u8>>) -> Option<usize>;

    fn fed(take: Take, parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut inbox = Inbox::default();
        let mut taken = Vec::new();
        for part in parts {
            let step = |input: &mut &[u8]| Ok::<_, ()>(take(input, &mut taken));
            inbox.feed(part, step).unwrap();
        }
        assert!(inbox.tail.is_empty());
        taken
    }

    #[test]
    fn messages_are_whole_wherever_the_stream_is_cut() {
        let stream = b"\x03abc\x00\x01d\x05efghi";
        let zeros = b"abc\0\0d\0efghi\0";
        let expected: [&[u8]; 4] = [b"abc", b"", b"d", b"efghi"];
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let parts = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(fed(counted, &parts), expected, "{first} {second}");
                let (first, second) = (first.min(zeros.len()), second.min(zeros.len()));
                let parts = [&zeros[..first], &zeros[first..second], &zeros[second..]];
                assert_eq!(fed(terminated, &parts), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn a_message_is_not_parsed_again_before_it_is_complete() {
        let mut looks = 0;
        let mut inbox = Inbox::default();
        let mut message = vec![200];
        message.extend([7; 200]);
        for byte in &message {
            inbox
                .feed(std::slice::from_ref(byte), |input| {
                    looks += 1;
                    Ok::<_, ()>(counted(input, &mut Vec::new()))
                })
                .unwrap();
        }
        assert_eq!(looks, 2);
    }
}
