//! ZooKeeper's values in a plan, with their types.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::OpKind;
use crate::workload::{OpPlan, Plan, SizeChoice, Values};

/// The values of an operation that only ZooKeeper has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpValues {
    /// Create: ephemeral znodes.
    pub ephemeral: bool,
    /// Create: sequential znodes.
    pub sequential: bool,
    /// Create: maximum number of created znodes that a session holds. At the maximum it deletes its
    /// oldest znode instead of creating another, so that the size of the tree stays the same.
    pub keep_count: Option<u64>,
    /// Multi: sub-operations per transaction.
    pub batch: u32,
}

impl Default for OpValues {
    /// The values of an operation that sets none.
    fn default() -> Self {
        Self {
            ephemeral: false,
            sequential: false,
            keep_count: None,
            batch: 1,
        }
    }
}

impl OpValues {
    /// Reads the values of an operation.
    #[must_use]
    pub fn of(op: &OpPlan) -> Self {
        let batch = op.own.integer("batch").map(u32::try_from);
        Self {
            ephemeral: op.own.boolean("ephemeral"),
            sequential: op.own.boolean("sequential"),
            keep_count: op.own.integer("keep_count"),
            batch: batch.and_then(Result::ok).unwrap_or(1),
        }
    }
}

impl From<OpValues> for Values {
    fn from(own: OpValues) -> Self {
        Self::default()
            .with("ephemeral", own.ephemeral)
            .with("sequential", own.sequential)
            .with("keep_count", own.keep_count)
            .with("batch", own.batch)
    }
}

/// The znodes that are created before the load.
#[derive(Clone, Debug, PartialEq)]
pub struct TreePlan {
    /// Number of znodes from which set, get and exists choose their keys.
    pub znodes: u64,
    /// Data size of each znode.
    pub size: SizeChoice,
    /// Children per parent directory: `<chroot>/p00000/n0000042`.
    pub per_parent: u64,
    /// Root of everything that the run creates. It is removed afterwards unless the plan keeps it.
    pub chroot: String,
}

impl TreePlan {
    /// Reads the tree of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let own = &plan.prepare.own;
        Self {
            znodes: own.integer("znodes").unwrap_or(0),
            size: own.size("size").cloned().unwrap_or(SizeChoice::Fixed(0)),
            per_parent: own.integer("per_parent").unwrap_or(1),
            // Without a chroot the clean-up refuses to remove anything.
            chroot: own.text("chroot").unwrap_or_default().to_owned(),
        }
    }
}

impl From<TreePlan> for Values {
    fn from(tree: TreePlan) -> Self {
        Self::default()
            .with("znodes", tree.znodes)
            .with("size", tree.size)
            .with("per_parent", tree.per_parent)
            .with("chroot", tree.chroot)
    }
}

/// Whether any operation creates znodes, so that sessions need directories.
pub(super) fn creates(plan: &Plan) -> bool {
    plan.ops.iter().any(|op| op.kind == OpKind::Create.name())
}
