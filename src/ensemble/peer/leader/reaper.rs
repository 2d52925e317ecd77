//! Deletes container and TTL nodes that have lapsed (specification 6.7).

use super::broadcast::Origin;
use super::{Leader, Lost};
use crate::ensemble::database::{LapsedSearch, WriteRequest};
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::Effects;
use crate::wire::jute::{OpCode, SessionId, WriteJute};

/// Nodes that one step looks at, which takes less than a millisecond.
const NODES_MAX: usize = 2_000;
/// Nodes that one step deletes.
const DELETED_MAX: u64 = 100;

/// A walk over all container and TTL nodes, step by step.
#[derive(Debug)]
pub(super) struct Reaper {
    due_ms: u64,
    /// When this walk began, or the next one begins, monotonic ms.
    begun_ms: u64,
    /// Where the walk goes on; `None` before its first step.
    after: Option<u32>,
}

impl Reaper {
    pub(super) const fn new(first_ms: u64) -> Self {
        Self {
            due_ms: first_ms,
            begun_ms: first_ms,
            after: None,
        }
    }

    /// When the next step is due, monotonic ms.
    pub(super) const fn due_ms(&self) -> u64 {
        self.due_ms
    }
}

impl Leader {
    /// Performs the next step of the walk if it is due.
    pub(super) fn delete_lapsed(&mut self, core: &mut Core, fx: &mut Effects) -> Result<(), Lost> {
        let settings = core.settings.reaper;
        let ms = core.now.mono_ms;
        if ms < self.reaper.due_ms {
            return Ok(());
        }
        if self.reaper.after.is_none() {
            self.reaper.begun_ms = ms;
        }
        // A hundredth of a minute's deletes at most, so that they are spread over the minute.
        let found_max = (settings.per_minute / 100).clamp(1, DELETED_MAX);
        let lapsed = core.db.find_lapsed(LapsedSearch {
            after: self.reaper.after,
            nodes_max: NODES_MAX,
            found_max: usize::try_from(found_max).unwrap_or(1),
            time_ms: core.now.wall_ms,
            never_used_ms: settings.never_used_ms,
        });
        self.reaper.after = lapsed.next;
        let pause_ms = lapsed.paths.len() as u64 * 60_000 / settings.per_minute.max(1);
        self.reaper.due_ms = match lapsed.next {
            Some(_) => ms + pause_ms.max(1),
            None => (self.reaper.begun_ms + settings.interval_ms).max(ms + pause_ms.max(1)),
        };
        let mut body = Vec::new();
        for path in lapsed.paths {
            body.clear();
            body.put_string(&path);
            let request = WriteRequest {
                session: SessionId(0),
                cxid: 0,
                op: OpCode::DeleteContainer.code(),
                body: &body,
                auth: &[],
                time_ms: core.now.wall_ms,
            };
            self.write(core, &request, Origin::Leader, fx)?;
        }
        Ok(())
    }
}
