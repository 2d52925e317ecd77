//! Server processes. They end together with Quorate, or are detached and outlive it.
//!
//! Every server is started by the hidden command `quorate guard`. The guard sets up the lifetime and then
//! replaces itself by the server, so the pid stays the same. A server with [`Lifetime::WithParent`] gets
//! SIGKILL from the kernel when the *thread* that started it ends. Therefore it must be started from a
//! thread that lives as long as the deployment. Every server has its own process group, so that a Ctrl-C at
//! the terminal reaches only Quorate, which can then still drain.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Bytes that are read from the end of a log.
const TAIL_BYTES: u64 = 4_096;
/// Bytes of a log that are kept beside a result.
const COPIED_BYTES: u64 = 64 << 10;
/// Maximum number of lines of a log that an error quotes.
const TAIL_LINES: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The kernel sends SIGKILL to the server when Quorate ends, even after a crash.
    WithParent,
    /// The server has its own session and outlives Quorate.
    Detached,
}

#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// Path of the Quorate binary, which contains the guard.
    pub quorate: &'a Path,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub dir: &'a Path,
    /// File for standard output and standard error.
    pub output: &'a Path,
    pub lifetime: Lifetime,
    /// Cores to which the program is bound. Empty: all that this process may use.
    pub cores: &'a [u32],
}

impl Launch<'_> {
    /// Starts the program.
    ///
    /// # Errors
    /// If the output file cannot be opened or the guard cannot be started. If the program does not exist,
    /// there is no error: the guard writes a message to the output file and ends.
    pub fn start(&self) -> io::Result<Child> {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.output)?;
        let mut command = Command::new(self.quorate);
        command.arg("guard");
        match self.lifetime {
            Lifetime::WithParent => {
                command
                    .arg("--parent")
                    .arg(std::process::id().to_string())
                    .process_group(0);
            }
            // No process group is set: the leader of a process group cannot create a session.
            Lifetime::Detached => {
                command.arg("--detach");
            }
        }
        if !self.cores.is_empty() {
            let cores: Vec<String> = self.cores.iter().map(u32::to_string).collect();
            command.arg("--cores").arg(cores.join(","));
        }
        command
            .arg("--")
            .arg(&self.program)
            .args(&self.args)
            .current_dir(self.dir)
            // Java encodes file names in the encoding of the locale, and replaces other characters by "?".
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
    }
}

/// Waits until one of `children` has ended or `timeout` has passed.
pub fn await_any_end<'a>(children: impl IntoIterator<Item = &'a Child>, timeout: Duration) {
    // The handle of a process becomes readable when the process ends. A process without a handle is ignored.
    let handles: Vec<OwnedFd> = children
        .into_iter()
        .filter_map(|child| pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok())
        .collect();
    let mut polled: Vec<PollFd<'_>> = handles
        .iter()
        .map(|handle| PollFd::new(handle, PollFlags::IN))
        .collect();
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    // The caller checks which process ended, so an early return because of a signal does no harm.
    let _ = poll(&mut polled, Some(&timeout));
}

/// Describes how a process ended.
#[must_use]
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

/// Returns the last lines of each log that is not empty, with the name of the log before them.
#[must_use]
pub fn log_tails(logs: &[PathBuf]) -> String {
    let mut text = String::new();
    for log in logs {
        let Ok(tail) = tail(log, TAIL_BYTES) else {
            continue;
        };
        let lines: Vec<&str> = tail
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        if last.is_empty() {
            continue;
        }
        let name = log.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("\nlast lines of {name}:"));
        for line in last {
            text.push_str("\n  ");
            text.push_str(line);
        }
    }
    if text.is_empty() {
        text.push_str("it wrote no log");
    }
    text
}

/// Returns the last line of the last of `logs` that is not empty.
#[must_use]
pub(super) fn last_line(logs: &[PathBuf]) -> Option<String> {
    logs.iter().rev().find_map(|log| {
        let tail = tail(log, TAIL_BYTES).ok()?;
        let line = tail.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    })
}

/// Whether one of the logs contains the error that an address is in use.
#[must_use]
pub(super) fn says_address_taken(logs: &[PathBuf]) -> bool {
    logs.iter().any(|log| {
        fs::read(log).is_ok_and(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            text.contains("Address already in use") || text.contains("address already in use")
        })
    })
}

/// Returns the last `bytes` of a log. Bytes that are not UTF-8 are replaced.
pub(super) fn tail(log: &Path, bytes: u64) -> io::Result<String> {
    let tail = last_bytes(log, bytes)?;
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

/// Copies the last 64 KiB of a log to the file `copy`.
///
/// # Errors
/// If the log cannot be read or the copy cannot be written.
pub fn copy_tail(log: &Path, copy: &Path) -> io::Result<()> {
    fs::write(copy, last_bytes(log, COPIED_BYTES)?)
}

fn last_bytes(log: &Path, count: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(count)))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_is_quoted_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("out");
        let lines: Vec<String> = (0..1_000).map(|i| format!("line {i}")).collect();
        fs::write(&log, lines.join("\n")).unwrap();
        let text = log_tails(&[dir.path().join("missing"), log]);
        assert!(
            text.starts_with("\nlast lines of out:\n  line 994\n"),
            "{text}"
        );
        assert!(text.ends_with("  line 999"), "{text}");
        assert_eq!(log_tails(&[]), "it wrote no log");
        let copy = dir.path().join("copy");
        fs::write(dir.path().join("long"), vec![b'x'; 100_000]).unwrap();
        copy_tail(&dir.path().join("long"), &copy).unwrap();
        assert_eq!(fs::read(&copy).unwrap().len(), 65_536);
        let logs = [dir.path().join("out"), dir.path().join("missing")];
        assert_eq!(last_line(&logs).as_deref(), Some("line 999"));
    }

    #[test]
    fn the_wait_ends_when_any_child_ends() {
        let start = |program: &str, args: &[&str]| {
            let mut command = Command::new(program);
            command.args(args).stdin(Stdio::null()).spawn().unwrap()
        };
        let (mut lasting, mut short) = (start("sleep", &["600"]), start("true", &[]));
        await_any_end([&lasting, &short], Duration::from_secs(600));
        assert_eq!(lasting.try_wait().unwrap(), None);
        assert!(short.try_wait().unwrap().is_some(), "`true` has not ended");
        await_any_end([&lasting], Duration::from_millis(1));
        lasting.kill().unwrap();
        lasting.wait().unwrap();
    }

    #[test]
    fn the_error_that_an_address_is_in_use_is_found_in_a_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, "java.net.BindException: Address already in use\n").unwrap();
        assert!(says_address_taken(&[log]));
        assert!(!says_address_taken(&[dir.path().join("missing")]));
    }
}
