//! The time of all processors of this machine: how much of it was not idle, and how much the hypervisor gave to
//! other virtual machines while this one had work to do.
//!
//! When the host pauses a virtual machine, the pause shows up as response time, although neither
//! the server nor the driver was slow. The kernel counts such time as *steal*.

use procfs::{CpuTime, CurrentSI as _, KernelStats};

use super::clock::now_ns;

/// Minimum time between two reads. The kernel counts in ticks of 10 ms.
const LOOK_NS: i64 = 200_000_000;

/// Sums from `/proc/stat` over all processors, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    stolen: u64,
    /// Idle, also while a disk works.
    idle: u64,
}

/// The first and the last reading in the measured phase.
#[derive(Debug, Default)]
pub(super) struct Processors {
    looked_ns: Option<i64>,
    first: Option<Ticks>,
    last: Option<Ticks>,
}

impl Processors {
    /// Reads the counters if a reading is due. Call it during the measured phase only.
    pub(super) fn look(&mut self) {
        let now = now_ns();
        if self.looked_ns.is_some_and(|at| now - at < LOOK_NS) {
            return;
        }
        self.looked_ns = Some(now);
        self.last = KernelStats::current()
            .ok()
            .and_then(|stats| ticks(&stats.total));
        self.first = self.first.or(self.last);
    }

    /// Returns the stolen share of all processors' time, 0 to 1. `None` if the kernel does not
    /// report it or the phase was too short for two readings.
    pub(super) fn stolen(&self) -> Option<f64> {
        self.share(|ticks| ticks.stolen)
    }

    /// Returns the share of all processors' time that was not idle, 0 to 1. Stolen time counts as not idle, because
    /// there was work to do. `None` as in [`Processors::stolen`].
    pub(super) fn busy(&self) -> Option<f64> {
        self.share(|ticks| ticks.idle).map(|idle| 1.0 - idle)
    }

    fn share(&self, part: fn(&Ticks) -> u64) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let all = last.all.checked_sub(first.all).filter(|all| *all > 0)?;
        let part = part(&last).saturating_sub(part(&first));
        #[expect(
            clippy::cast_precision_loss,
            reason = "ticks of a run are far below 2^53"
        )]
        let share = part as f64 / all as f64;
        Some(share.min(1.0))
    }
}

/// User time already includes guest time.
fn ticks(total: &CpuTime) -> Option<Ticks> {
    let stolen = total.steal?;
    let later = [total.iowait, total.irq, total.softirq];
    let all = total.user + total.nice + total.system + total.idle + stolen;
    Some(Ticks {
        all: later.into_iter().flatten().fold(all, u64::saturating_add),
        stolen,
        idle: total.idle.saturating_add(total.iowait.unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use procfs::FromBufReadSI as _;

    #[test]
    fn guest_time_is_not_counted_twice_and_missing_fields_are_none() {
        let read = |line: &str| {
            let text = format!("{line}\ncpu0 5 0 2 40 1 0 0 3 4 4\nctxt 1\nbtime 1\nprocesses 1\n");
            let info = procfs::LocalSystemInfo;
            KernelStats::from_buf_read(text.as_bytes(), &info).map(|stats| ticks(&stats.total))
        };
        let expected = Ticks {
            all: 107,
            stolen: 7,
            idle: 82,
        };
        let counted = read("cpu  10 1 5 80 2 1 1 7 9 9").unwrap();
        assert_eq!(counted, Some(expected));
        assert_eq!(read("cpu  10 1 5 80").unwrap(), None);
    }

    #[test]
    fn the_share_covers_the_time_between_the_first_and_the_last_reading() {
        let ticks = |all, stolen, idle| Some(Ticks { all, stolen, idle });
        let looks = |last| Processors {
            looked_ns: None,
            first: ticks(1_000, 50, 600),
            last,
        };
        let looked = looks(ticks(1_400, 70, 700));
        assert_eq!(looked.stolen(), Some(0.05));
        assert_eq!(looked.busy(), Some(0.75));
        let same = looks(ticks(1_000, 50, 600));
        assert_eq!((same.stolen(), same.busy()), (None, None));
        assert_eq!(Processors::default().stolen(), None);
    }
}
