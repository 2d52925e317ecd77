//! Jute, the binary encoding of ZooKeeper records, and the records themselves.
//!
//! Implements specification sections 1 (encoding), 2-5 (client port), 12 (election port), 13
//! (quorum port) and 15.2 (transactions). Decoding borrows from the frame. Encoding appends to a
//! `Vec<u8>`.

mod codes;
mod connect;
mod ids;
mod quorum;
mod reader;
mod record;
mod request;
mod response;
mod txn;
mod vote;
mod writer;

pub use codes::{AddWatchMode, CreateMode, ErrorCode, EventType, OpCode, Perms};
pub use connect::{ConnectRequest, ConnectResponse, session_password};
pub use ids::{PeerId, SessionId, Zxid};
pub use quorum::{LearnerInfo, PacketType, QuorumPacket, forwarded_request};
pub use reader::{JuteError, Reader};
pub use record::{Acl, Id, Stat, StatPersisted};
pub use request::{
    AuthPacket, CheckVersion, CreateRequest, DeleteRequest, MultiOp, MultiOps, PathNumber,
    PathRequest, PathWatch, RequestHeader, SetAclRequest, SetDataRequest, SetWatches,
};
pub use response::{MultiResult, ReplyHeader, WatcherEvent};
pub use txn::{Txn, TxnHeader, decode_entry, encode_entry};
pub use vote::{Notification, PeerState, VoteHello};
pub use writer::{WriteJute, begin_frame, end_frame};

/// Largest client frame: `jute.maxbuffer` (specification 2.1).
pub const MAX_FRAME_BYTES: usize = 0xfffff;
/// Largest buffer or string in a record: `jute.maxbuffer` + `extrasize` (specification 1).
pub const MAX_FIELD_BYTES: usize = 2 * MAX_FRAME_BYTES;
/// Largest transaction (header and record). A learner, of ours or of Java's, reads a proposal as one
/// buffer and refuses a longer one.
pub const MAX_ENTRY_BYTES: usize = MAX_FIELD_BYTES;
