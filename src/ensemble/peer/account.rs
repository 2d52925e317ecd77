//! The figures that a server keeps of one connection: the source of `cons`.
//!
//! Kept on the way of every request, hence nothing but a few stores: instants are those of the step.

use super::latency::Latency;
use crate::wire::jute::{OpCode, Zxid};

/// The newest reply to a request. Pings, watches and the session itself count as requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastReply {
    /// What was asked; `None` if it was a write that failed, which Java calls `NA`.
    pub op: Option<OpCode>,
    /// The last transaction that the reply reflects.
    pub zxid: Zxid,
    /// When, monotonic ms.
    pub at_ms: u64,
    /// How long it took, ms.
    pub latency_ms: u64,
}

impl LastReply {
    pub(crate) const fn new(
        op: Option<OpCode>,
        zxid: Zxid,
        (since_ms, now_ms): (u64, u64),
    ) -> Self {
        Self {
            op,
            zxid,
            at_ms: now_ms,
            latency_ms: now_ms.saturating_sub(since_ms),
        }
    }
}

/// One connection's figures since it was made, or since `crst`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// Frames received, the ConnectRequest among them; a four-letter word is one.
    pub received: u64,
    /// Frames sent, notifications among them.
    pub sent: u64,
    /// The newest reply.
    pub last: Option<LastReply>,
    /// Number of the newest request that has one: pings have none.
    pub last_cxid: Option<i32>,
    latency: Latency,
}

impl Account {
    /// Smallest, mean and largest time from request to reply, ms.
    #[must_use]
    pub fn latency_ms(&self) -> (u64, u64, u64) {
        self.latency.whole_ms()
    }

    /// Request `xid` is answered.
    pub(crate) fn answered(&mut self, xid: i32, reply: LastReply) {
        if xid >= 0 {
            self.last_cxid = Some(xid);
        }
        self.latency.record(reply.latency_ms);
        self.last = Some(reply);
    }
}
