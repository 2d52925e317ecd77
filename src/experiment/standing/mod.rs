//! An ensemble that stays up after Quorate has ended, until it is told to go.
//!
//! Its folder holds `ensemble.state`, which is written before the first server starts and after each:
//! so that `down` finds every one of them even if `up` was killed in between. Servers are known by
//! pid *and* start time, and the state by the boot it was written in: a recycled pid is never killed.

mod error;
mod places;
mod state;
#[cfg(test)]
mod tests;

pub use error::StandingError;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::Signal;

use self::error::io_error;
use self::places::places;
use self::state::STATE_FILE;
use super::answers::Mode;
use super::identity::Identity;
use super::member::Member;
use super::process::Tie;
use super::software::{ServerDir, Software};
use super::starting::{Started, await_serving, serving};
use super::zoo_cfg::Place;
use crate::workload::TargetShape;

/// How long a server may take to end after SIGTERM.
const TERM_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the kernel may take to end it after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// What is to be started.
#[derive(Clone, Copy, Debug)]
pub struct StandingOrder<'a> {
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

/// A standing ensemble, as its state file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    dir: PathBuf,
    boot: String,
    servers: Vec<StandingServer>,
}

/// One of its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingServer {
    /// Its `myid`.
    pub id: u16,
    /// Its process; `None` before it was started.
    pub process: Option<Identity>,
    /// Where clients reach it.
    pub address: SocketAddr,
    /// Whether it only observes.
    pub observer: bool,
}

/// What a server of a standing ensemble does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Serves.
    Serving(Mode),
    /// Runs, but does not serve.
    NotServing,
    /// Has ended.
    Gone,
}

impl Standing {
    /// Starts the servers, detached, and waits until all serve.
    ///
    /// # Errors
    /// If one runs in that folder already, or the servers do not all come up; whatever was started is
    /// ended then.
    pub fn up(order: &StandingOrder<'_>) -> Result<(Self, Vec<Member>), StandingError> {
        match Self::load(order.dir) {
            Ok(old) if old.runs() => {
                return Err(StandingError::Running {
                    dir: order.dir.to_owned(),
                    connect: old.connect_string(),
                });
            }
            Ok(_) | Err(StandingError::None { .. }) => {}
            Err(error) => return Err(error),
        }
        let places = places(order)?;
        fs::create_dir_all(order.dir).map_err(io_error("create", order.dir))?;
        let dir =
            fs::canonicalize(order.dir).map_err(io_error("find the full path of", order.dir))?;
        let mut standing = Self {
            dir,
            boot: boot_id(),
            servers: places
                .iter()
                .map(|place| StandingServer {
                    id: place.id,
                    process: None,
                    address: SocketAddr::new(place.ip, place.client_port),
                    observer: place.observer,
                })
                .collect(),
        };
        standing.save()?;
        match standing.start(order, &places) {
            Ok(members) => Ok((standing, members)),
            Err(error) => {
                // The first error is the one to tell; what is left can still be ended with `down`.
                let _ = standing.down(true);
                Err(error)
            }
        }
    }

    fn start(
        &mut self,
        order: &StandingOrder<'_>,
        places: &[Place],
    ) -> Result<Vec<Member>, StandingError> {
        let mut started = Vec::with_capacity(places.len());
        for (index, place) in places.iter().enumerate() {
            let dir = ServerDir::new(&self.dir, place.id);
            let child = dir
                .write(order.shape, places, index)
                .and_then(|()| dir.start(order.software, order.shape, order.quorate, Tie::Detached))
                .map_err(io_error("start a server in", &self.dir))?;
            self.servers[index].process = Identity::of(child.id());
            self.save()?;
            let place = place.clone();
            started.push(Started { place, dir, child });
        }
        Ok(await_serving(&mut started, order.stop)?)
    }

    /// Its servers.
    #[must_use]
    pub fn servers(&self) -> &[StandingServer] {
        &self.servers
    }

    /// Its folder.
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

    /// What each server does, in their order.
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition> {
        self.servers
            .iter()
            .map(|server| match self.process(server) {
                None => Condition::Gone,
                Some(_) => serving(server.address, server.observer)
                    .map_or(Condition::NotServing, |member| {
                        Condition::Serving(member.mode)
                    }),
            })
            .collect()
    }

    /// Ends the servers: SIGTERM, and SIGKILL for those that do not heed it. Their data is removed
    /// unless `keep_data`. Returns how many were still running.
    ///
    /// # Errors
    /// If a server does not end, or a file cannot be removed.
    pub fn down(&self, keep_data: bool) -> Result<usize, StandingError> {
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
                return Err(StandingError::WillNotEnd {
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
    fn process(&self, server: &StandingServer) -> Option<Identity> {
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
