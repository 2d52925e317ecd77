//! Znodes that a session created and may delete.
//!
//! The name of a znode contains the create operation and a number: `c0000000017` for the first
//! create of the mix, `c1-0000000017` for the second, and so on. Names of different creates never
//! collide, and the path in the server's reply identifies the create. Only the number is stored.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use super::super::paths::{CREATED_DIGITS, push_padded};
use super::super::{OpKind, OpValues, trim_of};
use crate::workload::Plan;

/// ZooKeeper's create flags.
const EPHEMERAL: i32 = 1;
const SEQUENTIAL: i32 = 2;

/// The znodes of all creates of the mix.
#[derive(Clone, Debug)]
pub(super) struct Created {
    lanes: Vec<Lane>,
    /// Number of acknowledged creates. It orders the znodes of different creates by age.
    births: u64,
}

/// The znodes of one create.
#[derive(Clone, Debug)]
struct Lane {
    op: usize,
    /// Index of the implicit delete, and how many live znodes trigger it.
    trim: Option<(usize, usize)>,
    /// The path without the number.
    prefix: String,
    flags: i32,
    next_number: u64,
    /// Whether an operation of the mix deletes these znodes. If none does, they are not stored, to
    /// save memory.
    tracked: bool,
    live: VecDeque<Live>,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    born: u64,
    /// Signed, because the server's counter wraps at 2^31.
    number: i64,
}

impl Created {
    pub(super) fn new(plan: &Plan, directory: &str) -> Self {
        let deletes = plan
            .ops
            .iter()
            .any(|op| op.kind == OpKind::Delete.name() && !op.is_implicit());
        let creates = plan
            .ops
            .iter()
            .enumerate()
            .filter(|(_, op)| op.kind == OpKind::Create.name());
        let lanes = creates.enumerate().map(|(ordinal, (index, op))| {
            let own = OpValues::of(op);
            let keep = own
                .keep_count
                .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
            let trim = trim_of(plan, index).zip(keep);
            Lane {
                op: index,
                trim,
                prefix: format!("{directory}/{}", name_prefix(ordinal)),
                flags: flags(own),
                next_number: 0,
                tracked: deletes || trim.is_some(),
                live: VecDeque::new(),
            }
        });
        Self {
            lanes: lanes.collect(),
            births: 0,
        }
    }

    /// Returns the index of the first create of the mix.
    pub(super) fn first_op(&self) -> Option<usize> {
        self.lanes.first().map(|lane| lane.op)
    }

    pub(super) fn live(&self) -> usize {
        self.lanes.iter().map(|lane| lane.live.len()).sum()
    }

    /// Writes the path of the next znode of the create `op`. Returns the flags.
    pub(super) fn create(&mut self, op: usize, path: &mut String) -> i32 {
        path.clear();
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.op == op) else {
            return 0;
        };
        path.push_str(&lane.prefix);
        if lane.flags & SEQUENTIAL == 0 {
            push_padded::<CREATED_DIGITS>(path, lane.next_number);
            lane.next_number += 1;
        }
        lane.flags
    }

    /// If the create `op` has reached its `keep_count`, removes its oldest znode from the list,
    /// writes its path and returns the index of the implicit delete.
    pub(super) fn trim_if_full(&mut self, op: usize, path: &mut String) -> Option<usize> {
        let lane = self.lanes.iter_mut().find(|lane| lane.op == op)?;
        let (trim, _) = lane.trim.filter(|(_, keep)| lane.live.len() >= *keep)?;
        lane.delete_oldest(path).then_some(trim)
    }

    /// Removes the session's oldest znode from the list and writes its path. Returns false if there
    /// is none.
    pub(super) fn delete_oldest(&mut self, path: &mut String) -> bool {
        let oldest = self.lanes.iter_mut().filter(|lane| !lane.live.is_empty());
        let oldest = oldest.min_by_key(|lane| lane.live.front().map(|live| live.born));
        oldest.is_some_and(|lane| lane.delete_oldest(path))
    }

    pub(super) fn acknowledge(&mut self, path: &str) {
        let Some(CreatedName { create, number }) = parse_name(path) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(create) else {
            return;
        };
        if lane.tracked && path.starts_with(&lane.prefix) {
            let born = self.births;
            lane.live.push_back(Live { born, number });
            self.births += 1;
        }
    }

    pub(super) fn forget_ephemerals(&mut self) {
        for lane in self
            .lanes
            .iter_mut()
            .filter(|lane| lane.flags & EPHEMERAL != 0)
        {
            lane.live.clear();
        }
    }
}

impl Lane {
    fn delete_oldest(&mut self, path: &mut String) -> bool {
        let Some(Live { number, .. }) = self.live.pop_front() else {
            return false;
        };
        path.clear();
        path.push_str(&self.prefix);
        // Same as printf("%010d"): the sign takes one of the ten places.
        if number < 0 {
            path.push('-');
            push_padded::<{ CREATED_DIGITS - 1 }>(path, number.unsigned_abs());
        } else {
            push_padded::<CREATED_DIGITS>(path, number.unsigned_abs());
        }
        true
    }
}

fn flags(op: OpValues) -> i32 {
    let ephemeral = if op.ephemeral { EPHEMERAL } else { 0 };
    let sequential = if op.sequential { SEQUENTIAL } else { 0 };
    ephemeral | sequential
}

fn name_prefix(ordinal: usize) -> String {
    if ordinal == 0 {
        "c".to_owned()
    } else {
        format!("c{ordinal}-")
    }
}

/// What the name of a created znode contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol::zookeeper) struct CreatedName {
    /// The position of its operation among the creates of the plan.
    pub(in crate::protocol::zookeeper) create: usize,
    pub(in crate::protocol::zookeeper) number: i64,
}

/// Returns the create and the number that the last part of `path` names.
pub(in crate::protocol::zookeeper) fn parse_name(path: &str) -> Option<CreatedName> {
    let (_, name) = path.rsplit_once('/')?;
    let rest = name.strip_prefix('c')?;
    // The first create has no ordinal. A dash at the start is the sign of its number.
    let (create, number) = match rest.split_once('-') {
        None | Some(("", _)) => (0, rest.parse().ok()?),
        Some((ordinal, number)) => (ordinal.parse().ok()?, number.parse().ok()?),
    };
    Some(CreatedName { create, number })
}

/// Returns the path of a created znode in the directory of its session.
pub(in crate::protocol::zookeeper) fn created_path_of(
    directory: &str,
    create: usize,
    number: u64,
) -> String {
    let mut path = format!("{directory}/{}", name_prefix(create));
    push_padded::<CREATED_DIGITS>(&mut path, number);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_identifies_the_create_and_the_number() {
        let name = |create, number| Some(CreatedName { create, number });
        assert_eq!(parse_name("/q/s00000/c0000000017"), name(0, 17));
        assert_eq!(
            parse_name("/q/s00000/c-2147483647"),
            name(0, -2_147_483_647)
        );
        assert_eq!(parse_name("/q/s00000/c3-0000000017"), name(3, 17));
        assert_eq!(
            parse_name("/q/s00000/c3--2147483647"),
            name(3, -2_147_483_647)
        );
        for create in [0, 3] {
            let path = created_path_of("/q/s00000", create, 17);
            assert_eq!(parse_name(&path), name(create, 17));
        }
        for foreign in [
            "",
            "/",
            "c",
            "/q/c",
            "/q/n0000001",
            "/q/cx",
            "/q/c1-",
            "/q/c1-x",
        ] {
            assert_eq!(parse_name(foreign), None, "{foreign}");
        }
    }
}
