//! A run that goes on while the test does something to it.

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

use crate::bench::{Bench, PATIENCE, Ran};

/// A run, and what it has said on standard error so far.
pub(crate) struct Started {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Bench {
    /// Starts a run; standard error goes on.
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
            said: String::new(),
        }
    }

    /// Starts a run and returns once it measures.
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
    /// Reads on until `words` were said.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        while !self.said.contains(words) {
            let read = self.stderr.read_line(&mut self.said).unwrap();
            assert_ne!(read, 0, "it ended: {}", self.said);
        }
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.child.id(), signal);
    }

    /// Ends it as nothing can prevent.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end, and collects what it said.
    pub(crate) fn end(mut self) -> Ran {
        let mut out = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut out).unwrap();
        self.stderr.read_to_string(&mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        Ran {
            status: status.code(),
            signal: status.signal(),
            stdout: out,
            stderr: self.said,
        }
    }
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

/// Processes whose command line names a file below `dir`.
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

/// Asks until `ready` gives something: another process tells nobody when its state changes.
pub(crate) fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(15));
    }
}

/// What the server says that it is.
pub(crate) fn mode(address: SocketAddr) -> Option<Role> {
    let answer = four_letter(address, "srvr", PATIENCE).ok()?;
    Some(parse_srvr(&answer)?.role)
}

/// The address that a server of a run was told to listen on.
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
