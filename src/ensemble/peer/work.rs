//! Bounds the work of the requests of clients. One thread serves all clients, so a request that makes
//! much work must not be served again and again while others wait.

use crate::wire::jute::{JuteError, OpCode, Reader, RequestHeader};

/// A step that has done this much work leaves the remaining requests to the next round. One unit is about
/// 50 ns, so this is about a millisecond.
const STEP_WORK_MAX: usize = 20_000;

/// A request that makes more work than this waits when the work of a round is done.
const SMALL_WORK_MAX: usize = 200;

/// The least bytes that a part of a multi takes.
const MULTI_PART_BYTES: usize = 20;

/// The work of a request as far as its frame shows it. What a read looks at comes on top; see
/// [`crate::ensemble::database::Database::take_work`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestWork {
    pub(crate) units: usize,
    /// Whether more than the frame decides how much work it is.
    open_ended: bool,
}

impl RequestWork {
    /// `identities` is how many the caller has; each may be compared with an ACL.
    pub(crate) fn of(frame: &[u8], identities: usize) -> Self {
        let mut reader = Reader::new(frame);
        let op = RequestHeader::decode(&mut reader)
            .ok()
            .and_then(|header| OpCode::from_i32(header.op));
        let parts = op.map_or(0, |op| parts(op, reader).unwrap_or(0));
        Self {
            units: 1 + frame.len() / 1024 + identities + parts,
            open_ended: op.is_some_and(is_open_ended),
        }
    }

    const fn is_small(self) -> bool {
        self.units <= SMALL_WORK_MAX && !self.open_ended
    }
}

/// Counts the parts of a write that are handled one by one: operations of a multi, entries of an ACL.
fn parts(op: OpCode, mut reader: Reader<'_>) -> Result<usize, JuteError> {
    match op {
        OpCode::Multi => return Ok(reader.rest().len() / MULTI_PART_BYTES),
        OpCode::Create | OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
            reader.buffer()?;
            reader.buffer()?;
        }
        OpCode::SetAcl => drop(reader.buffer()?),
        _ => return Ok(0),
    }
    Ok(reader.count()?.unwrap_or(0))
}

/// Whether the work of the request depends on more than its own size.
const fn is_open_ended(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::GetChildren
            | OpCode::GetChildren2
            | OpCode::GetEphemerals
            | OpCode::MultiRead
            | OpCode::SetWatches
            | OpCode::SetWatches2
    )
}

/// The work that was done in the current step and in the current round. All steps at the same time are one
/// round: the event loop reads the clock once per wake-up.
#[derive(Debug, Default)]
pub(crate) struct Work {
    step: usize,
    round: usize,
    round_ms: u64,
}

impl Work {
    pub(crate) fn begin_step(&mut self, now_ms: u64) {
        self.step = 0;
        if self.round_ms != now_ms {
            self.round_ms = now_ms;
            self.round = 0;
        }
    }

    pub(crate) fn add(&mut self, units: usize) {
        self.step += units;
        self.round += units;
    }

    /// Whether the round at `now_ms` has time for requests that can make much work.
    pub(crate) const fn has_room(&self, now_ms: u64) -> bool {
        self.round_ms != now_ms || self.round < STEP_WORK_MAX
    }

    /// Whether the request must wait for the next round. When the work of the round is done, only small
    /// requests are still served, so that pings and single reads of other clients are answered.
    pub(crate) const fn must_wait(&self, request: RequestWork) -> bool {
        self.step >= STEP_WORK_MAX || (self.round >= STEP_WORK_MAX && !request.is_small())
    }
}
