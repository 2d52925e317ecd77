//! Response times of the latest interval, for the display.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::{Histogram, Parts};

/// Collects the response times of one interval and holds the percentiles that are displayed.
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// Index of the interval; `None` outside the measured phase.
    index: Option<u32>,
    /// Histograms from the workers, per operation index. They are merged only for the display,
    /// because there may be many intervals per second.
    ops: Vec<Vec<Histogram>>,
    shown: Shown,
}

/// Median and 99th percentile.
type Percentiles = Option<[f64; 2]>;

/// The percentiles on display. They stay until newer ones replace them.
#[derive(Debug, Default)]
struct Shown {
    all: Percentiles,
    /// Per operation index.
    ops: Vec<Percentiles>,
}

impl Latest {
    /// Adds the histograms of the interval that one worker has just completed.
    pub(super) fn add(&mut self, parts: &Parts) {
        // The first part belongs to that interval. The others belong to earlier ones.
        let index = parts.intervals.first().map(|part| part.index);
        if index.is_none() || index != self.index {
            self.index = index;
            self.ops.iter_mut().for_each(Vec::clear);
        }
        for (op, response) in parts.warm_up.iter().enumerate() {
            self.keep(op, response);
        }
        for part in &parts.intervals {
            for (op, record) in part.ops.iter().enumerate() {
                self.keep(op, &record.response);
            }
        }
    }

    fn keep(&mut self, op: usize, response: &Histogram) {
        if response.is_empty() {
            return;
        }
        if self.ops.len() <= op {
            self.ops.resize_with(op + 1, Vec::new);
        }
        self.ops[op].push(response.clone());
    }

    /// Computes the percentiles to display.
    pub(super) fn refresh(&mut self) {
        let mut all = Histogram::new();
        self.shown.ops.resize(self.ops.len(), None);
        for (shown, parts) in self.shown.ops.iter_mut().zip(&self.ops) {
            if parts.is_empty() {
                continue;
            }
            let mut op = Histogram::new();
            parts.iter().for_each(|part| op.merge(part));
            all.merge(&op);
            *shown = percentiles(&op);
        }
        self.shown.all = percentiles(&all).or(self.shown.all);
    }

    /// Returns the percentiles over all operations.
    pub(super) fn all(&self) -> Percentiles {
        self.shown.all
    }

    /// Returns the percentiles of one operation index.
    pub(super) fn op(&self, op: usize) -> Percentiles {
        self.shown.ops.get(op).copied().flatten()
    }
}

fn percentiles(histogram: &Histogram) -> Percentiles {
    histogram.quantiles_us([0.5, 0.99])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{IntervalPart, OpRecord};

    fn histogram(ms: u64) -> Histogram {
        let mut histogram = Histogram::new();
        histogram.record_ns(ms * 1_000_000);
        histogram
    }

    fn part(index: u32, ms: &[Option<u64>]) -> IntervalPart {
        let ops = ms.iter().map(|ms| OpRecord {
            response: ms.map_or_else(Histogram::new, histogram),
            ..OpRecord::default()
        });
        IntervalPart {
            index,
            ops: ops.collect(),
        }
    }

    fn ms(percentiles: Percentiles) -> Option<u64> {
        let [_, p99_us] = percentiles?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few milliseconds"
        )]
        Some((p99_us / 1_000.0).round() as u64)
    }

    #[test]
    fn workers_add_to_the_same_interval_and_the_next_interval_starts_empty() {
        let mut latest = Latest::default();
        let intervals = |part| Parts {
            intervals: vec![part],
            ..Parts::default()
        };
        latest.add(&intervals(part(0, &[Some(10), None])));
        latest.add(&intervals(part(0, &[Some(5), Some(20)])));
        assert_eq!(
            ms(latest.all()),
            None,
            "only refresh changes the percentiles"
        );
        latest.refresh();
        assert_eq!(ms(latest.op(0)), Some(10));
        assert_eq!((ms(latest.op(1)), ms(latest.all())), (Some(20), Some(20)));
        latest.add(&intervals(part(1, &[Some(3), None])));
        latest.refresh();
        assert_eq!((ms(latest.op(0)), ms(latest.all())), (Some(3), Some(3)));
        assert_eq!(ms(latest.op(1)), Some(20), "the last percentiles stay");
        assert_eq!(ms(latest.op(7)), None);
    }

    #[test]
    fn the_warm_up_has_percentiles_too() {
        let mut latest = Latest::default();
        latest.add(&Parts {
            warm_up: vec![histogram(4), histogram(8)],
            ..Parts::default()
        });
        latest.refresh();
        assert_eq!((ms(latest.op(0)), ms(latest.op(1))), (Some(4), Some(8)));
    }
}
