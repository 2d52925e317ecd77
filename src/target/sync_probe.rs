//! Whether the disk under the servers' data has come to rest: what one run left to be written must not
//! slow down the next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::DiskState;

/// Syncs of one look.
const SYNCS: usize = 20;
/// Size of each write: a small transaction of a log.
const WRITE_BYTES: usize = 1_024;
/// Time of one look, at most (plus one sync).
const LOOK_MAX: Duration = Duration::from_secs(2);
/// The disk is back when a sync takes at most this many times what it took at the beginning, ...
const BASELINE_FACTOR: f64 = 1.5;
/// ... and this much on top: what a fast disk varies by itself. Microseconds.
const TOLERANCE_US: f64 = 50.0;
/// How long is waited for the disk, at most.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Between two looks: the disk is left alone.
const REST: Duration = Duration::from_millis(250);

/// Times syncs in a folder, beside what they took when nothing else used the disk.
#[derive(Clone, Debug)]
pub struct SyncProbe {
    dir: PathBuf,
    baseline_us: f64,
}

impl SyncProbe {
    /// Takes the baseline in `dir`. To be called before anything that writes there is started.
    ///
    /// # Errors
    /// If no file can be written and synced there.
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

    /// Waits until syncs take what they took at the beginning, for at most 30 seconds or until `stop`
    /// becomes true, and tells what was found. `waits` is called when there is something to wait for.
    ///
    /// # Errors
    /// If no file can be written and synced any more.
    pub fn settle(&self, stop: &AtomicBool, waits: &dyn Fn()) -> io::Result<DiskState> {
        let began = Instant::now();
        let mut rested = false;
        self.settle_with(
            || median_us(&self.dir),
            || {
                if !std::mem::replace(&mut rested, true) {
                    waits();
                }
                // The interrupt handler that sets the flag cannot wake this thread: it looks again soon.
                thread::park_timeout(REST);
                began.elapsed()
            },
            stop,
        )
    }

    /// `look` gives the median of a sync in microseconds, `rest` lets some time pass and gives the time
    /// since the beginning.
    fn settle_with(
        &self,
        mut look: impl FnMut() -> io::Result<f64>,
        mut rest: impl FnMut() -> Duration,
        stop: &AtomicBool,
    ) -> io::Result<DiskState> {
        let mut waited = Duration::ZERO;
        loop {
            let before_us = look()?;
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

/// Median time of a write of 1 KiB with `fdatasync`, microseconds.
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
    // The first write also allocates; it is not counted.
    file.write_all(&block)?;
    file.sync_data()?;
    let began = Instant::now();
    let mut times = Vec::with_capacity(SYNCS);
    while times.len() < SYNCS && (times.is_empty() || began.elapsed() < LOOK_MAX) {
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

    /// Settles with looks that give these medians in turn (the last one again and again), a quarter of
    /// a second apart; the state, and how many looks there were.
    fn settled(baseline_us: f64, medians: &[f64], stop: bool) -> (DiskState, usize) {
        let mut looks = 0;
        let mut rests = 0;
        let state = probe(baseline_us).settle_with(
            || {
                let median = medians[looks.min(medians.len() - 1)];
                looks += 1;
                Ok(median)
            },
            || {
                rests += 1;
                REST * rests
            },
            &AtomicBool::new(stop),
        );
        (state.unwrap(), looks)
    }

    #[test]
    fn a_disk_at_rest_is_not_waited_for() {
        let (state, looks) = settled(100.0, &[200.0], false);
        assert!(state.settled, "1.5 times the baseline and 50 us");
        assert_eq!((state.waited_s, looks), (0.0, 1));
        assert!(!settled(100.0, &[201.0], true).0.settled);
    }

    #[test]
    fn a_busy_disk_is_waited_for_until_it_is_back() {
        let (state, looks) = settled(100.0, &[900.0, 300.0, 120.0], false);
        assert!(state.settled);
        assert_eq!((state.before_us, state.waited_s, looks), (120.0, 0.5, 3));
    }

    #[test]
    fn a_disk_that_stays_busy_is_told_after_half_a_minute() {
        let (state, looks) = settled(100.0, &[900.0], false);
        assert!(!state.settled);
        assert_eq!((state.before_us, state.waited_s, looks), (900.0, 30.0, 121));
    }

    #[test]
    fn an_interrupt_ends_the_wait() {
        let (state, looks) = settled(100.0, &[900.0], true);
        assert!(!state.settled);
        assert_eq!(looks, 1);
    }

    #[test]
    fn a_probe_measures_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let probe = SyncProbe::new(dir.path()).unwrap();
        assert!(probe.baseline_us > 0.0);
        // Whatever the disk does meanwhile, one look is taken.
        let state = probe.settle(&AtomicBool::new(true), &|| {}).unwrap();
        assert!(state.before_us > 0.0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(SyncProbe::new(Path::new("/nonexistent/folder")).is_err());
    }
}
