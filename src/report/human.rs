//! Formats numbers for people: three significant digits, a suitable unit, grouped thousands.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Printed for a missing figure.
pub(crate) const MISSING: &str = "\u{2013}";

/// Formats a duration in microseconds: `812 µs`, `1.23 ms`, `12.3 s`; a dash if missing.
#[must_use]
pub fn duration_us(value_us: impl Into<Option<f64>>) -> String {
    let Some(us) = value_us.into() else {
        return MISSING.to_owned();
    };
    let (value, unit) = if us < 999.5 {
        (us, "µs")
    } else if us < 999_500.0 {
        (us / 1_000.0, "ms")
    } else {
        (us / 1_000_000.0, "s")
    };
    format!("{} {unit}", three_digits(value))
}

/// Formats operations per second: `87.4`, `999.8`, `12,345`; a dash if missing.
#[must_use]
pub fn per_second(rate: impl Into<Option<f64>>) -> String {
    match rate.into() {
        None => MISSING.to_owned(),
        Some(rate) if rate < 10.0 => format!("{rate:.2}"),
        Some(rate) if rate < 1_000.0 => format!("{rate:.1}"),
        Some(rate) => grouped(&format!("{rate:.0}")),
    }
}

/// Formats a count with grouped thousands: `29,994`.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// `1 voter`, `3 voters`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Formats a size: `100 B`, `15.6 GiB`.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let mut size = value as f64;
    let mut unit = 0;
    while size >= 1_000.0 && unit + 1 < UNITS.len() {
        size /= 1_024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{value} B")
    } else {
        format!("{} {}", three_digits(size), UNITS[unit])
    }
}

/// Formats a mean size: `0.3 B`, `99.5 B`, `2.00 KiB`.
pub(crate) fn bytes_fraction(value: f64) -> String {
    if value < 99.95 {
        return format!("{} B", number((value * 10.0).round() / 10.0));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and casts of floats saturate"
    )]
    bytes(value.round() as u64)
}

/// Formats a length of time in milliseconds: `500 ms`, `2 s`, `1 min 30 s`.
pub(crate) fn span_ms(ms: u64) -> String {
    if ms < 1_000 {
        return format!("{ms} ms");
    }
    let seconds = ms / 1_000;
    if !ms.is_multiple_of(1_000) {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53 ms")]
        let exact = ms as f64 / 1_000.0;
        return format!("{exact} s");
    }
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("{s} s"),
        (m, 0) => format!("{m} min"),
        (m, s) => format!("{m} min {s} s"),
    }
}

/// Formats a share: `0 %`, `0.02 %`, `12.3 %`.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let percent = 100.0 * part as f64 / whole as f64;
    if percent < 0.01 {
        "< 0.01 %".to_owned()
    } else {
        format!("{} %", trimmed(&three_digits(percent)))
    }
}

/// Formats a number without unnecessary digits: `5`, `0.001`, `999.8`.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 {
        grouped(&format!("{value:.0}"))
    } else if !(1e-9..0.1).contains(&size) {
        trimmed(&format!("{value:.3}"))
    } else {
        // Keep three digits after the leading zeros: a ratio of 0.00083 is not 0.001.
        let zeros = (1_u16..9)
            .take_while(|n| size < 10_f64.powi(-i32::from(*n)))
            .count();
        trimmed(&format!("{value:.*}", zeros + 3))
    }
}

/// Three significant digits: `0.81`, `8.12`, `81.2`, `812`.
pub(crate) fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn trimmed(digits: &str) -> String {
    if digits.contains('.') {
        digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        digits.to_owned()
    }
}

/// Puts a comma between groups of three digits.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |rest| ("-", rest));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_a_fourth_digit_would_appear() {
        let cases = [
            (0.512, "0.51 µs"),
            (9.996, "10.0 µs"),
            (812.4, "812 µs"),
            (999.6, "1.00 ms"),
            (1_234.0, "1.23 ms"),
            (99_960.0, "100 ms"),
            (999_600.0, "1.00 s"),
            (12_345_678.0, "12.3 s"),
        ];
        for (us, expected) in cases {
            assert_eq!(duration_us(us), expected);
        }
        assert_eq!(duration_us(None), "–");
    }

    #[test]
    fn rates_counts_sizes_and_spans_are_formatted() {
        assert_eq!(per_second(9.876), "9.88");
        assert_eq!(per_second(999.84), "999.8");
        assert_eq!(per_second(1_234_567.0), "1,234,567");
        assert_eq!(count(29_994), "29,994");
        assert_eq!(count(999), "999");
        assert_eq!(bytes(100), "100 B");
        assert_eq!(bytes(16 << 30), "16.0 GiB");
        assert_eq!(bytes_fraction(0.25), "0.3 B");
        assert_eq!(bytes_fraction(2_048.0), "2.00 KiB");
        assert_eq!(span_ms(500), "500 ms");
        assert_eq!(span_ms(1_500), "1.5 s");
        assert_eq!(span_ms(90_000), "1 min 30 s");
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(1, 4), "25 %");
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(number(5.0), "5");
        assert_eq!(number(0.000_833_3), "0.000833");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(0.05), "0.05");
        assert_eq!(number(-1_234.0), "-1,234");
    }
}
