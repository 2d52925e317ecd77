//! What is created on a target before a load, and removed after it.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::workload::Plan;

/// Creates and removes what the operations of a plan need. It remembers what of the target is the run's,
/// so that nothing of anybody else is ever removed.
pub trait Setup: fmt::Debug + Send + Sync {
    /// Creates what run number `job.run` needs. What an earlier run left is brought back to the state in
    /// which every run should meet it.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse, or somebody else uses the place.
    fn prepare(&mut self, job: &SetupJob<'_>) -> Result<(), SetupError>;

    /// Removes what run number `job.run` created, so that the next one meets the same state.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse.
    fn recycle(&self, job: &SetupJob<'_>) -> Result<(), SetupError>;

    /// Removes all that was created, unless the plan keeps it. What is gone already is no error.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse.
    fn clean_up(&self, job: &SetupJob<'_>) -> Result<(), SetupError>;

    /// Moves everything that `plan` creates below `root`, a place on the target. An empty root changes nothing.
    fn place_below(&self, plan: &mut Plan, root: &str);

    /// How many things [`Setup::prepare`] creates, apart from a few.
    fn expected(&self, plan: &Plan) -> u64;

    /// What would stay on the servers without [`Setup::clean_up`]; `None` if nothing would, or the plan
    /// keeps it.
    fn leftovers(&self, plan: &Plan, servers: &[String]) -> Option<Leftovers>;
}

/// What stays on a target that is not cleaned up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftovers {
    /// Where it is, by its name on the target.
    pub place: String,
    /// The command that removes it.
    pub remedy: String,
}

/// What a [`Setup`] is to work on.
pub struct SetupJob<'a> {
    /// What is going to be run.
    pub plan: &'a Plan,
    /// Number of the run, from 0.
    pub run: u32,
    /// The servers, to be tried in this order.
    pub servers: &'a [SocketAddr],
    /// Set to end early, with [`SetupError::Interrupted`].
    pub stop: &'a AtomicBool,
    /// Told when there is anything to do, and then now and then how far it is.
    pub progress: &'a (dyn Fn(SetupProgress) + Sync),
}

/// How a [`Setup`] is getting on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetupProgress {
    /// Things created or removed so far.
    pub done: u64,
    /// How many there will be, where that is known.
    pub goal: Option<u64>,
    /// Since it began.
    pub elapsed: Duration,
}

impl SetupJob<'_> {
    /// To be called when there is something to do.
    pub fn begin(&self) {
        (self.progress)(SetupProgress::default());
    }
}

impl fmt::Debug for SetupJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupJob")
            .field("plan", &self.plan.name)
            .field("run", &self.run)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

/// Preparing or cleaning up failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The user asked to end.
    #[error("interrupted while preparing")]
    Interrupted,
    /// The servers could not be asked.
    #[error("cannot {what}: {source}")]
    Failed {
        /// What was to be done.
        what: String,
        /// Why it could not be.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It must not or cannot be done; the text says what, where and why.
    #[error("{0}")]
    Refused(String),
}
