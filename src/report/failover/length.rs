//! The length of a gap, which may be known only as a limit.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::human::duration_us;

/// A length in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Length {
    pub ms: f64,
    pub known: Known,
}

/// What is known about a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Exactly,
    /// It is at most this long: shorter gaps are not recorded one by one.
    AtMost,
    /// It is at least this long: the gap had not ended when the run ended.
    AtLeast,
}

impl Length {
    /// `214 ms`, `< 10.0 ms`, `> 3.20 s`.
    pub(crate) fn words(self) -> String {
        let sign = match self.known {
            Known::Exactly => "",
            Known::AtMost => "< ",
            Known::AtLeast => "> ",
        };
        format!("{sign}{}", duration_us(self.ms * 1_000.0))
    }

    /// The smallest possible length in milliseconds.
    pub(crate) fn lower_ms(self) -> f64 {
        match self.known {
            Known::AtMost => 0.0,
            Known::Exactly | Known::AtLeast => self.ms,
        }
    }

    /// The largest possible length in milliseconds; `None` if there is no limit.
    pub(crate) fn upper_ms(self) -> Option<f64> {
        (self.known != Known::AtLeast).then_some(self.ms)
    }
}

/// Converts nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "a time within a run")]
pub(super) fn ms(ns: i64) -> f64 {
    ns as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_not_a_value() {
        let length = |ms, known| Length { ms, known };
        let exact = length(214.2, Known::Exactly);
        assert_eq!(exact.words(), "214 ms");
        assert_eq!((exact.lower_ms(), exact.upper_ms()), (214.2, Some(214.2)));
        let short = length(10.0, Known::AtMost);
        assert_eq!(short.words(), "< 10.0 ms");
        assert_eq!((short.lower_ms(), short.upper_ms()), (0.0, Some(10.0)));
        let open = length(3_200.0, Known::AtLeast);
        assert_eq!(open.words(), "> 3.20 s");
        assert_eq!((open.lower_ms(), open.upper_ms()), (3_200.0, None));
    }
}
