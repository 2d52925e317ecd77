//! One run: starts the workers at a common instant and returns their recording.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::assign::preferred;
use super::clock::now_ns;
use super::collector::Collector;
use super::context::ms_to_ns;
use super::worker::{WorkerSpec, work};
use super::{Job, LoadError, Moment};
use crate::measure::Recording;
use crate::protocol::{Ledger, Protocol, Visitor, with};
use crate::workload::Plan;

/// Interval between two progress reports.
const PROGRESS: Duration = Duration::from_millis(250);
/// Time from the moment that all sessions are attached to the first operation. It is long enough
/// for all workers to receive the start.
const LEAD_NS: i64 = 60_000_000;
/// Open files besides the sessions': listeners, logs, terminals, and an epoll set and a timer per
/// thread.
const OTHER_FILES: u64 = 64;

/// What a run leaves.
#[derive(Debug)]
pub struct Driven {
    pub recording: Recording,
    /// The acknowledged writes; `None` unless the plan asks to verify them.
    pub ledger: Option<Box<dyn Ledger>>,
}

/// Does the same as [`drive`] and drops the ledger.
///
/// # Errors
/// Those of [`drive`].
pub fn run(job: &Job<'_>) -> Result<Recording, LoadError> {
    drive(job).map(|driven| driven.recording)
}

/// Opens all sessions, issues the load, waits for the last replies and closes the sessions, in the
/// protocol that the plan names.
///
/// When `job.stop` becomes true the load ends early and the recording says so.
///
/// # Errors
/// If a session cannot be opened (the error names each address tried and the reason), or the
/// operating system refuses a resource. After the load has begun, failures are part of the
/// recording instead.
pub fn drive(job: &Job<'_>) -> Result<Driven, LoadError> {
    struct Drive<'a>(&'a Job<'a>);
    impl Visitor for Drive<'_> {
        type Output = Result<Driven, LoadError>;

        fn visit<P: Protocol>(self) -> Self::Output {
            drive_as::<P>(self.0)
        }
    }
    let name = job.plan.protocol.as_str();
    with(name, Drive(job)).unwrap_or_else(|| {
        Err(LoadError::Protocol {
            name: name.to_owned(),
        })
    })
}

