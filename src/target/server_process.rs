//! One server that Quorate started: its process, the report of its end, and planned faults.
//!
//! The end of a server after a planned kill is not reported as a failure of the target.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::network::Path;
use super::process::{await_any_end, describe_exit, last_line};
use super::software::ServerDir;
use super::usage::{EndedUsage, ServerUsage, Usage};
use super::zoo_cfg::ServerSpec;
use crate::fault::ProxyError;

/// Maximum time between SIGKILL and the end of the process. A process that waits for its disk ends later.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// A planned fault cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    #[error("server {index} was not started by quorate: it cannot be killed, paused or restarted")]
    NotOurs { index: usize },
    #[error(
        "the connections from {path} do not go through a proxy, so they cannot be cut or slowed down"
    )]
    NoProxy { path: Path },
    #[error("a fault of the network names no path")]
    NoPath,
    #[error("cannot {action} connections: {source}")]
    Proxy {
        action: &'static str,
        source: ProxyError,
    },
    #[error("server {id} does not run: it ended with {exit}")]
    NotRunning { id: u16, exit: String },
    #[error("server {id} still runs; kill it before it is restarted")]
    StillRunning { id: u16 },
    #[error("cannot {action} server {id}: {source}")]
    Io {
        action: &'static str,
        id: u16,
        source: io::Error,
    },
}

/// The unplanned end of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerExit {
    pub index: usize,
    /// Describes how the process ended, and quotes the last line of its log.
    pub description: String,
}

/// A log file of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLog {
    /// Number of the server, from 1.
    pub server: u16,
    pub file: PathBuf,
}

/// A handle of the process of a server.
#[derive(Debug)]
pub struct ServerHandle {
    pub index: usize,
    /// A pidfd, which becomes readable when the process ends.
    pub process: OwnedFd,
}

/// A server whose process was started.
#[derive(Debug)]
pub(super) struct ServerProcess {
    pub(super) spec: ServerSpec,
    pub(super) dir: ServerDir,
    pub(super) child: Child,
    /// Whether the end of this process was planned or reported.
    exit_settled: bool,
    /// The unplanned end of the process before the restart, which is still to be reported.
    unreported: Option<String>,
    /// The resources that the processes before the current one used. `None` if they are unknown, because a
    /// process ended unplanned.
    ended: Option<EndedUsage>,
    /// Whether the current process was ended and its usage is part of `ended`.
    is_counted: bool,
}

impl ServerProcess {
    pub(super) fn new(spec: ServerSpec, dir: ServerDir, child: Child) -> Self {
        Self {
            spec,
            dir,
            child,
            exit_settled: false,
            unreported: None,
            ended: Some(EndedUsage::default()),
            is_counted: false,
        }
    }

    /// Returns the resources that its processes have used. `None` if they are unknown.
    pub(super) fn usage(&self) -> Option<ServerUsage> {
        let current = if self.is_counted {
            None
        } else {
            Some(Usage::of(self.child.id())?)
        };
        Some(ServerUsage {
            ended: self.ended?,
            current,
        })
    }

