//! A capacity search for a terminal.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::answer::{answer, by_rate, held, notes};
use crate::report::human::{duration_us, per_second};
use crate::report::table::{Align, Table};
use crate::report::wrap::wrapped;
use crate::result::Capacity;

pub(crate) fn render(capacity: &Capacity) -> String {
    let mut text = String::new();
    let version = capacity.server_version.as_deref().unwrap_or("");
    let title = format!("{} on {} {version}", capacity.workload, capacity.target);
    wrapped(&mut text, "", 2, title.trim_end());
    text.push('\n');
    let mut table = Table::new([
        (Align::Right, "rate/s"),
        (Align::Right, "achieved"),
        (Align::Right, "p50"),
        (Align::Right, "p90"),
        (Align::Right, "p99"),
        (Align::Right, "p99.9"),
        (Align::Left, ""),
    ]);
    for step in by_rate(capacity) {
        table.row([
            per_second(step.rate_per_s),
            per_second(step.achieved_per_s),
            duration_us(step.p50_us),
            duration_us(step.p90_us),
            duration_us(step.p99_us),
            duration_us(step.p999_us),
            held(step).to_owned(),
        ]);
    }
    text.push_str(&table.render());
    text.push('\n');
    wrapped(&mut text, "CAPACITY: ", 2, &answer(capacity));
    for note in notes(capacity) {
        wrapped(&mut text, "", 2, &note);
    }
    text
}
