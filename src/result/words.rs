//! Formats numbers and nouns for findings, reasons and warnings.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

pub(super) fn seconds(ms: u64) -> f64 {
    float(ms) / 1_000.0
}

/// Formats a duration: `75 µs`, `1.20 ms`, `3.00 s`.
pub(super) fn span(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.0} µs")
    } else if us < 1_000_000.0 {
        format!("{:.2} ms", us / 1_000.0)
    } else {
        format!("{:.2} s", us / 1_000_000.0)
    }
}

/// Formats a rate with as many digits as needed: `0.25`, `12.5`, `2000`.
pub(super) fn rate(per_s: f64) -> String {
    if per_s < 10.0 {
        format!("{per_s:.2}")
    } else if per_s < 100.0 {
        format!("{per_s:.1}")
    } else {
        format!("{per_s:.0}")
    }
}

/// `1 session`, `3 sessions`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// `22,256,284`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `once`, `3 times`.
pub(super) fn times(count: u64) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn large_counts_are_grouped() {
        assert_eq!(counted(1, "operation"), "1 operation");
        assert_eq!(counted(999, "operation"), "999 operations");
        assert_eq!(counted(1_000, "operation"), "1,000 operations");
        assert_eq!(counted(22_256_284, "operation"), "22,256,284 operations");
    }
}
