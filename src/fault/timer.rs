//! Wakes connections at their due times. One timerfd serves all of them: tokio's own timers have a resolution
//! of a millisecond.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Waker;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// Returns the current time of `CLOCK_MONOTONIC` in nanoseconds, which is the driver's clock too.
pub(super) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + nanos.unwrap_or(0)
}

#[derive(Debug)]
pub(super) struct Timer {
    fd: AsyncFd<OwnedFd>,
    due: RefCell<BinaryHeap<Reverse<Due>>>,
    /// Time at which the timerfd fires next. `u64::MAX` if it is not armed.
    armed_ns: Cell<u64>,
}

#[derive(Debug)]
struct Due {
    at_ns: u64,
    waker: Waker,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ns.cmp(&other.at_ns)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at_ns == other.at_ns
    }
}

impl Eq for Due {}

impl Timer {
    /// Creates the timer. Call it in a runtime, and run [`Timer::run`] there.
    ///
    /// # Errors
    /// If the kernel gives no timerfd.
    pub(super) fn new() -> io::Result<Rc<Self>> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor cannot be called safely, because a type could close its descriptor early; this one cannot"
        )]
        let fd = AsyncFd::new(fd)?;
        Ok(Rc::new(Self {
            fd,
            due: RefCell::default(),
            armed_ns: Cell::new(u64::MAX),
        }))
    }

    /// Wakes `waker` at `at_ns`, or at once if that has passed.
    pub(super) fn wake_at(&self, at_ns: u64, waker: &Waker) {
        self.due.borrow_mut().push(Reverse(Due {
            at_ns,
            waker: waker.clone(),
        }));
        if at_ns < self.armed_ns.get() {
            self.arm(at_ns, waker);
        }
    }

    /// Wakes connections until the process ends.
    ///
    /// # Errors
    /// If the timerfd cannot be read.
    pub(super) async fn run(&self) -> io::Result<()> {
        loop {
            let mut ready = self.fd.readable().await?;
            let mut expirations = [0; 8];
            match rustix::io::read(self.fd.get_ref(), &mut expirations) {
                Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
            // An expiration since the call to `readable` stays noted.
            ready.clear_ready();
            drop(ready);
            self.wake_due();
        }
    }

    fn wake_due(&self) {
        let mut due = self.due.borrow_mut();
        let now = now_ns();
        while let Some(Reverse(first)) = due.peek() {
            if first.at_ns > now {
                break;
            }
            if let Some(Reverse(first)) = due.pop() {
                first.waker.wake();
            }
        }
        let next = due
            .peek()
            .map(|Reverse(next)| (next.at_ns, next.waker.clone()));
        drop(due);
        self.armed_ns.set(u64::MAX);
        if let Some((at_ns, waker)) = next {
            self.arm(at_ns, &waker);
        }
    }

    fn arm(&self, at_ns: u64, waker: &Waker) {
        let at = Timespec {
            tv_sec: i64::try_from(at_ns / 1_000_000_000).unwrap_or(i64::MAX),
            // At least one: a time of zero would disarm the timer.
            tv_nsec: i64::try_from(at_ns % 1_000_000_000).unwrap_or(0).max(1),
        };
        let spec = Itimerspec {
            it_interval: Timespec::default(),
            it_value: at,
        };
        match timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &spec) {
            Ok(_before) => self.armed_ns.set(at_ns),
            // Only an invalid time is refused. The connection then looks at the clock again.
            Err(_refused) => waker.wake_by_ref(),
        }
    }
}
