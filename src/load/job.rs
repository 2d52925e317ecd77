//! What a run is given, and what it says meanwhile.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;

use super::Progress;
use crate::measure::Event;
use crate::workload::{Plan, Role};

/// A server of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What events call it: `host:port` as the user wrote it.
    pub name: String,
    /// Its client port.
    pub address: SocketAddr,
    /// What it was when it was last asked.
    pub role: Role,
}

/// One run of a plan against servers that are up.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// Number of the run, from 0: its names and random choices differ from those of other runs, and
    /// are the same on every target.
    pub run: u32,
    /// The target.
    pub servers: &'a [Server],
    /// Set to end early: what is in flight is awaited, what was measured returned.
    pub stop: &'a AtomicBool,
    /// Called about four times a second and when the phase changes, by the calling thread.
    pub progress: &'a (dyn Fn(&Progress) + Sync),
    /// Called at moments that others must know too, by the calling thread.
    pub moment: &'a (dyn Fn(Moment<'_>) + Sync),
}

/// A moment of a run that others than the driver want to know.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// The measured phase will begin at this instant of `CLOCK_MONOTONIC`, nanoseconds. Instants of
    /// events count from there.
    StartKnown(i64),
    /// The measured phase begins now.
    Begin,
    /// The measured phase ends now.
    End,
    /// Something happened.
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

/// Where a job stands.
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
    /// Deleting what was created.
    CleanUp,
}
