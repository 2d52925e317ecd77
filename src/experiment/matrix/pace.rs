//! Estimates the time that an experiment still needs. The estimates of the runs are corrected by the time
//! that the finished runs took.

use std::time::{Duration, Instant};

use super::super::estimate::cell_time;
use super::{Matrix, MatrixRun};
use crate::result::ExperimentIndex;

pub(super) struct Pace<'a> {
    matrix: &'a Matrix<'a>,
    began: Instant,
    /// Estimated time of the runs that were measured since `began`.
    measured: Duration,
    /// Estimated time of the runs that are still to measure.
    remaining: Duration,
}

impl<'a> Pace<'a> {
    pub(super) fn new(matrix: &'a Matrix<'a>, runs: &[MatrixRun], index: &ExperimentIndex) -> Self {
        let missing = runs.iter().filter(|run| !matrix.is_done(index, **run));
        Self {
            matrix,
            began: Instant::now(),
            measured: Duration::ZERO,
            remaining: missing.map(|run| matrix.time_of(*run)).sum(),
        }
    }

    /// Notes that a run has ended.
    pub(super) fn passed(&mut self, run: MatrixRun) {
        let time = self.matrix.time_of(run);
        self.measured += time;
        self.remaining = self.remaining.saturating_sub(time);
    }

    pub(super) fn left(&self) -> Duration {
        corrected(self.remaining, self.measured, self.began.elapsed())
    }
}

/// Returns `remaining` times the factor by which the measured runs took longer than estimated.
fn corrected(remaining: Duration, estimated: Duration, taken: Duration) -> Duration {
    /// Bounds of the factor. The first runs say little about the others.
    const FACTOR_MIN: f64 = 0.2;
    const FACTOR_MAX: f64 = 5.0;
    if estimated.is_zero() {
        return remaining;
    }
    let factor = taken.as_secs_f64() / estimated.as_secs_f64();
    remaining.mul_f64(factor.clamp(FACTOR_MIN, FACTOR_MAX))
}

impl Matrix<'_> {
    fn time_of(&self, run: MatrixRun) -> Duration {
        cell_time(&self.experiment.cells[run.cell], &self.targets[run.target])
    }

    /// Estimates how long the runs take that `index` does not have as finished; all runs without an index.
    #[must_use]
    pub fn expected_time(&self, index: Option<&ExperimentIndex>) -> Duration {
        let runs = self.runs().into_iter();
        let missing = runs.filter(|run| index.is_none_or(|index| !self.is_done(index, *run)));
        missing.map(|run| self.time_of(run)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_follows_the_time_of_the_finished_runs() {
        let s = Duration::from_secs;
        assert_eq!(corrected(s(100), s(0), s(3)), s(100));
        assert_eq!(corrected(s(100), s(10), s(15)), s(150));
        assert_eq!(corrected(s(100), s(1), s(60)), s(500));
        assert_eq!(corrected(s(100), s(10), s(1)), s(20));
    }
}
