//! Reads the resources that a process has used from `/proc`.

use procfs::process::Process;
use rustix::param::clock_ticks_per_second;

/// The resources that a process has used since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Clock ticks between boot and the start of the process. Distinguishes processes with the same pid.
    started: u64,
    /// Processor time of all threads, user and system, in clock ticks.
    cpu_ticks: u64,
    /// Bytes that the process caused to be written to the disk. `None` if the kernel does not provide them.
    written_bytes: Option<u64>,
}

/// The resources that a process used between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Used {
    /// Processor time in seconds.
    pub(super) cpu_s: f64,
    /// Bytes that the process caused to be written to the disk. `None` if the kernel does not provide them.
    pub(super) disk_written_bytes: Option<u64>,
}

impl Usage {
    /// Reads the usage of the process `pid`, or returns `None` if there is no such process. A zombie still
    /// has its usage.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let process = Process::new(i32::try_from(pid).ok()?).ok()?;
        let stat = process.stat().ok()?;
        Some(Self {
            started: stat.starttime,
            cpu_ticks: stat.utime.checked_add(stat.stime)?,
            written_bytes: process.io().ok().map(|io| io.write_bytes),
        })
    }

    /// Returns the usage since `earlier`, or `None` if `earlier` is of another process.
    pub(super) fn since(&self, earlier: &Self) -> Option<Used> {
        self.since_at(earlier, clock_ticks_per_second())
    }

    fn since_at(&self, earlier: &Self, ticks_per_s: u64) -> Option<Used> {
        if self.started != earlier.started || ticks_per_s == 0 {
            return None;
        }
        let ticks = self.cpu_ticks.checked_sub(earlier.cpu_ticks)?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 ticks")]
        let cpu_s = ticks as f64 / ticks_per_s as f64;
        let written = self.written_bytes.zip(earlier.written_bytes);
        Some(Used {
            cpu_s,
            disk_written_bytes: written.and_then(|(now, then)| now.checked_sub(then)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_the_difference_of_two_readings_of_the_same_process() {
        let before = Usage {
            started: 4_242,
            cpu_ticks: 175,
            written_bytes: Some(4_096),
        };
        let after = Usage {
            cpu_ticks: 425,
            written_bytes: Some(5_096),
            ..before
        };
        let used = after.since_at(&before, 100).unwrap();
        assert!((used.cpu_s - 2.5).abs() < 1e-9, "{used:?}");
        assert_eq!(used.disk_written_bytes, Some(1_000));
        let other = Usage {
            started: before.started + 1,
            ..after
        };
        assert_eq!(other.since_at(&before, 100), None);
        let silent = Usage {
            written_bytes: None,
            ..after
        };
        let used = silent.since_at(&before, 100).unwrap();
        assert_eq!(used.disk_written_bytes, None);
    }

    #[test]
    fn a_running_process_has_a_usage_and_a_missing_one_has_none() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.started > 0);
        assert!(usage.since(&usage).unwrap().cpu_s.abs() < f64::EPSILON);
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
