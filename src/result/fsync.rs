//! Measures how long a sync takes on a disk. No durable write is faster.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::machine::FsyncLatency;
use crate::measure::Histogram;

/// Limit of the number of writes.
const SAMPLES_MAX: u32 = 200;
/// Limit of the time. The last write may exceed it.
const BUDGET: Duration = Duration::from_secs(2);
/// Size of a write, like a small transaction in a log.
const WRITE_BYTES: usize = 1_024;

/// Appends 1 KiB to a new file in `dir` and calls `fdatasync`, up to 200 times or for two seconds.
/// Then it removes the file.
///
/// # Errors
///
/// If the file cannot be created, written or synced.
pub fn fsync_latency(dir: &Path) -> io::Result<FsyncLatency> {
    let path = dir.join(format!(".quorate-fsync-{}", std::process::id()));
    let measured = measure(&path);
    let removed = fs::remove_file(&path);
    let histogram = measured?;
    removed?;
    match (histogram.p50_us(), histogram.p99_us()) {
        (Some(p50_us), Some(p99_us)) => Ok(FsyncLatency {
            samples: u32::try_from(histogram.count()).unwrap_or(u32::MAX),
            p50_us,
            p99_us,
        }),
        _ => Err(io::Error::other("no write was measured")),
    }
}

fn measure(path: &Path) -> io::Result<Histogram> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let block = [b'q'; WRITE_BYTES];
    let mut histogram = Histogram::new();
    let begin = Instant::now();
    // The first write also allocates blocks, so it is not counted.
    file.write_all(&block)?;
    file.sync_data()?;
    for _ in 0..SAMPLES_MAX {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        histogram.record_ns(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        if begin.elapsed() > BUDGET {
            break;
        }
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_measures_and_removes_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let latency = fsync_latency(dir.path()).unwrap();
        assert!(latency.samples >= 1);
        assert!(latency.p50_us <= latency.p99_us);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(fsync_latency(Path::new("/nonexistent/folder")).is_err());
    }
}
