//! Figures that a server reports in `mntr`, since it started or since `srst`.

use super::account::{Account, LastReply};
use super::latency::Latency;
use super::latency_histogram::LatencyHistogram;
use crate::wire::jute::OpCode;

/// Sizes of messages of one kind, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub last: usize,
    pub min: usize,
    pub max: usize,
}

impl Sizes {
    /// Records a message of this size.
    pub(crate) fn record(sizes: &mut Option<Self>, bytes: usize) {
        let before = sizes.unwrap_or(Self {
            last: bytes,
            min: bytes,
            max: bytes,
        });
        *sizes = Some(Self {
            last: bytes,
            min: before.min.min(bytes),
            max: before.max.max(bytes),
        });
    }
}

/// Figures of all client connections.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Frames received, including four-letter words.
    pub received: u64,
    /// Frames sent, including answers to four-letter words.
    pub sent: u64,
    pub latency: Latency,
    /// Time from a read, ping or sync to its reply.
    pub reads: LatencyHistogram,
    /// Time from a write to its reply.
    pub updates: LatencyHistogram,
    /// Sizes of replies and notifications without their length field. `None` before the first.
    pub response_bytes: Option<Sizes>,
    /// Requests for a session, new or existing.
    pub connection_requests: u64,
    /// Requests for a session that the client already has.
    pub revalidations: u64,
    /// Connections closed because their client did not request a session in time.
    pub sessionless_expired: u64,
    pub failed_authentications: u64,
    /// Bytes of watch notifications.
    pub watch_bytes: u64,
}

impl Figures {
    /// Counts a frame to the connection with this account.
    pub(crate) fn sent(&mut self, account: &mut Account) {
        self.sent += 1;
        account.sent += 1;
    }

    /// Records the reply to request `xid` of the connection with this account.
    pub(crate) fn answered(&mut self, account: &mut Account, xid: i32, reply: LastReply) {
        self.latency.record(reply.latency_ms);
        // A failed write has no operation.
        let is_update = reply
            .op
            .is_none_or(|op| op == OpCode::CreateSession || super::core::is_write(op));
        let times = if is_update {
            &mut self.updates
        } else {
            &mut self.reads
        };
        times.record(reply.latency_ms);
        account.answered(xid, reply);
    }

    /// Records the size of a reply or notification, in bytes.
    pub(crate) fn responded(&mut self, bytes: usize) {
        Sizes::record(&mut self.response_bytes, bytes);
    }
}

/// Figures of a server as a member of an ensemble. The writes of a standalone server take the same path
/// as a leader's and count as proposals here.
#[derive(Clone, Debug, Default)]
pub struct ProtocolFigures {
    /// Number of elections that the server has started.
    pub elections: u64,
    /// Durations of the elections that decided on a leader.
    pub election_ms: Latency,
    /// Proposals sent, as leader.
    pub proposals: u64,
    /// Commits sent, as leader.
    pub commits: u64,
    /// Time from a proposal to its acknowledgement by a quorum, as leader.
    pub quorum_acks: LatencyHistogram,
    /// Learners synchronised by a difference, as leader.
    pub diffs: u64,
    /// Learners synchronised by a snapshot, as leader.
    pub snapshots: u64,
    /// Sessions that learners asked the leader to revalidate, as leader.
    pub revalidations: u64,
    /// Sessions that expired, as leader.
    pub expired_sessions: u64,
    /// Proposals received, as follower.
    pub received_proposals: u64,
    /// Commits received, as learner. An observer receives each commit together with its transaction.
    pub received_commits: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::peer::Now;
    use crate::wire::jute::Zxid;

    #[test]
    fn sizes_are_unknown_before_the_first_message() {
        let mut sizes = None;
        for bytes in [20, 16, 188] {
            Sizes::record(&mut sizes, bytes);
        }
        assert_eq!(
            sizes,
            Some(Sizes {
                last: 188,
                min: 16,
                max: 188
            })
        );
    }

    #[test]
    fn writes_are_updates_and_other_requests_are_reads() {
        let mut figures = Figures::default();
        let mut account = Account::default();
        let now = Now {
            mono_ms: 5,
            wall_ms: 0,
        };
        for op in [
            Some(OpCode::CreateSession),
            Some(OpCode::Create),
            Some(OpCode::CloseSession),
            None,
            Some(OpCode::Ping),
            Some(OpCode::GetData),
            Some(OpCode::Sync),
        ] {
            let reply = LastReply::new(op, Zxid::ZERO, 3, now);
            figures.answered(&mut account, 1, reply);
        }
        assert_eq!(figures.updates.latency().count, 4);
        assert_eq!(figures.reads.latency().count, 3);
        assert_eq!(figures.latency.total_ms, 14);
    }
}
