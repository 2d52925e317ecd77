//! One server that Quorate started: its process, how it ended, and planned faults.
//!
//! A planned kill is no failure of the target, so its end is not reported as one.

use std::io;
use std::net::SocketAddr;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use super::process::{describe_exit, last_line};
use super::software::ServerDir;
use super::zoo_cfg::ServerSpec;

/// A planned fault cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// The servers of a live target belong to somebody else.
    #[error("server {index} was not started by quorate: it cannot be killed, paused or restarted")]
    NotOurs {
        /// Index of the server.
        index: usize,
    },
    /// There is no process to act on.
    #[error("server {id} does not run: it ended with {exit}")]
    NotRunning {
        /// Its `myid`.
        id: u16,
        /// How it ended.
        exit: String,
    },
    /// A restart of a server that has not ended.
    #[error("server {id} still runs; kill it before it is restarted")]
    StillRunning {
        /// Its `myid`.
        id: u16,
    },
    /// The kernel refused.
    #[error("cannot {action} server {id}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Its `myid`.
        id: u16,
        source: io::Error,
    },
}

/// A server that ended although nobody planned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerExit {
    /// Index of the server.
    pub index: usize,
    /// How it ended and what its log says last.
    pub description: String,
}

/// A server whose process was started.
#[derive(Debug)]
pub(super) struct ServerProcess {
    pub(super) spec: ServerSpec,
    pub(super) dir: ServerDir,
    pub(super) child: Child,
    /// The end of this process was planned, or was reported.
    exit_settled: bool,
    /// The end of an earlier process that nobody planned, to be reported still.
    unreported: Option<String>,
}

impl ServerProcess {
    pub(super) fn new(spec: ServerSpec, dir: ServerDir, child: Child) -> Self {
        Self {
            spec,
            dir,
            child,
            exit_settled: false,
            unreported: None,
        }
    }

    /// Its client port.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.spec.ip, self.spec.client_port)
    }

    /// Whether its end was neither planned nor reported so far.
    pub(super) fn is_watched(&self) -> bool {
        !self.exit_settled
    }

    /// How it ended, if it did and nobody planned it; reported once.
    pub(super) fn take_exit(&mut self) -> Option<String> {
        if self.unreported.is_some() || self.exit_settled {
            return self.unreported.take();
        }
        let status = self.child.try_wait().ok()??;
        self.exit_settled = true;
        let last_words = last_line(&self.dir.logs()).map_or_else(
            || "it wrote no log".to_owned(),
            |line| format!("it said last: {line}"),
        );
        Some(format!("{}; {last_words}", describe_exit(status)))
    }

    /// SIGKILL, and waits for the end.
    pub(super) fn kill(&mut self) -> Result<(), FaultError> {
        self.check_running()?;
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(self.failed("kill"))?;
        self.exit_settled = true;
        Ok(())
    }

    /// SIGSTOP: the process keeps its sockets and answers nothing.
    pub(super) fn pause(&mut self) -> Result<(), FaultError> {
        self.signal(Signal::STOP, "pause")
    }

    /// SIGCONT.
    pub(super) fn resume(&mut self) -> Result<(), FaultError> {
        self.signal(Signal::CONT, "resume")
    }

    /// Starts the server again on the data that it left.
    pub(super) fn restart(
        &mut self,
        start: impl FnOnce(&ServerDir) -> io::Result<Child>,
    ) -> Result<(), FaultError> {
        if self.status("restart")?.is_none() {
            return Err(FaultError::StillRunning { id: self.spec.id });
        }
        self.unreported = self.take_exit();
        self.child = start(&self.dir).map_err(self.failed("restart"))?;
        self.exit_settled = false;
        Ok(())
    }

    fn signal(&mut self, signal: Signal, action: &'static str) -> Result<(), FaultError> {
        // As long as nobody has waited for the process, its pid means no other one.
        self.check_running()?;
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|errno| self.failed(action)(errno.into()))
    }

    fn check_running(&mut self) -> Result<(), FaultError> {
        match self.status("look at")? {
            None => Ok(()),
            Some(status) => Err(FaultError::NotRunning {
                id: self.spec.id,
                exit: describe_exit(status),
            }),
        }
    }

    fn status(&mut self, action: &'static str) -> Result<Option<ExitStatus>, FaultError> {
        self.child.try_wait().map_err(self.failed(action))
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> FaultError + use<> {
        let id = self.spec.id;
        move |source| FaultError::Io { action, id, source }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr};
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;

    fn sleeper() -> Child {
        let mut command = Command::new("sleep");
        command.arg("600").stdin(Stdio::null()).spawn().unwrap()
    }

    fn server(child: Child) -> ServerProcess {
        let spec = ServerSpec {
            id: 7,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: 1,
            quorum_port: 2,
            election_port: 3,
            observer: false,
        };
        let dir = ServerDir::new(Path::new("nowhere"), 7);
        ServerProcess::new(spec, dir, child)
    }

    /// The state of a process as the kernel shows it: `S`, `T`, ...
    fn state(server: &ServerProcess) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
        let rest = stat.rsplit_once(") ").unwrap().1;
        rest.chars().next().unwrap()
    }

    /// The kernel stops and continues a process a moment after the signal was sent.
    fn await_state(server: &ServerProcess, wanted: impl Fn(char) -> bool) {
        while !wanted(state(server)) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_planned_kill_is_not_reported_and_a_restarted_server_is_watched_again() {
        let mut server = server(sleeper());
        server.kill().unwrap();
        assert_eq!(server.take_exit(), None);
        assert!(!server.is_watched());
        let error = server.kill().unwrap_err().to_string();
        assert_eq!(error, "server 7 does not run: it ended with signal 9");
        server.restart(|_| Ok(sleeper())).unwrap();
        assert!(server.is_watched());
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let exit = server.take_exit().unwrap();
        assert_eq!(exit, "signal 9; it wrote no log");
        assert_eq!(server.take_exit(), None, "it was reported twice");
    }

    #[test]
    fn an_end_before_a_planned_kill_is_still_reported() {
        let mut server = server(sleeper());
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        assert!(matches!(
            server.kill(),
            Err(FaultError::NotRunning { id: 7, .. })
        ));
        server.restart(|_| Ok(sleeper())).unwrap();
        assert!(server.take_exit().is_some(), "the restart hid it");
        assert_eq!(server.take_exit(), None);
        server.kill().unwrap();
    }

    #[test]
    fn a_paused_server_stops_until_it_is_resumed_and_cannot_be_restarted() {
        let mut server = server(sleeper());
        server.pause().unwrap();
        await_state(&server, |state| state == 'T');
        let restarted = server.restart(|_| panic!("it was started twice"));
        assert!(matches!(restarted, Err(FaultError::StillRunning { id: 7 })));
        server.resume().unwrap();
        await_state(&server, |state| state != 'T');
        server.pause().unwrap();
        server.kill().unwrap();
    }
}
