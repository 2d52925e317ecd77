//! Removes what a run created.

use super::paths::run_dir;
use super::tree::{Tree, TreeError};
use super::values::creates;
use super::{AdminClient, ClientError, ErrorCode, TreePlan};
use crate::protocol::SetupJob;

/// Removes what a run created, unless the plan keeps it: the chroot with everything below it, and
/// the directories above it that the run created and that are empty now. Nothing else is removed.
/// Znodes that no longer exist are not an error.
pub(super) fn clean_up(job: &SetupJob<'_>, tree: &Tree) -> Result<(), TreeError> {
    let chroot = &TreePlan::of(job.plan).chroot;
    if job.plan.prepare.keep || *tree == Tree::default() {
        return Ok(());
    }
    job.begin();
    check(chroot)?;
    let failed = TreeError::client(format!("remove {chroot}"));
    let mut client = AdminClient::connect(job.servers, AdminClient::PATIENCE).map_err(&failed)?;
    if tree.chroot {
        client.delete_recursive(chroot).map_err(&failed)?;
    }
    for directory in tree.above.iter().rev() {
        match client.delete(directory) {
            // Already removed, or in use by another client.
            Err(ClientError::Server { code, .. })
                if code == ErrorCode::NO_NODE || code == ErrorCode::NOT_EMPTY => {}
            outcome => outcome.map_err(&failed)?,
        }
    }
    client.close().map_err(failed)
}

/// Removes what run number `job.run` created, so that the next run starts with the same tree. The
/// prepared znodes stay. Znodes that no longer exist are not an error.
pub(super) fn recycle(job: &SetupJob<'_>) -> Result<(), TreeError> {
    if !creates(job.plan) {
        return Ok(());
    }
    job.begin();
    let dir = run_dir(job.plan, job.run);
    let failed = TreeError::client(format!("remove {dir}"));
    let mut client = AdminClient::connect(job.servers, AdminClient::PATIENCE).map_err(&failed)?;
    client.delete_recursive(&dir).map_err(&failed)?;
    client.close().map_err(failed)
}

/// Refuses to remove the root or ZooKeeper's own directory, which never belong to a run.
fn check(chroot: &str) -> Result<(), TreeError> {
    let well_formed = chroot
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(|name| !matches!(name, "" | "." | "..")));
    let system = chroot == "/zookeeper" || chroot.starts_with("/zookeeper/");
    if well_formed && !system {
        Ok(())
    } else {
        Err(TreeError::Chroot {
            chroot: chroot.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_zookeepers_directory_are_never_removed() {
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
