//! Samples, histograms, the recorder and the recording.
//!
//! Each worker owns a [`Recorder`]; per interval it hands over an [`IntervalPart`]; the collector
//! merges parts into a [`Recording`]. Histograms are merged, percentiles are never averaged.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod histogram;
mod interval_log;
mod recorder;
mod recording;
mod sample;
mod tally;

pub use histogram::{Histogram, HistogramError};
pub use interval_log::interval_log;
pub use recorder::{IntervalPart, OpPart, Recorder};
pub use recording::{EVENTS_MAX, Event, Interval, OpCounts, OpRecord, Recording};
pub use sample::{Outcome, Sample};
