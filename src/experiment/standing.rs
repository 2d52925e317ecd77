//! An ensemble that stays up after Quorate has ended, until it is told to go.
//!
//! Its folder holds `ensemble.state`, which is written before the first server starts and after each:
//! so that `down` finds every one of them even if `up` was killed in between. Servers are known by
//! pid *and* start time, and the state by the boot it was written in: a recycled pid is never killed.

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::answers::Mode;
use super::deploy::{SERVE_TIMEOUT, serving};
use super::identity::Identity;
use super::member::Member;
use super::process::{Tie, ending, log_tails};
use super::software::{ServerDir, Software};
use super::zoo_cfg::Place;
use crate::workload::TargetShape;

/// Name of the state file.
const STATE_FILE: &str = "ensemble.state";
/// First line of a state file; another one is a newer version's, or somebody else's file.
const HEADER: &str = "quorate ensemble 1";
/// How often a starting server is asked.
const POLL: Duration = Duration::from_millis(10);
/// How long a server may take to end after SIGTERM.
const TERM_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the kernel may take to end it after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);
/// Ports of the same kind lie next to each other, and the kinds this far apart.
const PORT_STEP: u16 = 100;

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

/// A standing ensemble could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// There is one already.
    #[error("an ensemble runs in {} already ({connect}); `quorate ensemble down` ends it, --dir starts another one elsewhere", dir.display())]
    Running {
        /// Its folder.
        dir: PathBuf,
        /// Its connect string.
        connect: String,
    },
    /// There is none.
    #[error("no ensemble in {}: `quorate ensemble up` starts one, --dir names the folder of another", dir.display())]
    None {
        /// The folder looked at.
        dir: PathBuf,
    },
    /// A state file that cannot be understood.
    #[error("{}: line {line} is not a state of this version of quorate; end its servers by hand and remove the file", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// More servers than ports.
    #[error("--base-port {base_port} leaves no room for {servers} servers: they take ports {base_port} to {base_port} + {} + {servers}", 2 * PORT_STEP)]
    NoRoom {
        /// As asked.
        base_port: u16,
        /// As asked.
        servers: usize,
    },
    /// Somebody else listens there.
    #[error("port {port} of 127.0.0.1 is taken ({source}); choose others with --base-port")]
    PortTaken {
        /// Which one.
        port: u16,
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
    },
    /// Not all serve in time.
    #[error("server {id} did not serve within {waited_s} s; {tail}")]
    Timeout {
        /// Its `myid`.
        id: u16,
        /// How long was waited.
        waited_s: u64,
        /// What it said last.
        tail: String,
    },
    /// The user ended it.
    #[error("interrupted; the servers that had started were ended")]
    Interrupted,
    /// A server does not end.
    #[error("server {id} (process {pid}) does not end")]
    WillNotEnd {
        /// Its `myid`.
        id: u16,
        /// Its process.
        pid: u32,
    },
    /// The file system or the kernel refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
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
        let began = Instant::now();
        let mut children = Vec::with_capacity(places.len());
        for (index, place) in places.iter().enumerate() {
            let dir = ServerDir::new(&self.dir, place.id);
            let child = dir
                .write(order.shape, places, index)
                .and_then(|()| dir.start(order.software, order.shape, order.quorate, Tie::Detached))
                .map_err(io_error("start a server in", &self.dir))?;
            self.servers[index].process = Identity::of(child.id());
            self.save()?;
            children.push((dir, child));
        }
        let mut members: Vec<Option<Member>> = vec![None; places.len()];
        loop {
            for ((place, member), (dir, child)) in
                places.iter().zip(&mut members).zip(&mut children)
            {
                if let Ok(Some(status)) = child.try_wait() {
                    return Err(StandingError::Ended {
                        id: place.id,
                        ending: ending(status),
                        tail: log_tails(&dir.logs()),
                    });
                }
                if member.is_none() {
                    *member = serving(SocketAddr::new(place.ip, place.client_port), place.observer);
                }
            }
            let Some(late) = members.iter().position(Option::is_none) else {
                return Ok(members.into_iter().flatten().collect());
            };
            if order.stop.load(Ordering::Relaxed) {
                return Err(StandingError::Interrupted);
            }
            let waited = began.elapsed();
            if waited >= SERVE_TIMEOUT {
                return Err(StandingError::Timeout {
                    id: places[late].id,
                    waited_s: waited.as_secs(),
                    tail: log_tails(&children[late].0.logs()),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// The ensemble of `dir`.
    ///
    /// # Errors
    /// If there is none, or its state file cannot be understood.
    pub fn load(dir: &Path) -> Result<Self, StandingError> {
        let path = dir.join(STATE_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => parse(dir, &text).map_err(|line| StandingError::Malformed { path, line }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(StandingError::None {
                dir: dir.to_owned(),
            }),
            Err(source) => Err(io_error("read", &path)(source)),
        }
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

    fn save(&self) -> Result<(), StandingError> {
        let path = self.dir.join(STATE_FILE);
        let draft = self.dir.join(format!("{STATE_FILE}.new"));
        fs::write(&draft, render(self))
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(io_error("write", &path))
    }
}

fn render(standing: &Standing) -> String {
    let mut text = format!("{HEADER}\nboot {}\n", standing.boot);
    for server in &standing.servers {
        let process = server
            .process
            .map_or_else(|| "-".to_owned(), |process| process.to_string());
        let role = if server.observer { "observer" } else { "voter" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "server {} {process} {} {role}",
            server.id, server.address
        );
    }
    text
}

/// The number of the first line that is not understood, if there is one.
fn parse(dir: &Path, text: &str) -> Result<Standing, usize> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(1);
    }
    let boot = lines
        .next()
        .and_then(|line| line.strip_prefix("boot "))
        .ok_or(2_usize)?;
    let servers = lines
        .zip(3..)
        .map(|(line, number)| parse_server(line).ok_or(number))
        .collect::<Result<_, usize>>()?;
    Ok(Standing {
        dir: dir.to_owned(),
        boot: boot.to_owned(),
        servers,
    })
}

fn parse_server(line: &str) -> Option<StandingServer> {
    let mut words = line.strip_prefix("server ")?.split(' ');
    let server = StandingServer {
        id: words.next()?.parse().ok()?,
        process: match words.next()? {
            "-" => None,
            identity => Some(identity.parse().ok()?),
        },
        address: words.next()?.parse().ok()?,
        observer: match words.next()? {
            "voter" => false,
            "observer" => true,
            _ => return None,
        },
    };
    words.next().is_none().then_some(server)
}

fn places(order: &StandingOrder<'_>) -> Result<Vec<Place>, StandingError> {
    let count = order.shape.voters + order.shape.observers;
    let no_room = || StandingError::NoRoom {
        base_port: order.base_port,
        servers: usize::from(count),
    };
    if count > PORT_STEP {
        return Err(no_room());
    }
    let mut places = Vec::with_capacity(usize::from(count));
    for id in 1..=count {
        let port = |kind: u16| {
            order
                .base_port
                .checked_add(kind * PORT_STEP + id - 1)
                .ok_or_else(no_room)
        };
        let place = Place {
            id,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: port(0)?,
            quorum_port: port(1)?,
            election_port: port(2)?,
            observer: id > order.shape.voters,
        };
        for port in [place.client_port, place.quorum_port, place.election_port] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|source| StandingError::PortTaken { port, source })?;
        }
        places.push(place);
    }
    Ok(places)
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

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StandingError {
    let path = path.to_owned();
    move |source| StandingError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep")
            .arg("600")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn standing(dir: &Path, processes: &[Option<Identity>]) -> Standing {
        Standing {
            dir: dir.to_owned(),
            boot: boot_id(),
            servers: (1..)
                .zip(processes)
                .map(|(id, process)| StandingServer {
                    id,
                    process: *process,
                    address: SocketAddr::from(([127, 0, 0, 1], 1_000 + id)),
                    observer: id == 2,
                })
                .collect(),
        }
    }

    #[test]
    fn the_state_file_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity {
            pid: 12,
            started: 345,
        };
        let standing = standing(dir.path(), &[Some(identity), None]);
        standing.save().unwrap();
        assert_eq!(Standing::load(dir.path()).unwrap(), standing);
        assert_eq!(standing.connect_string(), "127.0.0.1:1001,127.0.0.1:1002");
    }

    #[test]
    fn a_state_file_of_somebody_else_is_not_acted_upon() {
        let dir = tempfile::tempdir().unwrap();
        let problem = |text: &str| {
            fs::write(dir.path().join(STATE_FILE), text).unwrap();
            Standing::load(dir.path()).unwrap_err().to_string()
        };
        assert!(problem("quorate ensemble 2\n").contains("line 1"));
        assert!(problem("quorate ensemble 1\n").contains("line 2"));
        let head = "quorate ensemble 1\nboot x\n";
        for line in [
            "server 1",
            "server 1 5 127.0.0.1:1 voter",
            "server 1 5-6 localhost voter",
            "server 1 5-6 127.0.0.1:1 leader",
            "server 1 5-6 127.0.0.1:1 voter more",
            "",
        ] {
            assert!(
                problem(&format!("{head}{line}\n")).contains("line 3"),
                "{line}"
            );
        }
        fs::remove_file(dir.path().join(STATE_FILE)).unwrap();
        let error = Standing::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("no ensemble in"), "{error}");
    }

    #[test]
    fn down_ends_its_own_processes_and_no_recycled_ones() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("ensemble");
        fs::create_dir_all(home.join("server-1/data")).unwrap();
        let (mut mine, mut stranger) = (sleeper(), sleeper());
        let recycled = Identity {
            started: 1,
            ..Identity::of(stranger.id()).unwrap()
        };
        let standing = standing(&home, &[Identity::of(mine.id()), Some(recycled)]);
        standing.save().unwrap();
        assert!(standing.runs());
        assert_eq!(standing.conditions()[1], Condition::Gone);
        assert_eq!(standing.down(false).unwrap(), 1);
        mine.wait().unwrap();
        assert_eq!(stranger.try_wait().unwrap(), None);
        assert!(!home.exists());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn processes_of_another_boot_are_strangers() {
        let dir = tempfile::tempdir().unwrap();
        let mut stranger = sleeper();
        let mut standing = standing(dir.path(), &[Identity::of(stranger.id())]);
        standing.boot = "another".into();
        standing.save().unwrap();
        assert!(!standing.runs());
        assert_eq!(standing.down(true).unwrap(), 0);
        assert_eq!(stranger.try_wait().unwrap(), None);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn a_taken_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = AtomicBool::new(false);
        let dir = tempfile::tempdir().unwrap();
        let order = |base_port| {
            let shape = TargetShape {
                voters: 1,
                observers: 0,
                fsync: true,
                tick_time_ms: 2_000,
                init_limit: 10,
                sync_limit: 5,
                heap_mib: 64,
            };
            Standing::up(&StandingOrder {
                software: &Software::Bundled,
                shape: &shape,
                quorate: Path::new("/nonexistent"),
                dir: dir.path(),
                base_port,
                stop: &stop,
            })
            .unwrap_err()
            .to_string()
        };
        assert!(order(port).contains(&format!("port {port} of 127.0.0.1 is taken")));
        assert!(order(65_500).contains("--base-port 65500 leaves no room"));
    }
}
