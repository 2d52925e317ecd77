//! What keeps a job from being done. A failed operation is data, not one of these.

use std::io;
use std::net::SocketAddr;

use crate::protocol::SetupError;

/// An error of the load driver.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No server was given.
    #[error("the target has no servers")]
    NoServers,
    /// No server has the role that the plan attaches sessions to.
    #[error(
        "no server is {wanted}, to which the workload attaches its sessions; the target has {found}; set load.attach to \"spread\" to use any"
    )]
    NoRole {
        /// What was looked for.
        wanted: &'static str,
        /// Addresses and roles.
        found: String,
    },
    /// A session could not be opened before the run.
    #[error("session {session} cannot be opened; tried {}", tried_list(.tried))]
    Connect {
        session: u32,
        /// Each address and why it failed.
        tried: Vec<(SocketAddr, String)>,
    },
    /// Interrupted before anything was measured.
    #[error("interrupted before the load began")]
    Interrupted,
    /// More sessions than the process may have open files.
    #[error(
        "{sessions} sessions need {needed} open files, but the limit is {limit}; raise it with `ulimit -n {needed}` or lower load.sessions"
    )]
    Files {
        /// Sessions asked.
        sessions: u32,
        /// Files needed.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The operating system refused something the driver cannot do without.
    #[error("the load driver cannot {what}: {source}")]
    System {
        what: &'static str,
        source: io::Error,
    },
    /// Preparing or cleaning up failed.
    #[error(transparent)]
    Setup(SetupError),
    /// The plan names a protocol that this version does not know.
    #[error("this version knows no protocol {name:?}")]
    Protocol {
        /// What the plan says.
        name: String,
    },
    /// A calibration step measured nothing.
    #[error("the calibration step {step:?} measured nothing")]
    Calibration { step: &'static str },
}

fn tried_list(tried: &[(SocketAddr, String)]) -> String {
    let list: Vec<String> = tried
        .iter()
        .map(|(address, why)| format!("{address} ({why})"))
        .collect();
    list.join(", ")
}

impl LoadError {
    /// For `map_err`: the driver cannot do `what`.
    pub(super) fn system<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::System {
            what,
            source: source.into(),
        }
    }
}
