//! Formats estimated times.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

/// Formats a time, rounded up: `40 s`, `10 min`, `2 h 10 min`.
pub(super) fn roughly(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let minutes = seconds.div_ceil(60);
    if seconds <= 90 {
        format!("{} s", seconds.div_ceil(10) * 10)
    } else if minutes < 120 {
        format!("{minutes} min")
    } else {
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_rounded_to_minutes() {
        let rounded = [1, 90, 91, 7_140, 7_201].map(|s| roughly(Duration::from_secs(s)));
        assert_eq!(rounded, ["10 s", "90 s", "2 min", "119 min", "2 h 1 min"]);
    }
}
