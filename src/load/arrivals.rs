//! The operations of a session that are due but not yet started, by intended time.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use super::schedule::{Schedule, SessionTimes};

/// The operations of one session that are due and wait to be started, oldest first.
#[derive(Debug)]
pub(super) enum Arrivals {
    /// Open loop. The schedule can compute intended times a second time, so a counter is enough to
    /// hold a queue of any length.
    Open(Box<Open>),
    /// Closed loop: the instants at which a place in flight became free.
    Closed {
        free: VecDeque<i64>,
        /// Whether a place that becomes free makes the next operation due. False after the load has
        /// ended.
        recurring: bool,
    },
}

#[derive(Debug)]
pub(super) struct Open {
    /// Computes when the next operation falls due.
    ahead: SessionTimes,
    /// Computes the intended times of the waiting operations, behind `ahead`.
    behind: SessionTimes,
    /// Operations due and not yet started.
    waiting: u64,
    /// Intended time of the oldest waiting operation, on the schedule's clock, once it was
    /// computed.
    front_ns: Option<i64>,
}

impl Arrivals {
    pub(super) fn open(times: SessionTimes) -> Self {
        Self::Open(Box::new(Open {
            ahead: times.clone(),
            behind: times,
            waiting: 0,
            front_ns: None,
        }))
    }

    pub(super) fn closed(in_flight: usize) -> Self {
        Self::Closed {
            free: VecDeque::with_capacity(in_flight),
            recurring: true,
        }
    }

    /// Open loop: returns when the next operation falls due, on the schedule's clock. Each call
    /// advances by one operation.
    pub(super) fn next_due_ns(&mut self, schedule: Option<&Schedule>) -> Option<i64> {
        match self {
            Self::Open(open) => open.ahead.next_ns(schedule?),
            Self::Closed { .. } => None,
        }
    }

    /// Open loop: counts an operation that has fallen due.
    pub(super) fn arrive(&mut self) {
        if let Self::Open(open) = self {
            open.waiting += 1;
        }
    }

    /// Notes that a place in flight became free. Returns true if that makes an operation due, as in
    /// a closed loop.
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

    /// Returns when the oldest waiting operation should have started, on the clock on which the
    /// measured phase starts at `start_ns`.
    pub(super) fn front(&mut self, schedule: Option<&Schedule>, start_ns: i64) -> Option<i64> {
        match self {
            Self::Open(open) => {
                if open.waiting == 0 {
                    return None;
                }
                if open.front_ns.is_none() {
                    open.front_ns = open.behind.next_ns(schedule?);
                }
                open.front_ns.map(|at| start_ns + at)
            }
            Self::Closed { free, .. } => free.front().copied(),
        }
    }

    /// Removes the oldest waiting operation, which [`Arrivals::front`] returned.
    pub(super) fn pop(&mut self) {
        match self {
            Self::Open(open) => {
                open.waiting -= 1;
                open.front_ns = None;
            }
            Self::Closed { free, .. } => drop(free.pop_front()),
        }
    }

    /// Ends the load. In a closed loop nothing more becomes due, and the operations that wait are
    /// dropped. Returns how many were dropped.
    pub(super) fn end(&mut self) -> u64 {
        match self {
            Self::Open(_) => 0,
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
    use crate::workload::{RatePhase, Spacing};

    #[test]
    fn an_open_loop_keeps_every_due_operation() {
        let phases = [RatePhase {
            duration_ms: 1_000,
            from_per_s: 1_000.0,
            to_per_s: 1_000.0,
        }];
        for spacing in Spacing::ALL {
            let schedule = Schedule::new(&phases, 0, 1_000);
            let times = SessionTimes::new(spacing, 1, 10, 3);
            let mut arrivals = Arrivals::open(times);
            assert_eq!(arrivals.front(Some(&schedule), 7), None);
            let due: Vec<i64> = (0..5)
                .map(|_| {
                    arrivals.arrive();
                    arrivals.next_due_ns(Some(&schedule)).unwrap()
                })
                .collect();
            assert!(
                !arrivals.freed(99),
                "a reply must not make an operation due"
            );
            assert_eq!(arrivals.end(), 0);
            for at in due {
                assert_eq!(arrivals.front(Some(&schedule), 7), Some(7 + at));
                assert_eq!(
                    arrivals.front(Some(&schedule), 7),
                    Some(7 + at),
                    "front must not advance"
                );
                arrivals.pop();
            }
            assert_eq!(arrivals.front(Some(&schedule), 7), None);
        }
    }

    #[test]
    fn a_closed_loop_intends_an_operation_when_a_place_becomes_free() {
        let mut arrivals = Arrivals::closed(2);
        assert!(arrivals.freed(5) && arrivals.freed(6));
        assert_eq!(arrivals.front(None, 0), Some(5));
        arrivals.pop();
        assert_eq!(arrivals.end(), 1);
        assert!(!arrivals.freed(7), "nothing becomes due after the end");
        assert_eq!(arrivals.front(None, 0), None);
        assert_eq!(arrivals.next_due_ns(None), None);
    }
}
