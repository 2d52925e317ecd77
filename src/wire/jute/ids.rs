//! Identifiers as newtypes, so that the compiler tells a session id from a zxid.

use std::fmt;

/// Transaction id: the high 32 bits are the epoch, the low 32 bits the counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub i64);

impl Zxid {
    /// The zxid of an empty database.
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(epoch: i64, counter: u32) -> Self {
        Self((epoch << 32) | counter as i64)
    }

    /// The high 32 bits.
    #[must_use]
    pub const fn epoch(self) -> i64 {
        self.0 >> 32
    }

    /// The low 32 bits.
    #[must_use]
    pub const fn counter(self) -> u32 {
        (self.0.cast_unsigned() & 0xffff_ffff) as u32
    }

    /// The next zxid. After the last one of an epoch that is the start of the next epoch. The largest
    /// zxid, which a damaged file name or a broken peer can hold, is its own successor.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// Session id. 0 means no session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// Server id, which the file `myid` contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub i64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
