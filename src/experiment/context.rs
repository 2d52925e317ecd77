//! What a run needs beside plan and target, and what it tells while it goes on.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::load::Progress;

/// What a run needs beside plan and target.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// The Quorate binary, which the bundled servers and the guard are.
    pub quorate: &'a Path,
    /// Where local servers keep their data; `None` = the user's cache folder.
    pub data_dir: Option<&'a Path>,
    /// Where a plain `zookeeper` is installed; `None` = the usual places.
    pub zookeeper_home: Option<&'a Path>,
    /// The last calibration of this machine, to go into results.
    pub calibration: Option<&'a serde_json::Value>,
    /// Becomes true when the user wants it to end.
    pub stop: &'a AtomicBool,
    /// Called with everything that happens.
    pub notify: &'a (dyn Fn(&ProgressEvent<'_>) + Sync),
}

/// Something worth telling while an experiment goes on.
#[derive(Debug)]
pub enum ProgressEvent<'a> {
    /// What begins now, in words.
    Step(&'a str),
    /// What the user should know although the run goes on.
    Warning(&'a str),
    /// How the load goes.
    Load {
        /// Number of the run, from 1.
        run: u32,
        /// Runs in all.
        runs: u32,
        /// Figures.
        progress: &'a Progress,
    },
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
