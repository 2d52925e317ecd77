//! Watches a target while a load runs against it. It detects ends of servers that Quorate started, and
//! changes of the leader after a server ended, a session was lost or a fault began or ended.
//!
//! One thread, which is not one of the driver's, waits for the ends of the processes and for
//! [`Watch::look`]. It sends requests to the servers only after one of these events.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::leadership::{Change, Leadership};
use crate::load::clock::now_ns;
use crate::target::{Member, ServerHandle};

/// Interval between two polls for the leader.
const POLL_NS: i64 = 50_000_000;
/// Maximum duration of a search for the leader after the last event.
const SEARCH_NS: i64 = 30_000_000_000;
/// Timeout for one answer of a server.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Maximum number of leader changes that are noted per run.
const CHANGES_MAX: usize = 100;

/// The observations of a watch. Times are nanoseconds of the driver's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) ends: Vec<End>,
    /// Changes of the leader, in time order.
    pub(super) changes: Vec<Change>,
}

/// The end of a server process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) index: usize,
    pub(super) at_ns: i64,
}

/// The watch of one run.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Arc<Signals>,
    thread: JoinHandle<Observed>,
}

/// Signals to the watching thread.
#[derive(Debug)]
struct Signals {
    /// An event counter. It becomes readable when a signal is raised.
    wake: OwnedFd,
    look: AtomicBool,
    done: AtomicBool,
    processes: Mutex<Processes>,
}

/// What the thread that carries out faults tells the watching thread.
#[derive(Debug, Default)]
struct Processes {
    /// Handles of restarted servers.
    restarted: Vec<ServerHandle>,
    /// Servers whose next end is planned.
    ending: BTreeSet<usize>,
}

impl Signals {
    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn raise(&self, signal: &AtomicBool) {
        signal.store(true, Ordering::Release);
        // A full counter is readable, so the thread wakes up in any case.
        let _full = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl Watch {
    /// Starts to watch `members`. `handles` are the known processes among them. `timeout` limits the time for
    /// one answer of a server.
    ///
    /// # Errors
    /// If the event counter or the thread cannot be created.
    pub(super) fn start(
        members: &[Member],
        handles: Vec<ServerHandle>,
        timeout: Duration,
    ) -> io::Result<Self> {
        let signals = Arc::new(Signals {
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            look: AtomicBool::new(false),
            done: AtomicBool::new(false),
            processes: Mutex::default(),
        });
        let watching = Watching {
            signals: Arc::clone(&signals),
            handles,
            leadership: Leadership::of(members, timeout),
            search: None,
            observed: Observed::default(),
        };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watching.run())?;
        Ok(Self { signals, thread })
    }

    /// Begins a search for the leader.
    pub(super) fn look(&self) {
        self.signals.raise(&self.signals.look);
    }

    /// Announces that the next end of the server at `index` is planned. Call it before the server is killed.
    pub(super) fn expect_end(&self, index: usize) {
        self.signals.processes().ending.insert(index);
    }

    /// Watches the new process of a server that was restarted.
    pub(super) fn follow(&self, restarted: ServerHandle) {
        let mut processes = self.signals.processes();
        processes.ending.remove(&restarted.index);
        processes.restarted.push(restarted);
        drop(processes);
        self.look();
    }

    /// Ends the watch. If a search for the leader is under way, it polls the servers one last time.
    pub(super) fn end(self) -> Observed {
        self.signals.raise(&self.signals.done);
        self.thread.join().unwrap_or_default()
    }
}

/// The state of the watching thread.
struct Watching {
    signals: Arc<Signals>,
    handles: Vec<ServerHandle>,
    leadership: Leadership,
    search: Option<Search>,
    observed: Observed,
}

/// A search for the leader.
#[derive(Clone, Copy, Debug)]
struct Search {
    /// Time of the next poll.
    next_ns: i64,
    /// Time at which the search gives up.
    until_ns: i64,
    /// Time of the first poll in this search in which no server led.
    no_leader_ns: Option<i64>,
}

impl Watching {
    fn run(mut self) -> Observed {
        loop {
            // The flag is read before the handles are polled, so that no end before the flag is missed.
            let done = self.signals.done.load(Ordering::Acquire);
            let ended = self.wait(done);
            if self.signals.look.swap(false, Ordering::AcqRel) || ended {
                self.begin_search();
            }
            if done {
                self.poll_leader(true);
                return self.observed;
            }
            self.poll_leader(false);
        }
    }

