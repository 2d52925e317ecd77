//! The `[prepare]` table, and what the operations require of it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::super::TreePlan;
use super::limits;
use crate::workload::{KeyChoice, OpDraft, Read, Section, SizeChoice, Values};

pub(super) fn read(
    table: &Section<'_>,
    ops: Option<&[Read<OpDraft<'_>>]>,
    sessions: Read<u32>,
) -> Read<Values> {
    let znodes = read_znodes(table, ops.and_then(any_uses_keys));
    if let Some(ops) = ops {
        check_keys(ops, znodes, sessions);
    }
    Some(read_tree(table, znodes)?.into())
}

/// Whether any operation chooses among the prepared znodes; `None` while the answer depends on an
/// unknown kind.
fn any_uses_keys(drafts: &[Read<OpDraft<'_>>]) -> Read<bool> {
    let kinds = || drafts.iter().map(|draft| draft.as_ref()?.kind);
    if kinds().flatten().any(|kind| kind.has("keys")) {
        return Some(true);
    }
    kinds().all(|kind| kind.is_some()).then_some(false)
}

fn read_znodes(table: &Section<'_>, uses_keys: Read<bool>) -> Read<u64> {
    if let Some(znodes) = table.optional_integer("znodes", limits::ZNODES)? {
        return Some(znodes);
    }
    // A workload that uses no prepared znode creates none by default.
    Some(if uses_keys? { 1_000 } else { 0 })
}

fn read_tree(table: &Section<'_>, znodes: Read<u64>) -> Read<TreePlan> {
    let size = table
        .size("size")
        .map(|size| size.unwrap_or(SizeChoice::Fixed(100)));
    let per_parent = table.integer("per_parent", limits::PER_PARENT, 100);
    if let (Some(znodes), Some(per_parent)) = (znodes, per_parent)
        && znodes.div_ceil(per_parent) > limits::PARENTS
    {
        let problem = format!(
            "is {per_parent}, which spreads {znodes} znodes over more than {} parents; raise it",
            limits::PARENTS
        );
        table.bad::<()>("per_parent", problem);
    }
    if let (Some(znodes), Some(size)) = (znodes, &size)
        && znodes.saturating_mul(u64::from(size.max_bytes())) > limits::PREPARED_BYTES
    {
        let problem = format!(
            "is {znodes}; with up to {} bytes each that is more than {} GiB in every server's memory: prepare fewer or smaller znodes",
            size.max_bytes(),
            limits::PREPARED_BYTES >> 30
        );
        table.bad::<()>("znodes", problem);
    }
    let chroot = read_chroot(table);
    Some(TreePlan {
        znodes: znodes?,
        size: size?,
        per_parent: per_parent?,
        chroot: chroot?,
    })
}

fn read_chroot(table: &Section<'_>) -> Read<String> {
    let chroot = table.text("chroot")?.unwrap_or("/quorate");
    let part_is_good =
        |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(|c| c.is_ascii_graphic());
    let good = chroot.len() <= limits::CHROOT_CHARS
        && chroot
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(part_is_good));
    if !good {
        let problem = format!(
            "is {chroot:?}; it must be an absolute path below the root such as \"/quorate\", of at most {} printable ASCII characters, for everything under it is removed after the run",
            limits::CHROOT_CHARS
        );
        return table.bad("chroot", problem);
    }
    if chroot.split('/').nth(1) == Some("zookeeper") {
        let problem = "lies under /zookeeper, which belongs to the servers; choose another";
        return table.bad("chroot", problem);
    }
    Some(chroot.to_owned())
}

/// Checks that the prepared znodes suffice for the operations.
fn check_keys(drafts: &[Read<OpDraft<'_>>], znodes: Read<u64>, sessions: Read<u32>) {
    let Some(znodes) = znodes else {
        return;
    };
    for draft in drafts.iter().flatten() {
        let Some(kind) = draft.kind.filter(|kind| kind.has("keys")) else {
            continue;
        };
        if znodes == 0 {
            let name = kind.name;
            let problem = format!(
                "a `{name}` chooses among the prepared znodes, but `prepare.znodes` is 0; prepare at least one"
            );
            draft.table.inconsistent::<()>("kind", problem);
            continue;
        }
        let Some(sessions) = sessions.map(u64::from) else {
            continue;
        };
        if draft.keys == Some(KeyChoice::PerSession) && znodes < sessions {
            let problem = format!(
                "is \"per_session\", but {znodes} prepared znodes cannot be divided among {sessions} sessions; raise `prepare.znodes`"
            );
            draft.table.bad::<()>("keys", problem);
        }
    }
}
