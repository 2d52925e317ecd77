//! Watches a target while a load runs against it: which server that Quorate started ends, and who leads
//! after something went wrong.
//!
//! One thread waits for the processes and for [`Watch::look`]. It asks the servers only
//! after something went wrong, and it never runs on the driver's threads.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::load::clock::now_ns;
use crate::protocol::zookeeper::four_letter;
use crate::target::{Member, parse_srvr};
use crate::workload::Role;

/// Between two questions who leads.
const ASK_NS: i64 = 50_000_000;
/// How long is asked who leads after the last thing that went wrong.
const SEARCH_NS: i64 = 30_000_000_000;
/// How long a server may take over one answer.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Changes of the leader that are noted, at most.
const CHANGES_MAX: usize = 100;

/// What a watch saw. Instants are those of the driver's clock, nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Servers that ended, by index, and when.
    pub(super) ended: Vec<(usize, i64)>,
    /// Changes of the leader, in time order.
    pub(super) changes: Vec<Change>,
}

/// Another server leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// When it was first seen.
    pub(super) at_ns: i64,
    /// The leader before; `None` = no server led.
    pub(super) from: Option<String>,
    /// The leader now; `None` = no server leads.
    pub(super) to: Option<String>,
}

/// A watch over one run.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Arc<Signals>,
    thread: JoinHandle<Seen>,
}

/// What the watching thread is told.
#[derive(Debug)]
struct Signals {
    /// Readable when something is to be looked at.
    wake: OwnedFd,
    look: AtomicBool,
    done: AtomicBool,
}

impl Signals {
    fn raise(&self, signal: &AtomicBool) {
        signal.store(true, Ordering::Release);
        // A counter that is full wakes as well.
        let _full = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl Watch {
    /// Begins to watch `members`, of which `handles` (by index) are those whose processes are known. Each may
    /// take `timeout` over an answer.
    ///
    /// # Errors
    /// If the kernel gives no event counter.
    pub(super) fn start(
        members: &[Member],
        handles: Vec<(usize, OwnedFd)>,
        timeout: Duration,
    ) -> io::Result<Self> {
        let signals = Arc::new(Signals {
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            look: AtomicBool::new(false),
            done: AtomicBool::new(false),
        });
        let watching = Watching {
            signals: Arc::clone(&signals),
            handles,
            leadership: Leadership::of(members, timeout),
            search: None,
            seen: Seen::default(),
        };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watching.run())?;
        Ok(Self { signals, thread })
    }

    /// Something went wrong: is another server leading now?
    pub(super) fn look(&self) {
        self.signals.raise(&self.signals.look);
    }

    /// Ends the watch. A search for the leader that is under way asks once more.
    pub(super) fn end(self) -> Seen {
        self.signals.raise(&self.signals.done);
        self.thread.join().unwrap_or_default()
    }
}

/// The thread's side.
struct Watching {
    signals: Arc<Signals>,
    handles: Vec<(usize, OwnedFd)>,
    leadership: Leadership,
    search: Option<Search>,
    seen: Seen,
}

/// A search for the leader.
#[derive(Clone, Copy, Debug)]
struct Search {
    /// When to ask next.
    next_ns: i64,
    /// When to give up.
    until_ns: i64,
    /// When nobody led for the first time in this search.
    nobody_ns: Option<i64>,
}

impl Watching {
    fn run(mut self) -> Seen {
        loop {
            // Before the handles are looked at, so that an end before it is seen.
            let done = self.signals.done.load(Ordering::Acquire);
            let ended = self.wait(done);
            if self.signals.look.swap(false, Ordering::AcqRel) || ended {
                self.begin_search();
            }
            if done {
                self.ask(true);
                return self.seen;
            }
            self.ask(false);
        }
    }

    /// Waits until a server ends, somebody calls, or it is time to ask; at once if `done`. Whether a
    /// server ended.
    fn wait(&mut self, done: bool) -> bool {
        let timeout_ns = match (done, self.search) {
            (true, _) => Some(0),
            (false, Some(search)) => Some((search.next_ns - now_ns()).max(0)),
            (false, None) => None,
        };
        let timeout = timeout_ns.map(|ns| Timespec {
            tv_sec: ns / 1_000_000_000,
            tv_nsec: ns % 1_000_000_000,
        });
        let mut polled: Vec<PollFd<'_>> = self
            .handles
            .iter()
            .map(|(_, handle)| PollFd::new(handle, PollFlags::IN))
            .collect();
        polled.push(PollFd::new(&self.signals.wake, PollFlags::IN));
        // A wait that a signal cuts short is a look too many.
        if poll(&mut polled, timeout.as_ref()).is_err() {
            return false;
        }
        let at_ns = now_ns();
        let ready: Vec<bool> = polled
            .iter()
            .map(|polled| !polled.revents().is_empty())
            .collect();
        // Nothing to read is no error: the counter does not block.
        let _empty = rustix::io::read(&self.signals.wake, &mut [0_u8; 8]);
        let seen = &mut self.seen;
        let before = seen.ended.len();
        let mut ready = ready.into_iter();
        self.handles.retain(|(index, _)| {
            let ended = ready.next().unwrap_or(false);
            if ended {
                seen.ended.push((*index, at_ns));
            }
            !ended
        });
        seen.ended.len() > before
    }

