//! The report as CSV: one line per result, run and operation. Times are microseconds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::resolution::figures;
use super::summary::rate;
use crate::measure::{OpRecord, Recording};
use crate::result::{CsvTable, RunResult, asked_per_s};

/// Columns before the times.
const HEAD: &str = "workload,target,server_version,verdict,run,number,op,measured_s,asked_per_s,throughput_per_s,\
acknowledged,ok,errors,refused,unknown,timed_out,not_sent,cap_full,not_issued";
const KINDS: [&str; 4] = ["response", "service", "blocked", "late"];
/// Figures of each kind of time.
const FIGURES: [&str; 7] = ["mean", "p50", "p90", "p99", "p999", "p9999", "max"];

/// Returns one table for all results. A missing figure is an empty cell. `asked_per_s` is the rate
/// of all operations together.
pub(crate) fn render(results: &[RunResult]) -> String {
    let mut table = CsvTable::new(head());
    for result in results {
        for (position, run) in (1..).zip(&result.runs) {
            for (op, record) in result.plan.ops.iter().zip(run.totals()) {
                let place = Place {
                    result,
                    run,
                    position,
                    op: &op.label,
                };
                table.row(cells(&place, &record));
            }
        }
    }
    table.into_text()
}

fn head() -> Vec<String> {
    let mut head: Vec<String> = HEAD.split(',').map(str::to_owned).collect();
    for kind in KINDS {
        head.extend(FIGURES.map(|figure| format!("{kind}_{figure}_us")));
    }
    head
}

struct Place<'a> {
    result: &'a RunResult,
    run: &'a Recording,
    /// Number of the run within the result, from 1.
    position: u32,
    op: &'a str,
}

fn cells(place: &Place<'_>, record: &OpRecord) -> Vec<String> {
    let Place { result, run, .. } = place;
    let counts = &record.counts;
    let mut cells = vec![
        result.plan.name.clone(),
        result.target.spec.clone(),
        result.target.server_version.clone().unwrap_or_default(),
        result.verdict.word().to_owned(),
        place.position.to_string(),
        run.number.to_string(),
        place.op.to_owned(),
        format!("{:.3}", run.measured_s),
        figure(asked_per_s(&result.plan.load, run.measured_s)),
        figure(rate(record.acknowledged, run.measured_s)),
    ];
    cells.extend(
        [
            record.acknowledged,
            counts.ok,
            counts.error_replies(),
            counts.refused,
            counts.unknown,
            counts.timed_out,
            counts.not_sent,
            counts.cap_full,
            counts.not_issued,
        ]
        .map(|count| count.to_string()),
    );
    for histogram in [
        &record.response,
        &record.service,
        &record.blocked,
        &record.late,
    ] {
        cells.extend(figures(histogram).map(figure));
    }
    cells
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.1}"))
}
