//! An ensemble that stays up after Quorate has ended, until it is told to end.
//!
//! Its folder holds `ensemble.state`, which is written before the first server starts and after each:
//! so that `down` finds every one of them even if `up` was killed in between. Servers are known by
//! pid *and* start time, and the state by the boot it was written in: a recycled pid is never killed.

mod error;
mod ports;
mod state;
#[cfg(test)]
mod tests;

pub use error::DetachedError;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::Signal;

use self::error::io_error;

use self::state::STATE_FILE;
use super::identity::ProcessIdentity;
use super::member::Member;
use super::process::Lifetime;
use super::server_process::ServerProcess;
use super::software::{ServerDir, Software};
use super::starting::{await_serving, serving};
use super::zoo_cfg::ServerSpec;
use crate::workload::{Role, TargetShape};

/// How long a server may take to end after SIGTERM.
const TERM_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the kernel may take to end it after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// What is to be started.
#[derive(Clone, Copy, Debug)]
pub struct DetachedConfig<'a> {
    /// Which servers.
    pub software: &'a Software,
    /// How many, with which settings.
    pub shape: &'a TargetShape,
    /// The Quorate binary.
    pub quorate: &'a Path,
    /// The ensemble's folder; data that is already there is used again.
    pub dir: &'a Path,
    /// Client port of the first server; the others follow.
    pub base_port: u16,
    /// Gives up when it becomes true.
    pub stop: &'a AtomicBool,
}

/// A ensemble ensemble, as its state file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachedEnsemble {
    dir: PathBuf,
    boot: String,
    servers: Vec<DetachedServer>,
}

/// One of its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachedServer {
    /// Its `myid`.
    pub id: u16,
    /// Its process; `None` before it was started.
    pub process: Option<ProcessIdentity>,
    /// Where clients reach it.
    pub address: SocketAddr,
    /// Whether it only observes.
    pub observer: bool,
}

/// What a server of a ensemble ensemble does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    /// Serves.
    Serving(Role),
    /// Runs, but does not serve.
    NotServing,
    /// Has ended.
    Ended,
}

impl DetachedEnsemble {
    /// Starts the servers, detached, and waits until all serve.
    ///
    /// # Errors
    /// If one runs in that folder already, or the servers do not all come up; whatever was started is
    /// ended then.
    pub fn up(config: &DetachedConfig<'_>) -> Result<(Self, Vec<Member>), DetachedError> {
        match Self::load(config.dir) {
            Ok(old) if old.runs() => {
                return Err(DetachedError::Running {
                    dir: config.dir.to_owned(),
                    connect: old.connect_string(),
                });
            }
            Ok(_) | Err(DetachedError::None { .. }) => {}
            Err(error) => return Err(error),
        }
        let specs = ports::servers(config)?;
        fs::create_dir_all(config.dir).map_err(io_error("create", config.dir))?;
        let dir =
            fs::canonicalize(config.dir).map_err(io_error("find the full path of", config.dir))?;
        let mut ensemble = Self {
            dir,
            boot: boot_id(),
            servers: specs
                .iter()
                .map(|spec| DetachedServer {
                    id: spec.id,
                    process: None,
                    address: SocketAddr::new(spec.ip, spec.client_port),
                    observer: spec.observer,
                })
                .collect(),
        };
        ensemble.save()?;
        match ensemble.start(config, &specs) {
            Ok(members) => Ok((ensemble, members)),
            Err(error) => {
                // The first error is the one to tell; what is left can still be ended with `down`.
                let _ = ensemble.down(true);
                Err(error)
            }
        }
    }

    fn start(
        &mut self,
        config: &DetachedConfig<'_>,
        specs: &[ServerSpec],
    ) -> Result<Vec<Member>, DetachedError> {
        let mut started = Vec::with_capacity(specs.len());
        for (index, spec) in specs.iter().enumerate() {
            let dir = ServerDir::new(&self.dir, spec.id);
            let child = dir
                .write(config.shape, specs, index)
                .and_then(|()| {
                    dir.start(
                        config.software,
                        config.shape,
                        config.quorate,
                        Lifetime::Detached,
                    )
                })
                .map_err(io_error("start a server in", &self.dir))?;
            self.servers[index].process = ProcessIdentity::of(child.id());
            self.save()?;
            started.push(ServerProcess::new(spec.clone(), dir, child));
        }
        Ok(await_serving(&mut started, config.stop)?)
    }

    #[must_use]
    pub fn servers(&self) -> &[DetachedServer] {
        &self.servers
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `127.0.0.1:2181,127.0.0.1:2182,...`
    #[must_use]
    pub fn connect_string(&self) -> String {
        let addresses: Vec<String> = self
            .servers
            .iter()
            .map(|server| server.address.to_string())
            .collect();
        addresses.join(",")
    }

    /// Whether any of its servers still runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.servers
            .iter()
            .any(|server| self.process(server).is_some())
    }

    /// What each server does, in their config.
    #[must_use]
    pub fn statuses(&self) -> Vec<ServerStatus> {
        self.servers
            .iter()
            .map(|server| match self.process(server) {
                None => ServerStatus::Ended,
                Some(_) => serving(server.address, server.observer)
                    .map_or(ServerStatus::NotServing, |member| {
                        ServerStatus::Serving(member.role)
                    }),
            })
            .collect()
    }

    /// Ends the servers: SIGTERM, and SIGKILL for those that do not heed it. Their data is removed
    /// unless `keep_data`. Returns how many were still running.
    ///
    /// # Errors
    /// If a server does not end, or a file cannot be removed.
    pub fn down(&self, keep_data: bool) -> Result<usize, DetachedError> {
        let mut running = 0;
        for server in &self.servers {
            let Some(process) = self.process(server) else {
                continue;
            };
            running += 1;
            let refused = io_error("end a server of", &self.dir);
            let ended = process
                .end(Signal::TERM, TERM_TIMEOUT)
                .and_then(|ended| Ok(ended || process.end(Signal::KILL, KILL_TIMEOUT)?))
                .map_err(refused)?;
            if !ended {
                return Err(DetachedError::WillNotEnd {
                    id: server.id,
                    pid: process.pid,
                });
            }
        }
        if !keep_data {
            for server in &self.servers {
                let dir = self.dir.join(format!("server-{}", server.id));
                absent(fs::remove_dir_all(&dir)).map_err(io_error("remove", &dir))?;
            }
        }
        let state = self.dir.join(STATE_FILE);
        absent(fs::remove_file(&state)).map_err(io_error("remove", &state))?;
        // Only if nothing of anybody else's is in it.
        let _ = fs::remove_dir(&self.dir);
        Ok(running)
    }

    /// The server's process, if it is the one that was started and still runs.
    fn process(&self, server: &DetachedServer) -> Option<ProcessIdentity> {
        server
            .process
            .filter(|process| self.boot == boot_id() && process.is_alive())
    }
}

/// Names this boot of the machine; pids and start times mean something within one only.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
