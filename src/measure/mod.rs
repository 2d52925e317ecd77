//! Samples, histograms, the recorder and the recording.
//!
//! Each worker owns a [`Recorder`]; per interval it hands over an [`IntervalPart`]; the collector
//! merges parts into a [`Recording`]. Histograms are merged, percentiles are never averaged.

mod histogram;
mod recorder;
mod recording;
mod sample;

pub use histogram::Histogram;
pub use recorder::{IntervalPart, OpPart, Recorder};
pub use recording::{Event, Interval, OpCounts, OpRecord, Recording};
pub use sample::{Outcome, Sample};
