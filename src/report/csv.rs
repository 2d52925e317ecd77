//! The report as CSV: one line per result, run and operation, times in microseconds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::resolution::figures;
use super::summary::rate;
use crate::measure::{OpRecord, Recording};
use crate::result::{RunResult, asked_per_s, csv_cell};

/// Columns before the times.
const HEAD: &str = "workload,target,server_version,verdict,run,number,op,measured_s,asked_per_s,throughput_per_s,\
acknowledged,ok,errors,refused,unknown,timed_out,not_sent,cap_full,not_issued";
/// Kinds of time.
const KINDS: [&str; 4] = ["response", "service", "blocked", "late"];
/// Figures of each.
const FIGURES: [&str; 7] = ["mean", "p50", "p90", "p99", "p999", "p9999", "max"];

/// All results in one table. A missing figure is an empty cell; `asked_per_s` is that of all
/// operations together.
pub(crate) fn render(results: &[RunResult]) -> String {
    let mut text = head();
    for result in results {
        for (position, run) in (1..).zip(&result.runs) {
            for (op, record) in result.plan.ops.iter().zip(run.totals()) {
                line(&mut text, (result, run), position, &op.label, &record);
            }
        }
    }
    text
}

fn head() -> String {
    let mut text = HEAD.to_owned();
    for kind in KINDS {
        for figure in FIGURES {
            let _ = write!(text, ",{kind}_{figure}_us");
        }
    }
    text.push('\n');
    text
}

fn line(
    text: &mut String,
    (result, run): (&RunResult, &Recording),
    position: u32,
    label: &str,
    record: &OpRecord,
) {
    let counts = &record.counts;
    let mut cells = vec![
        csv_cell(&result.plan.name),
        csv_cell(&result.target.spec),
        csv_cell(result.target.server_version.as_deref().unwrap_or_default()),
        result.verdict.word().to_owned(),
        position.to_string(),
        run.number.to_string(),
        csv_cell(label),
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
    let _ = writeln!(text, "{}", cells.join(","));
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.1}"))
}
