//! What a process has used of the machine so far, as `/proc` tells.

use procfs::process::Process;
use rustix::param::clock_ticks_per_second;

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Clock ticks between boot and its start: another process of the same pid has another.
    started: u64,
    /// Processor time of all its threads, user and system, in clock ticks.
    cpu_ticks: u64,
    /// Bytes that it caused to be written to the disk; `None` where the kernel does not tell.
    written_bytes: Option<u64>,
}

/// What a process used between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Used {
    /// Processor time, seconds.
    pub(super) cpu_s: f64,
    /// Bytes that it caused to be written to the disk; `None` where the kernel does not tell.
    pub(super) disk_written_bytes: Option<u64>,
}

impl Usage {
    /// That of the process `pid`; `None` if there is none. One that has ended and was not waited for
    /// still tells.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let process = Process::new(i32::try_from(pid).ok()?).ok()?;
        let stat = process.stat().ok()?;
        Some(Self {
            started: stat.starttime,
            cpu_ticks: stat.utime.checked_add(stat.stime)?,
            written_bytes: process.io().ok().map(|io| io.write_bytes),
        })
    }

    /// What was used since `earlier`; `None` if that was another process.
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
    fn what_was_used_is_the_difference_of_two_readings_of_one_process() {
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
    fn this_process_tells_and_one_that_is_not_there_does_not() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.started > 0);
        assert!(usage.since(&usage).unwrap().cpu_s.abs() < f64::EPSILON);
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