/// Runs a job in the protocol `P`.
fn drive_as<P: Protocol>(job: &Job<'_>) -> Result<Driven, LoadError> {
    let plan = job.plan;
    let preferred = preferred(plan.load.attach, job.servers)?;
    allow_files(plan)?;
    let start = OnceLock::new();
    let abandoned = AtomicBool::new(false);
    let mut collector = Collector::new(job);
    let ledger = thread::scope(|scope| {
        let (sender, receiver) = channel();
        let threads = usize::try_from(plan.load.threads).unwrap_or(1).max(1);
        let mut workers = Vec::with_capacity(threads);
        for number in 0..threads {
            let spec = WorkerSpec {
                plan,
                run: job.run,
                servers: job.servers,
                preferred: &preferred,
                stop: job.stop,
                start: &start,
                abandoned: &abandoned,
                number,
            };
            let sender = sender.clone();
            let spawned = thread::Builder::new()
                .name(format!("load-{number}"))
                .spawn_scoped(scope, move || work::<P>(spec, &sender));
            match spawned {
                Ok(worker) => workers.push(worker),
                Err(source) => {
                    abandoned.store(true, Ordering::Relaxed);
                    return Err(LoadError::system("start a thread")(source));
                }
            }
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(collector.wait_time(now_ns(), PROGRESS)) {
                Ok(message) => collector.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if collector.connected() == threads && start.get().is_none() {
                let at_ns = now_ns() + LEAD_NS + ms_to_ns(plan.load.warm_up_ms);
                collector.start(at_ns);
                (job.moment)(Moment::StartKnown(at_ns));
                // Only this thread sets the start.
                let _set_once = start.set(at_ns);
            }
            if job.stop.load(Ordering::Relaxed) {
                collector.stopped(now_ns());
            }
            collector.report(now_ns());
        }
        Ok(merged(workers))
    })?;
    Ok(Driven {
        recording: collector.finish()?,
        ledger: ledger.map(|ledger| Box::new(ledger) as Box<dyn Ledger>),
    })
}

/// Merges the ledgers of all workers.
fn merged<L: Ledger>(workers: Vec<ScopedJoinHandle<'_, Option<L>>>) -> Option<L> {
    let ledgers = workers.into_iter().filter_map(|worker| {
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    ledgers.reduce(|mut all, one| {
        all.merge(one);
        all
    })
}

/// Raises the soft limit of open files of this process if the sessions of `plan` need it. [`run`]
/// does this too. A caller that starts servers checks it first, so that no server is started in
/// vain.
///
/// # Errors
/// If the hard limit is lower than the number of files needed.
pub fn allow_files(plan: &Plan) -> Result<(), LoadError> {
    let sessions = plan.load.sessions;
    let needed = u64::from(sessions) + 2 * u64::from(plan.load.threads) + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(limit.current) {
        return Ok(());
    }
    if !enough(limit.maximum) {
        return Err(LoadError::Files {
            sessions,
            needed,
            limit: limit.maximum.unwrap_or(u64::MAX),
        });
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(LoadError::system("raise the open file limit"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    use super::super::{NullResponder, NullScript, Server, fixture};
    use super::*;
    use crate::protocol::echo::{Echo, Nothing, Null};
    use crate::protocol::{Event, NoLedger, Sent, Step, Ticket, Violation};
    use crate::workload::{OpPlan, Role};

    const CLOSING_FRAME: &[u8] = b"goodbye";

    /// An echo that has one operation in flight and ends a broken connection with a closing frame.
    #[derive(Debug)]
    struct Credit(Echo);

    impl Protocol for Credit {
        type Op = ();
        type Shared = ();
        type Setup = Nothing;
        type Ledger = NoLedger;
        type Null = Null;

        const REFUSED: &'static str = Echo::REFUSED;
        const REJECTION: &'static str = Echo::REJECTION;

        fn shared(_plan: &Plan) {}

        fn take_ledger(_shared: &()) -> Option<NoLedger> {
            None
        }

        fn new(plan: &Plan, run: u32, session: u32, shared: &()) -> Self {
            Self(Echo::new(plan, run, session, shared))
        }

        fn visitor(plan: &Plan, shared: &()) -> Self {
            Self(Echo::visitor(plan, shared))
        }

        fn draw(&mut self, op: &mut ()) -> usize {
            self.0.draw(op)
        }

        fn opens_connection(op: &OpPlan) -> bool {
            Echo::opens_connection(op)
        }

        fn open(&mut self, now_ns: i64, out: &mut Vec<u8>) {
            self.0.open(now_ns, out);
        }

        fn room(&self) -> usize {
            1 - self.in_flight()
        }

        fn submit(&mut self, op: &(), ticket: Ticket, now_ns: i64, out: &mut Vec<u8>) {
            assert_eq!(self.in_flight(), 0, "the peer has no room");
            self.0.submit(op, ticket, now_ns, out);
        }

        fn wrote(&mut self, end: u64, sent: Sent) {
            self.0.wrote(end, sent);
        }

        fn heard(&mut self, now_ns: i64) {
            self.0.heard(now_ns);
        }

        fn next<'b>(
            &mut self,
            input: &mut &'b [u8],
            now_ns: i64,
            out: &mut Vec<u8>,
        ) -> Step<Event<'b>> {
            let step = self.0.next(input, now_ns, out);
            if let Step::Broken(_) = step {
                out.extend_from_slice(CLOSING_FRAME);
            }
            step
        }

        fn deadline_ns(&self) -> i64 {
            self.0.deadline_ns()
        }

        fn tick(&mut self, now_ns: i64, out: &mut Vec<u8>) -> Result<(), Violation> {
            self.0.tick(now_ns, out)
        }

        fn in_flight(&self) -> usize {
            self.0.in_flight()
        }

        fn oldest_ns(&self) -> Option<i64> {
            self.0.oldest_ns()
        }

        fn lost(&mut self, given_up: impl FnMut(Ticket, Option<Sent>)) {
            self.0.lost(given_up);
        }

        fn close(&mut self, now_ns: i64, out: &mut Vec<u8>) {
            self.0.close(now_ns, out);
        }

        fn replaced(&mut self) {
            self.0.replaced();
        }
    }

    fn drive(plan: &Plan, address: SocketAddr) -> Recording {
        let driven = drive_as::<Credit>(&Job {
            plan,
            run: 0,
            servers: &[Server {
                name: "null".to_owned(),
                address,
                role: Role::Standalone,
            }],
            stop: &AtomicBool::new(false),
            progress: &|_| {},
            moment: &|_| {},
        });
        driven.unwrap().recording
    }

    /// The peer accepts one operation every 20 ms, and 200 operations are due within a second.
    #[test]
    fn operations_that_wait_for_the_peers_limit_are_blocked_and_not_late() {
        let load = "sessions = 1\nrate = 200\nduration = \"1s\"\nspacing = \"even\"\nin_flight_cap = 100\ndrain = \"0s\"";
        let plan = fixture::plan(load, "kind = \"set\"");
        let responder = NullResponder::start::<Null>(NullScript {
            delay: Duration::from_millis(20),
            ..NullScript::default()
        })
        .unwrap();
        let recording = drive(&plan, responder.address());
        let all = recording.all();
        assert_eq!(all.counts.total(), 200);
        assert!((2..=51).contains(&all.counts.ok), "{:?}", all.counts);
        assert_eq!(
            all.counts.not_issued, 0,
            "the generator issued every operation"
        );
        // The first operation found room. Each later one waited at least for the answer before it.
        let waited = all.blocked.hdr().len() - all.blocked.hdr().count_at(0);
        assert!(waited >= 198, "{waited} were blocked");
    }
    #[test]
    fn the_closing_frame_is_written_after_a_violation() {
        let load = "sessions = 1\nrate = 100\nduration = \"200ms\"\ndrain = \"0s\"";
        let plan = fixture::plan(load, "kind = \"set\"");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            let mut received = vec![0];
            socket.read_exact(&mut received).unwrap();
            let impossible_length = u32::MAX.to_be_bytes();
            socket.write_all(&impossible_length).unwrap();
            socket.read_to_end(&mut received).unwrap();
            received
        });
        let recording = drive(&plan, address);
        let received = peer.join().unwrap();
        assert!(received.ends_with(CLOSING_FRAME), "{received:?}");
        assert_eq!(recording.all().counts.ok, 0);
    }
}
