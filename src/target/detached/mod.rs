//! A detached ensemble. It stays up after Quorate has ended, until `quorate ensemble down`.
//!
//! The folder of the ensemble contains the file `ensemble.state`. `up` writes it before the first server
//! starts and again after each start, so that `down` finds the started servers even if `up` was killed. The
//! file has the pid and the start time of each server, and the id of the boot. With these `down` recognises a
//! reused pid and does not kill a foreign process.

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

/// Maximum time for a server to end after SIGTERM.
const TERM_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for a server to end after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub struct DetachedConfig<'a> {
    pub software: &'a Software,
    /// Number and settings of the servers.
    pub shape: &'a TargetShape,
    /// Path of the Quorate binary.
    pub quorate: &'a Path,
    /// Folder of the ensemble. The servers use data that is already in it.
    pub dir: &'a Path,
    /// Client port of the first server. Each further server has the next port.
    pub base_port: u16,
    /// The start gives up when this becomes true.
    pub stop: &'a AtomicBool,
}

/// A detached ensemble as recorded in its state file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachedEnsemble {
    dir: PathBuf,
    boot: String,
    servers: Vec<DetachedServer>,
}

/// One server of a detached ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachedServer {
    /// The `myid` of the server.
    pub id: u16,
    /// `None` before the server is started.
    pub process: Option<ProcessIdentity>,
    /// Address of the client port.
    pub address: SocketAddr,
    pub observer: bool,
}

/// The current state of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    Serving(Role),
    /// The process runs, but the server does not serve.
    NotServing,
    /// The process has ended.
    Ended,
}

impl DetachedEnsemble {
    /// Starts the servers and waits until all of them serve.
    ///
    /// # Errors
    /// If an ensemble runs in the folder already, or not all servers serve. In the second case the started
    /// servers are ended.
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
                // The first error is returned. If `down` fails, the user can repeat it: the state file stays.
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
                        &[],
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

    /// Whether any of the servers runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.servers
            .iter()
            .any(|server| self.process(server).is_some())
    }

    /// Returns the state of each server, in the order of [`DetachedEnsemble::servers`].
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

    /// Ends the servers with SIGTERM, and with SIGKILL if they do not end within 10 s. Removes their data
    /// unless `keep_data`. Returns the number of servers that ran.
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
        // This fails if the folder contains other files, which must stay.
        let _ = fs::remove_dir(&self.dir);
        Ok(running)
    }

    /// Returns the process of the server if it still runs.
    fn process(&self, server: &DetachedServer) -> Option<ProcessIdentity> {
        server
            .process
            .filter(|process| self.boot == boot_id() && process.is_alive())
    }
}

/// Returns the id of this boot of the machine. Pids and start times are valid only within one boot.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}

/// Ignores the error that a file or folder does not exist.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
