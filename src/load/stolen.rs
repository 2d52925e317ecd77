//! Processor time that the hypervisor gave to somebody else while this machine had work to do.
//!
//! A virtual machine that is paused by its host measures the pause as response time, and nothing
//! inside it shows why: neither the server nor the driver was slow. The kernel counts it as *steal*.

use super::clock::now_ns;

/// Not looked at more often than this: the kernel counts in ticks of 10 ms.
const LOOK_NS: i64 = 200_000_000;

/// The sums of one look at `/proc/stat`, in ticks, all processors together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    stolen: u64,
}

/// The first and the last look within the measured phase.
#[derive(Debug, Default)]
pub(super) struct Stolen {
    looked_ns: Option<i64>,
    first: Option<Ticks>,
    last: Option<Ticks>,
}

impl Stolen {
    /// Looks, if it is time; to be called during the measured phase only.
    pub(super) fn look(&mut self) {
        let now = now_ns();
        if self.looked_ns.is_some_and(|at| now - at < LOOK_NS) {
            return;
        }
        self.looked_ns = Some(now);
        self.last = std::fs::read_to_string("/proc/stat")
            .ok()
            .and_then(|stat| ticks(&stat));
        self.first = self.first.or(self.last);
    }

    /// Share of all processors' time, 0 to 1; `None` if the kernel does not tell, or the phase was
    /// too short for two looks.
    pub(super) fn share(&self) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let all = last.all.checked_sub(first.all).filter(|all| *all > 0)?;
        let stolen = last.stolen.saturating_sub(first.stolen);
        #[expect(
            clippy::cast_precision_loss,
            reason = "ticks of a run are far below 2^53"
        )]
        let share = stolen as f64 / all as f64;
        Some(share)
    }
}

/// The first line: `cpu  user nice system idle iowait irq softirq steal guest guest_nice`
/// (proc(5)). Guest time is within user time already.
fn ticks(stat: &str) -> Option<Ticks> {
    let numbers = stat.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<u64> = numbers
        .split_whitespace()
        .take(8)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    Some(Ticks {
        all: numbers.iter().sum(),
        stolen: *numbers.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_time_is_not_counted_twice_and_old_kernels_do_not_tell() {
        let stat = "cpu  10 1 5 80 2 1 1 7 9 9\ncpu0 5 0 2 40 1 0 0 3 4 4\n";
        assert_eq!(
            ticks(stat),
            Some(Ticks {
                all: 107,
                stolen: 7
            })
        );
        assert_eq!(ticks("cpu  10 1 5 80\n"), None);
        assert_eq!(ticks("intr 5\n"), None);
    }

    #[test]
    fn the_share_is_that_between_the_first_and_the_last_look() {
        let looks = |first: (u64, u64), last: (u64, u64)| Stolen {
            looked_ns: None,
            first: Some(Ticks {
                all: first.0,
                stolen: first.1,
            }),
            last: Some(Ticks {
                all: last.0,
                stolen: last.1,
            }),
        };
        assert_eq!(looks((1_000, 50), (1_400, 70)).share(), Some(0.05));
        assert_eq!(looks((1_000, 50), (1_000, 50)).share(), None);
        assert_eq!(Stolen::default().share(), None);
    }
}
