//! Starts an ensemble for a run, waits until every server serves, and leaves nothing behind.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::identity::resident_bytes;
use super::member::Member;
use super::ports::Reserved;
use super::process::{Tie, await_any_end, ending, last_line};
use super::software::{ServerDir, Software};
use super::starting::{StartError, Started, await_serving};
use super::zoo_cfg::Place;
use crate::workload::TargetShape;

/// How long a server may take to be gone after its sockets are.
const DYING: Duration = Duration::from_millis(300);
/// Deployments tried when somebody takes a port at the wrong moment.
const ATTEMPTS: u32 = 3;
/// Client, quorum and election port.
const PORTS_PER_SERVER: usize = 3;

/// An ensemble did not come up.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A file could not be written, or a process not started.
    #[error("cannot {action} in {}: {source}", dir.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        dir: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// No free ports.
    #[error("cannot find {count} free ports on the loopback address: {source}")]
    Ports {
        /// How many are needed.
        count: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// The servers do not all serve.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A running ensemble that ends with this value.
#[derive(Debug)]
pub struct Deployment {
    dir: PathBuf,
    servers: Vec<Started>,
    /// Servers whose end was told, by index.
    told: Vec<usize>,
    start: Duration,
}

/// What is to be started.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Which servers.
    pub software: &'a Software,
    /// How many, with which settings.
    pub shape: &'a TargetShape,
    /// The Quorate binary.
    pub quorate: &'a Path,
    /// A fresh folder, which is removed with the deployment.
    pub dir: &'a Path,
    /// Gives up when it becomes true.
    pub stop: &'a AtomicBool,
}

impl Deployment {
    /// Starts the servers and waits until all of them serve. Call it from a thread that outlives the
    /// deployment: the kernel ends the servers when the thread that started them ends.
    ///
    /// # Errors
    /// If they do not all come up; whatever was started is ended, and the folder removed.
    pub fn start(order: &Order<'_>) -> Result<(Self, Vec<Member>), DeployError> {
        let mut attempt = 1;
        loop {
            match Self::attempt(order) {
                Err(DeployError::Start(StartError::Ended {
                    address_taken: true,
                    ..
                })) if attempt < ATTEMPTS => attempt += 1,
                outcome => {
                    if outcome.is_err() {
                        let _ = fs::remove_dir_all(order.dir);
                    }
                    return outcome;
                }
            }
        }
    }

    fn attempt(order: &Order<'_>) -> Result<(Self, Vec<Member>), DeployError> {
        let failed = |action: &'static str| {
            move |source| DeployError::Io {
                action,
                dir: order.dir.to_owned(),
                source,
            }
        };
        let count = usize::from(order.shape.voters) + usize::from(order.shape.observers);
        let (places, reserved) = reserve(order.shape, count)?;
        let _ = fs::remove_dir_all(order.dir);
        fs::create_dir_all(order.dir).map_err(failed("create a folder"))?;
        let mut deployment = Self {
            dir: order.dir.to_owned(),
            servers: Vec::with_capacity(count),
            told: Vec::new(),
            start: Duration::ZERO,
        };
        let dirs: Vec<ServerDir> = places
            .iter()
            .map(|place| ServerDir::new(order.dir, place.id))
            .collect();
        for (index, dir) in dirs.iter().enumerate() {
            dir.write(order.shape, &places, index)
                .map_err(failed("write the configuration of a server"))?;
        }
        reserved.release();
        let began = Instant::now();
        for (place, dir) in places.into_iter().zip(dirs) {
            let child = dir
                .start(order.software, order.shape, order.quorate, Tie::EndsWithUs)
                .map_err(failed("start a server"))?;
            deployment.servers.push(Started { place, dir, child });
        }
        let members = await_serving(&mut deployment.servers, order.stop)?;
        deployment.start = began.elapsed();
        Ok((deployment, members))
    }

    /// From the start of the first process until the last server served.
    #[must_use]
    pub fn start_time(&self) -> Duration {
        self.start
    }

    /// Where the servers keep their data.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Resident memory of each server, bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> Vec<Option<u64>> {
        self.servers
            .iter()
            .map(|server| resident_bytes(server.child.id()))
            .collect()
    }

    /// Process id and client port of each server.
    pub(super) fn processes(&self) -> Vec<(u32, SocketAddr)> {
        self.servers
            .iter()
            .map(|server| (server.child.id(), server.address()))
            .collect()
    }

    /// Handles of the processes whose end was not told yet, by index: they become readable when the process
    /// ends. One that cannot be had is left out.
    pub(super) fn handles(&self) -> Vec<(usize, OwnedFd)> {
        self.servers
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.told.contains(index))
            .filter_map(|(index, server)| {
                let pid = Pid::from_child(&server.child);
                Some((index, pidfd_open(pid, PidfdFlags::empty()).ok()?))
            })
            .collect()
    }

    /// Those servers that ended by themselves since this was last asked: index, and how, in words.
    pub fn ended(&mut self) -> Vec<(usize, String)> {
        let mut ended = Vec::new();
        for (index, server) in self.servers.iter_mut().enumerate() {
            if self.told.contains(&index) {
                continue;
            }
            let Ok(Some(status)) = server.child.try_wait() else {
                continue;
            };
            let last_words = last_line(&server.dir.logs()).map_or_else(
                || "it wrote no log".to_owned(),
                |line| format!("it said last: {line}"),
            );
            self.told.push(index);
            ended.push((index, format!("{}; {last_words}", ending(status))));
        }
        ended
    }

    /// The same after a connection to a server was lost: a process that dies closes its sockets a little
    /// before it can be waited for.
    pub fn ending(&mut self) -> Vec<(usize, String)> {
        await_any_end(self.servers.iter().map(|server| &server.child), DYING);
        self.ended()
    }

    fn end(&mut self) {
        // All are told before any is waited for, so that none sees the others leave for long. SIGKILL,
        // because the data goes too.
        for server in &mut self.servers {
            let _ = server.child.kill();
        }
        for server in &mut self.servers {
            let _ = server.child.wait();
        }
        self.servers.clear();
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

fn reserve(shape: &TargetShape, count: usize) -> Result<(Vec<Place>, Reserved), DeployError> {
    let reserved = Reserved::take(count * PORTS_PER_SERVER, spread()).map_err(|source| {
        DeployError::Ports {
            count: count * PORTS_PER_SERVER,
            source,
        }
    })?;
    let places = reserved
        .ports()
        .chunks_exact(PORTS_PER_SERVER)
        .zip(1_u16..)
        .map(|(ports, id)| Place {
            id,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: ports[0],
            quorum_port: ports[1],
            election_port: ports[2],
            observer: id > shape.voters,
        })
        .collect();
    Ok((places, reserved))
}

/// Somewhere to begin the search for ports: different in every process and at every attempt.
fn spread() -> u32 {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    std::process::id().wrapping_mul(7_919).wrapping_add(nanos)
}
