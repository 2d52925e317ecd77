//! Starts an ensemble for a run, waits until every server serves, and leaves nothing behind.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::answers::parse_srvr;
use super::identity::resident_bytes;
use super::member::Member;
use super::ports::Reserved;
use super::process::{Tie, ending, last_line, log_tails, says_address_taken};
use super::software::{ServerDir, Software};
use super::zoo_cfg::Place;
use crate::client::four_letter;
use crate::workload::TargetShape;

/// Servers that are not all serving after this long have failed.
pub const SERVE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a starting server is asked; small against the time any of them needs.
const POLL: Duration = Duration::from_millis(10);
/// How long a starting server may take over one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a server may take to be gone after its sockets are.
const DYING: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 300_000_000,
};
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
    /// A server ended before it served.
    #[error("server {id} ended with {ending} before it served; {tail}")]
    Ended {
        /// Its `myid`.
        id: u16,
        /// How.
        ending: String,
        /// What it said last.
        tail: String,
        /// Because somebody else had one of its ports.
        address_taken: bool,
    },
    /// Not all serve in time.
    #[error("{waiting} of {count} servers did not serve within {waited_s} s; server {id}: {tail}")]
    Timeout {
        /// Servers that do not serve.
        waiting: usize,
        /// Servers in all.
        count: usize,
        /// How long was waited.
        waited_s: u64,
        /// One of them.
        id: u16,
        /// What it said last.
        tail: String,
    },
    /// The user ended it.
    #[error("interrupted while the servers started")]
    Interrupted,
}

/// A running ensemble that ends with this value.
#[derive(Debug)]
pub struct Deployment {
    dir: PathBuf,
    servers: Vec<Server>,
    start: Duration,
}

/// One of its servers.
#[derive(Debug)]
struct Server {
    place: Place,
    dir: ServerDir,
    child: Child,
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
                Err(DeployError::Ended {
                    address_taken: true,
                    ..
                }) if attempt < ATTEMPTS => attempt += 1,
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
            deployment.servers.push(Server { place, dir, child });
        }
        let members = deployment.await_serving(began, order.stop)?;
        deployment.start = began.elapsed();
        Ok((deployment, members))
    }

    fn await_serving(
        &mut self,
        began: Instant,
        stop: &AtomicBool,
    ) -> Result<Vec<Member>, DeployError> {
        let mut members: Vec<Option<Member>> = vec![None; self.servers.len()];
        loop {
            for (member, server) in members.iter_mut().zip(&mut self.servers) {
                server.check()?;
                if member.is_none() {
                    *member = serving(server.address(), server.place.observer);
                }
            }
            let waiting = members.iter().filter(|member| member.is_none()).count();
            if waiting == 0 {
                return Ok(members.into_iter().flatten().collect());
            }
            if stop.load(Ordering::Relaxed) {
                return Err(DeployError::Interrupted);
            }
            let waited = began.elapsed();
            if waited >= SERVE_TIMEOUT {
                let late = members.iter().position(Option::is_none).unwrap_or(0);
                return Err(DeployError::Timeout {
                    waiting,
                    count: members.len(),
                    waited_s: waited.as_secs(),
                    id: self.servers[late].place.id,
                    tail: log_tails(&self.servers[late].dir.logs()),
                });
            }
            thread::sleep(POLL);
        }
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

    /// Those servers that ended by themselves, in words.
    pub fn ended(&mut self) -> Vec<String> {
        self.servers
            .iter_mut()
            .filter_map(|server| {
                let status = server.child.try_wait().ok().flatten()?;
                let last_words = last_line(&server.dir.logs()).map_or_else(
                    || "it wrote no log".to_owned(),
                    |line| format!("it said last: {line}"),
                );
                Some(format!(
                    "server {} ended by itself with {}; {last_words}",
                    server.place.id,
                    ending(status),
                ))
            })
            .collect()
    }

    /// Those servers that ended by themselves, in words, after a connection to one was lost: a
    /// process that dies closes its sockets a little before it can be waited for.
    pub fn ending(&mut self) -> Vec<String> {
        let pidfds: Vec<OwnedFd> = self
            .servers
            .iter()
            .filter_map(|server| {
                let pid = Pid::from_child(&server.child);
                pidfd_open(pid, PidfdFlags::empty()).ok()
            })
            .collect();
        let mut fds: Vec<PollFd<'_>> = pidfds
            .iter()
            .map(|pidfd| PollFd::new(pidfd, PollFlags::IN))
            .collect();
        // Whether one has ended is asked below; a poll that fails has cost nothing but the wait.
        let _ = poll(&mut fds, Some(&DYING));
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

impl Server {
    fn address(&self) -> SocketAddr {
        SocketAddr::new(self.place.ip, self.place.client_port)
    }

    /// An error if it has ended.
    fn check(&mut self) -> Result<(), DeployError> {
        let Ok(Some(status)) = self.child.try_wait() else {
            return Ok(());
        };
        let logs = self.dir.logs();
        Err(DeployError::Ended {
            id: self.place.id,
            ending: ending(status),
            tail: log_tails(&logs),
            address_taken: says_address_taken(&logs),
        })
    }
}

/// The member at `address`, if it serves.
pub(super) fn serving(address: SocketAddr, observer: bool) -> Option<Member> {
    let answer = four_letter(address, "srvr", ANSWER_TIMEOUT).ok()?;
    let mut member = Member::answered(address.to_string(), address, parse_srvr(&answer)?);
    member.observer = Some(observer);
    Some(member)
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
