//! The columns of a table of times. Figures below the machine's resolution are marked, because they
//! cannot be the server's.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::{MISSING, duration_us};
use super::summary::{Summary, Times};
use crate::measure::Histogram;
use crate::result::Resolution;

/// The smallest duration that a histogram can tell from zero.
const LEAST_US: f64 = 1.0;

/// Names of the columns.
pub(crate) const COLUMNS: [&str; 7] = ["mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"];

/// Returns the figures of a histogram by column in microseconds; `None` for a figure that cannot be
/// computed.
pub(crate) fn figures(histogram: &Histogram) -> [Option<f64>; 7] {
    Times::of(histogram).map_or([None; 7], |times| {
        [
            Some(times.mean),
            Some(times.p50),
            Some(times.p90),
            Some(times.p99),
            times.p999,
            times.p9999,
            Some(times.max),
        ]
    })
}

/// Returns the resolution for each column: that of the highest percentile not above the column's
/// own.
fn floors(resolution: Option<Resolution>) -> [Option<f64>; 7] {
    let low = resolution.map(|found| found.response_p50_us);
    let high = resolution.map(|found| found.response_p99_us);
    [low, low, low, high, high, high, high]
}

/// Returns the cells of a response or service time by column: `< 34 µs` if the figure is below the
/// resolution.
pub(crate) fn cells(histogram: &Histogram, resolution: Option<Resolution>) -> [String; 7] {
    let floors = floors(resolution);
    let mut column = 0;
    figures(histogram).map(|figure| {
        column += 1;
        cell_text(figure, floors[column - 1])
    })
}

/// Returns the cell of a response or service time at the percentile `share` (0..=1).
pub(crate) fn cell(us: f64, share: f64, resolution: Option<Resolution>) -> String {
    let [low, .., high] = floors(resolution);
    cell_text(Some(us), if share < 0.99 { low } else { high })
}

pub(crate) fn p50(histogram: &Histogram, resolution: Option<Resolution>) -> String {
    cell_text(histogram.p50_us(), floors(resolution)[1])
}

pub(crate) fn p99(histogram: &Histogram, resolution: Option<Resolution>) -> String {
    cell_text(histogram.p99_us(), floors(resolution)[3])
}

/// Formats a figure, or `<` and the floor if the figure is below it.
fn cell_text(figure: Option<f64>, floor: Option<f64>) -> String {
    match (figure, floor) {
        (None, _) => MISSING.to_owned(),
        (Some(figure), Some(floor)) if figure < floor => format!("< {}", whole_us(floor)),
        (Some(figure), _) if figure < LEAST_US => "0 µs".to_owned(),
        (Some(figure), _) => duration_us(figure),
    }
}

/// Formats a resolution as whole microseconds, because it is not more precise.
fn whole_us(us: f64) -> String {
    if us < 999.5 {
        format!("{us:.0} µs")
    } else {
        duration_us(us)
    }
}

/// Whether the median or the 99th percentile of a response or service time is below the resolution.
pub(crate) fn is_below(histogram: &Histogram, resolution: Option<Resolution>) -> bool {
    let figures = figures(histogram);
    let floors = floors(resolution);
    [1, 3].into_iter().any(|column| {
        figures[column]
            .zip(floors[column])
            .is_some_and(|(figure, floor)| figure < floor)
    })
}

/// Returns the note below the table of operations, if a figure of an operation or server is below
/// the resolution.
pub(crate) fn note(summary: &Summary<'_>) -> Option<String> {
    let found = summary.resolution?;
    let of_ops = summary
        .ops
        .iter()
        .flat_map(|op| [&op.record.response, &op.record.service]);
    let servers = summary.servers.roles.iter().chain(&summary.servers.servers);
    let of_servers = servers
        .flat_map(|figures| figures.ops.iter().chain([&figures.all]))
        .map(|record| &record.response);
    let any = of_ops.chain(of_servers).any(|histogram| {
        let cells = cells(histogram, Some(found));
        cells.iter().any(|cell| cell.starts_with('<'))
    });
    any.then(|| {
        format!(
            "< is below what this machine can tell: a server that does nothing shows p50 {}, p99 {} here",
            whole_us(found.response_p50_us),
            whole_us(found.response_p99_us)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    const FOUND: Resolution = Resolution {
        response_p50_us: 34.0,
        response_p99_us: 90.0,
    };

    /// 90 values of `low_us` and 10 of `high_us`.
    fn histogram(low_us: u64, high_us: u64) -> Histogram {
        let mut histogram = Histogram::new();
        histogram.record_n_ns(low_us * 1_000, 90);
        histogram.record_n_ns(high_us * 1_000, 10);
        histogram
    }

    #[test]
    fn each_percentile_is_compared_with_its_own_resolution() {
        let cells = |low, high| cells(&histogram(low, high), Some(FOUND));
        assert_eq!(cells(20, 200)[1], "< 34 µs");
        assert_eq!(cells(20, 200)[3], "200 µs");
        assert!(cells(50, 60)[1].starts_with("50."), "{:?}", cells(50, 60));
        assert_eq!(cells(50, 60)[3], "< 90 µs");
        assert_eq!(cells(20, 200)[4], MISSING, "too few for p99.9");
        assert!(is_below(&histogram(20, 200), Some(FOUND)));
        assert!(is_below(&histogram(50, 60), Some(FOUND)));
        assert!(!is_below(&histogram(50, 200), Some(FOUND)));
    }

    #[test]
    fn without_a_resolution_every_figure_is_shown() {
        assert_eq!(cells(&histogram(20, 20), None)[1], "20.0 µs");
        assert!(!is_below(&histogram(20, 20), None));
        assert_eq!(cells(&histogram(0, 20), None)[1], "0 µs");
        assert_eq!(cells(&Histogram::new(), Some(FOUND)), [MISSING; 7]);
    }

    #[test]
    fn the_note_appears_only_if_a_figure_is_below_the_resolution() {
        let mut result = example::result();
        assert_eq!(note(&Summary::new(&result)), None);
        let mut calibrated = |p50: f64| {
            result.environment = example::calibrated(p50, 90.0);
            note(&Summary::new(&result))
        };
        assert_eq!(calibrated(34.0), None);
        let note = calibrated(1_700.0).unwrap();
        assert!(note.contains("shows p50 1.70 ms, p99 90 µs here"), "{note}");
    }
}