    fn begin_search(&mut self) {
        if !self.leadership.can_be_asked() || self.seen.changes.len() >= CHANGES_MAX {
            return;
        }
        let now = now_ns();
        let nobody_ns = self.search.and_then(|search| search.nobody_ns);
        self.search = Some(Search {
            next_ns: now,
            until_ns: now + SEARCH_NS,
            nobody_ns,
        });
    }

    /// Asks who leads if it is time, or for the `last` time.
    fn ask(&mut self, last: bool) {
        let Some(mut search) = self.search else {
            return;
        };
        if now_ns() < search.next_ns && !last {
            return;
        }
        let leader = self.leadership.ask();
        let now = now_ns();
        let gives_up = last || now >= search.until_ns;
        search.next_ns = now + ASK_NS;
        search.nobody_ns = search.nobody_ns.or(leader.is_none().then_some(now));
        self.search = (leader.is_none() && !gives_up).then_some(search);
        let change = match (leader, search.nobody_ns) {
            (Some((index, at_ns)), _) => self.leadership.found(Some(index), at_ns),
            (None, Some(nobody_ns)) if gives_up => self.leadership.found(None, nobody_ns),
            (None, _) => None,
        };
        self.seen.changes.extend(change);
    }
}

/// The leader, as far as it is known.
#[derive(Debug)]
struct Leadership {
    servers: Vec<(String, SocketAddr)>,
    known: Known,
    timeout: Duration,
    /// Whether the servers say what they are.
    tells: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nobody could be asked so far.
    Unknown,
    Nobody,
    Server(usize),
}

impl Leadership {
    /// As the members said last.
    fn of(members: &[Member], timeout: Duration) -> Self {
        let leader = members.iter().position(|one| one.role == Role::Leader);
        let in_ensemble =
            |member: &Member| matches!(member.role, Role::Leader | Role::Follower | Role::Observer);
        Self {
            servers: members
                .iter()
                .map(|member| (member.name.clone(), member.address))
                .collect(),
            known: leader.map_or(Known::Unknown, Known::Server),
            timeout,
            tells: members.iter().any(in_ensemble),
        }
    }

    /// Whether it makes sense to ask: a standalone server has no leader, and a server that refuses
    /// four-letter words does not answer.
    fn can_be_asked(&self) -> bool {
        self.tells
    }

    /// Asks all servers at the same time; the one that says that it leads, and when it said so. Of
    /// two, the one that did not lead before: the other does not know yet.
    fn ask(&self) -> Option<(usize, i64)> {
        let claims: Vec<(usize, i64)> = thread::scope(|scope| {
            let asking: Vec<_> = self
                .servers
                .iter()
                .map(|(_, address)| scope.spawn(|| (leads(*address, self.timeout), now_ns())))
                .collect();
            let answers = asking.into_iter().map(|thread| thread.join().ok());
            answers
                .enumerate()
                .filter_map(|(index, answer)| match answer {
                    Some((true, at_ns)) => Some((index, at_ns)),
                    _ => None,
                })
                .collect()
        });
        self.choose(&claims)
    }

    fn choose(&self, claims: &[(usize, i64)]) -> Option<(usize, i64)> {
        let is_new = |(index, _): &&(usize, i64)| Known::Server(*index) != self.known;
        claims.iter().find(is_new).or(claims.first()).copied()
    }

    /// Takes note of who leads; the change if there is one.
    fn found(&mut self, leader: Option<usize>, at_ns: i64) -> Option<Change> {
        let now = leader.map_or(Known::Nobody, Known::Server);
        let before = std::mem::replace(&mut self.known, now);
        // A leader that is seen for the first time may have led all along.
        (before != now && before != Known::Unknown).then(|| Change {
            at_ns,
            from: self.name(before),
            to: self.name(now),
        })
    }

