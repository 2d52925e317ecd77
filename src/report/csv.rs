//! The report as CSV: one line per result, run and operation, times in microseconds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::summary::Times;
use crate::measure::{Histogram, OpRecord, Recording};
use crate::result::{RunResult, asked_per_s, csv_cell};

const HEAD: &str = "workload,target,server_version,verdict,run,op,measured_s,asked_per_s,throughput_per_s,\
ok,errors,refused,unknown,timed_out,not_sent,\
response_mean_us,response_p50_us,response_p90_us,response_p99_us,response_p999_us,response_max_us,\
service_mean_us,service_p50_us,service_p90_us,service_p99_us,service_p999_us,service_max_us,\
blocked_mean_us,blocked_p50_us,blocked_p90_us,blocked_p99_us,blocked_p999_us,blocked_max_us,\
late_mean_us,late_p50_us,late_p90_us,late_p99_us,late_p999_us,late_max_us\n";

/// All results in one table. A missing figure is an empty cell; `asked_per_s` is that of all
/// operations together.
pub(crate) fn render(results: &[RunResult]) -> String {
    let mut text = HEAD.to_owned();
    for result in results {
        for (number, run) in (1..).zip(&result.runs) {
            let in_time = run.acknowledged_per_op();
            for ((op, record), ok) in result.plan.ops.iter().zip(run.totals()).zip(in_time) {
                line(&mut text, (result, run), number, (&op.label, ok), &record);
            }
        }
    }
    text
}

fn line(
    text: &mut String,
    (result, run): (&RunResult, &Recording),
    number: u32,
    (label, in_time): (&str, u64),
    record: &OpRecord,
) {
    let counts = &record.counts;
    #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
    let throughput = (run.measured_s > 0.0).then(|| in_time as f64 / run.measured_s);
    let mut cells = vec![
        csv_cell(&result.plan.name),
        csv_cell(&result.target.spec),
        csv_cell(result.target.server_version.as_deref().unwrap_or_default()),
        result.verdict.word().to_owned(),
        number.to_string(),
        csv_cell(label),
        format!("{:.3}", run.measured_s),
        figure(asked_per_s(&result.plan.load, run.measured_s)),
        figure(throughput),
    ];
    cells.extend(
        [
            counts.ok,
            counts.error_replies(),
            counts.refused,
            counts.unknown,
            counts.timed_out,
            counts.not_sent,
        ]
        .map(|count| count.to_string()),
    );
    for histogram in [
        &record.response,
        &record.service,
        &record.blocked,
        &record.late,
    ] {
        cells.extend(times(histogram));
    }
    let _ = writeln!(text, "{}", cells.join(","));
}

fn times(histogram: &Histogram) -> Vec<String> {
    Times::of(histogram).map_or_else(
        || vec![String::new(); 6],
        |times| {
            std::iter::once(times.mean)
                .chain(times.quantiles)
                .map(|value| figure(Some(value)))
                .collect()
        },
    )
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.1}"))
}