    /// Waits until a server ends, a signal is raised or the next poll is due. If `done`, returns without
    /// waiting. Returns whether a server ended.
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
        self.handles.append(&mut self.signals.processes().restarted);
        let mut polled: Vec<PollFd<'_>> = self
            .handles
            .iter()
            .map(|handle| PollFd::new(&handle.process, PollFlags::IN))
            .collect();
        polled.push(PollFd::new(&self.signals.wake, PollFlags::IN));
        // If a Unix signal interrupts the wait, the caller waits again.
        if poll(&mut polled, timeout.as_ref()).is_err() {
            return false;
        }
        let at_ns = now_ns();
        let ready: Vec<bool> = polled
            .iter()
            .map(|polled| !polled.revents().is_empty())
            .collect();
        // Resets the counter. Reading a zero counter returns EAGAIN, because the counter does not block.
        let _empty = rustix::io::read(&self.signals.wake, &mut [0_u8; 8]);
        let ends = &mut self.observed.ends;
        let before = self.handles.len();
        let mut ready = ready.into_iter();
        let mut processes = self.signals.processes();
        self.handles.retain(|handle| {
            let ended = ready.next().unwrap_or(false);
            if ended && !processes.ending.remove(&handle.index) {
                ends.push(End {
                    index: handle.index,
                    at_ns,
                });
            }
            !ended
        });
        self.handles.len() < before
    }

    fn begin_search(&mut self) {
        if !self.leadership.has_roles() || self.observed.changes.len() >= CHANGES_MAX {
            return;
        }
        let now = now_ns();
        let no_leader_ns = self.search.and_then(|search| search.no_leader_ns);
        self.search = Some(Search {
            next_ns: now,
            until_ns: now + SEARCH_NS,
            no_leader_ns,
        });
    }

