//! State that all sessions of one worker share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::SocketAddr;

use super::poller::{Poller, Spin};
use super::schedule::Schedule;
use super::tally::Tally;
use super::visit::Wanted;
use super::{LoadError, Server};
use crate::protocol::Protocol;
use crate::workload::{Arrival, OpPlan, Plan};

/// Maximum number of bytes read per system call. All sessions of a worker share one buffer.
const BUFFER_BYTES: usize = 256 << 10;
/// Connections that a worker opens at the same time. The limit keeps a server's accept queue from
/// overflowing.
const OPENING_MAX: u32 = 128;

/// What all sessions of one worker share. The worker's thread owns it.
pub(super) struct Context<'a, P: Protocol> {
    pub(super) servers: &'a [Server],
    pub(super) poller: Poller,
    pub(super) tally: Tally,
    /// `None` in a closed loop.
    pub(super) schedule: Option<Schedule>,
    /// Start of the measured phase; 0 until it is known.
    pub(super) start_ns: i64,
    /// End of the measured phase. A closed loop starts no operation after it.
    pub(super) end_ns: i64,
    pub(super) buffer: Vec<u8>,
    /// Output of the session that is being handled; empty between sessions.
    pub(super) out: Vec<u8>,
    /// Reused: each drawn operation overwrites it.
    pub(super) operation: P::Op,
    pub(super) shared: P::Shared,
    /// Whether an acknowledgement of an operation ends a gap of its session, by operation index: the
    /// writes do, and all operations if there are no writes.
    pub(super) probes: Vec<bool>,
    /// Whether an operation opens a connection of its own, by operation index.
    pub(super) visits: Vec<bool>,
    /// Whether all operations do. Then none needs the slot's connection.
    pub(super) only_visits: bool,
    pub(super) operation_timeout_ns: i64,
    pub(super) connect_timeout_ns: i64,
    pub(super) in_flight_cap: usize,
    /// Operations due and waiting.
    pub(super) waiting: u64,
    /// Operations in flight.
    pub(super) in_flight: u64,
    /// Sessions that are connecting or in the handshake.
    pub(super) opening: u32,
    /// Operations that open a connection of their own and are about to begin, oldest first.
    pub(super) wanted_visits: VecDeque<Wanted<P::Op>>,
    /// When slots need a sweep, with their positions.
    wakes: BinaryHeap<Reverse<(i64, usize)>>,
    /// Why servers could not be connected to before the run: the latest reason per server.
    pub(super) connect_failures: BTreeMap<u32, String>,
    /// A session that could not connect before the run, after all its attempts.
    pub(super) cannot_connect: Option<u32>,
    /// Whether the run is ending. A lost session does not reconnect then.
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
        // Divided by the number of servers as in the Java client, with a minimum for loaded
        // servers.
        let connect_timeout_ms = load.session_timeout_ms / (servers.len() as u64).max(1);
        let no_writes = !plan.ops.iter().any(OpPlan::is_write);
        let probes = plan.ops.iter().map(|op| no_writes || op.is_write());
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
            probes: probes.collect(),
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

    /// Schedules a sweep of the slot at `position`.
    pub(super) fn wake(&mut self, at_ns: i64, position: usize) {
        self.wakes.push(Reverse((at_ns, position)));
    }

    /// Returns when the next slot needs a sweep.
    pub(super) fn next_wake_ns(&self) -> i64 {
        self.wakes
            .peek()
            .map_or(i64::MAX, |Reverse((at_ns, _))| *at_ns)
    }

    /// Returns the position of a slot whose sweep is due.
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

    /// Whether another connection may be opened now.
    pub(super) fn may_open(&self) -> bool {
        self.opening < OPENING_MAX
    }

    /// Makes the error for a session that cannot be opened.
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
