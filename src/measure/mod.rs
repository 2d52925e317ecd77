//! Samples, histograms, the recorder and the recording.
//!
//! Each worker owns a [`Recorder`] and hands over [`Parts`] at the end of each interval. The
//! collector merges the parts into a [`Recording`]. Histograms are merged; percentiles are never
//! averaged.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod ack_times;
mod bucket_counter;
mod buckets;
mod counts;
mod error_names;
mod event;
mod gap;
mod histogram;
mod interruptions;
mod interval_log;
mod op_record;
mod recorder;
mod recording;
mod sample;
mod sparse_counter;
mod timeline;

pub use ack_times::{AckTimes, BucketResponse};
pub use counts::OpCounts;
pub use error_names::{ErrorId, ErrorNames};
pub use event::{Event, EventKind};
pub use gap::{
    GAPS_MAX, Gap, Gaps, OUTAGES_MAX, SentAfter, SessionGap, SessionGaps, SessionOutage,
    SessionReturn,
};
pub use histogram::{Histogram, HistogramError};
pub use interruptions::{ByClass, FaultTimes, Interruptions};
pub use interval_log::{interval_log, tagged_interval_log};
pub use op_record::{OpRecord, ServerRecord, ServerRun, Throttled};
pub use recorder::{IntervalPart, Layout, Parts, Recorder, WholeRun};
pub use recording::{
    DiskState, DriverThread, EVENTS_MAX, EXAMPLES_MAX, Interval, Recording, ServerLog, Verified,
};
pub use sample::{Outcome, Sample, Unsent};
pub use timeline::Timeline;
