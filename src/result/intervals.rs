//! `intervals.csv` for spreadsheets and notebooks: one line per run, interval and operation.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::csv_table::CsvTable;
use super::run_result::RunResult;
use crate::measure::{OpRecord, Recording};

const HEAD: &str = "run,number,interval,start_s,length_s,op,ok,errors,refused,unknown,timed_out,not_sent,cap_full,not_issued,\
acknowledged,throughput_per_s,response_mean_us,response_p50_us,response_p90_us,response_p99_us,response_p999_us,response_max_us,\
service_p50_us,service_p99_us,service_max_us,blocked_p50_us,blocked_p99_us,blocked_max_us,late_p50_us,late_p99_us,late_max_us";

/// Returns the text of `intervals.csv`. A missing figure is an empty cell.
#[must_use]
pub fn intervals_csv(result: &RunResult) -> String {
    let mut table = CsvTable::new(HEAD.split(','));
    for (position, run) in (1..).zip(&result.runs) {
        for interval in &run.intervals {
            for (record, op) in interval.ops.iter().zip(&result.plan.ops) {
                let place = Place {
                    position,
                    recording: run,
                    interval: interval.index,
                    op: &op.label,
                };
                table.row(cells(&place, record));
            }
        }
    }
    table.into_text()
}

/// The run, interval and operation of a line.
struct Place<'a> {
    /// Number of the run within the result, from 1.
    position: u32,
    recording: &'a Recording,
    interval: u32,
    op: &'a str,
}

fn cells(place: &Place<'_>, record: &OpRecord) -> Vec<String> {
    let interval_ms = place.recording.interval_ms;
    let interval_s = f64::from(u32::try_from(interval_ms).unwrap_or(u32::MAX)) / 1_000.0;
    let length_s = place.recording.interval_s(place.interval);
    let counts = &record.counts;
    let mut cells = vec![
        place.position.to_string(),
        place.recording.number.to_string(),
        place.interval.to_string(),
        format!("{:.3}", interval_s * f64::from(place.interval)),
        format!("{length_s:.3}"),
        place.op.to_owned(),
    ];
    cells.extend(
        [
            counts.ok,
            counts.error_replies(),
            counts.refused,
            counts.unknown,
            counts.timed_out,
            counts.not_sent,
            counts.cap_full,
            counts.not_issued,
            record.acknowledged,
        ]
        .map(|count| count.to_string()),
    );
    #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
    let throughput = (length_s > 0.0).then(|| record.acknowledged as f64 / length_s);
    let response = &record.response;
    let mut figures = vec![throughput, response.mean_us()];
    figures.extend(optional(response.quantiles_us([0.5, 0.9, 0.99])));
    figures.extend([response.supported_p999_us(), response.max_us()]);
    for histogram in [&record.service, &record.blocked, &record.late] {
        figures.extend(optional(histogram.quantiles_us([0.5, 0.99])));
        figures.push(histogram.max_us());
    }
    let figures = figures.into_iter();
    cells.extend(
        figures.map(|figure| figure.map_or_else(String::new, |value| format!("{value:.1}"))),
    );
    cells
}

fn optional<const N: usize>(values: Option<[f64; N]>) -> [Option<f64>; N] {
    values.map_or([None; N], |values| values.map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;

    /// Pairs the cells of a line with their column names.
    fn by_column(line: &str) -> Vec<(&'static str, String)> {
        let line = line.replace("\"set, \"\"small\"\"\"", "set");
        let cells: Vec<&str> = line.split(',').collect();
        let columns: Vec<&str> = HEAD.split(',').collect();
        assert_eq!(cells.len(), columns.len(), "{line}");
        let cells = cells.into_iter().map(str::to_owned);
        columns.into_iter().zip(cells).collect()
    }

    #[test]
    fn every_line_has_every_column_and_a_missing_figure_is_an_empty_cell() {
        let mut result = example::result();
        result.plan.ops[0].label = "set, \"small\"".into();
        result.runs[0].number = 3;
        result.runs[0].intervals[0].ops[0].counts.cap_full = 7;
        result.runs[0].intervals[1].ops[0] = OpRecord::default();
        let text = intervals_csv(&result);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].contains(",\"set, \"\"small\"\"\","),
            "{}",
            lines[1]
        );
        let (full, empty) = (by_column(lines[1]), by_column(lines[2]));
        let cell = |cells: &[(&str, String)], name| {
            let found = cells.iter().find(|(known, _)| *known == name);
            found.map(|(_, cell)| cell.clone()).unwrap()
        };
        for (name, expected) in [
            ("run", "1"),
            ("number", "3"),
            ("interval", "0"),
            ("ok", "1000"),
            ("cap_full", "7"),
            ("acknowledged", "999"),
            ("throughput_per_s", "999.0"),
            ("response_p999_us", ""),
            ("response_max_us", "1999.0"),
            ("blocked_max_us", "0.0"),
            ("late_max_us", "10.0"),
        ] {
            assert_eq!(cell(&full, name), expected, "{name}");
        }
        assert_eq!(cell(&empty, "throughput_per_s"), "0.0");
        for (name, cell) in empty.iter().filter(|(name, _)| name.ends_with("_us")) {
            assert_eq!(cell, "", "{name}");
        }
    }
}
