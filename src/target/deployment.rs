//! Starts an ensemble for a run, waits until every server serves, and removes the ensemble after the run.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::identity::resident_bytes;
use super::member::Member;
use super::meter::{Meter, MeteredServer};
use super::ports::Reserved;
use super::process::{Lifetime, await_any_end};
use super::server_process::{FaultError, ServerExit, ServerHandle, ServerLog, ServerProcess};
use super::software::{ServerDir, Software};
use super::starting::{StartError, await_serving};
use super::zoo_cfg::ServerSpec;
use crate::workload::TargetShape;

/// Maximum time between the closing of a server's sockets and the end of its process.
const DYING: Duration = Duration::from_millis(300);
/// Maximum number of starts when another process takes one of the ports.
const ATTEMPTS: u32 = 3;
/// Client, quorum and election port.
pub(super) const PORTS_PER_SERVER: usize = 3;

/// An ensemble did not start.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A file could not be written, or a process could not be started.
    #[error("cannot {action} in {}: {source}", dir.display())]
    Io {
        action: &'static str,
        dir: PathBuf,
        source: io::Error,
    },
    #[error("cannot find {count} free ports on the loopback address: {source}")]
    Ports { count: usize, source: io::Error },
    /// Not all servers serve.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A running ensemble. Dropping it ends the servers and removes their data.
#[derive(Debug)]
pub struct Deployment {
    dir: PathBuf,
    /// Each server has a lock because faults are injected from another thread than the driver's.
    servers: Vec<Mutex<ServerProcess>>,
    starter: Starter,
    start: Duration,
}

#[derive(Clone, Copy, Debug)]
pub struct DeploymentConfig<'a> {
    pub software: &'a Software,
    /// Number and settings of the servers.
    pub shape: &'a TargetShape,
    /// Path of the Quorate binary.
    pub quorate: &'a Path,
    /// An empty folder. It is removed together with the deployment.
    pub dir: &'a Path,
    /// The start gives up when this becomes true.
    pub stop: &'a AtomicBool,
}

/// Starts and restarts the servers of a deployment.
#[derive(Debug)]
struct Starter {
    software: Software,
    shape: TargetShape,
    quorate: PathBuf,
}

impl Starter {
    fn start(&self, dir: &ServerDir) -> io::Result<Child> {
        dir.start(
            &self.software,
            &self.shape,
            &self.quorate,
            Lifetime::WithParent,
        )
    }
}

impl Deployment {
    /// Starts the servers and waits until all of them serve. Call it from a thread that outlives the
    /// deployment: the kernel ends the servers when the thread that started them ends.
    ///
    /// # Errors
    /// If not all servers serve. In that case the started servers are ended and the folder is removed.
    pub fn start(config: &DeploymentConfig<'_>) -> Result<(Self, Vec<Member>), DeploymentError> {
        let mut attempt = 1;
        loop {
            match Self::attempt(config) {
                Err(DeploymentError::Start(StartError::Ended {
                    address_taken: true,
                    ..
                })) if attempt < ATTEMPTS => attempt += 1,
                outcome => {
                    if outcome.is_err() {
                        let _ = fs::remove_dir_all(config.dir);
                    }
                    return outcome;
                }
            }
        }
    }