    /// Polls the servers for the leader if a search is under way, and either the next poll is due or this is
    /// the `last` one.
    fn poll_leader(&mut self, last: bool) {
        let Some(mut search) = self.search else {
            return;
        };
        if now_ns() < search.next_ns && !last {
            return;
        }
        let leader = self.leadership.ask();
        let now = now_ns();
        let gives_up = last || now >= search.until_ns;
        search.next_ns = now + POLL_NS;
        search.no_leader_ns = search.no_leader_ns.or(leader.is_none().then_some(now));
        self.search = (leader.is_none() && !gives_up).then_some(search);
        let change = match (leader, search.no_leader_ns) {
            (Some(claim), _) => self.leadership.found(claim),
            (None, Some(no_leader_ns)) if gives_up => self.leadership.lost(no_leader_ns),
            (None, _) => None,
        };
        self.observed.changes.extend(change);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{Receiver, channel};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;
    use crate::workload::Role;

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// A server that answers with the mode that the test sets, and reports every request on `asked`.
    struct Scripted {
        member: Member,
        mode: Arc<Mutex<&'static str>>,
        asked: Receiver<()>,
    }

    fn scripted(mode: &'static str, role: Role) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(Mutex::new(mode));
        let answers = Arc::clone(&mode);
        let (asks, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut word = [0; 4];
                stream.read_exact(&mut word).unwrap();
                let answer = *answers.lock().unwrap();
                let _ = writeln!(stream, "Mode: {answer}");
                if asks.send(()).is_err() {
                    return;
                }
            }
        });
        Scripted {
            member: Member {
                proxy: None,
                name: format!("{role:?}-{address}"),
                address,
                observer: Some(false),
                role,
                version: None,
            },
            mode,
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
    fn a_run_without_failures_sends_no_requests_and_notes_nothing() {
        let leader = scripted("leader", Role::Leader);
        let watch = Watch::start(&[leader.member], Vec::new(), TIMEOUT).unwrap();
        assert_eq!(watch.end(), Observed::default());
        assert!(leader.asked.try_recv().is_err(), "the server was asked");
    }

    #[test]
    fn the_end_of_the_leader_and_the_next_leader_are_noted_with_their_times() {
        let old = scripted("leader", Role::Leader);
        let new = scripted("follower", Role::Follower);
        let members = [old.member.clone(), new.member.clone()];
        let (mut child, handle) = sleeper();
        let began = now_ns();
        let handle = ServerHandle {
            index: 0,
            process: handle,
        };
        let watch = Watch::start(&members, vec![handle], TIMEOUT).unwrap();
        *old.mode.lock().unwrap() = "looking";
        child.kill().unwrap();
        for _ in 0..2 {
            new.asked.recv().unwrap();
        }
        *new.mode.lock().unwrap() = "leader";
        let observed = watch.end();
        child.wait().unwrap();
        let [End { index: 0, at_ns }] = observed.ends[..] else {
            panic!("{observed:?}");
        };
        let [change] = &observed.changes[..] else {
            panic!("{observed:?}");
        };
        assert_eq!(change.from, Some(old.member.name));
        assert_eq!(change.to, Some(new.member.name));
        assert!(began < at_ns && at_ns < change.at_ns && change.at_ns < now_ns());
    }

    #[test]
    fn a_leader_that_still_leads_ends_the_search_without_a_change() {
        let leader = scripted("leader", Role::Leader);
        let watch = Watch::start(&[leader.member], Vec::new(), TIMEOUT).unwrap();
        watch.look();
        leader.asked.recv().unwrap();
        assert_eq!(watch.end(), Observed::default());
    }

    #[test]
    fn a_missing_leader_at_the_end_of_the_run_is_noted() {
        let leader = scripted("looking", Role::Leader);
        let name = leader.member.name.clone();
        let watch = Watch::start(&[leader.member], Vec::new(), TIMEOUT).unwrap();
        watch.look();
        leader.asked.recv().unwrap();
        let observed = watch.end();
        let [change] = &observed.changes[..] else {
            panic!("{observed:?}");
        };
        assert_eq!((&change.from, &change.to), (&Some(name), &None));
    }

    #[test]
    fn servers_without_a_leader_are_not_asked() {
        let standalone = scripted("standalone", Role::Standalone);
        let silent = scripted("", Role::Unknown);
        let members = [standalone.member, silent.member];
        let watch = Watch::start(&members, Vec::new(), TIMEOUT).unwrap();
        watch.look();
        assert_eq!(watch.end(), Observed::default());
        assert!(standalone.asked.try_recv().is_err() && silent.asked.try_recv().is_err());
    }

    #[test]
    fn a_planned_end_is_not_noted_but_an_end_after_the_restart_is() {
        let leader = scripted("leader", Role::Leader);
        let handle = |process| ServerHandle { index: 0, process };
        let (mut killed, process) = sleeper();
        let watch = Watch::start(&[leader.member], vec![handle(process)], TIMEOUT).unwrap();
        watch.expect_end(0);
        killed.kill().unwrap();
        leader.asked.recv().unwrap();
        let (mut restarted, process) = sleeper();
        watch.follow(handle(process));
        restarted.kill().unwrap();
        restarted.wait().unwrap();
        killed.wait().unwrap();
        let observed = watch.end();
        assert!(
            matches!(observed.ends[..], [End { index: 0, .. }]),
            "{observed:?}"
        );
    }
}
