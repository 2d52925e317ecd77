//! Starts an ensemble for a run, waits until every server serves, and removes the ensemble after the run.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::identity::resident_bytes;
use super::member::Member;
use super::meter::{Meter, Reading};
use super::network::{Applied, Links, Path as NetworkPath, Wiring, WiringConfig};
use super::pin::{Bound, Cores, PinError};
use super::ports::Reserved;
use super::process::{await_any_end, tail};
use super::quota::{CpuQuota, QuotaError, ThrottleGauge};
use super::server_process::{FaultError, ServerExit, ServerHandle, ServerLog, ServerProcess};
use super::software::{ServerDir, Software};
use super::starter::{StartConfig, Starter};
use super::starting::{StartError, await_serving};
use super::zoo_cfg::ServerSpec;
use crate::fault::ProxyError;
use crate::workload::{LinkShape, TargetShape};

/// Maximum time between the closing of a server's sockets and the end of its process.
const DYING: Duration = Duration::from_millis(300);
/// Bytes that [`Deployment::log_tail`] returns of each log.
const LOG_TAIL_BYTES: u64 = 64 << 10;
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
    #[error(transparent)]
    Quota(#[from] QuotaError),
    #[error(transparent)]
    Pin(#[from] PinError),
    #[error("cannot find {count} free ports on the loopback address: {source}")]
    Ports { count: usize, source: io::Error },
    #[error(transparent)]
    Proxy(#[from] ProxyError),
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
    /// `None` if all connections are direct.
    wiring: Option<Wiring>,
    starter: Starter,
    start: Duration,
    /// Dropped after the servers have ended.
    quota: Option<Arc<CpuQuota>>,
    cores: Option<Cores>,
    /// Binds the driver to its cores.
    _bound: Option<Bound>,
}

#[derive(Clone, Copy, Debug)]
pub struct DeploymentConfig<'a> {
    pub software: &'a Software,
    /// Number and settings of the servers.
    pub shape: &'a TargetShape,
    /// Connections that are to be cut or slowed down.
    pub links: Links,
    /// Path of the Quorate binary.
    pub quorate: &'a Path,
    /// An empty folder. It is removed together with the deployment.
    pub dir: &'a Path,
    /// The start gives up when this becomes true.
    pub stop: &'a AtomicBool,
    /// The cores of the servers and of the calling thread. `None` leaves the choice to the kernel.
    pub cores: Option<&'a Cores>,
}

impl Deployment {
    /// Starts the servers and waits until all of them serve.
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
        let quota = config.shape.cpu.map(|share| CpuQuota::new(share, count));
        let quota = quota.transpose()?.map(Arc::new);
        // The threads of this process and the proxy share the cores of the driver.
        let bound = config.cores.map(|cores| Bound::to(&cores.driver));
        let bound = bound.transpose()?;
        let wiring = wire(config, &specs)?;
        let starter = Starter::new(StartConfig {
            software: config.software.clone(),
            shape: config.shape.clone(),
            quorate: config.quorate.to_owned(),
            cores: config.cores.cloned(),
            quota: quota.clone(),
        })
        .map_err(failed("start a thread"))?;
        let mut started = Started {
            servers: Vec::with_capacity(count),
        };
        let dirs = configured(config, &specs, wiring.as_ref())
            .map_err(failed("write the configuration of a server"))?;
        reserved.release();
        let began = Instant::now();
        for (index, (spec, dir)) in specs.into_iter().zip(dirs).enumerate() {
            let child = starter.start(&dir, index);
            let child = child.map_err(failed("start a server"))?;
            started.servers.push(ServerProcess::new(spec, dir, child));
        }
        let mut members = await_serving(&mut started.servers, config.stop)?;
        if let Some(wiring) = &wiring {
            for (index, member) in members.iter_mut().enumerate() {
                member.proxy = wiring.client_address(index);
            }
        }
        let start = began.elapsed();
        let servers = std::mem::take(&mut started.servers);
        let deployment = Self {
            dir: config.dir.to_owned(),
            servers: servers.into_iter().map(Mutex::new).collect(),
            wiring,
            starter,
            start,
            quota,
            cores: config.cores.cloned(),
            _bound: bound,
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
    pub fn meter(&self) -> Meter<'_> {
        let addresses = self.locked().map(|server| server.address()).collect();
        let gauges: Vec<Option<ThrottleGauge>> = (0..self.servers.len())
            .map(|index| self.quota.as_ref()?.gauge(index))
            .collect();
        let read = move || {
            let servers = self.locked().zip(&gauges);
            servers
                .map(|(server, gauge)| {
                    Some(Reading {
                        usage: server.usage()?,
                        throttled: gauge.as_ref().and_then(ThrottleGauge::read),
                    })
                })
                .collect()
        };
        Meter::new(addresses, Box::new(read))
    }

    /// Returns the CPU quota of the servers, if they have one. It limits nothing until it is applied, and a server
    /// that is restarted has no limit until it is applied again.
    #[must_use]
    pub fn quota(&self) -> Option<&CpuQuota> {
        self.quota.as_deref()
    }

    /// Returns the cores of the servers and of the driver, if they are bound to some.
    #[must_use]
    pub fn cores(&self) -> Option<&Cores> {
        self.cores.as_ref()
    }

    /// Returns handles of the processes whose end was neither planned nor reported. A process for which the
    /// kernel gives no handle is left out.
    #[must_use]
    pub fn handles(&self) -> Vec<ServerHandle> {
        (0..self.servers.len())
            .filter_map(|index| self.handle(index))
            .collect()
    }

    /// Returns a handle of the process of the server at `index`, unless its end was planned or reported. Call
    /// it after a restart, because the new process has a new handle.
    #[must_use]
    pub fn handle(&self, index: usize) -> Option<ServerHandle> {
        let server = lock(self.servers.get(index)?);
        if !server.is_watched() {
            return None;
        }
        let pid = Pid::from_child(&server.child);
        let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        Some(ServerHandle { index, process })
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

    /// Kills the servers at `indexes` with SIGKILL and waits for their ends. All signals are sent before the
    /// first wait. The ends are not reported as failures.
    ///
    /// # Errors
    /// If there is no such server, or it does not run. Then no server is killed.
    pub fn kill(&self, indexes: &[usize]) -> Result<(), FaultError> {
        // Each lock is taken once, in the same order by every caller.
        let indexes: BTreeSet<usize> = indexes.iter().copied().collect();
        let mut servers = Vec::with_capacity(indexes.len());
        for index in indexes {
            let mut server = self.server(index)?;
            server.check_running()?;
            servers.push(server);
        }
        for server in &mut servers {
            server.send_kill()?;
        }
        servers
            .iter_mut()
            .try_for_each(|server| server.await_killed())
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
    ///
    /// # Errors
    /// If there is no such server, it still runs, or the process cannot be started.
    pub fn restart(&self, index: usize) -> Result<(), FaultError> {
        self.server(index)?
            .restart(|dir| self.starter.start(dir, index))
    }

    /// Cuts `paths`: no byte arrives any more, nothing is reset, and new connections stay silent. Returns when it has
    /// taken effect. What is sent meanwhile is kept up to the bound of a connection, and arrives after
    /// [`Deployment::heal`].
    ///
    /// # Errors
    /// If a path does not go through a proxy, or the proxy process has ended.
    pub fn cut(&self, paths: &[NetworkPath]) -> Result<Applied, FaultError> {
        self.wired(paths)?.cut(paths)
    }

    /// Replaces delay, jitter and rate of `paths` for everything that is sent from now on.
    ///
    /// # Errors
    /// As [`Deployment::cut`].
    pub fn slow(&self, paths: &[NetworkPath], link: LinkShape) -> Result<Applied, FaultError> {
        self.wired(paths)?.slow(paths, link)
    }

    /// Ends cuts of `paths`, and gives them the delay, jitter and rate of the plan's network again.
    ///
    /// # Errors
    /// As [`Deployment::cut`].
    pub fn heal(&self, paths: &[NetworkPath]) -> Result<Applied, FaultError> {
        self.wired(paths)?.heal(paths)
    }

    fn wired(&self, paths: &[NetworkPath]) -> Result<&Wiring, FaultError> {
        let path = *paths.first().ok_or(FaultError::NoPath)?;
        self.wiring.as_ref().ok_or(FaultError::NoProxy { path })
    }

    /// Returns which connections go through proxies. `None` if all are direct.
    #[must_use]
    pub fn proxied(&self) -> Option<Links> {
        self.wiring.as_ref().map(Wiring::scope)
    }

    /// Returns the id of the proxy process. `None` without proxies.
    #[must_use]
    pub fn proxy_pid(&self) -> Option<u32> {
        self.wiring.as_ref().map(Wiring::pid)
    }

    /// Describes how the proxy process ended. `None` if it runs, and without proxies.
    #[must_use]
    pub fn proxy_end(&self) -> Option<String> {
        self.wiring.as_ref()?.ended()
    }

    /// Returns the last 64 KiB of each log of the server at `index`, with the name of the log before them.
    #[must_use]
    pub fn log_tail(&self, index: usize) -> Option<String> {
        let logs = lock(self.servers.get(index)?).dir.logs();
        let mut text = String::new();
        for log in logs {
            if let Ok(tail) = tail(&log, LOG_TAIL_BYTES) {
                let name = log.file_name().unwrap_or_default().to_string_lossy();
                text.push_str(&format!("==> {name} <==\n{tail}\n"));
            }
        }
        Some(text)
    }

    fn server(&self, index: usize) -> Result<MutexGuard<'_, ServerProcess>, FaultError> {
        let server = self.servers.get(index);
        Ok(lock(server.ok_or(FaultError::NotOurs { index })?))
    }

    fn locked(&self) -> impl Iterator<Item = MutexGuard<'_, ServerProcess>> {
        self.servers.iter().map(lock)
    }

    fn end(&mut self) {
        // A stopped process ends only when its quota lets it run. If that fails, it ends a period later.
        let _ = self.quota.as_ref().map(|quota| quota.lift());
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

/// Writes the configuration of each server. Through proxies, a server sees the others at their addresses.
fn configured(
    config: &DeploymentConfig<'_>,
    specs: &[ServerSpec],
    wiring: Option<&Wiring>,
) -> io::Result<Vec<ServerDir>> {
    let dirs: Vec<ServerDir> = specs
        .iter()
        .map(|spec| ServerDir::new(config.dir, spec.id))
        .collect();
    for (index, dir) in dirs.iter().enumerate() {
        let seen = wiring.map_or_else(
            || specs.to_vec(),
            |wiring| wiring.seen_by(index, specs, config.software.tells_address()),
        );
        dir.write(config.shape, &seen, index)?;
    }
    Ok(dirs)
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

/// Starts the proxies, if any connection goes through one.
fn wire(config: &DeploymentConfig<'_>, specs: &[ServerSpec]) -> Result<Option<Wiring>, ProxyError> {
    Wiring::start(
        &WiringConfig {
            shape: config.shape,
            links: config.links,
            quorate: config.quorate,
            log: &config.dir.join("proxy.out"),
        },
        specs,
    )
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
            peer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
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
