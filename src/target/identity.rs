//! Which process a number means: a pid together with its start time, so that a recycled pid is never
//! taken for the process that once had it, and never killed.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::time::Duration;

use procfs::process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process; no other process of this boot has the same identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// Process id.
    pub pid: u32,
    /// Clock ticks between boot and the start of the process.
    pub started: u64,
}

impl ProcessIdentity {
    /// The process that has `pid` now; `None` if there is none, or it has ended and only waits for its
    /// parent.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
        let started = stat.starttime;
        (!matches!(stat.state, 'Z' | 'X')).then_some(Self { pid, started })
    }

    /// This process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, started: 0 })
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends `signal` if it still runs, and waits until it has ended or `timeout` has passed;
    /// returns whether it has ended.
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn end(self, signal: Signal, timeout: Duration) -> io::Result<bool> {
        let Some(fd) = self.open()? else {
            return Ok(true);
        };
        match pidfd_send_signal(&fd, signal) {
            Err(rustix::io::Errno::SRCH) => return Ok(true),
            sent => sent?,
        }
        await_end(&fd, timeout)
    }

    /// Waits until it has ended or `timeout` has passed; returns whether it has ended.
    ///
    /// # Errors
    /// If the kernel does not let it be watched.
    pub fn wait(self, timeout: Duration) -> io::Result<bool> {
        self.open()?.map_or(Ok(true), |fd| await_end(&fd, timeout))
    }

    /// A handle that keeps meaning this process; `None` if it has ended.
    fn open(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        let fd = match pidfd_open(pid, PidfdFlags::empty()) {
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            fd => fd?,
        };
        // Looked at after opening: if the pid still means this process now, the handle does.
        Ok(self.is_alive().then_some(fd))
    }
}

impl fmt::Display for ProcessIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.pid, self.started)
    }
}

impl FromStr for ProcessIdentity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (pid, started) = text.split_once('-').ok_or(())?;
        Ok(Self {
            pid: pid.parse().map_err(|_not_a_number| ())?,
            started: started.parse().map_err(|_not_a_number| ())?,
        })
    }
}

/// A process's handle becomes readable when the process ends.
fn await_end(fd: &OwnedFd, timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    loop {
        match poll(&mut fds, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Resident memory of a process, bytes.
#[must_use]
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = Process::new(i32::try_from(pid).ok()?).ok()?.status().ok()?;
    status.vmrss?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_and_ends_when_told() {
        let mut child = Command::new("sleep")
            .arg("600")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        assert!(identity.is_alive());
        assert_eq!(identity.to_string().parse(), Ok(identity));
        let recycled = ProcessIdentity {
            started: identity.started + 1,
            ..identity
        };
        assert!(!recycled.is_alive());
        assert!(recycled.end(Signal::KILL, Duration::ZERO).unwrap());
        assert!(identity.is_alive(), "a recycled pid must not be killed");
        assert!(identity.end(Signal::TERM, Duration::from_secs(60)).unwrap());
        // Not yet waited for: a zombie counts as ended.
        assert!(!identity.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn this_process_lives_and_has_memory() {
        assert!(ProcessIdentity::of_this_process().is_alive());
        assert!(resident_bytes(std::process::id()).unwrap() > 0);
        assert_eq!(resident_bytes(u32::MAX), None);
        assert_eq!("x-1".parse::<ProcessIdentity>(), Err(()));
    }
}
