//! Waits with epoll for sockets and with a timer for the schedule.
//!
//! `epoll_wait` counts in milliseconds, which is too coarse for a schedule. A `timerfd` in the
//! epoll set is precise and does not need a recent kernel. A sleeping thread is woken tens of
//! microseconds late, so the timer fires a little early and the thread spins for the rest. Spinning
//! takes at most a tenth of the wall clock, because servers under test may need the same
//! processors. The null responder of a calibration always spins, so that its delay is exact.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::clock::now_ns;

/// Events taken per wait.
const EVENTS_MAX: usize = 256;
/// Key of the timer in the epoll set. All keys of links are smaller.
const TIMER_KEY: u64 = u64::MAX;
/// Longest single spin.
const SPIN_NS: i64 = 50_000;
/// Spinning takes at most one part in this many of the wall clock.
const SPIN_SHARE: i64 = 10;
/// Spinning time that may be saved up for a burst of due times.
const SPIN_CREDIT_NS: i64 = 1_000_000;
/// Sockets are always watched for reading, and for writing only while bytes wait for the socket.
const READ: EventFlags = EventFlags::IN;
const BOTH: EventFlags = EventFlags::IN.union(EventFlags::OUT);

#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    /// The key that the socket was registered with.
    pub(super) key: u64,
    /// A read returns bytes or an error.
    pub(super) readable: bool,
    /// A write succeeds or returns an error.
    pub(super) writable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spin {
    /// Briefly before a due operation, within a share of the wall clock.
    Sparing,
    /// All the time. The poller never sleeps.
    Always,
}

/// An epoll set with a timer.
pub(super) struct Poller {
    spin: Spin,
    epoll: OwnedFd,
    timer: OwnedFd,
    /// When the timer fires; `i64::MAX` while it is not set.
    armed_ns: i64,
    events: Vec<Event>,
    /// Spinning time left, and when it was last increased.
    spin_credit_ns: i64,
    credited_ns: i64,
}

impl Poller {
    pub(super) fn new(spin: Spin) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // Edge-triggered, so each expiry is reported once and needs no read.
        let edge = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER_KEY), edge)?;
        Ok(Self {
            spin,
            epoll,
            timer,
            armed_ns: i64::MAX,
            events: Vec::with_capacity(EVENTS_MAX),
            spin_credit_ns: 0,
            credited_ns: now_ns(),
        })
    }

    /// Watches a connecting socket for reading and writing.
    pub(super) fn add(&self, socket: impl AsFd, key: u64) -> io::Result<()> {
        epoll::add(&self.epoll, socket, EventData::new_u64(key), BOTH).map_err(io::Error::from)
    }

    /// Watches `source` for reading.
    pub(super) fn add_reader(&self, source: impl AsFd, key: u64) -> io::Result<()> {
        epoll::add(&self.epoll, source, EventData::new_u64(key), READ).map_err(io::Error::from)
    }

    /// Watches a socket for reading, and for writing if `writes` is set.
    pub(super) fn watch(&self, socket: impl AsFd, key: u64, writes: bool) -> io::Result<()> {
        let flags = if writes { BOTH } else { READ };
        epoll::modify(&self.epoll, socket, EventData::new_u64(key), flags).map_err(io::Error::from)
    }

    /// Waits for sockets until `until_ns`. `precise` means that an operation is due then, so the
    /// wait must not end late.
    pub(super) fn wait(&mut self, until_ns: i64, precise: bool) -> io::Result<()> {
        let now = now_ns();
        if until_ns <= now || self.spin == Spin::Always {
            return self.poll(true);
        }
        let early_ns = if precise { self.spin_allowance(now) } else { 0 };
        let sleep_until_ns = until_ns - early_ns;
        if sleep_until_ns > now {
            // A timer that fires too early stays set: the caller waits again.
            if sleep_until_ns < self.armed_ns || self.armed_ns <= now {
                self.arm(sleep_until_ns)?;
            }
            self.poll(false)?;
            if !self.events.is_empty() || early_ns == 0 {
                return Ok(());
            }
        }
        self.spin(until_ns)
    }

    /// Returns the event at `index` of the last wait.
    pub(super) fn ready(&self, index: usize) -> Option<Ready> {
        let event = self.events.get(index)?;
        let flags = event.flags; // copied because the kernel's struct is packed
        let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
        Some(Ready {
            key: event.data.u64(),
            readable: broken || flags.contains(EventFlags::IN),
            writable: broken || flags.contains(EventFlags::OUT),
        })
    }

    /// Returns how long a spin may take now; 0 when the credit is used up.
    fn spin_allowance(&mut self, now: i64) -> i64 {
        let earned = (now - self.credited_ns) / SPIN_SHARE;
        self.spin_credit_ns = (self.spin_credit_ns + earned).min(SPIN_CREDIT_NS);
        self.credited_ns = now;
        if self.spin_credit_ns >= SPIN_NS {
            SPIN_NS
        } else {
            0
        }
    }

    fn spin(&mut self, until_ns: i64) -> io::Result<()> {
        let began_ns = now_ns();
        let mut now = began_ns;
        if until_ns - now > SPIN_NS {
            return Ok(()); // the timer was set for an earlier time
        }
        while now < until_ns {
            self.poll(true)?;
            if !self.events.is_empty() {
                break;
            }
            now = now_ns();
        }
        self.spin_credit_ns -= now - began_ns;
        Ok(())
    }

    fn arm(&mut self, at_ns: i64) -> io::Result<()> {
        let at = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: at_ns / 1_000_000_000,
                tv_nsec: at_ns % 1_000_000_000,
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &at)?;
        self.armed_ns = at_ns;
        Ok(())
    }

    /// Fills `events` and leaves the timer's event out.
    fn poll(&mut self, at_once: bool) -> io::Result<()> {
        let zero = Timespec::default();
        self.events.clear();
        let found = epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            at_once.then_some(&zero),
        );
        match found {
            Ok(_) => {}
            // A signal interrupted the wait.
            Err(rustix::io::Errno::INTR) => self.events.clear(),
            Err(error) => return Err(error.into()),
        }
        self.events.retain(|event| {
            let is_timer = event.data.u64() == TIMER_KEY;
            if is_timer {
                self.armed_ns = i64::MAX;
            }
            !is_timer
        });
        Ok(())
    }
}
