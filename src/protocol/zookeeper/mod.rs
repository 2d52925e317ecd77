//! One ZooKeeper client session, what it takes to keep it, and a small blocking client.
//!
//! - [`Session`]: a client session as a pure state machine: bytes in, bytes out, `now` as argument
//! - [`request`]: the requests that a 3.4 server knows, appended to a session's output
//! - [`ConnectString`], [`ServerOrder`], [`Backoff`]: whom to connect to, and when again
//! - [`AdminClient`], [`four_letter`]: the blocking client for preparation, clean-up and probes

mod address;
mod admin;
mod backoff;
mod error;
mod four_letter;
mod outbox;
mod pending;
mod pipeline;
mod reply;
pub mod request;
mod session;

pub use crate::wire::jute::{ErrorCode, OpCode, SessionId, Stat, Zxid};
pub use address::{AddressError, ConnectString, ServerOrder};
pub use admin::{AdminClient, Node};
pub use backoff::{Backoff, BackoffPolicy};
pub use error::ClientError;
pub use four_letter::four_letter;
pub use pending::{Pending, Sent};
pub use pipeline::Answer;
pub use reply::created_path;
pub use session::{Event, Given, ProtocolError, Reply, Session};
