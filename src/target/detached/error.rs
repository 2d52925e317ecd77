//! Errors of a detached ensemble.

use std::io;
use std::path::{Path, PathBuf};

use super::ports::PORT_STEP;
use crate::target::StartError;

/// A detached ensemble could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum DetachedError {
    #[error("an ensemble runs in {} already ({connect}); `quorate ensemble down` ends it, --dir starts another one elsewhere", dir.display())]
    Running { dir: PathBuf, connect: String },
    #[error("no ensemble in {}: `quorate ensemble up` starts one, --dir names the folder of another", dir.display())]
    None { dir: PathBuf },
    /// The state file cannot be parsed.
    #[error("{}: line {line} is not a state of this version of quorate; end its servers by hand and remove the file", path.display())]
    Malformed {
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
    },
    /// The ports of the servers would overlap or exceed 65535.
    #[error("--base-port {base_port} leaves no room for {servers} servers: they take ports {base_port} to {base_port} + {} + {servers}", 2 * PORT_STEP)]
    NoRoom { base_port: u16, servers: usize },
    #[error("port {port} of 127.0.0.1 is taken ({source}); choose others with --base-port")]
    PortTaken { port: u16, source: io::Error },
    /// Not all servers serve. The started servers were ended.
    #[error("{0}; the servers that had started were ended")]
    Start(#[from] StartError),
    #[error("server {id} (process {pid}) does not end")]
    WillNotEnd { id: u16, pid: u32 },
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
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
