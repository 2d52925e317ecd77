//! Reports of a capacity search: the answer in one sentence, every run in a table, the curve of latency over
//! rate.
//!
//! `answer` puts it into words, `knee` finds where the curve bends, `figure` draws it; the formats lay that
//! out.

mod answer;
mod csv;
mod figure;
mod knee;
mod markdown;
mod page;
mod text;

pub(super) use csv::render as csv;
pub(super) use markdown::render as markdown;
pub(super) use page::{plots, render as page};
pub(super) use text::render as text;
