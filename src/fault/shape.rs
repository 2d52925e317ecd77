//! Delay, jitter and rate of one way of a link. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Rate that is assumed for the bound on bytes in flight if a way has no rate: 10 Gbit/s.
const ASSUMED_BYTES_PER_S: u64 = 1_250_000_000;
/// A connection may hold at least this many bytes in flight in one way.
const HELD_BYTES_MIN: u64 = 256 << 10;
/// A connection may hold at most this many bytes in flight in one way.
const HELD_BYTES_MAX: u64 = 4 << 20;
/// Maximum number of bytes of one read.
pub(super) const READ_BYTES_MAX: usize = 64 << 10;
/// A read takes no more than the rate carries in a millisecond, but at least this: about a packet.
const READ_BYTES_MIN: u64 = 1_500;

/// What one way of a link does to bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Time from the arrival of a byte at the proxy until its delivery, nanoseconds.
    pub delay_ns: u64,
    /// The delay of each piece that is read is uniform between `delay_ns - jitter_ns` and
    /// `delay_ns + jitter_ns`. At most `delay_ns`.
    pub jitter_ns: u64,
    /// Bytes per second of all connections of the link together. `None` sets no limit.
    pub rate_per_s: Option<u64>,
}

impl Shape {
    /// Returns the number of bytes that a connection may hold: twice what is under way at the rate of the way,
    /// within fixed bounds. When a connection holds more, the proxy reads no more from its sender.
    pub(super) fn held_bytes(&self) -> usize {
        let rate = self.rate_per_s.unwrap_or(ASSUMED_BYTES_PER_S);
        let under_way = u128::from(rate) * u128::from(self.delay_ns) / 1_000_000_000;
        let bytes = u64::try_from(2 * under_way).unwrap_or(u64::MAX);
        usize::try_from(bytes.clamp(HELD_BYTES_MIN, HELD_BYTES_MAX)).unwrap_or(usize::MAX)
    }

    /// Returns the number of bytes of one read. A low rate delivers small pieces.
    pub(super) fn read_bytes(&self) -> usize {
        let Some(rate) = self.rate_per_s else {
            return READ_BYTES_MAX;
        };
        let bytes = usize::try_from((rate / 1_000).max(READ_BYTES_MIN)).unwrap_or(usize::MAX);
        bytes.min(READ_BYTES_MAX)
    }

    /// Returns the time that `bytes` occupy the way.
    pub(super) fn occupied_ns(&self, bytes: usize) -> u64 {
        let Some(rate) = self.rate_per_s.filter(|rate| *rate > 0) else {
            return 0;
        };
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
        u64::try_from(bytes.saturating_mul(1_000_000_000) / u128::from(rate)).unwrap_or(u64::MAX)
    }

    /// Returns the delay for the random number `random`.
    pub(super) fn delay_ns(&self, random: u64) -> u64 {
        let jitter = self.jitter_ns.min(self.delay_ns);
        if jitter == 0 {
            return self.delay_ns;
        }
        // The remainder prefers no value noticeably: the range is far below 2^64.
        self.delay_ns - jitter + random % (2 * jitter + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn shape(delay_ns: u64, rate_per_s: Option<u64>) -> Shape {
        Shape {
            delay_ns,
            jitter_ns: 0,
            rate_per_s,
        }
    }

    #[test]
    fn a_connection_holds_twice_the_bytes_under_way_within_bounds() {
        assert_eq!(shape(0, None).held_bytes(), 256 << 10);
        assert_eq!(shape(MS / 2, None).held_bytes(), 1_250_000);
        assert_eq!(shape(20 * MS, None).held_bytes(), 4 << 20);
        assert_eq!(shape(20 * MS, Some(1_000)).held_bytes(), 256 << 10);
        assert_eq!(shape(20 * MS, Some(u64::MAX)).held_bytes(), 4 << 20);
    }

    #[test]
    fn a_low_rate_is_delivered_in_small_pieces() {
        assert_eq!(shape(0, None).read_bytes(), 65_536);
        assert_eq!(shape(0, Some(10_000_000)).read_bytes(), 10_000);
        assert_eq!(shape(0, Some(1)).read_bytes(), 1_500);
        assert_eq!(shape(0, Some(2_000)).occupied_ns(1_000), 500 * MS);
        assert_eq!(shape(0, None).occupied_ns(1_000), 0);
    }

    #[test]
    fn the_delay_is_uniform_around_its_mean() {
        let jittery = Shape {
            delay_ns: 100,
            jitter_ns: 10,
            rate_per_s: None,
        };
        let delays: Vec<u64> = (0..21).map(|random| jittery.delay_ns(random)).collect();
        assert_eq!(delays, (90..=110).collect::<Vec<u64>>());
        assert_eq!(shape(100, None).delay_ns(7), 100);
    }
}
