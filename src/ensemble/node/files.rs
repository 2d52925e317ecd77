//! How many files, and so how many connections, a server may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one.
///
/// A soft limit of 1,024 is customary, for programs that still use `select`. A connection beyond it
/// would be established by the kernel, but never accepted or answered.
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
