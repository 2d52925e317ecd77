//! Paths of a run: `<chroot>/p00000/n0000042` for the prepared znodes,
//! `<chroot>/r00001/s00003/c0000000017` for the znodes that session 3 creates in the second run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::TreePlan;
use super::values::creates;
use crate::workload::Plan;

/// Digits of a parent or session directory.
const DIRECTORY_DIGITS: usize = 5;
/// Digits of a prepared znode.
const ZNODE_DIGITS: usize = 7;
/// Digits of a created znode, the same number that a server appends to sequential znodes.
pub(super) const CREATED_DIGITS: usize = 10;

/// Writes the path of the prepared znode `index` to `out` and replaces its content.
pub fn prepared_path(tree: &TreePlan, index: u64, out: &mut String) {
    write_prepared(&tree.chroot, tree.per_parent, index, out);
}

/// Does the same as [`prepared_path`] for callers that have the parts.
pub(super) fn write_prepared(chroot: &str, per_parent: u64, index: u64, out: &mut String) {
    write_parent(chroot, index / per_parent.max(1), out);
    out.push_str("/n");
    push_padded(out, index, ZNODE_DIGITS);
}

/// Writes the path of the parent directory `parent` to `out` and replaces its content.
pub(super) fn write_parent(chroot: &str, parent: u64, out: &mut String) {
    out.clear();
    out.push_str(chroot);
    out.push_str("/p");
    push_padded(out, parent, DIRECTORY_DIGITS);
}

/// Returns the directory of everything that run number `run` (from 0) creates. Every run has its
/// own, so that no run finds the znodes of another.
#[must_use]
pub fn run_dir(plan: &Plan, run: u32) -> String {
    let mut path = format!("{}/r", TreePlan::of(plan).chroot);
    push_padded(&mut path, u64::from(run), DIRECTORY_DIGITS);
    path
}

/// Returns the directory in which a session creates its znodes in run number `run`.
#[must_use]
pub fn session_dir(plan: &Plan, run: u32, session: u32) -> String {
    let mut path = run_dir(plan, run);
    path.push_str("/s");
    push_padded(&mut path, u64::from(session), DIRECTORY_DIGITS);
    path
}

/// Returns every directory that run number `run` needs, parents first: the parts of the chroot, the
/// parents of the prepared znodes, and, if any operation creates znodes, the run's directory with
/// one directory per session.
#[must_use]
pub fn directories(plan: &Plan, run: u32) -> Vec<String> {
    let tree = TreePlan::of(plan);
    let chroot = &tree.chroot;
    let ends = chroot
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0);
    let mut paths: Vec<String> = ends
        .chain([chroot.len()])
        .map(|end| chroot[..end].to_owned())
        .collect();
    let parents = tree.znodes.div_ceil(tree.per_parent.max(1));
    for parent in 0..parents {
        let mut path = String::new();
        write_parent(chroot, parent, &mut path);
        paths.push(path);
    }
    if creates(plan) {
        paths.push(run_dir(plan, run));
        paths.extend((0..plan.load.sessions).map(|session| session_dir(plan, run, session)));
    }
    paths
}

/// Appends `value` in decimal, zero-padded to `digits`. It is about ten times as fast as `format!`.
pub(super) fn push_padded(out: &mut String, value: u64, digits: usize) {
    let mut buffer = [b'0'; 20];
    let mut at = buffer.len();
    let mut rest = value;
    while rest > 0 {
        at -= 1;
        buffer[at] = b"0123456789"[usize::try_from(rest % 10).unwrap_or(0)];
        rest /= 10;
    }
    let from = at.min(buffer.len() - digits.min(buffer.len()));
    if let Ok(text) = std::str::from_utf8(&buffer[from..]) {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::resolve;
    use crate::workload::Source;

    fn plan(ops: &str) -> Plan {
        let text = format!(
            "name = \"t\"\n[prepare]\nznodes = 250\nchroot = \"/a/b\"\n[load]\nsessions = 2\nrate = 1\n{ops}"
        );
        resolve(&Source::from_text("t.toml", text), &[], None).unwrap()
    }

    #[test]
    fn directories_come_parents_first() {
        let reads = plan("[[op]]\nkind = \"get\"\n");
        let parents = ["/a", "/a/b", "/a/b/p00000", "/a/b/p00001", "/a/b/p00002"];
        assert_eq!(directories(&reads, 0), parents);
        let creates = plan("[[op]]\nkind = \"create\"\n");
        let own = ["/a/b/r00002", "/a/b/r00002/s00000", "/a/b/r00002/s00001"];
        assert_eq!(directories(&creates, 2)[5..], own);
    }

    #[test]
    fn every_prepared_path_lies_in_a_directory() {
        let plan = plan("[[op]]\nkind = \"get\"\n");
        let directories = directories(&plan, 0);
        let mut path = "stale".to_owned();
        let tree = TreePlan::of(&plan);
        for index in 0..tree.znodes {
            prepared_path(&tree, index, &mut path);
            let (parent, _) = path.rsplit_once('/').unwrap();
            assert!(directories.iter().any(|known| known == parent), "{path}");
        }
        assert_eq!(path, "/a/b/p00002/n0000249");
    }

    #[test]
    fn padding_is_the_same_as_printfs() {
        for (value, digits) in [
            (0, 5),
            (7, 1),
            (12_345, 5),
            (123_456, 5),
            (u64::MAX, 10),
            (0, 0),
        ] {
            let mut out = String::new();
            push_padded(&mut out, value, digits);
            let expected = if digits == 0 {
                String::new()
            } else {
                format!("{value:0digits$}")
            };
            assert_eq!(out, expected);
        }
    }
}
