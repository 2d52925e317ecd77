//! The surroundings of a run, and the events that it reports.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::load::Progress;
use crate::workload::Fault;

/// The inputs of a run other than its plan and its target.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// Path of the Quorate binary. It contains the bundled server and the guard.
    pub quorate: &'a Path,
    /// Folder for the data of local servers. `None` selects the user's cache folder.
    pub data_dir: Option<&'a Path>,
    /// Installation folder for the target `zookeeper`. `None` selects the usual places.
    pub zookeeper_home: Option<&'a Path>,
    /// Whether each server and the driver get cores of their own.
    pub pin: bool,
    /// The last calibration of this machine. It is copied into results.
    pub calibration: Option<&'a serde_json::Value>,
    /// Becomes true when the user interrupts the run.
    pub stop: &'a AtomicBool,
    /// Called for every event.
    pub notify: &'a (dyn Fn(&ProgressEvent<'_>) + Sync),
}

/// An event that an experiment reports to the user.
#[derive(Debug)]
pub enum ProgressEvent<'a> {
    /// Describes the step that begins.
    Step(&'a str),
    /// Describes a problem that does not end the run.
    Warning(&'a str),
    /// Reports the progress of an experiment before each of its runs.
    Overall(&'a Overall),
    /// Reports the progress of the load.
    Load {
        /// Number of the run, from 1. 0 while the target is prepared or cleaned up.
        run: u32,
        /// Total number of runs.
        runs: u32,
        progress: &'a Progress,
        /// The planned faults of the run.
        faults: &'a [Fault],
    },
}

/// The progress of an experiment. A run of it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overall {
    /// Number of the run, from 1.
    pub run: usize,
    /// Number of all runs.
    pub runs: usize,
    /// Number of the round, from 1.
    pub round: u32,
    pub rounds: u32,
    /// Estimated time until the end of the experiment.
    pub left: Duration,
    /// Describes the run: `voters 3 on bundled`.
    pub what: String,
}

impl fmt::Debug for RunContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext")
            .field("quorate", &self.quorate)
            .field("data_dir", &self.data_dir)
            .field("zookeeper_home", &self.zookeeper_home)
            .finish_non_exhaustive()
    }
}

impl RunContext<'_> {
    pub(super) fn step(&self, text: &str) {
        (self.notify)(&ProgressEvent::Step(text));
    }

    pub(super) fn warning(&self, text: &str) {
        (self.notify)(&ProgressEvent::Warning(text));
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }
}
