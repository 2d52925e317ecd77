//! The worker loop: one thread and one epoll set for many sessions.
//!
//! Each turn issues what is due, waits for sockets or for the next due operation, reads each ready
//! session once, starts the operations that the replies made room for, and writes once. Open and
//! closed loops, ramps and steps differ only in their [`Schedule`](super::schedule::Schedule) and
//! [`Arrivals`]. Nothing is allocated or shared per operation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::arrivals::Arrivals;
use super::clock::now_ns;
use super::context::{Context, ms_to_ns};
use super::key::{self, Owner};
use super::message::Message;
use super::priority;
use super::schedule::SessionTimes;
use super::server_order::ServerOrder;
use super::slot::{Slot, SlotSpec};
use super::tally::Tally;
use super::thread_time::ThreadTime;
use super::visit::Visits;
use super::{LoadError, Server};
use crate::protocol::Protocol;
use crate::workload::{Arrival, Plan};

/// Interval between two snapshots for the collector.
const SNAPSHOT_NS: i64 = 250_000_000;
/// Slots per sweep. The limit keeps a sweep over many slots from delaying due operations.
const SWEEP_SLOTS: usize = 512;
/// Time in which every slot is swept once. It is shorter while connections are being opened.
const SWEEP_NS: i64 = 20_000_000;
const SWEEP_OPENING_NS: i64 = 2_000_000;
/// Time in which all sessions must be attached.
const CONNECT_NS: i64 = 30_000_000_000;
/// Time in which sessions must be closed.
const CLOSE_NS: i64 = 2_000_000_000;

#[derive(Clone, Copy, Debug)]
pub(super) struct WorkerSpec<'a> {
    pub(super) plan: &'a Plan,
    /// Number of the run, from 0.
    pub(super) run: u32,
    pub(super) servers: &'a [Server],
    /// Indices of the servers that the workload prefers.
    pub(super) preferred: &'a [u32],
    pub(super) stop: &'a AtomicBool,
    /// Start of the measured phase. It is set once all sessions of all workers are attached.
    pub(super) start: &'a OnceLock<i64>,
    /// Set when another worker has failed.
    pub(super) abandoned: &'a AtomicBool,
    /// This worker's number. It runs the sessions `number`, `number + threads`, ...
    pub(super) number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Sessions are being opened.
    Connecting,
    /// All sessions are open, and the worker waits for the start.
    Ready,
    /// The worker issues load.
    Loading,
    /// The worker waits for replies.
    Draining,
    /// Sessions are being closed.
    Closing,
}

struct Worker<'a, P: Protocol> {
    spec: WorkerSpec<'a>,
    cx: Context<'a, P>,
    slots: Vec<Slot<P>>,
    visits: Visits<P>,
    stage: Stage,
    /// When the stage ends at the latest.
    stage_end_ns: i64,
    /// Open loop: when the next operation of each slot falls due, with the slot's position.
    upcoming: BinaryHeap<Reverse<(i64, usize)>>,
    /// The earliest time in `upcoming`; `i64::MAX` when it is empty.
    next_due_ns: i64,
    /// Positions of slots with due operations.
    due: Vec<usize>,
    sweep_ns: i64,
    sweep_at: usize,
    snapshot_ns: i64,
    /// The thread's nice value.
    nice: i32,
    /// The thread's clocks at the start of the measured phase.
    measure_from: Option<ThreadTime>,
    /// Counter that selects the server of the next operation with a connection of its own.
    visit_turn: usize,
}

/// Runs one worker to its end. It reports everything to `sender`, and returns its ledger if the plan asks
/// to verify writes.
pub(super) fn work<P: Protocol>(
    spec: WorkerSpec<'_>,
    sender: &Sender<Message>,
) -> Option<P::Ledger> {
    let nice = match spec.plan.load.arrival {
        Arrival::Open { .. } => priority::prefer(),
        Arrival::Closed { .. } => priority::current(),
    };
    let tally = Tally::new(spec.plan, spec.servers.len(), sender.clone());
    let result = Worker::<P>::new(spec, nice, tally).and_then(Worker::run);
    match result {
        Ok(ledger) => ledger,
        Err(error) => {
            spec.abandoned.store(true, Ordering::Relaxed);
            // The collector stops receiving only when the run has already failed.
            let _nobody_listens = sender.send(Message::Failed(error));
            None
        }
    }
}

