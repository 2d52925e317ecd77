//! Formats ratios from the candidate's view, with three significant digits.

use super::judge::{Contrast, Estimate};
use super::metric::Figure;
use crate::report::human::{MISSING, count, duration_us, per_second};

/// Ratios from this one on are printed as a multiple, smaller ones as a percentage.
const MULTIPLE_MIN: f64 = 1.5;
/// Smaller percentages are printed as `the same`.
const PERCENT_MIN: f64 = 0.000_5;

/// Returns the distance of `ratio` (candidate / base) from 1 as `7.35x` or `3.20 %`, and whether
/// the candidate is faster; `None` if it is too small to print.
fn distance(figure: Figure, ratio: f64) -> Option<(String, bool)> {
    let multiple = ratio.max(1.0 / ratio);
    let amount = if multiple >= MULTIPLE_MIN {
        format!("{}x", significant(multiple))
    } else {
        let percent = percent(ratio);
        if percent < PERCENT_MIN {
            return None;
        }
        format!("{} %", significant(percent))
    };
    Some((amount, (ratio > 1.0) == figure.more_is_better()))
}

/// Returns by how many per cent of the base's figure the candidate's figure differs.
pub(super) fn percent(ratio: f64) -> f64 {
    100.0 * (ratio - 1.0).abs()
}

/// `7.35x slower`, `3.20 % faster`, `the same`.
pub(in crate::report) fn ratio_words(figure: Figure, ratio: f64) -> String {
    match distance(figure, ratio) {
        None => "the same".to_owned(),
        Some((amount, faster)) => format!("{amount} {}", direction(faster)),
    }
}

/// `7.10x to 7.62x slower`, `1.02 % slower to 5.50 % faster`. The slower end comes first.
pub(in crate::report) fn interval_words(figure: Figure, low: f64, high: f64) -> String {
    let (worse, better) = if figure.more_is_better() {
        (low, high)
    } else {
        (high, low)
    };
    match (distance(figure, worse), distance(figure, better)) {
        (None, None) => "the same".to_owned(),
        (Some((from, faster)), Some((to, better_is_faster))) if faster == better_is_faster => {
            // Print the end nearer to 1 first.
            let (near, far) = if faster { (from, to) } else { (to, from) };
            format!("{near} to {far} {}", direction(faster))
        }
        _ => format!(
            "{} to {}",
            ratio_words(figure, worse),
            ratio_words(figure, better)
        ),
    }
}

fn direction(faster: bool) -> &'static str {
    if faster { "faster" } else { "slower" }
}

/// Returns the estimate as `3.20 % slower`, or a dash if there is none.
pub(in crate::report) fn estimate_words(contrast: &Contrast) -> String {
    contrast.estimate.map_or_else(
        || MISSING.to_owned(),
        |estimate| ratio_words(contrast.metric.figure, estimate.ratio),
    )
}

/// Returns the interval of the estimate in the same form.
pub(in crate::report) fn estimate_interval(contrast: &Contrast) -> Option<String> {
    let Estimate { interval, .. } = contrast.estimate?;
    let (low, high) = interval?;
    Some(interval_words(contrast.metric.figure, low, high))
}

/// Formats a figure with its unit.
pub(in crate::report) fn value(figure: Figure, value: Option<f64>) -> String {
    match figure {
        Figure::Throughput => {
            value.map_or_else(|| MISSING.to_owned(), |v| format!("{}/s", per_second(v)))
        }
        Figure::ResponseP50 | Figure::ResponseP99 | Figure::ResponseP999 => duration_us(value),
    }
}

/// `p = 0.016`, `p < 0.001`.
pub(in crate::report) fn p_words(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else if p < 0.1 {
        format!("p = {p:.3}")
    } else {
        format!("p = {p:.2}")
    }
}

/// Three significant digits, but at most three decimals: `0.812`, `3.20`, `49.0`, `812`, `1,230`.
fn significant(value: f64) -> String {
    // A number that rounds up to the next power of ten gets the digits of that power.
    if value < 0.999_5 {
        format!("{value:.3}")
    } else if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else if value < 999.5 {
        format!("{value:.0}")
    } else {
        let unit = 10_f64.powf(value.log10().floor() - 2.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; a float cast saturates"
        )]
        let rounded = ((value / unit).round() * unit).round() as u64;
        count(rounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_printed_from_the_candidates_view() {
        let cases = [
            (Figure::Throughput, 0.136, "7.35x slower"),
            (Figure::Throughput, 2.1, "2.10x faster"),
            (Figure::Throughput, 0.968, "3.20 % slower"),
            (Figure::Throughput, 1.49, "49.0 % faster"),
            (Figure::Throughput, 1.0, "the same"),
            (Figure::ResponseP50, 0.5, "2.00x faster"),
            (Figure::ResponseP99, 1.032, "3.20 % slower"),
            (Figure::ResponseP99, 1.5, "1.50x slower"),
            (Figure::ResponseP999, 1_234.0, "1,230x slower"),
            (Figure::ResponseP999, 0.998, "0.200 % faster"),
        ];
        for (figure, ratio, expected) in cases {
            assert_eq!(ratio_words(figure, ratio), expected);
        }
    }

    #[test]
    fn an_interval_names_its_direction_once_if_both_ends_agree() {
        let cases = [
            (Figure::Throughput, (0.131, 0.141), "7.09x to 7.63x slower"),
            (
                Figure::Throughput,
                (0.98, 1.055),
                "2.00 % slower to 5.50 % faster",
            ),
            (
                Figure::ResponseP50,
                (0.945, 1.01),
                "1.00 % slower to 5.50 % faster",
            ),
            (Figure::ResponseP50, (0.5, 0.8), "20.0 % to 2.00x faster"),
            (Figure::ResponseP50, (1.02, 1.04), "2.00 % to 4.00 % slower"),
            (Figure::ResponseP50, (1.0, 1.0), "the same"),
            (
                Figure::ResponseP50,
                (1.0, 1.02),
                "2.00 % slower to the same",
            ),
        ];
        for (figure, interval, expected) in cases {
            assert_eq!(interval_words(figure, interval.0, interval.1), expected);
        }
    }

    #[test]
    fn numbers_have_three_digits_and_small_p_values_a_limit() {
        let values = [0.081, 0.999_6, 9.996, 99.96, 999.6, 123_456.0];
        let words = values.map(significant);
        assert_eq!(words, ["0.081", "1.00", "10.0", "100", "1,000", "123,000"]);
        let words = [0.000_4, 0.015_6, 0.31].map(p_words);
        assert_eq!(words, ["p < 0.001", "p = 0.016", "p = 0.31"]);
    }
}
