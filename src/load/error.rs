//! Errors of the load driver. A failed operation is data and does not appear here.

use std::io;
use std::net::SocketAddr;

use crate::protocol::SetupError;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the target has no servers")]
    NoServers,
    /// No server has the role that the plan attaches sessions to.
    #[error(
        "no server is {wanted}, to which the workload attaches its sessions; the target has {found}; set load.attach to \"spread\" to use any"
    )]
    NoRole {
        /// The role, or `reachable`.
        wanted: &'static str,
        /// The servers' addresses and roles.
        found: String,
    },
    /// A session could not be opened before the run.
    #[error("session {session} cannot be opened; tried {}", tried_list(.tried))]
    Connect {
        session: u32,
        /// Each address and why it failed.
        tried: Vec<(SocketAddr, String)>,
    },
    /// The user interrupted the run before anything was measured.
    #[error("interrupted before the load began")]
    Interrupted,
    /// The sessions need more open files than the process may have.
    #[error(
        "{sessions} sessions need {needed} open files, but the limit is {limit}; raise it with `ulimit -n {needed}` or lower load.sessions"
    )]
    Files {
        /// Sessions in the plan.
        sessions: u32,
        needed: u64,
        limit: u64,
    },
    /// The operating system refused a resource that the driver needs.
    #[error("the load driver cannot {what}: {source}")]
    System {
        what: &'static str,
        source: io::Error,
    },
    /// Preparing or cleaning up failed.
    #[error(transparent)]
    Setup(SetupError),
    /// The plan names a protocol that this version does not support.
    #[error("the plan's protocol {name:?} is not supported by this version")]
    Protocol {
        /// The name in the plan.
        name: String,
    },
    #[error("the calibration step {step:?} completed no operation")]
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
    /// For `map_err`: makes the error of a driver that cannot do `what`.
    pub(super) fn system<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::System {
            what,
            source: source.into(),
        }
    }
}
