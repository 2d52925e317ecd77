//! A run in the background, so that the test can act on it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use quorate::protocol::zookeeper::four_letter;
use quorate::target::{ProcessIdentity, parse_srvr};
use quorate::workload::Role;
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, Ran, TIMEOUT};

pub(crate) struct Started {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// The text read from standard error so far.
    read: String,
}

impl Bench {
    /// Starts a command in the background.
    pub(crate) fn start(&self, args: &[&str]) -> Started {
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Started {
            child,
            stderr,
            read: String::new(),
        }
    }

    /// Starts a command and returns when its measured phase has begun.
    pub(crate) fn measuring(&self, args: &[&str]) -> Started {
        let mut started = self.start(args);
        started.until("measure");
        started
    }

    pub(crate) fn left_in(&self, dir: &str) -> usize {
        fs::read_dir(self.path().join(dir)).unwrap().count()
    }

    pub(crate) fn json(&self, file: &str) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.path().join(file)).unwrap()).unwrap()
    }
}

impl Started {
    /// Reads standard error until it contains `words`.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        while !self.read.contains(words) {
            let bytes = self.stderr.read_line(&mut self.read).unwrap();
            assert_ne!(bytes, 0, "the command ended: {}", self.read);
        }
    }

    /// Returns the text read from standard error so far.
    pub(crate) fn stderr(&self) -> &str {
        &self.read
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.child.id(), signal);
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until the command ends, and returns its output.
    pub(crate) fn end(mut self) -> Ran {
        let mut out = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut out).unwrap();
        self.stderr.read_to_string(&mut self.read).unwrap();
        let status = self.child.wait().unwrap();
        Ran {
            status: status.code(),
            signal: status.signal(),
            stdout: out,
            stderr: self.read,
        }
    }
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

/// Returns the processes whose command line contains the path `dir`.
pub(crate) fn processes_of(dir: &Path) -> Vec<ProcessIdentity> {
    let dir = fs::canonicalize(dir).unwrap();
    let needle = dir.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(needle))
        })
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// Calls `ready` until it returns a value. The state of another process can only be polled.
pub(crate) fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < TIMEOUT, "timed out waiting for {what}");
        thread::sleep(Duration::from_millis(15));
    }
}

/// Returns the role of a server from its answer to `srvr`.
pub(crate) fn mode(address: SocketAddr) -> Option<Role> {
    let answer = four_letter(address, "srvr", TIMEOUT).ok()?;
    Some(parse_srvr(&answer)?.role)
}

/// Returns the client address in the configuration of a server process.
pub(crate) fn client_address(server: ProcessIdentity) -> SocketAddr {
    let line = fs::read(format!("/proc/{}/cmdline", server.pid)).unwrap();
    let line = String::from_utf8(line).unwrap();
    let config = line.split('\0').find(|word| word.ends_with("zoo.cfg"));
    let text = fs::read_to_string(config.unwrap()).unwrap();
    let port = text
        .lines()
        .find_map(|line| line.strip_prefix("clientPort="));
    SocketAddr::from(([127, 0, 0, 1], port.unwrap().parse().unwrap()))
}
