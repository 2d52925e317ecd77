//! Limits of all values in a workload. A typing error then leads to an error message instead of a
//! machine without free memory.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::RangeInclusive;

/// Length of a workload file in bytes.
pub(super) const FILE_BYTES: u64 = 1 << 20;
/// Length of the name in characters.
pub(super) const NAME_CHARS: usize = 64;
/// Length of `why` in characters.
pub(super) const WHY_CHARS: usize = 2_000;

pub(super) const VOTERS: RangeInclusive<u64> = 1..=31;
pub(super) const OBSERVERS: RangeInclusive<u64> = 0..=64;
pub(super) const TICK_MS: RangeInclusive<u64> = 10..=60_000;
pub(super) const LIMIT_TICKS: RangeInclusive<u64> = 1..=10_000;
/// Length of the options of a Java virtual machine in characters.
pub(super) const JVM_FLAGS_CHARS: usize = 1_000;
/// Share of one core. The kernel's shortest quota (1 ms) and longest period (1 s) set the minimum.
pub(super) const CPU_SHARE: RangeInclusive<f64> = 0.001..=256.0;
pub(super) const HEAP_BYTES: RangeInclusive<u64> = 64 << 20..=64 << 30;

/// Delay and jitter of one way of a connection.
pub(super) const DELAY_US: RangeInclusive<u64> = 0..=10_000_000;
/// The lowest rate carries a small request in a second.
pub(super) const LINK_BYTES_PER_S: RangeInclusive<u64> = 100..=100_000_000_000;

/// Entries in a list of sizes.
pub(super) const SIZES: usize = 64;

pub(super) const SESSIONS: RangeInclusive<u64> = 1..=100_000;
pub(super) const THREADS: RangeInclusive<u64> = 1..=256;
/// Operations per second. The lowest rate is one operation in 100 seconds.
pub(super) const RATE_PER_S: RangeInclusive<f64> = 0.01..=10_000_000.0;
pub(super) const PHASES: usize = 1_000;
pub(super) const IN_FLIGHT: RangeInclusive<u64> = 1..=65_536;
/// Operations in flight over all sessions. Each needs memory in the driver.
pub(super) const IN_FLIGHT_TOTAL: u64 = 10_000_000;
pub(super) const WARM_UP_MS: RangeInclusive<u64> = 0..=3_600_000;
pub(super) const DURATION_MS: RangeInclusive<u64> = 100..=7 * 86_400_000;
pub(super) const PHASE_MS: RangeInclusive<u64> = 1..=7 * 86_400_000;
pub(super) const DRAIN_MS: RangeInclusive<u64> = 0..=600_000;
pub(super) const REPEATS: RangeInclusive<u64> = 1..=1_000;
pub(super) const INTERVAL_MS: RangeInclusive<u64> = 10..=3_600_000;
/// Recording intervals of one run. Each has histograms.
pub(super) const INTERVALS: u64 = 100_000;
pub(super) const SESSION_TIMEOUT_MS: RangeInclusive<u64> = 100..=3_600_000;
pub(super) const OPERATION_TIMEOUT_MS: RangeInclusive<u64> = 10..=600_000;
pub(super) const RECONNECT_MS: RangeInclusive<u64> = 1..=600_000;
pub(super) const RECONNECT_GROWTH: RangeInclusive<f64> = 1.0..=100.0;
pub(super) const RECONNECT_JITTER: RangeInclusive<f64> = 0.0..=1.0;

pub(super) const RATIO: RangeInclusive<f64> = 0.0..=1.0;

/// Values of one axis of an experiment.
pub(super) const AXIS_VALUES: usize = 100;
pub(super) const CELLS: usize = 500;
/// Runs of one target: cells times rounds.
pub(super) const RUNS: u64 = 10_000;
pub(super) const ROUNDS: RangeInclusive<u64> = 1..=1_000;
pub(super) const CASES: usize = 100;
pub(super) const FIGURES: usize = 50;
/// Length of the name of a case and of the title of a figure in characters.
pub(super) const CASE_CHARS: usize = 60;
pub(super) const TITLE_CHARS: usize = 200;
pub(super) const PRECISION: RangeInclusive<f64> = 0.005..=1.0;
pub(super) const SEARCH_RUNS: RangeInclusive<u64> = 1..=1_000;

pub(super) const OPS: usize = 64;
pub(super) const LABEL_CHARS: usize = 32;
pub(super) const WEIGHT: RangeInclusive<u64> = 0..=1_000_000;
pub(super) const ZIPF: RangeInclusive<f64> = 0.01..=10.0;

pub(super) const GATE_MS: RangeInclusive<f64> = 0.001..=3_600_000.0;
pub(super) const GATE_RATIO: RangeInclusive<f64> = 0.0..=1.0;
pub(super) const GATE_PER_S: RangeInclusive<f64> = 0.01..=1_000_000_000.0;
pub(super) const GATE_LOST: RangeInclusive<u64> = 0..=1_000_000_000;

pub(super) const FAULTS: usize = 100;
/// Length of a fault in milliseconds.
pub(super) const FAULT_MS: RangeInclusive<u64> = 1..=7 * 86_400_000;
