//! Figures of one client connection, as `cons` reports them.
//!
//! Every request updates them, so an update must be cheap: it reads no clock and uses the time of the
//! step.

use super::latency::Latency;
use super::settings::Now;
use crate::wire::jute::{OpCode, Zxid};

/// The newest reply to a request. Pings, watches and the session handshake count as requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastReply {
    /// `None` after a failed write, which Java reports as `NA`.
    pub op: Option<OpCode>,
    /// The last transaction that the reply reflects.
    pub zxid: Zxid,
    /// Monotonic ms.
    pub at_ms: u64,
    /// Time from request to reply, ms.
    pub latency_ms: u64,
}

impl LastReply {
    /// `since_ms` is when the request arrived, in monotonic ms.
    pub(crate) const fn new(op: Option<OpCode>, zxid: Zxid, since_ms: u64, now: Now) -> Self {
        Self {
            op,
            zxid,
            at_ms: now.mono_ms,
            latency_ms: now.mono_ms.saturating_sub(since_ms),
        }
    }
}

/// Figures of one connection since it was opened or since `crst`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// Frames received, including the ConnectRequest. A four-letter word counts as one frame.
    pub received: u64,
    /// Frames sent, including notifications.
    pub sent: u64,
    pub last: Option<LastReply>,
    /// The xid of the newest answered request other than a ping.
    pub last_cxid: Option<i32>,
    latency: Latency,
}

impl Account {
    /// Returns the smallest, mean and largest time from request to reply, ms.
    #[must_use]
    pub fn latency_ms(&self) -> (u64, u64, u64) {
        self.latency.whole_ms()
    }

    /// Records the reply to request `xid`.
    pub(crate) fn answered(&mut self, xid: i32, reply: LastReply) {
        if xid >= 0 {
            self.last_cxid = Some(xid);
        }
        self.latency.record(reply.latency_ms);
        self.last = Some(reply);
    }
}
