//! Formats values as a line of bars.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The bars from the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns bars for the last `width` values, scaled to the largest of them.
pub(super) fn sparkline(values: &[f64], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let largest = shown.iter().copied().fold(0.0_f64, f64::max);
    shown
        .iter()
        .map(|value| {
            let share = if largest > 0.0 { value / largest } else { 0.0 };
            let step = BARS
                .iter()
                .zip(1_u8..)
                .find(|(_, upper)| share * 8.0 <= f64::from(*upper))
                .map_or(7, |(_, upper)| usize::from(upper) - 1);
            BARS[step]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_scaled_to_the_largest_of_the_latest_values() {
        assert_eq!(sparkline(&[0.0, 4.0, 8.0], 3), "▁▄█");
        assert_eq!(sparkline(&[9.0, 0.0, 4.0, 8.0], 3), "▁▄█");
        assert_eq!(sparkline(&[0.0, 0.0], 3), "▁▁");
        assert_eq!(sparkline(&[], 3), "");
    }
}