impl<'a, P: Protocol> Worker<'a, P> {
    fn new(spec: WorkerSpec<'a>, nice: i32, tally: Tally) -> Result<Self, LoadError> {
        let plan = spec.plan;
        let cx = Context::new(plan, spec.servers, tally)?;
        let servers = u32::try_from(spec.servers.len()).unwrap_or(u32::MAX);
        let sessions = plan.load.sessions;
        let seed = plan.run_seed(spec.run);
        let threads = usize::try_from(plan.load.threads).unwrap_or(1).max(1);
        let numbers = (0..sessions).skip(spec.number).step_by(threads);
        let slots = numbers.enumerate().map(|(position, session)| {
            let arrivals = match plan.load.arrival {
                Arrival::Open { spacing, .. } => {
                    Arrivals::open(SessionTimes::new(spacing, session, sessions, seed))
                }
                Arrival::Closed { .. } => Arrivals::closed(cx.in_flight_cap),
            };
            let order = ServerOrder::new(spec.preferred, servers, session, seed);
            let driven = P::new(plan, spec.run, session, &cx.shared);
            let slot = SlotSpec {
                plan,
                run: spec.run,
                number: session,
                position,
            };
            Slot::new(slot, driven, order, arrivals)
        });
        let slots = slots.collect();
        let now = now_ns();
        Ok(Self {
            spec,
            cx,
            slots,
            visits: Visits::default(),
            stage: Stage::Connecting,
            stage_end_ns: now + CONNECT_NS,
            upcoming: BinaryHeap::new(),
            next_due_ns: i64::MAX,
            due: Vec::new(),
            sweep_ns: now,
            sweep_at: 0,
            snapshot_ns: now,
            nice,
            measure_from: None,
            visit_turn: spec.number,
        })
    }

    fn run(mut self) -> Result<Option<P::Ledger>, LoadError> {
        loop {
            let now = now_ns();
            self.issue_due(now);
            while let Some(position) = self.cx.take_wake(now) {
                self.slots[position].sweep(&mut self.cx, now);
            }
            if now >= self.sweep_ns {
                self.sweep(now);
            }
            if self.advance(now)? {
                self.cx.tally.finish();
                return Ok(P::take_ledger(&self.cx.shared));
            }
            let housekeeping_ns = self
                .sweep_ns
                .min(self.stage_end_ns)
                .min(self.cx.next_wake_ns());
            let until_ns = housekeeping_ns.min(self.next_due_ns);
            let precise = self.next_due_ns <= housekeeping_ns;
            let waited = self.cx.poller.wait(until_ns, precise);
            waited.map_err(LoadError::system("wait for sockets"))?;
            self.handle_ready();
        }
    }

    /// Handles every ready socket, and issues operations that become due between them.
    fn handle_ready(&mut self) {
        let mut index = 0;
        while let Some(ready) = self.cx.poller.ready(index) {
            index += 1;
            match key::owner(ready.key) {
                Owner::Slot(position) => {
                    if let Some(slot) = self.slots.get_mut(position)
                        && slot.is(ready.key)
                    {
                        slot.on_ready(&mut self.cx, ready);
                    }
                }
                Owner::Visit(place) => {
                    if let Some(slot) = self.visits.on_ready(&mut self.cx, place, ready) {
                        self.slots[slot].visit_ended(&mut self.cx, now_ns());
                    }
                }
            }
            self.begin_visits();
            if self.next_due_ns != i64::MAX {
                self.issue_due(now_ns());
            }
        }
    }

