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

/// The resources that the processes of a server have used since its first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerUsage {
    /// The processes that have ended.
    pub(super) ended: EndedUsage,
    /// The process that runs, if there is one.
    pub(super) current: Option<Usage>,
}

/// The resources that the ended processes of a server used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndedUsage {
    cpu_ticks: u64,
    /// Bytes written to the disk. `None` if they are unknown for any of the processes.
    written_bytes: Option<u64>,
}

impl Default for EndedUsage {
    fn default() -> Self {
        Self {
            cpu_ticks: 0,
            written_bytes: Some(0),
        }
    }
}

impl EndedUsage {
    /// Adds a process that has ended. Returns `None` if the sum is too large.
    pub(super) fn plus(self, process: &Usage) -> Option<Self> {
        let written = self.written_bytes.zip(process.written_bytes);
        Some(Self {
            cpu_ticks: self.cpu_ticks.checked_add(process.cpu_ticks)?,
            written_bytes: written.and_then(|(sum, more)| sum.checked_add(more)),
        })
    }
}

impl ServerUsage {
    /// Returns the usage since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Option<Used> {
        let (now, then) = (self.total()?, earlier.total()?);
        let ticks = now.cpu_ticks.checked_sub(then.cpu_ticks)?;
        let written = now.written_bytes.zip(then.written_bytes);
        Some(Used {
            cpu_s: seconds(ticks, clock_ticks_per_second())?,
            disk_written_bytes: written.and_then(|(now, then)| now.checked_sub(then)),
        })
    }

    /// Whether the process is the same one as in `earlier`.
    pub(super) fn is_same_process(&self, earlier: &Self) -> bool {
        let started = |usage: &Self| usage.current.map(|process| process.started);
        started(self).is_some() && started(self) == started(earlier)
    }

    fn total(&self) -> Option<EndedUsage> {
        match &self.current {
            Some(process) => self.ended.plus(process),
            None => Some(self.ended),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 ticks")]
fn seconds(ticks: u64, ticks_per_s: u64) -> Option<f64> {
    (ticks_per_s > 0).then(|| ticks as f64 / ticks_per_s as f64)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(started: u64, cpu_ticks: u64, written_bytes: Option<u64>) -> Usage {
        Usage {
            started,
            cpu_ticks,
            written_bytes,
        }
    }

    fn server(ended: EndedUsage, current: Option<Usage>) -> ServerUsage {
        ServerUsage { ended, current }
    }

    #[test]
    fn the_usage_of_a_restarted_server_includes_its_earlier_process() {
        let ticks_per_s = clock_ticks_per_second();
        let none = EndedUsage::default();
        let before = server(none, Some(process(7, ticks_per_s, Some(4_096))));
        let ended = none
            .plus(&process(7, 3 * ticks_per_s, Some(5_096)))
            .unwrap();
        let down = server(ended, None);
        let used = down.since(&before).unwrap();
        assert!((used.cpu_s - 2.0).abs() < 1e-9, "{used:?}");
        assert_eq!(used.disk_written_bytes, Some(1_000));
        let restarted = server(ended, Some(process(9, ticks_per_s, Some(10))));
        let used = restarted.since(&before).unwrap();
        assert!((used.cpu_s - 3.0).abs() < 1e-9, "{used:?}");
        assert_eq!(used.disk_written_bytes, Some(1_010));
        assert!(!restarted.is_same_process(&before));
        assert!(before.is_same_process(&before));
        assert!(!down.is_same_process(&down));
    }

    #[test]
    fn unknown_bytes_of_one_process_make_the_sum_unknown() {
        let ended = EndedUsage::default().plus(&process(7, 1, None)).unwrap();
        let before = server(EndedUsage::default(), Some(process(7, 0, None)));
        let after = server(ended, Some(process(9, 1, Some(1))));
        assert_eq!(after.since(&before).unwrap().disk_written_bytes, None);
    }

    #[test]
    fn a_running_process_has_a_usage_and_a_missing_one_has_none() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.started > 0);
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
