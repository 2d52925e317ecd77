//! Adopts the snapshot that the leader sends (SNAP, specification 13.5).
//!
//! The stream goes to disk as it arrives, and into a second database. The server keeps its own database,
//! and its votes report that one, until the disk holds the snapshot. Entries that are logged too early
//! would lie behind a hole, so nothing is logged meanwhile either (ZOOKEEPER-2845, 3642).

use super::{Learner, Phase};
use crate::ensemble::database::{Database, SnapshotDecoder};
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effect, Effects};
use crate::ensemble::peer::leader::{Lost, SNAPSHOT_SIGNATURE};
use crate::wire::jute::{JuteError, Reader, WriteJute, Zxid};

/// A snapshot that the leader sends.
#[derive(Debug)]
pub(super) struct Incoming {
    zxid: Zxid,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Body(Box<SnapshotDecoder>),
    /// The body is complete. The signature that ends the stream is missing.
    Signature(Box<Database>),
    /// The stream is complete. The disk reports this ticket once the snapshot is durable.
    Saving {
        ticket: u64,
        db: Box<Database>,
    },
    /// The stream is unreadable.
    Failed,
}

impl Incoming {
    /// Whether the stream is complete, and only the disk is waited for.
    pub(super) const fn is_saving(&self) -> bool {
        matches!(self.stage, Stage::Saving { .. })
    }
}

fn broken(error: &str) -> Lost {
    Lost(format!("unreadable snapshot from the leader: {error}"))
}

impl Learner {
    pub(super) fn receive_snapshot(&mut self, core: &mut Core, zxid: Zxid, fx: &mut Effects) {
        core.begin_received_snapshot(zxid, fx);
        let decoder = SnapshotDecoder::new(core.settings.database());
        let stage = Stage::Body(Box::new(decoder));
        self.phase = Phase::ReceivingSnapshot(Incoming { zxid, stage });
    }

    /// Takes bytes of the stream. Returns how many.
    pub(super) fn snapshot_bytes(
        &mut self,
        core: &mut Core,
        bytes: &[u8],
        fx: &mut Effects,
    ) -> Result<usize, Lost> {
        let Phase::ReceivingSnapshot(Incoming { zxid, stage }) = &mut self.phase else {
            return Ok(0);
        };
        let used;
        let next = match std::mem::replace(stage, Stage::Failed) {
            Stage::Body(mut decoder) => {
                let fed = decoder.feed(bytes);
                let (taken, done) = fed.map_err(|error| broken(&error.to_string()))?;
                used = taken;
                if used > 0 {
                    let start = fx.bytes.len();
                    fx.bytes.put(&bytes[..used]);
                    fx.push(Effect::SnapshotSlice(start..fx.bytes.len()));
                }
                if done {
                    let finished = decoder.finish();
                    let mut db = finished.map_err(|error| broken(&error.to_string()))?;
                    db.set_last_processed(*zxid);
                    Stage::Signature(Box::new(db))
                } else {
                    Stage::Body(decoder)
                }
            }
            Stage::Signature(db) => {
                let mut reader = Reader::new(bytes);
                match reader.string() {
                    Err(JuteError::Truncated) => {
                        used = 0;
                        Stage::Signature(db)
                    }
                    Ok(Some(SNAPSHOT_SIGNATURE)) => {
                        used = reader.position();
                        let ticket = core.end_snapshot(fx);
                        Stage::Saving { ticket, db }
                    }
                    _ => return Err(broken("its signature is missing")),
                }
            }
            waiting @ (Stage::Saving { .. } | Stage::Failed) => {
                used = 0;
                waiting
            }
        };
        *stage = next;
        Ok(used)
    }

    /// Handles that the disk has saved the snapshot with this ticket: adopts the database if it is the
    /// leader's.
    pub(crate) fn snapshot_saved(
        &mut self,
        core: &mut Core,
        ticket: u64,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        if !self.awaits_snapshot(ticket) {
            return Ok(());
        }
        let phase = std::mem::replace(&mut self.phase, Phase::Synchronising);
        let Phase::ReceivingSnapshot(Incoming {
            zxid,
            stage: Stage::Saving { db, .. },
        }) = phase
        else {
            return Ok(());
        };
        if core.last_logged > zxid {
            // A restart would load a newer snapshot, or replay newer entries, that the leader lacks.
            self.truncate(zxid, fx);
            return Ok(());
        }
        core.replace(*db, zxid);
        self.continue_synchronising(core, fx)
    }

    /// Whether the snapshot with this ticket is the leader's.
    pub(crate) fn awaits_snapshot(&self, awaited: u64) -> bool {
        match &self.phase {
            Phase::ReceivingSnapshot(Incoming {
                stage: Stage::Saving { ticket, .. },
                ..
            }) => *ticket == awaited,
            _ => false,
        }
    }
}
