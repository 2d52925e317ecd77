//! A capacity search as Markdown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::answer::{answer, by_rate, held, notes};
use crate::report::human::{duration_us, per_second};
use crate::result::Capacity;

pub(crate) fn render(capacity: &Capacity) -> String {
    let mut text = format!(
        "## Capacity: {} on {}\n\n**{}**\n\n| rate/s | achieved | p50 | p90 | p99 | p99.9 | |\n|--:|--:|--:|--:|--:|--:|---|\n",
        capacity.workload,
        capacity.target,
        answer(capacity)
    );
    for step in by_rate(capacity) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            per_second(step.rate_per_s),
            per_second(step.achieved_per_s),
            duration_us(step.p50_us),
            duration_us(step.p90_us),
            duration_us(step.p99_us),
            duration_us(step.p999_us),
            held(step)
        );
    }
    for note in notes(capacity) {
        text.push('\n');
        text.push_str(&note);
        text.push('\n');
    }
    text
}
