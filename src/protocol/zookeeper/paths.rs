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

/// Returns the number of the prepared znode with this path.
pub(super) fn prepared_index(path: &str) -> Option<u64> {
    let (_, name) = path.rsplit_once('/')?;
    name.strip_prefix('n')?.parse().ok()
}

/// Does the same as [`prepared_path`] for callers that have the parts.
pub(super) fn write_prepared(chroot: &str, per_parent: u64, index: u64, out: &mut String) {
    write_parent(chroot, index / per_parent.max(1), out);
    out.push_str("/n");
    push_padded::<ZNODE_DIGITS>(out, index);
}

/// Writes the path of the parent directory `parent` to `out` and replaces its content.
pub(super) fn write_parent(chroot: &str, parent: u64, out: &mut String) {
    out.clear();
    out.push_str(chroot);
    out.push_str("/p");
    push_padded::<DIRECTORY_DIGITS>(out, parent);
}

/// Returns the directory of everything that run number `run` (from 0) creates. Every run has its
/// own, so that no run finds the znodes of another.
#[must_use]
pub fn run_dir(plan: &Plan, run: u32) -> String {
    let mut path = format!("{}/r", TreePlan::of(plan).chroot);
    push_padded::<DIRECTORY_DIGITS>(&mut path, u64::from(run));
    path
}

/// Returns the directory in which a session creates its znodes in run number `run`.
#[must_use]
pub fn session_dir(plan: &Plan, run: u32, session: u32) -> String {
    let mut path = run_dir(plan, run);
    path.push_str("/s");
    push_padded::<DIRECTORY_DIGITS>(&mut path, u64::from(session));
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

/// "00", "01", ... "99" in one string.
const PAIRS: &str = {
    const BYTES: [u8; 200] = {
        let mut bytes = [b'0'; 200];
        let mut at = 0;
        while at < 100u8 {
            bytes[2 * at as usize] = b'0' + at / 10;
            bytes[2 * at as usize + 1] = b'0' + at % 10;
            at += 1;
        }
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => panic!("digits are ASCII"),
    }
};

/// Appends `value` in decimal, zero-padded to `DIGITS` (at most 20). Every operation writes two such
/// numbers, so this avoids `format!` and the UTF-8 check of a byte buffer.
pub(super) fn push_padded<const DIGITS: usize>(out: &mut String, value: u64) {
    let mut rest = value;
    let mut pairs = [0; 10];
    let pairs = &mut pairs[..DIGITS / 2];
    for pair in pairs.iter_mut() {
        *pair = (rest % 100) as usize;
        rest /= 100;
    }
    if DIGITS % 2 == 1 || rest > 0 {
        push_leading(out, rest);
    }
    for pair in pairs.iter().rev() {
        out.push_str(&PAIRS[2 * pair..2 * pair + 2]);
    }
}

/// Appends the digits in front of the pairs: almost always a single one.
fn push_leading(out: &mut String, value: u64) {
    if value >= 10 {
        push_leading(out, value / 10);
    }
    let digit = 2 * (value % 10) as usize + 1;
    out.push_str(&PAIRS[digit..=digit]);
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
        assert_eq!(prepared_index(&path), Some(249));
        assert_eq!(prepared_index("/a/b/c0000000001"), None);
    }

    #[test]
    fn padding_is_the_same_as_printfs() {
        fn check<const DIGITS: usize>() {
            let powers = (0..20).map(|exponent| 10u64.pow(exponent));
            let edges = powers.flat_map(|power| [power - 1, power, power + 7]);
            for value in edges.chain([12_345, 9_876_543_210, u64::MAX]) {
                let mut out = "/n".to_owned();
                push_padded::<DIGITS>(&mut out, value);
                assert_eq!(out, format!("/n{value:0DIGITS$}"));
            }
        }
        check::<1>();
        check::<DIRECTORY_DIGITS>();
        check::<ZNODE_DIGITS>();
        check::<CREATED_DIGITS>();
        check::<20>();
    }
}
