//! The limit of open files, which also limits the number of connections.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one.
///
/// The usual soft limit is 1,024. Beyond the limit the kernel still establishes connections, but the
/// server cannot accept or answer them.
pub(super) fn allow_all() -> io::Result<()> {
    let limits = getrlimit(Resource::Nofile);
    if limits.current == limits.maximum {
        return Ok(());
    }
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