    fn attempt(config: &DeploymentConfig<'_>) -> Result<(Self, Vec<Member>), DeploymentError> {
        let failed = |action: &'static str| {
            move |source| DeploymentError::Io {
                action,
                dir: config.dir.to_owned(),
                source,
            }
        };
        let count = usize::from(config.shape.voters) + usize::from(config.shape.observers);
        let (specs, reserved) = reserve(config.shape, count)?;
        let _ = fs::remove_dir_all(config.dir);
        fs::create_dir_all(config.dir).map_err(failed("create a folder"))?;
        let mut started = Started {
            servers: Vec::with_capacity(count),
        };
        let dirs: Vec<ServerDir> = specs
            .iter()
            .map(|spec| ServerDir::new(config.dir, spec.id))
            .collect();
        for (index, dir) in dirs.iter().enumerate() {
            dir.write(config.shape, &specs, index)
                .map_err(failed("write the configuration of a server"))?;
        }
        let starter = Starter {
            software: config.software.clone(),
            shape: config.shape.clone(),
            quorate: config.quorate.to_owned(),
        };
        reserved.release();
        let began = Instant::now();
        for (spec, dir) in specs.into_iter().zip(dirs) {
            let child = starter.start(&dir).map_err(failed("start a server"))?;
            started.servers.push(ServerProcess::new(spec, dir, child));
        }
        let members = await_serving(&mut started.servers, config.stop)?;
        let start = began.elapsed();
        let servers = std::mem::take(&mut started.servers);
        let deployment = Self {
            dir: config.dir.to_owned(),
            servers: servers.into_iter().map(Mutex::new).collect(),
            starter,
            start,
        };
        Ok((deployment, members))
    }

    /// Returns the time from the start of the first process until all servers served.
    #[must_use]
    pub fn start_time(&self) -> Duration {
        self.start
    }

    /// Returns the folder with the data of the servers.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the resident memory of each server, in bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> Vec<Option<u64>> {
        self.locked()
            .map(|server| resident_bytes(server.child.id()))
            .collect()
    }

    /// Returns the log files of all servers that exist and are not empty.
    #[must_use]
    pub fn logs(&self) -> Vec<ServerLog> {
        let mut logs = Vec::new();
        for server in self.locked() {
            let files = server.dir.logs().into_iter();
            let written = files
                .filter(|file| fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0))
                .map(|file| ServerLog {
                    server: server.spec.id,
                    file,
                });
            logs.extend(written);
        }
        logs
    }

    /// Returns a meter for the resources that the servers use.
    #[must_use]
    pub fn meter(&self) -> Meter {
        let servers: Vec<MeteredServer> = self
            .locked()
            .map(|server| MeteredServer {
                pid: server.child.id(),
                address: server.address(),
            })
            .collect();
        Meter::new(&servers)
    }

    /// Returns handles of the processes whose end was neither planned nor reported. A process for which the
    /// kernel gives no handle is left out.
    #[must_use]
    pub fn handles(&self) -> Vec<ServerHandle> {
        self.locked()
            .enumerate()
            .filter(|(_, server)| server.is_watched())
            .filter_map(|(index, server)| {
                let pid = Pid::from_child(&server.child);
                let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
                Some(ServerHandle { index, process })
            })
            .collect()
    }

    /// Returns the unplanned ends of servers since the last call.
    #[must_use]
    pub fn take_exits(&self) -> Vec<ServerExit> {
        self.locked()
            .enumerate()
            .filter_map(|(index, mut server)| {
                let description = server.take_exit()?;
                Some(ServerExit { index, description })
            })
            .collect()
    }

    /// Like [`Deployment::take_exits`], but waits up to 300 ms for an end. Call it after a connection to a
    /// server was lost: a process that dies closes its sockets before its parent can see its end.
    #[must_use]
    pub fn await_exits(&self) -> Vec<ServerExit> {
        let servers: Vec<_> = self.locked().filter(|one| one.is_watched()).collect();
        await_any_end(servers.iter().map(|server| &server.child), DYING);
        drop(servers);
        self.take_exits()
    }

    /// Kills the server at `index` with SIGKILL and waits for its end. The end is not reported as a failure.
    ///
    /// # Errors
    /// If there is no such server, or it does not run.
    pub fn kill(&self, index: usize) -> Result<(), FaultError> {
        self.server(index)?.kill()
    }

    /// Stops the process of the server at `index` with SIGSTOP. Its sockets stay open.
    ///
    /// # Errors
    /// If there is no such server, or it does not run.
    pub fn pause(&self, index: usize) -> Result<(), FaultError> {
        self.server(index)?.pause()
    }

    /// Continues a paused server.
    ///
    /// # Errors
    /// If there is no such server, or it does not run.
    pub fn resume(&self, index: usize) -> Result<(), FaultError> {
        self.server(index)?.resume()
    }

    /// Restarts a server that has ended, with its data and its ports. Does not wait until the server serves.
    /// Call it from a thread that outlives the deployment (see [`Deployment::start`]).
    ///
    /// # Errors
    /// If there is no such server, it still runs, or the process cannot be started.
    pub fn restart(&self, index: usize) -> Result<(), FaultError> {
        self.server(index)?.restart(|dir| self.starter.start(dir))
    }

    fn server(&self, index: usize) -> Result<MutexGuard<'_, ServerProcess>, FaultError> {
        let server = self.servers.get(index);
        Ok(lock(server.ok_or(FaultError::NotOurs { index })?))
    }

    fn locked(&self) -> impl Iterator<Item = MutexGuard<'_, ServerProcess>> {
        self.servers.iter().map(lock)
    }

    fn end(&mut self) {
        let servers = std::mem::take(&mut self.servers);
        let inner = |server: Mutex<_>| server.into_inner().unwrap_or_else(PoisonError::into_inner);
        end(&mut servers.into_iter().map(inner).collect::<Vec<_>>());
    }

    /// Ends the servers and removes their folder.
    ///
    /// # Errors
    /// If the folder cannot be removed.
    pub fn stop(mut self) -> io::Result<()> {
        self.end();
        fs::remove_dir_all(&self.dir)
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if !self.servers.is_empty() {
            self.end();
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// The servers of a deployment that does not serve yet. Dropping it ends them.
struct Started {
    servers: Vec<ServerProcess>,
}

impl Drop for Started {
    fn drop(&mut self) {
        end(&mut self.servers);
    }
}

/// Ends the servers with SIGKILL. Their data is removed, so they need no orderly shutdown. All signals are
/// sent before the first wait, so that no server tries to work without the others.
fn end(servers: &mut [ServerProcess]) {
    for server in &mut *servers {
        let _ = server.child.kill();
    }
    for server in servers {
        let _ = server.child.wait();
    }
}

fn lock(server: &Mutex<ServerProcess>) -> MutexGuard<'_, ServerProcess> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reserve(
    shape: &TargetShape,
    count: usize,
) -> Result<(Vec<ServerSpec>, Reserved), DeploymentError> {
    let reserved = Reserved::take(count * PORTS_PER_SERVER, spread()).map_err(|source| {
        DeploymentError::Ports {
            count: count * PORTS_PER_SERVER,
            source,
        }
    })?;
    let specs = reserved
        .ports()
        .chunks_exact(PORTS_PER_SERVER)
        .zip(1_u16..)
        .map(|(ports, id)| ServerSpec {
            id,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: ports[0],
            quorum_port: ports[1],
            election_port: ports[2],
            observer: id > shape.voters,
        })
        .collect();
    Ok((specs, reserved))
}

/// Returns the starting point of the search for ports. It differs between processes and between attempts.
fn spread() -> u32 {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    std::process::id().wrapping_mul(7_919).wrapping_add(nanos)
}
