//! What all sessions of one worker share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::SocketAddr;

use super::poller::{Poller, Spin};
use super::schedule::Schedule;
use super::tally::Tally;
use super::visit::Wanted;
use super::{LoadError, Server};
use crate::protocol::Protocol;
use crate::workload::{Arrival, Plan};

/// Bytes read per syscall at most; one buffer serves all sessions of a worker.
const BUFFER_BYTES: usize = 256 << 10;
/// Connections being opened at a time per worker, so that a server's accept queue does not
/// overflow.
const OPENING_MAX: u32 = 128;

/// What all sessions of one worker share. Owned by the worker's thread.
pub(super) struct Context<'a, P: Protocol> {
    pub(super) servers: &'a [Server],
    pub(super) poller: Poller,
    pub(super) tally: Tally,
    /// Open loop only.
    pub(super) schedule: Option<Schedule>,
    /// Start of the measured phase; 0 until it is known.
    pub(super) start_ns: i64,
    /// Its end: a closed loop asks for nothing any more.
    pub(super) end_ns: i64,
    pub(super) buffer: Vec<u8>,
    /// What the session that is being looked after appends; empty in between.
    pub(super) out: Vec<u8>,
    /// Overwritten by each operation drawn.
    pub(super) operation: P::Op,
    pub(super) shared: P::Shared,
    /// Which operations are connections of their own, by index.
    pub(super) visits: Vec<bool>,
    /// All are: none needs the slot's connection.
    pub(super) only_visits: bool,
    pub(super) operation_timeout_ns: i64,
    pub(super) connect_timeout_ns: i64,
    pub(super) in_flight_cap: usize,
    /// Operations due and waiting.
    pub(super) waiting: u64,
    /// Operations in flight.
    pub(super) in_flight: u64,
    /// Sessions connecting or shaking hands.
    pub(super) opening: u32,
    /// Operations that are connections of their own and are to begin, oldest first.
    pub(super) wanted_visits: VecDeque<Wanted<P::Op>>,
    /// Slots that want to be looked after at an instant, by position.
    wakes: BinaryHeap<Reverse<(i64, usize)>>,
    /// Why servers could not be connected to before the run, the latest reason of each.
    pub(super) connect_failures: BTreeMap<u32, String>,
    /// A session that has tried long enough.
    pub(super) cannot_connect: Option<u32>,
    /// No session is to come back any more.
    pub(super) ending: bool,
}

impl<'a, P: Protocol> Context<'a, P> {
    pub(super) fn new(plan: &Plan, servers: &'a [Server], tally: Tally) -> Result<Self, LoadError> {
        let load = &plan.load;
        let (schedule, in_flight) = match &load.arrival {
            Arrival::Open {
                phases,
                in_flight_cap,
                ..
            } => {
                let schedule = Schedule::new(phases, load.warm_up_ms, load.duration_ms);
                (Some(schedule), *in_flight_cap)
            }
            Arrival::Closed { in_flight } => (None, *in_flight),
        };
        let in_flight_cap = usize::try_from(in_flight).unwrap_or(usize::MAX);
        // As Java's client divides it; but a loaded server gets a moment.
        let connect_timeout_ms = load.session_timeout_ms / (servers.len() as u64).max(1);
        let visits: Vec<bool> = plan.ops.iter().map(P::opens_connection).collect();
        Ok(Self {
            servers,
            poller: Poller::new(Spin::Sparing).map_err(LoadError::system("wait for sockets"))?,
            tally,
            schedule,
            start_ns: 0,
            end_ns: i64::MAX,
            buffer: vec![0; BUFFER_BYTES],
            out: Vec::new(),
            operation: P::Op::default(),
            shared: P::shared(plan),
            only_visits: visits.iter().all(|visits| *visits),
            visits,
            operation_timeout_ns: ms_to_ns(load.operation_timeout_ms),
            connect_timeout_ns: ms_to_ns(connect_timeout_ms.max(1_000)),
            in_flight_cap,
            waiting: 0,
            in_flight: 0,
            opening: 0,
            wanted_visits: VecDeque::new(),
            wakes: BinaryHeap::new(),
            connect_failures: BTreeMap::new(),
            cannot_connect: None,
            ending: false,
        })
    }

    pub(super) fn name(&self, server: u32) -> &'a str {
        &self.servers[server as usize].name
    }

    /// The slot at `position` is to be looked after at `at_ns`.
    pub(super) fn wake(&mut self, at_ns: i64, position: usize) {
        self.wakes.push(Reverse((at_ns, position)));
    }

    /// When the next slot wants to be looked after.
    pub(super) fn next_wake_ns(&self) -> i64 {
        self.wakes
            .peek()
            .map_or(i64::MAX, |Reverse((at_ns, _))| *at_ns)
    }

    /// The position of a slot that wants to be looked after by now.
    pub(super) fn take_wake(&mut self, now: i64) -> Option<usize> {
        let Reverse((at_ns, position)) = *self.wakes.peek()?;
        (at_ns <= now).then(|| {
            self.wakes.pop();
            position
        })
    }

    pub(super) fn address(&self, server: u32) -> SocketAddr {
        self.servers[server as usize].address
    }

    /// May another connection be opened now?
    pub(super) fn may_open(&self) -> bool {
        self.opening < OPENING_MAX
    }

    /// The error for a session that cannot be opened.
    pub(super) fn connect_error(&self, session: u32) -> LoadError {
        let failures = self.connect_failures.iter();
        LoadError::Connect {
            session,
            tried: failures
                .map(|(server, why)| (self.address(*server), why.clone()))
                .collect(),
        }
    }
}

pub(super) fn ms_to_ns(ms: u64) -> i64 {
    i64::try_from(ms).map_or(i64::MAX / 4, |ms| ms.saturating_mul(1_000_000))
}
