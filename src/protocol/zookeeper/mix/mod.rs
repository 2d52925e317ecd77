//! The operation mix: the endless stream of operations of one session.
//!
//! The stream depends on the plan, its seed, the run, the session and on which creates were acknowledged,
//! nothing else. Each operation of the mix draws from a random stream of its own, so that for
//! instance the keys of the sets are the same whatever became of the creates. Nothing is allocated
//! per operation once the buffers have grown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod created;
mod draw;
mod scatter;

use super::paths::{session_dir, write_parent, write_prepared};
use super::{OpKind, OpValues, TreePlan};
use crate::workload::Plan;
use created::Created;
use draw::{Keys, Random, Sizes};

/// One operation to issue. A caller keeps one and has it overwritten again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Index in [`Plan::ops`]; what the result is counted under.
    pub op: usize,
    /// What to do. Not always the kind of the line that was drawn: a create at its `keep_count`
    /// comes out as the delete that goes with it, a delete with nothing to delete as a create.
    pub kind: OpKind,
    /// Absolute path; empty for multi and session. A sequential create ends where the server
    /// appends its number.
    pub path: String,
    /// Bytes of data; of a multi, all of its sets together.
    pub size: usize,
    /// Create: ZooKeeper's flags, 1 = ephemeral, 2 = sequential.
    pub flags: i32,
    /// Multi: path and size of each set; empty for every other kind.
    pub batch: Vec<(String, usize)>,
    /// Strings that `batch` does not need at the moment.
    spare: Vec<(String, usize)>,
}

/// The operations of one session.
#[derive(Clone, Debug)]
pub struct Mix {
    random: Random,
    /// Sums of the weights up to and including each line.
    cumulative: Vec<u64>,
    lines: Vec<Line>,
    created: Created,
    chroot: String,
    per_parent: u64,
}

/// One line of the mix, ready to draw from.
#[derive(Clone, Debug)]
struct Line {
    kind: OpKind,
    random: Random,
    sizes: Sizes,
    keys: Keys,
    batch: usize,
}

impl Mix {
    /// The stream of `session` in run number `run`, both counted from 0.
    ///
    /// # Panics
    /// If the plan has no operations; [`crate::protocol::resolve`] makes none such.
    #[must_use]
    pub fn new(plan: &Plan, run: u32, session: u32) -> Self {
        let seed = plan.run_seed(run);
        assert!(!plan.ops.is_empty(), "a plan has at least one operation");
        let mut sum = 0;
        let cumulative = plan.ops.iter().map(|op| {
            sum += u64::from(op.weight);
            sum
        });
        let cumulative = cumulative.collect();
        let tree = TreePlan::of(plan);
        let lines = plan.ops.iter().zip(1..).map(|(op, stream)| Line {
            kind: OpKind::of(op),
            random: Random::new(seed, session, stream),
            sizes: Sizes::new(&op.size),
            keys: Keys::new(&op.keys, tree.znodes, plan.load.sessions, session),
            batch: usize::try_from(OpValues::of(op).batch).unwrap_or(usize::MAX),
        });
        Self {
            random: Random::new(seed, session, 0),
            cumulative,
            lines: lines.collect(),
            created: Created::new(plan, &session_dir(plan, run, session)),
            chroot: tree.chroot,
            per_parent: tree.per_parent,
        }
    }

    /// Overwrites `out` with the next operation.
    pub fn next(&mut self, out: &mut Operation) {
        let op = self.choose();
        out.op = op;
        out.kind = self.lines[op].kind;
        out.size = 0;
        out.flags = 0;
        out.resize_batch(0);
        match out.kind {
            OpKind::Create => self.create(op, out),
            OpKind::Delete => self.delete(out),
            OpKind::Set | OpKind::Get | OpKind::Exists => {
                let line = &mut self.lines[op];
                let key = line.keys.draw(&mut line.random);
                write_prepared(&self.chroot, self.per_parent, key, &mut out.path);
                out.size = line.sizes.draw(&mut line.random);
            }
            OpKind::List => {
                let line = &mut self.lines[op];
                let key = line.keys.draw(&mut line.random);
                write_parent(&self.chroot, key / self.per_parent.max(1), &mut out.path);
            }
            OpKind::Multi => self.multi(op, out),
            OpKind::Sync => {
                out.path.clear();
                out.path.push_str(&self.chroot);
            }
            OpKind::Session => out.path.clear(),
        }
    }

    /// Tells that the server acknowledged the create of `path` (as it answered, with the number of
    /// a sequential znode), which makes the znode live: it counts for `keep_count` and can be
    /// deleted. Paths that this session did not ask for are ignored.
    pub fn created(&mut self, path: &str) {
        self.created.acknowledge(path);
    }

    /// Tells that the ZooKeeper session expired and another took its place, with which the
    /// ephemeral znodes are gone.
    pub fn session_replaced(&mut self) {
        self.created.forget_ephemerals();
    }

    /// Znodes of this session that are live: acknowledged, and no delete issued yet. Creates whose
    /// znodes are never deleted are not counted.
    #[must_use]
    pub fn live(&self) -> usize {
        self.created.live()
    }

    /// A line of the mix, by weight.
    fn choose(&mut self) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let ticket = self.random.below(total);
        let found = self.cumulative.iter().position(|sum| ticket < *sum);
        found.unwrap_or(0)
    }

    fn create(&mut self, op: usize, out: &mut Operation) {
        // Drawn even when it comes to a delete, so that the sizes do not depend on replies.
        let line = &mut self.lines[op];
        let size = line.sizes.draw(&mut line.random);
        if let Some(trim) = self.created.trim_if_full(op, &mut out.path) {
            out.op = trim;
            out.kind = OpKind::Delete;
        } else {
            out.size = size;
            out.flags = self.created.create(op, &mut out.path);
        }
    }

    fn delete(&mut self, out: &mut Operation) {
        if self.created.delete_oldest(&mut out.path) {
            return;
        }
        if let Some(create) = self.created.first_op() {
            let line = &mut self.lines[create];
            out.op = create;
            out.kind = OpKind::Create;
            out.size = line.sizes.draw(&mut line.random);
            out.flags = self.created.create(create, &mut out.path);
        }
    }

    fn multi(&mut self, op: usize, out: &mut Operation) {
        let line = &mut self.lines[op];
        out.path.clear();
        out.resize_batch(line.batch);
        for (path, size) in &mut out.batch {
            let key = line.keys.draw(&mut line.random);
            write_prepared(&self.chroot, self.per_parent, key, path);
            *size = line.sizes.draw(&mut line.random);
            out.size += *size;
        }
    }
}

impl Operation {
    /// Makes `batch` this long without giving up the memory of its strings.
    fn resize_batch(&mut self, len: usize) {
        while self.batch.len() > len {
            self.spare.extend(self.batch.pop());
        }
        while self.batch.len() < len {
            self.batch.push(self.spare.pop().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests;