    fn name(&self, known: Known) -> Option<String> {
        match known {
            Known::Server(index) => self.servers.get(index).map(|(name, _)| name.clone()),
            Known::Nobody | Known::Unknown => None,
        }
    }
}

fn leads(address: SocketAddr, timeout: Duration) -> bool {
    four_letter(address, "srvr", timeout)
        .ok()
        .and_then(|answer| parse_srvr(&answer))
        .is_some_and(|srvr| srvr.role == Role::Leader)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// A server that says what its test wants, and tells when it was asked.
    struct Scripted {
        member: Member,
        mode: Arc<Mutex<&'static str>>,
        asked: Receiver<()>,
    }

    fn scripted(mode: &'static str, role: Role) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(Mutex::new(mode));
        let says = Arc::clone(&said);
        let (asks, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut word = [0; 4];
                stream.read_exact(&mut word).unwrap();
                let mode = *says.lock().unwrap();
                let _ = writeln!(stream, "Mode: {mode}");
                if asks.send(()).is_err() {
                    return;
                }
            }
        });
        Scripted {
            member: Member {
                name: format!("{role:?}-{address}"),
                address,
                observer: Some(false),
                role,
                version: None,
            },
            mode: said,
            asked,
        }
    }

    fn sleeper() -> (Child, OwnedFd) {
        let mut command = Command::new("sleep");
        let child = command.arg("600").stdin(Stdio::null()).spawn().unwrap();
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        (child, handle)
    }

    #[test]
    fn a_quiet_run_asks_nobody_and_sees_nothing() {
        let leader = scripted("leader", Role::Leader);
        let watch = Watch::start(&[leader.member], Vec::new(), PATIENCE).unwrap();
        assert_eq!(watch.end(), Seen::default());
        assert!(leader.asked.try_recv().is_err(), "it was asked");
    }

    #[test]
    fn an_end_and_the_next_leader_are_seen_with_their_times() {
        let old = scripted("leader", Role::Leader);
        let new = scripted("follower", Role::Follower);
        let members = [old.member.clone(), new.member.clone()];
        let (mut child, handle) = sleeper();
        let began = now_ns();
        let watch = Watch::start(&members, vec![(0, handle)], PATIENCE).unwrap();
        *old.mode.lock().unwrap() = "looking";
        child.kill().unwrap();
        for _ in 0..2 {
            new.asked.recv().unwrap();
        }
        *new.mode.lock().unwrap() = "leader";
        let seen = watch.end();
        child.wait().unwrap();
        let [(0, ended_ns)] = seen.ended[..] else {
            panic!("{seen:?}");
        };
        let [change] = &seen.changes[..] else {
            panic!("{seen:?}");
        };
        assert_eq!(change.from, Some(old.member.name));
        assert_eq!(change.to, Some(new.member.name));
        assert!(began < ended_ns && ended_ns < change.at_ns && change.at_ns < now_ns());
    }

    #[test]
    fn a_leader_that_still_leads_ends_the_search_without_a_change() {
        let leader = scripted("leader", Role::Leader);
        let watch = Watch::start(&[leader.member], Vec::new(), PATIENCE).unwrap();
        watch.look();
        leader.asked.recv().unwrap();
        assert_eq!(watch.end(), Seen::default());
    }

    #[test]
    fn that_nobody_leads_at_the_end_is_told() {
        let leader = scripted("looking", Role::Leader);
        let name = leader.member.name.clone();
        let watch = Watch::start(&[leader.member], Vec::new(), PATIENCE).unwrap();
        watch.look();
        leader.asked.recv().unwrap();
        let seen = watch.end();
        let [change] = &seen.changes[..] else {
            panic!("{seen:?}");
        };
        assert_eq!((&change.from, &change.to), (&Some(name), &None));
    }

    #[test]
    fn who_has_no_leader_is_not_asked() {
        let alone = scripted("standalone", Role::Standalone);
        let mute = scripted("", Role::Unknown);
        let watch = Watch::start(&[alone.member, mute.member], Vec::new(), PATIENCE).unwrap();
        watch.look();
        assert_eq!(watch.end(), Seen::default());
        assert!(alone.asked.try_recv().is_err() && mute.asked.try_recv().is_err());
    }

    #[test]
    fn of_two_that_say_that_they_lead_the_new_one_is_believed() {
        let member = |port: u16, mode| Member {
            name: format!("h:{port}"),
            address: ([127, 0, 0, 1], port).into(),
            observer: None,
            role: mode,
            version: None,
        };
        let mut leadership = Leadership::of(
            &[member(1, Role::Leader), member(2, Role::Follower)],
            PATIENCE,
        );
        assert_eq!(leadership.choose(&[(0, 5), (1, 6)]), Some((1, 6)));
        assert_eq!(leadership.choose(&[(0, 5)]), Some((0, 5)));
        assert_eq!(leadership.found(Some(0), 7), None);
        let change = leadership.found(Some(1), 8).unwrap();
        assert_eq!(change.to.as_deref(), Some("h:2"));
        let mut unknown = Leadership::of(&[member(1, Role::Follower)], PATIENCE);
        assert_eq!(unknown.found(Some(0), 7), None, "it may have led all along");
    }
}
