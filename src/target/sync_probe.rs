//! Waits until the disk with the servers' data has settled, so that data that one run left in the write-back
//! queue does not slow down the next run.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::DiskState;

/// Number of syncs of one measurement.
const SYNCS: usize = 20;
/// Size of each write. It is the size of a small transaction.
const WRITE_BYTES: usize = 1_024;
/// No sync of a measurement begins later than this.
const MEASURE_MAX: Duration = Duration::from_secs(2);
/// The disk has settled when a sync takes at most `BASELINE_FACTOR` times the baseline plus
/// `TOLERANCE_US`.
const BASELINE_FACTOR: f64 = 1.5;
/// Allowance for the normal variation of a fast disk, in microseconds.
const TOLERANCE_US: f64 = 50.0;
/// Maximum time to wait for the disk.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Pause between two measurements.
const REST: Duration = Duration::from_millis(250);

/// Measures the duration of syncs in a folder and compares it with a baseline.
#[derive(Clone, Debug)]
pub struct SyncProbe {
    dir: PathBuf,
    baseline_us: f64,
}

impl SyncProbe {
    /// Measures the baseline in `dir`. Call it before anything that uses the disk is started.
    ///
    /// # Errors
    /// If a file cannot be written and synced in `dir`.
    pub fn new(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            baseline_us: median_us(dir)?,
        })
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until a sync is about as fast as the baseline, for at most 30 seconds or until `stop` becomes
    /// true. `waits` is called once if the disk has not settled at the first measurement.
    ///
    /// # Errors
    /// If a file cannot be written and synced.
    pub fn settle(&self, stop: &AtomicBool, waits: &dyn Fn()) -> io::Result<DiskState> {
        let began = Instant::now();
        let mut rested = false;
        self.settle_with(
            || median_us(&self.dir),
            || {
                if !std::mem::replace(&mut rested, true) {
                    waits();
                }
                // The interrupt handler that sets `stop` cannot wake this thread, so the pause is short.
                thread::park_timeout(REST);
                began.elapsed()
            },
            stop,
        )
    }

    /// The loop of [`SyncProbe::settle`]. `measure` returns the median duration of a sync in microseconds.
    /// `rest` pauses and returns the time since the beginning.
    fn settle_with(
        &self,
        mut measure: impl FnMut() -> io::Result<f64>,
        mut rest: impl FnMut() -> Duration,
        stop: &AtomicBool,
    ) -> io::Result<DiskState> {
        let mut waited = Duration::ZERO;
        loop {
            let before_us = measure()?;
            let settled = before_us <= BASELINE_FACTOR * self.baseline_us + TOLERANCE_US;
            if settled || waited >= SETTLE_MAX || stop.load(Ordering::Relaxed) {
                return Ok(DiskState {
                    baseline_us: self.baseline_us,
                    before_us,
                    waited_s: waited.as_secs_f64(),
                    settled,
                });
            }
            waited = rest();
        }
    }
}

/// Returns the median duration of a write of 1 KiB with `fdatasync`, in microseconds.
fn median_us(dir: &Path) -> io::Result<f64> {
    let path = dir.join(format!(".quorate-sync-{}", std::process::id()));
    let times = times_us(&path);
    let removed = fs::remove_file(&path);
    let mut times = times?;
    removed?;
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len() / 2).copied();
    middle.ok_or_else(|| io::Error::other("no sync was timed"))
}

fn times_us(path: &Path) -> io::Result<Vec<f64>> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    let block = [b'q'; WRITE_BYTES];
    // The first write also allocates blocks, so it is not timed.
    file.write_all(&block)?;
    file.sync_data()?;
    let began = Instant::now();
    let mut times = Vec::with_capacity(SYNCS);
    while times.len() < SYNCS && (times.is_empty() || began.elapsed() < MEASURE_MAX) {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(baseline_us: f64) -> SyncProbe {
        SyncProbe {
            dir: PathBuf::new(),
            baseline_us,
        }
    }

    /// Runs `settle_with` with measurements that return `medians` in order and then repeat the last one, with
    /// simulated pauses of 250 ms. Returns the state and the number of measurements.
    fn settled(baseline_us: f64, medians: &[f64], stop: bool) -> (DiskState, usize) {
        let mut measurements = 0;
        let mut rests = 0;
        let state = probe(baseline_us).settle_with(
            || {
                let median = medians[measurements.min(medians.len() - 1)];
                measurements += 1;
                Ok(median)
            },
            || {
                rests += 1;
                REST * rests
            },
            &AtomicBool::new(stop),
        );
        (state.unwrap(), measurements)
    }

    #[test]
    fn a_settled_disk_causes_no_wait() {
        let (state, measurements) = settled(100.0, &[200.0], false);
        assert!(state.settled, "1.5 times the baseline plus 50 us");
        assert_eq!((state.waited_s, measurements), (0.0, 1));
        assert!(!settled(100.0, &[201.0], true).0.settled);
    }

    #[test]
    fn the_wait_ends_when_a_busy_disk_has_settled() {
        let (state, measurements) = settled(100.0, &[900.0, 300.0, 120.0], false);
        assert!(state.settled);
        assert_eq!((state.before_us, state.waited_s), (120.0, 0.5));
        assert_eq!(measurements, 3);
    }

    #[test]
    fn the_wait_for_a_busy_disk_ends_after_30_seconds() {
        let (state, measurements) = settled(100.0, &[900.0], false);
        assert!(!state.settled);
        assert_eq!((state.before_us, state.waited_s), (900.0, 30.0));
        assert_eq!(measurements, 121);
    }

    #[test]
    fn an_interrupt_ends_the_wait() {
        let (state, measurements) = settled(100.0, &[900.0], true);
        assert!(!state.settled);
        assert_eq!(measurements, 1);
    }

    #[test]
    fn a_probe_leaves_no_file_behind() {
        let dir = tempfile::tempdir().unwrap();
        let probe = SyncProbe::new(dir.path()).unwrap();
        assert!(probe.baseline_us > 0.0);
        // `stop` is set, so `settle` measures once, whatever the state of the disk.
        let state = probe.settle(&AtomicBool::new(true), &|| {}).unwrap();
        assert!(state.before_us > 0.0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(SyncProbe::new(Path::new("/nonexistent/folder")).is_err());
    }
}
