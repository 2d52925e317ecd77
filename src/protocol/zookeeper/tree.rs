//! The directories and znodes of a run, created before it and removed after it.

use super::ClientError;
use crate::protocol::SetupError;

/// The tree of a run: what did not exist before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Whether the plan's chroot and everything below it belongs to the run: it was created now or
    /// left by an earlier run.
    pub(super) chroot: bool,
    /// Directories above the chroot that did not exist before, outermost first.
    pub(super) above: Vec<String>,
}

/// Why the tree of a run cannot be created or removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TreeError {
    #[error("interrupted")]
    Interrupted,
    #[error("cannot {what}: {source}")]
    Client { what: String, source: ClientError },
    #[error("cannot create {path}: the server answered {answer}")]
    Create { path: String, answer: String },
    #[error("cannot read acknowledged writes back: the server answered {answer}")]
    Read { answer: String },
    #[error(
        "refusing to remove {chroot:?} and everything below it: it is not a directory of a run"
    )]
    Chroot { chroot: String },
    #[error(
        "{chroot} exists on the target and was not created by a run, so nothing is written there; name another \
         directory with `prepare.chroot`"
    )]
    Occupied { chroot: String },
}

impl TreeError {
    /// For `map_err`: makes the error of a client that could not do `what`.
    pub(super) fn client(what: String) -> impl Fn(ClientError) -> Self {
        move |source| Self::Client {
            what: what.clone(),
            source,
        }
    }
}

impl From<TreeError> for SetupError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Interrupted => Self::Interrupted,
            TreeError::Client { what, source } => Self::Failed {
                what,
                source: source.into(),
            },
            refusal => Self::Refused(refusal.to_string()),
        }
    }
}
