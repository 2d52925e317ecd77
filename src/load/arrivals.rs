//! What a session should have started and could not yet: intended times, oldest first.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use super::schedule::{Schedule, SessionShare};

/// The operations of one session that are due and wait.
#[derive(Debug)]
pub(super) enum Arrivals {
    /// Open loop. Intended times are a function of the operation's number, so that however long
    /// the queue grows, two numbers hold it.
    Open {
        share: SessionShare,
        /// This session's next operation.
        next: u64,
        /// Operations due so far.
        due: u64,
    },
    /// Closed loop: the instants at which a place in flight became free.
    Closed {
        free: VecDeque<i64>,
        /// Places in flight that come back are used again.
        recurring: bool,
    },
}

impl Arrivals {
    pub(super) fn open(share: SessionShare) -> Self {
        Self::Open {
            share,
            next: 0,
            due: 0,
        }
    }

    pub(super) fn closed(in_flight: usize) -> Self {
        Self::Closed {
            free: VecDeque::with_capacity(in_flight),
            recurring: true,
        }
    }

    /// Open loop: another operation is due.
    pub(super) fn arrive(&mut self) {
        if let Self::Open { due, .. } = self {
            *due += 1;
        }
    }

    /// A place in flight became free. True if that makes an operation due, as in a closed loop.
    pub(super) fn freed(&mut self, now_ns: i64) -> bool {
        match self {
            Self::Closed {
                free,
                recurring: true,
            } => {
                free.push_back(now_ns);
                true
            }
            Self::Closed { .. } | Self::Open { .. } => false,
        }
    }

    /// When the oldest waiting operation should have started.
    pub(super) fn front(&self, schedule: Option<&Schedule>, start_ns: i64) -> Option<i64> {
        match self {
            Self::Open { share, next, due } => {
                let index = (next < due).then(|| share.index(*next))?;
                schedule?.at_ns(index).map(|at| start_ns + at)
            }
            Self::Closed { free, .. } => free.front().copied(),
        }
    }

    /// The oldest waiting operation waits no more.
    pub(super) fn pop(&mut self) {
        match self {
            Self::Open { next, .. } => *next += 1,
            Self::Closed { free, .. } => drop(free.pop_front()),
        }
    }

    /// The load ends: nothing more becomes due in a closed loop, and what waits there was never
    /// asked for. Returns how many of those there were.
    pub(super) fn end(&mut self) -> u64 {
        match self {
            Self::Open { .. } => 0,
            Self::Closed { free, recurring } => {
                let waiting = free.len() as u64;
                free.clear();
                *recurring = false;
                waiting
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::RatePhase;

    #[test]
    fn an_open_loop_forgets_nothing_that_was_due() {
        let phases = [RatePhase {
            duration_ms: 1_000,
            from_per_s: 1_000.0,
            to_per_s: 1_000.0,
        }];
        let schedule = Schedule::new(&phases, 0, 1_000);
        let mut arrivals = Arrivals::open(SessionShare {
            session: 1,
            sessions: 10,
        });
        assert_eq!(arrivals.front(Some(&schedule), 7), None);
        (0..5).for_each(|_| arrivals.arrive());
        assert!(!arrivals.freed(99), "a reply makes nothing due");
        assert_eq!(arrivals.end(), 0);
        for nth in 0..5 {
            let intended = 7 + 1_000_000 + nth * 10_000_000;
            assert_eq!(arrivals.front(Some(&schedule), 7), Some(intended));
            arrivals.pop();
        }
        assert_eq!(arrivals.front(Some(&schedule), 7), None);
    }

    #[test]
    fn a_closed_loop_intends_when_a_place_is_free() {
        let mut arrivals = Arrivals::closed(2);
        assert!(arrivals.freed(5) && arrivals.freed(6));
        assert_eq!(arrivals.front(None, 0), Some(5));
        arrivals.pop();
        assert_eq!(arrivals.end(), 1);
        assert!(!arrivals.freed(7), "the load has ended");
        assert_eq!(arrivals.front(None, 0), None);
    }
}
