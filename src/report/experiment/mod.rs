//! The report of an experiment: its figures, the tables behind them and the answers in words.
//!
//! `measured` reduces each result as it is read. `layout` arranges the cells as lines, `chart` collects their values,
//! and one module for each kind of figure draws them and states the answers. The formats print charts.

mod answer;
mod axis_words;
mod cell_rows;
mod chart;
mod csv;
mod curve;
mod estimate;
mod failover;
mod json;
mod layout;
mod markdown;
mod measure;
mod measured;
mod overview;
mod page;
mod plot_axis;
mod response;
mod rows;
mod splice;
mod study;
mod text;
mod throughput;

pub use splice::{SpliceError, splice};
pub use study::ExperimentReport;

pub(super) use csv::render as csv;
pub(super) use json::render as json;
pub(super) use markdown::render as markdown;
pub(super) use page::{plots, render as page};
pub(super) use text::{answers, render as text};
