//! The identity of a process: its pid and its start time. The kernel reuses pids. The start time distinguishes a
//! new process from an old one with the same pid, so that no foreign process is killed.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::time::Duration;

use procfs::process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Identifies a process uniquely within one boot of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessIdentity {
    pub pid: u32,
    /// Clock ticks between boot and the start of the process.
    pub started: u64,
}

impl ProcessIdentity {
    /// Returns the identity of the process that has `pid` now, or `None` if there is no such process or it is
    /// a zombie.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
        let started = stat.starttime;
        (!matches!(stat.state, 'Z' | 'X')).then_some(Self { pid, started })
    }

    #[must_use]
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, started: 0 })
    }

    #[must_use]
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends `signal` if the process still runs, and waits until the process has ended or `timeout` has
    /// passed. Returns whether the process has ended.
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

    /// Waits until the process has ended or `timeout` has passed. Returns whether the process has ended.
    ///
    /// # Errors
    /// If the kernel gives no handle of the process.
    pub fn wait(self, timeout: Duration) -> io::Result<bool> {
        self.open()?.map_or(Ok(true), |fd| await_end(&fd, timeout))
    }

    /// Opens a handle of the process, or returns `None` if the process has ended.
    fn open(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        let fd = match pidfd_open(pid, PidfdFlags::empty()) {
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            fd => fd?,
        };
        // The check follows the opening: if the pid still belongs to this process, so does the handle.
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

/// Waits until the handle is readable, which it is when the process ends. Returns whether the process ended
/// within `timeout`.
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

/// Returns the resident memory of a process, in bytes.
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
    fn a_process_with_another_start_time_is_not_killed() {
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
        // The process is a zombie now, which counts as ended.
        assert!(!identity.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn this_process_is_alive_and_uses_memory() {
        assert!(ProcessIdentity::of_this_process().is_alive());
        assert!(resident_bytes(std::process::id()).unwrap() > 0);
        assert_eq!(resident_bytes(u32::MAX), None);
        assert_eq!("x-1".parse::<ProcessIdentity>(), Err(()));
    }
}
