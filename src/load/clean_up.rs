//! Removes what a run created.

use std::net::SocketAddr;
use std::time::Duration;

use super::prepare::Created;
use super::{Job, LoadError, Phase, Progress};
use crate::protocol::zookeeper::{AdminClient, ClientError, ErrorCode};
use crate::workload::run_dir;

/// Session timeout of the preparing and cleaning client, and its patience with each reply. Long:
/// creating millions of znodes may keep a server's disk busy.
pub(super) const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Removes what [`prepare`](super::prepare()) `created`, unless the plan keeps it: the chroot with
/// everything below it, and those directories above it that nobody else uses by now. Nothing else is
/// touched; what is gone already is no error.
///
/// # Errors
/// If the servers cannot be reached or refuse, or the chroot is none that a run may remove.
pub fn clean_up(job: &Job<'_>, created: &Created) -> Result<(), LoadError> {
    let chroot = &job.plan.prepare.chroot;
    if job.plan.prepare.keep || *created == Created::default() {
        return Ok(());
    }
    (job.progress)(&Progress::start_of(Phase::CleanUp, Duration::ZERO));
    check(chroot)?;
    let what = || format!("remove {chroot}");
    let admin = |source| LoadError::Admin {
        what: what(),
        source,
    };
    let mut client = AdminClient::connect(&addresses(job), ADMIN_TIMEOUT).map_err(admin)?;
    if created.chroot {
        client.delete_recursive(chroot).map_err(admin)?;
    }
    for directory in created.above.iter().rev() {
        match client.delete(directory) {
            // Gone, or somebody else's by now.
            Err(ClientError::Server { code, .. })
                if code == ErrorCode::NO_NODE || code == ErrorCode::NOT_EMPTY => {}
            outcome => outcome.map_err(admin)?,
        }
    }
    client.close().map_err(admin)
}

/// Removes what run number `job.run` created, so that the next one meets the same tree. The prepared
/// znodes stay. What is gone already is no error.
///
/// # Errors
/// If the servers cannot be reached or refuse.
pub fn recycle(job: &Job<'_>) -> Result<(), LoadError> {
    if !job.plan.creates() {
        return Ok(());
    }
    (job.progress)(&Progress::start_of(Phase::CleanUp, Duration::ZERO));
    let dir = run_dir(job.plan, job.run);
    let admin = |source| LoadError::Admin {
        what: format!("remove {dir}"),
        source,
    };
    let mut client = AdminClient::connect(&addresses(job), ADMIN_TIMEOUT).map_err(admin)?;
    client.delete_recursive(&dir).map_err(admin)?;
    client.close().map_err(admin)
}

pub(super) fn addresses(job: &Job<'_>) -> Vec<SocketAddr> {
    job.servers.iter().map(|server| server.address).collect()
}

/// The root and ZooKeeper's own directory are never a run's.
fn check(chroot: &str) -> Result<(), LoadError> {
    let well_formed = chroot
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(|name| !matches!(name, "" | "." | "..")));
    let system = chroot == "/zookeeper" || chroot.starts_with("/zookeeper/");
    if well_formed && !system {
        Ok(())
    } else {
        Err(LoadError::Chroot {
            chroot: chroot.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_runs_is_never_removed() {
        for chroot in [
            "",
            "/",
            "//",
            "/a/",
            "/a//b",
            "/a/..",
            "a",
            "/zookeeper",
            "/zookeeper/quota",
        ] {
            assert!(check(chroot).is_err(), "{chroot:?}");
        }
        for chroot in ["/quorate", "/a/b", "/zookeepers"] {
            assert!(check(chroot).is_ok(), "{chroot:?}");
        }
    }
}
