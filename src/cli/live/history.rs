//! The latest throughputs of a run, which the view shows as bars.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use super::sparkline::sparkline;
use crate::load::Progress;

/// Maximum number of values. The driver reports four per second, so these are the values of a minute.
const VALUES_MAX: usize = 240;

#[derive(Debug, Default)]
pub(super) struct History {
    all: VecDeque<f64>,
    /// By the index of the operation.
    ops: Vec<VecDeque<f64>>,
}

impl History {
    pub(super) fn push(&mut self, progress: &Progress) {
        push(&mut self.all, progress.throughput_per_s);
        self.ops.resize_with(progress.ops.len(), VecDeque::new);
        for (values, op) in self.ops.iter_mut().zip(&progress.ops) {
            push(values, op.throughput_per_s);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the bars of the total throughput.
    pub(super) fn of_all(&self, columns: usize) -> String {
        bars(&self.all, columns)
    }

    /// Returns the bars of the operation with index `op`.
    pub(super) fn of_op(&self, op: usize, columns: usize) -> String {
        self.ops
            .get(op)
            .map_or_else(String::new, |values| bars(values, columns))
    }
}

fn push(values: &mut VecDeque<f64>, value: f64) {
    if values.len() == VALUES_MAX {
        values.pop_front();
    }
    values.push_back(value);
}

fn bars(values: &VecDeque<f64>, columns: usize) -> String {
    let values: Vec<f64> = values.iter().copied().collect();
    sparkline(&values, columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{OpProgress, Phase};
    use std::time::Duration;

    fn progress(all: f64, op: f64) -> Progress {
        Progress {
            throughput_per_s: all,
            ops: vec![OpProgress {
                throughput_per_s: op,
                ..OpProgress::default()
            }],
            ..Progress::start_of(Phase::Measure, Duration::ZERO)
        }
    }

    #[test]
    fn the_total_and_each_operation_have_their_own_bars() {
        let mut history = History::default();
        history.push(&progress(8.0, 4.0));
        history.push(&progress(4.0, 4.0));
        assert_eq!(history.of_all(5), "█▄");
        assert_eq!(history.of_op(0, 5), "██");
        assert_eq!(history.of_op(1, 5), "", "no such operation");
        history.clear();
        assert_eq!(history.of_all(5), "");
    }

    #[test]
    fn old_values_are_dropped() {
        let mut history = History::default();
        history.push(&progress(800.0, 1.0));
        (0..VALUES_MAX).for_each(|_| history.push(&progress(1.0, 1.0)));
        assert_eq!(history.of_all(500), "█".repeat(VALUES_MAX));
    }
}
