//! Creates data on a target before a load and removes it afterwards.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::workload::Plan;

/// Creates and removes what the operations of a plan need. It keeps a record of what it created, so
/// that it removes nothing else.
pub trait Setup: fmt::Debug + Send + Sync {
    /// Creates what run number `job.run` needs. Data that an earlier run left is restored to the
    /// state in which every run starts.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse, or another user occupies the place.
    fn prepare(&mut self, job: &SetupJob<'_>) -> Result<(), SetupError>;

    /// Removes what run number `job.run` created, so that the next run starts from the same state.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse.
    fn recycle(&self, job: &SetupJob<'_>) -> Result<(), SetupError>;

    /// Removes all that was created, unless the plan keeps it. Data that no longer exists is not an
    /// error.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse.
    fn clean_up(&self, job: &SetupJob<'_>) -> Result<(), SetupError>;

    /// Moves everything that `plan` creates below `root`, a place on the target. An empty `root`
    /// changes nothing.
    fn place_below(&self, plan: &mut Plan, root: &str);

    /// Returns roughly how many things [`Setup::prepare`] creates.
    fn expected(&self, plan: &Plan) -> u64;

    /// Returns what would stay on the servers without [`Setup::clean_up`]; `None` if nothing would,
    /// or if the plan keeps it.
    fn leftovers(&self, plan: &Plan, servers: &[String]) -> Option<Leftovers>;
}

/// What stays on a target without clean-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftovers {
    /// Its name on the target.
    pub place: String,
    /// The command that removes it.
    pub remedy: String,
}

/// The input of a [`Setup`].
pub struct SetupJob<'a> {
    pub plan: &'a Plan,
    /// Number of the run, from 0.
    pub run: u32,
    /// Addresses of the servers, in the order in which to try them.
    pub servers: &'a [SocketAddr],
    /// When set, the work ends early with [`SetupError::Interrupted`].
    pub stop: &'a AtomicBool,
    /// Called when there is work to do, and then regularly with the progress.
    pub progress: &'a (dyn Fn(SetupProgress) + Sync),
}

/// Progress of a [`Setup`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetupProgress {
    /// Number of things created or removed so far.
    pub done: u64,
    /// Their total number, if it is known.
    pub goal: Option<u64>,
    /// Time since the work began.
    pub elapsed: Duration,
}

impl SetupJob<'_> {
    /// Reports that there is work to do.
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
    /// The user interrupted the run.
    #[error("interrupted while preparing")]
    Interrupted,
    /// The servers did not answer or lost the connection.
    #[error("cannot {what}: {source}")]
    Failed {
        /// The work that failed.
        what: String,
        source: Box<dyn Error + Send + Sync>,
    },
    /// The work is not allowed or not possible. The text says what, where and why.
    #[error("{0}")]
    Refused(String),
}
