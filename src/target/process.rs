//! Server processes: children that end with Quorate, or detached ones that outlive it.
//!
//! Both go through the hidden command `quorate guard`, which arranges for one or the other in the
//! child itself and then becomes the server (same pid). A tied server gets SIGKILL from the kernel
//! when the *thread* that started it ends, so it is started from a thread that lives as long as the
//! deployment. Every server has its own process group: a Ctrl-C at the terminal reaches Quorate
//! alone, which can then still drain.

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

/// Bytes from the end of a log that are looked at.
const TAIL_BYTES: u64 = 4_096;
/// Lines of a log that an error quotes.
const TAIL_LINES: usize = 6;

/// Whether a server ends with Quorate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// SIGKILLed by the kernel when Quorate ends, however it ends.
    WithParent,
    /// In its own session; stays.
    Detached,
}

/// A program to start.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// The Quorate binary, which provides the guard.
    pub quorate: &'a Path,
    /// What to run.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its working directory.
    pub dir: &'a Path,
    /// Where standard output and error go.
    pub output: &'a Path,
    /// Whether it ends with Quorate.
    pub lifetime: Lifetime,
}

impl Launch<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// If the output file cannot be opened or no process can be started. A program that does not
    /// exist shows as a process that ends at once and says so in its output.
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
            // No process group here: its leader could not begin a session.
            Lifetime::Detached => {
                command.arg("--detach");
            }
        }
        command
            .arg("--")
            .arg(&self.program)
            .args(&self.args)
            .current_dir(self.dir)
            // Java writes the names of files in the encoding of the locale, "?" for what that does not have.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
    }
}

/// Waits until one of `children` has ended or `timeout` has passed.
pub fn await_any_end<'a>(children: impl IntoIterator<Item = &'a Child>, timeout: Duration) {
    // The handle of a process becomes readable when the process ends. One that cannot be had is not
    // waited for; the others, or the timeout, are.
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
    // The caller looks which one it was; a wait that a signal cuts short does no harm.
    let _ = poll(&mut polled, Some(&timeout));
}

/// How a process ended, in words.
#[must_use]
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

/// The last lines of those of `logs` that say something, each log introduced by its name.
#[must_use]
pub fn log_tails(logs: &[PathBuf]) -> String {
    let mut text = String::new();
    for log in logs {
        let Ok(tail) = tail(log) else { continue };
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

/// The last line that one of `logs` says, the later ones first.
#[must_use]
pub(super) fn last_line(logs: &[PathBuf]) -> Option<String> {
    logs.iter().rev().find_map(|log| {
        let tail = tail(log).ok()?;
        let line = tail.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    })
}

/// Whether a log says that an address was taken.
#[must_use]
pub(super) fn says_address_taken(logs: &[PathBuf]) -> bool {
    logs.iter().any(|log| {
        fs::read(log).is_ok_and(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            text.contains("Address already in use") || text.contains("address already in use")
        })
    })
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
        let logs = [dir.path().join("out"), dir.path().join("missing")];
        assert_eq!(last_line(&logs).as_deref(), Some("line 999"));
    }

    #[test]
    fn the_first_that_ends_ends_the_wait() {
        let start = |program: &str, args: &[&str]| {
            let mut command = Command::new(program);
            command.args(args).stdin(Stdio::null()).spawn().unwrap()
        };
        let (mut lasting, mut short) = (start("sleep", &["600"]), start("true", &[]));
        await_any_end([&lasting, &short], Duration::from_secs(600));
        assert_eq!(lasting.try_wait().unwrap(), None);
        assert!(short.try_wait().unwrap().is_some(), "it was waited for");
        await_any_end([&lasting], Duration::from_millis(1));
        lasting.kill().unwrap();
        lasting.wait().unwrap();
    }

    #[test]
    fn an_address_that_was_taken_is_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, "java.net.BindException: Address already in use\n").unwrap();
        assert!(says_address_taken(&[log]));
        assert!(!says_address_taken(&[dir.path().join("missing")]));
    }
}
