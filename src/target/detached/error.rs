//! Why a detached ensemble could not be started, found or ended.

use std::io;
use std::path::{Path, PathBuf};

use super::ports::PORT_STEP;
use crate::target::StartError;

/// A detached ensemble could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum DetachedError {
    /// There is one already.
    #[error("an ensemble runs in {} already ({connect}); `quorate ensemble down` ends it, --dir starts another one elsewhere", dir.display())]
    Running {
        dir: PathBuf,
        /// Its connect string.
        connect: String,
    },
    /// There is none.
    #[error("no ensemble in {}: `quorate ensemble up` starts one, --dir names the folder of another", dir.display())]
    None { dir: PathBuf },
    /// A state file that cannot be understood.
    #[error("{}: line {line} is not a state of this version of quorate; end its servers by hand and remove the file", path.display())]
    Malformed {
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// More servers than ports.
    #[error("--base-port {base_port} leaves no room for {servers} servers: they take ports {base_port} to {base_port} + {} + {servers}", 2 * PORT_STEP)]
    NoRoom {
        /// As asked.
        base_port: u16,
        /// As asked.
        servers: usize,
    },
    /// Somebody else listens there.
    #[error("port {port} of 127.0.0.1 is taken ({source}); choose others with --base-port")]
    PortTaken {
        /// Which one.
        port: u16,
        source: io::Error,
    },
    /// The servers do not all serve; those that had started were ended.
    #[error("{0}; the servers that had started were ended")]
    Start(#[from] StartError),
    /// A server does not end.
    #[error("server {id} (process {pid}) does not end")]
    WillNotEnd {
        /// Its `myid`.
        id: u16,
        pid: u32,
    },
    /// The file system or the kernel refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> DetachedError {
    let path = path.to_owned();
    move |source| DetachedError::Io {
        action,
        path,
        source,
    }
}
