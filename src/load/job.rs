//! The input of a run, and its callbacks.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;

use super::Progress;
use crate::measure::Event;
use crate::workload::{Plan, Role};

/// A server of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `host:port` as the user wrote it. Events name the server by it.
    pub name: String,
    pub address: SocketAddr,
    /// Its role when it was last asked.
    pub role: Role,
}

/// One run of a plan against servers that are up.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub plan: &'a Plan,
    /// Number of the run, from 0. Names and random choices differ between runs and are the same on
    /// every target.
    pub run: u32,
    /// The servers of the target.
    pub servers: &'a [Server],
    /// When set, the run ends early: replies in flight are awaited, and what was measured is
    /// returned.
    pub stop: &'a AtomicBool,
    /// Called about four times a second and when the phase changes, on the calling thread.
    pub progress: &'a (dyn Fn(&Progress) + Sync),
    /// Called at the moments of the run that others act on, on the calling thread.
    pub moment: &'a (dyn Fn(Moment<'_>) + Sync),
}

/// A moment of a run that code outside the driver acts on.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// The measured phase will begin at this instant of `CLOCK_MONOTONIC`, in nanoseconds. The
    /// times of events are relative to it.
    StartKnown(i64),
    /// The measured phase begins now.
    Begin,
    /// The measured phase ends now.
    End,
    Event(&'a Event),
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("plan", &self.plan.name)
            .field("run", &self.run)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Creating what the operations need.
    Prepare,
    /// Load, not measured. Includes connecting.
    WarmUp,
    /// Load, measured.
    Measure,
    /// No new load; replies are awaited.
    Drain,
    /// Reading acknowledged writes back.
    Verify,
    /// Deleting what was created.
    CleanUp,
}
