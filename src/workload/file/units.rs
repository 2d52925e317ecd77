//! Durations and sizes with units, converted to numbers and back.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

/// The form of a duration, for error messages.
pub(super) const DURATION_FORM: &str =
    "a duration such as \"5s\", \"250ms\" or \"2m\" (units ms, s, m, h; nothing finer than 1ms)";

/// The form of a short duration, for error messages.
pub(super) const SHORT_DURATION_FORM: &str =
    "a duration such as \"250us\", \"0.1ms\" or \"20ms\" (units us, ms, s; nothing finer than 1us)";

/// The form of a size, for error messages.
pub(super) const SIZE_FORM: &str =
    "a size in bytes such as 100, \"1KiB\" or \"1kB\" (units B, kB, KiB, MB, MiB, GB, GiB)";

/// Parses `"5s"`, `"250ms"`, `"1m 30s"` or `"0.5s"` to milliseconds.
pub(super) fn parse_duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Some(ms) = parse_decimal_duration_ms(text) {
        return Some(ms);
    }
    let duration = humantime::parse_duration(text).ok()?;
    if duration.subsec_nanos() % 1_000_000 != 0 {
        return None;
    }
    u64::try_from(duration.as_millis()).ok()
}

/// Parses a decimal number of one unit, such as `"0.5s"`. `humantime` accepts whole numbers only.
fn parse_decimal_duration_ms(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    scaled(number, unit_ms)
}

/// Parses `"250us"`, `"0.1ms"` or `"1s"` to microseconds.
pub(super) fn parse_duration_us(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text.trim())?;
    let unit_us = match unit {
        "us" | "µs" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return None,
    };
    scaled(number, unit_us)
}

/// Returns a text that [`parse_duration_us`] reads as the same number.
pub(in crate::workload) fn format_duration_us(us: u64) -> String {
    match us {
        0 => "0ms".to_owned(),
        us if us % 1_000_000 == 0 => format!("{}s", us / 1_000_000),
        us if us % 1_000 == 0 => format!("{}ms", us / 1_000),
        us => format!("{us}us"),
    }
}

/// Returns the shortest text that [`parse_duration_ms`] reads as the same number.
pub(in crate::workload) fn format_duration(ms: u64) -> String {
    humantime::format_duration(Duration::from_millis(ms)).to_string()
}

/// Parses `"100"`, `"1KiB"` or `"1.5kB"` to bytes.
pub(super) fn parse_size_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = split_unit(text).unwrap_or((text, "B"));
    let unit_bytes = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" | "kiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return None,
    };
    scaled(number, unit_bytes)
}

fn split_unit(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    Some((number.trim(), unit))
}

/// Returns `number` (digits with at most one decimal point) times `unit`, if the product is a whole
/// number.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let tens = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = match fraction {
        "" => 0,
        text => text.parse::<u64>().ok()?.checked_mul(unit)?,
    };
    if part % tens != 0 {
        return None;
    }
    whole.checked_mul(unit)?.checked_add(part / tens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_human_units() {
        for (text, ms) in [
            ("5s", 5_000),
            ("250ms", 250),
            ("2m", 120_000),
            ("1m 30s", 90_000),
            ("1m30s", 90_000),
            ("0.5s", 500),
            ("1.5h", 5_400_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration_ms(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "5",
            "-5s",
            "s",
            "5 parsecs",
            "0.5ms",
            "1us",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn short_durations_have_whole_microseconds() {
        for (text, us) in [
            ("250us", 250),
            ("0.1ms", 100),
            ("1.5ms", 1_500),
            ("2s", 2_000_000),
            ("0ms", 0),
        ] {
            assert_eq!(parse_duration_us(text), Some(us), "{text}");
            assert_eq!(parse_duration_us(&format_duration_us(us)), Some(us));
        }
        for text in ["", "5", "0.1us", "1m", "-1ms"] {
            assert_eq!(parse_duration_us(text), None, "{text}");
        }
    }

    #[test]
    fn formatted_durations_parse_to_the_same_value() {
        for ms in [
            0, 1, 250, 999, 1_000, 5_000, 90_000, 3_600_000, 86_400_000, 90_061_001,
        ] {
            assert_eq!(parse_duration_ms(&format_duration(ms)), Some(ms));
        }
    }

    #[test]
    fn sizes_are_read_in_human_units() {
        for (text, bytes) in [
            ("100", 100),
            ("100B", 100),
            ("1kB", 1_000),
            ("1KiB", 1_024),
            ("1.5KiB", 1_536),
            ("512 MiB", 512 << 20),
        ] {
            assert_eq!(parse_size_bytes(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "KiB",
            "-1",
            "1K",
            "1.0001kB",
            "0.3KiB",
            "99999999999GiB",
            "1.2.3kB",
        ] {
            assert_eq!(parse_size_bytes(text), None, "{text}");
        }
    }
}
