//! Reports of a capacity search: the answer in one sentence, a table of all runs, and the curve of
//! latency over rate.
//!
//! `answer` writes the sentences, `knee` finds where the curve bends and `figure` draws it. The
//! other modules write one format each.

mod answer;
mod csv;
mod figure;
mod knee;
mod markdown;
mod page;
mod text;

pub(super) use answer::conditions;
pub(super) use csv::render as csv;
pub(super) use markdown::render as markdown;
pub(super) use page::{plots, render as page};
pub(super) use text::render as text;
