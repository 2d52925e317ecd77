//! The operation mix: the endless stream of operations of one session.
//!
//! The stream depends only on the plan, its seed, the run, the session and the acknowledged
//! creates. Each operation of the mix has its own random stream. The keys of the sets, for
//! instance, therefore do not depend on the outcome of the creates. Nothing is allocated per
//! operation once the buffers have grown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod created;
mod draw;
mod scatter;

use super::paths::{session_dir, write_parent, write_prepared};
use super::{OpKind, OpValues, TreePlan};
use crate::workload::Plan;
use created::Created;
pub(super) use created::{CreatedName, created_path_of, parse_name};
use draw::{Keys, Random, Sizes};

/// One operation to issue. The caller keeps one and reuses it for every operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Index in [`Plan::ops`], which the result is counted under.
    pub op: usize,
    /// The kind to issue. It can differ from the kind of the drawn line: a create at its
    /// `keep_count` becomes the implicit delete, and a delete without a znode becomes a create.
    pub kind: OpKind,
    /// Absolute path; empty for multi and session. The server appends a number to the path of a
    /// sequential create.
    pub path: String,
    /// Bytes of data. For a multi, the sum over its sets.
    pub size: usize,
    /// ZooKeeper's flags for a create: 1 = ephemeral, 2 = sequential.
    pub flags: i32,
    /// Path and size of each set of a multi; empty for every other kind.
    pub batch: Vec<(String, usize)>,
    /// Strings that `batch` does not use at the moment.
    spare: Vec<(String, usize)>,
}

/// The operations of one session.
#[derive(Clone, Debug)]
pub struct Mix {
    random: Random,
    /// Sum of the weights up to and including each line.
    cumulative: Vec<u64>,
    lines: Vec<Line>,
    created: Created,
    chroot: String,
    per_parent: u64,
}

#[derive(Clone, Debug)]
struct Line {
    kind: OpKind,
    random: Random,
    sizes: Sizes,
    keys: Keys,
    batch: usize,
}

impl Mix {
    /// Makes the stream of `session` in run number `run`, both counted from 0.
    ///
    /// # Panics
    /// If the plan has no operations. Plans from [`crate::protocol::resolve`] have at least one.
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

    /// Notes that the server acknowledged the create of `path`, which is the path from the reply
    /// with the number of a sequential znode. The znode then counts for `keep_count` and can be
    /// deleted. Other paths are ignored.
    pub fn created(&mut self, path: &str) {
        self.created.acknowledge(path);
    }

    /// Notes that the ZooKeeper session expired and another one took its place. The ephemeral
    /// znodes are gone.
    pub fn session_replaced(&mut self) {
        self.created.forget_ephemerals();
    }

    /// Returns the number of live znodes of this session: created and acknowledged, and no delete
    /// issued yet. Znodes that no operation deletes are not counted.
    #[must_use]
    pub fn live(&self) -> usize {
        self.created.live()
    }

    /// Chooses a line of the mix by weight.
    fn choose(&mut self) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let ticket = self.random.below(total);
        let found = self.cumulative.iter().position(|sum| ticket < *sum);
        found.unwrap_or(0)
    }

    fn create(&mut self, op: usize, out: &mut Operation) {
        // The size is drawn even if the create becomes a delete, so that sizes do not depend on
        // replies.
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
    /// Resizes `batch` and keeps the memory of its strings.
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