    /// Open loop: passes every due operation to its session, and starts those that can start.
    fn issue_due(&mut self, now: i64) {
        if now < self.next_due_ns {
            return;
        }
        while let Some(Reverse((due_ns, position))) = self.upcoming.peek().copied() {
            if due_ns > now {
                break;
            }
            self.upcoming.pop();
            let slot = &mut self.slots[position];
            slot.arrivals.arrive();
            self.cx.waiting += 1;
            if !slot.listed {
                slot.listed = true;
                self.due.push(position);
            }
            self.look_ahead(position);
        }
        self.next_due_ns = self.first_due_ns();
        for position in self.due.drain(..) {
            let slot = &mut self.slots[position];
            slot.listed = false;
            slot.fill(&mut self.cx, now);
            slot.flush(&mut self.cx);
        }
        self.begin_visits();
    }

    /// Notes when the next operation of a slot falls due.
    fn look_ahead(&mut self, position: usize) {
        let arrivals = &mut self.slots[position].arrivals;
        if let Some(at_ns) = arrivals.next_due_ns(self.cx.schedule.as_ref()) {
            self.upcoming
                .push(Reverse((self.cx.start_ns + at_ns, position)));
        }
    }

    fn first_due_ns(&self) -> i64 {
        let first = self.upcoming.peek();
        first.map_or(i64::MAX, |Reverse((due_ns, _))| *due_ns)
    }

    /// Starts the operations that open a connection of their own.
    fn begin_visits(&mut self) {
        while let Some(wanted) = self.cx.wanted_visits.pop_front() {
            let preferred = self.spec.preferred;
            let server = preferred[self.visit_turn % preferred.len()];
            self.visit_turn = self.visit_turn.wrapping_add(1);
            let plan = self.spec.plan;
            if let Some(slot) = self.visits.begin(&mut self.cx, wanted, server, plan) {
                self.slots[slot].visit_ended(&mut self.cx, now_ns());
            }
        }
    }

    /// Sweeps the next few slots and the visits: time-outs, pings, reconnects.
    fn sweep(&mut self, now: i64) {
        let count = self.slots.len();
        for _ in 0..count.min(SWEEP_SLOTS) {
            self.slots[self.sweep_at].sweep(&mut self.cx, now);
            self.sweep_at = (self.sweep_at + 1) % count;
        }
        for slot in self.visits.sweep(&mut self.cx, now) {
            self.slots[slot].visit_ended(&mut self.cx, now);
        }
        self.begin_visits();
        let connected = self.cx.tally.snapshot.connected as usize;
        let all_ns = if connected < count && self.stage != Stage::Closing {
            SWEEP_OPENING_NS
        } else {
            SWEEP_NS
        };
        let sweeps = i64::try_from(count.div_ceil(SWEEP_SLOTS)).unwrap_or(1);
        self.sweep_ns = now + all_ns / sweeps.max(1);
        self.cx.tally.roll_to(now);
        if now >= self.snapshot_ns {
            self.snapshot_ns = now + SNAPSHOT_NS;
            let (in_flight, waiting) = (self.cx.in_flight, self.cx.waiting);
            let snapshot = self.cx.tally.snapshot_at(now, in_flight, waiting);
            let message = Message::Snapshot(self.spec.number, snapshot);
            self.cx.tally.send(message);
        }
    }