    /// Returns the address of the client port.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.spec.ip, self.spec.client_port)
    }

    /// Whether the end of the process was neither planned nor reported so far.
    pub(super) fn is_watched(&self) -> bool {
        !self.exit_settled
    }

    /// Returns a description of an unplanned end. Each end is returned once.
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

    /// Sends SIGKILL. Call [`ServerProcess::await_killed`] afterwards.
    pub(super) fn send_kill(&mut self) -> Result<(), FaultError> {
        self.check_running()?;
        self.child.kill().map_err(self.failed("kill"))
    }

    /// Waits for the end of the process after [`ServerProcess::send_kill`]. The end was planned.
    pub(super) fn await_killed(&mut self) -> Result<(), FaultError> {
        // The figures of a process that has ended can be read until its parent has waited for it.
        await_any_end([&self.child], KILL_TIMEOUT);
        let process = Usage::of(self.child.id());
        self.child.wait().map_err(self.failed("kill"))?;
        self.exit_settled = true;
        self.ended = self
            .ended
            .zip(process)
            .and_then(|(sum, more)| sum.plus(&more));
        self.is_counted = true;
        Ok(())
    }

    /// Sends SIGSTOP. The process keeps its sockets and answers nothing.
    pub(super) fn pause(&mut self) -> Result<(), FaultError> {
        self.signal(Signal::STOP, "pause")
    }

    pub(super) fn resume(&mut self) -> Result<(), FaultError> {
        self.signal(Signal::CONT, "resume")
    }

    /// Restarts the server with its data.
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
        if !self.is_counted {
            self.ended = None;
        }
        self.is_counted = false;
        Ok(())
    }

    fn signal(&mut self, signal: Signal, action: &'static str) -> Result<(), FaultError> {
        // The pid cannot be reused before this process has waited for its child.
        self.check_running()?;
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|errno| self.failed(action)(errno.into()))
    }

    /// Returns an error if the process has ended.
    pub(super) fn check_running(&mut self) -> Result<(), FaultError> {
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
    use std::path::Path as FilePath;
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
            peer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: 1,
            quorum_port: 2,
            election_port: 3,
            observer: false,
        };
        let dir = ServerDir::new(FilePath::new("nowhere"), 7);
        ServerProcess::new(spec, dir, child)
    }

    fn kill(server: &mut ServerProcess) -> Result<(), FaultError> {
        server.send_kill()?;
        server.await_killed()
    }

    /// Returns the state of the process from `/proc`: `S`, `T`, ...
    fn state(server: &ServerProcess) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
        let rest = stat.rsplit_once(") ").unwrap().1;
        rest.chars().next().unwrap()
    }

    /// Waits for a state of the process. The kernel changes the state a moment after a signal is sent.
    fn await_state(server: &ServerProcess, wanted: impl Fn(char) -> bool) {
        while !wanted(state(server)) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_planned_kill_is_not_reported_but_an_end_after_the_restart_is() {
        let mut server = server(sleeper());
        kill(&mut server).unwrap();
        assert_eq!(server.take_exit(), None);
        assert!(!server.is_watched());
        let error = kill(&mut server).unwrap_err().to_string();
        assert_eq!(error, "server 7 does not run: it ended with signal 9");
        server.restart(|_| Ok(sleeper())).unwrap();
        assert!(server.is_watched());
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let exit = server.take_exit().unwrap();
        assert_eq!(exit, "signal 9; it wrote no log");
        assert_eq!(server.take_exit(), None, "the end was reported twice");
    }

    #[test]
    fn an_end_before_a_planned_kill_is_still_reported() {
        let mut server = server(sleeper());
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        assert!(matches!(
            kill(&mut server),
            Err(FaultError::NotRunning { id: 7, .. })
        ));
        server.restart(|_| Ok(sleeper())).unwrap();
        assert!(server.take_exit().is_some(), "the end was not reported");
        assert_eq!(server.take_exit(), None);
        kill(&mut server).unwrap();
    }

    #[test]
    fn a_paused_server_stops_until_it_is_resumed_and_cannot_be_restarted() {
        let mut server = server(sleeper());
        server.pause().unwrap();
        await_state(&server, |state| state == 'T');
        let restarted = server.restart(|_| panic!("the server was started twice"));
        assert!(matches!(restarted, Err(FaultError::StillRunning { id: 7 })));
        server.resume().unwrap();
        await_state(&server, |state| state != 'T');
        server.pause().unwrap();
        kill(&mut server).unwrap();
    }

    #[test]
    fn the_usage_of_a_killed_process_is_kept() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null());
        let mut server = server(command.spawn().unwrap());
        let start = server.usage().unwrap();
        let used = |server: &ServerProcess| server.usage().unwrap().since(&start).unwrap();
        while used(&server).cpu_s < 0.02 {
            std::thread::yield_now();
        }
        kill(&mut server).unwrap();
        let at_end = used(&server);
        assert!(at_end.cpu_s >= 0.02, "{at_end:?}");
        assert!(at_end.disk_written_bytes.is_some(), "{at_end:?}");
        server.restart(|_| Ok(sleeper())).unwrap();
        assert!(used(&server).cpu_s >= at_end.cpu_s);
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        server.restart(|_| Ok(sleeper())).unwrap();
        assert_eq!(server.usage(), None, "the usage of a process is missing");
        kill(&mut server).unwrap();
    }
}