    /// Moves to the next stage when it is time. Returns true when the worker is done.
    fn advance(&mut self, now: i64) -> Result<bool, LoadError> {
        let stopped = self.spec.stop.load(Ordering::Relaxed);
        let abandoned = self.spec.abandoned.load(Ordering::Relaxed);
        match self.stage {
            Stage::Connecting | Stage::Ready if stopped || abandoned => {
                return Err(LoadError::Interrupted);
            }
            Stage::Connecting => self.advance_connecting(now)?,
            Stage::Ready => {
                if let Some(start_ns) = self.spec.start.get() {
                    let begin_ns = start_ns - ms_to_ns(self.spec.plan.load.warm_up_ms);
                    self.stage_end_ns = begin_ns;
                    if now >= begin_ns {
                        self.begin_load(now, *start_ns);
                    }
                }
            }
            Stage::Loading => {
                if self.measure_from.is_none() && now >= self.cx.start_ns {
                    self.measure_from = Some(ThreadTime::now());
                    self.stage_end_ns = self.end_ns();
                    if self.cx.schedule.is_some() {
                        self.cx.tally.summary.backlog_at_start = self.cx.waiting;
                    }
                }
                if stopped || abandoned || now >= self.end_ns() {
                    self.end_load(now.min(self.end_ns()), now, stopped || abandoned);
                }
            }
            Stage::Draining => {
                let idle = self.cx.in_flight == 0 && self.cx.waiting == 0;
                if idle || now >= self.stage_end_ns {
                    self.close_sessions(now);
                }
            }
            Stage::Closing => {
                let closed = self.slots.iter().all(Slot::is_gone);
                return Ok(closed || now >= self.stage_end_ns);
            }
        }
        Ok(false)
    }

    fn advance_connecting(&mut self, now: i64) -> Result<(), LoadError> {
        if let Some(session) = self.cx.cannot_connect {
            return Err(self.cx.connect_error(session));
        }
        if self.cx.tally.snapshot.connected as usize == self.slots.len() {
            self.stage = Stage::Ready;
            self.stage_end_ns = i64::MAX;
            self.cx.tally.send(Message::Connected);
        } else if now >= self.stage_end_ns {
            let late = self.slots.iter().find(|slot| !slot.was_attached());
            if let Some(slot) = late {
                let reason = || "no answer in time".to_owned();
                let failures = &mut self.cx.connect_failures;
                failures.entry(slot.server()).or_insert_with(reason);
                return Err(self.cx.connect_error(slot.number));
            }
            // All sessions were attached once, and some are reconnecting. The run can begin.
            self.stage_end_ns = now + CONNECT_NS;
        }
        Ok(())
    }

    /// Begins the load at the start of the warm-up.
    fn begin_load(&mut self, now: i64, start_ns: i64) {
        self.stage = Stage::Loading;
        self.stage_end_ns = start_ns;
        self.cx.start_ns = start_ns;
        self.cx.end_ns = self.end_ns();
        self.cx.tally.start(now, start_ns);
        for position in 0..self.slots.len() {
            self.look_ahead(position);
        }
        self.next_due_ns = self.first_due_ns();
        if self.cx.schedule.is_none() {
            for slot in &mut self.slots {
                for _ in 0..self.cx.in_flight_cap {
                    self.cx.waiting += u64::from(slot.arrivals.freed(now));
                }
                slot.fill(&mut self.cx, now);
                slot.flush(&mut self.cx);
            }
            self.begin_visits();
        }
    }

    fn end_ns(&self) -> i64 {
        self.cx.start_ns + ms_to_ns(self.spec.plan.load.duration_ms)
    }

    /// Ends the measured phase. Operations that are due and wait are still issued, unless the user
    /// interrupted the run.
    fn end_load(&mut self, end_ns: i64, now: i64, interrupted: bool) {
        // Issues what fell due since the last look and before the end.
        if !interrupted {
            self.issue_due(end_ns - 1);
        }
        self.next_due_ns = i64::MAX;
        if let Some(from) = self.measure_from {
            self.cx.tally.summary.thread = from.until_now(self.nice);
        }
        self.cx.tally.end(end_ns);
        self.cx.tally.summary.interrupted = interrupted;
        for slot in &mut self.slots {
            self.cx.waiting -= slot.arrivals.end();
            if interrupted {
                slot.give_up_waiting(&mut self.cx, now);
            }
        }
        self.stage = Stage::Draining;
        self.stage_end_ns = now + ms_to_ns(self.spec.plan.load.drain_ms);
    }

    fn close_sessions(&mut self, now: i64) {
        self.stage = Stage::Closing;
        self.stage_end_ns = now + CLOSE_NS;
        self.cx.ending = true;
        self.visits.finish(&mut self.cx, now);
        for slot in &mut self.slots {
            slot.finish(&mut self.cx, now);
        }
    }
}
