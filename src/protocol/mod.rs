//! What a protocol is to the load driver, and one folder per protocol.
//!
//! A [`Protocol`] is one connection's side of a conversation as a pure state machine: bytes and `now` come
//! in, bytes and events go out. The driver owns the sockets, the clock and the buffers
//! (`load`); it is generic over the protocol, so that no operation costs a dynamic call.
//!
//! - [`Protocol`], [`Event`], [`Ticket`]: what every protocol offers the driver
//! - [`Inbox`], [`Pending`]: what most protocols need to offer it
//! - [`Setup`]: what is created on the target before a load, and removed after it
//! - [`NullPeer`]: the server's side, as far as a null responder needs it
//! - [`resolve`], [`render_toml`]: a workload file in any protocol to a plan, and back; [`VOCABULARIES`] is what each
//!   protocol adds to the file
//! - [`shipped`]: the workloads in the binary
//! - [`with`]: the registry. To add a protocol, add a folder and a line there
//! - [`zookeeper`], [`echo`]: the protocols

#[cfg(test)]
mod conversation;
pub mod echo;
mod inbox;
mod null_peer;
mod payload;
mod pending;
mod registry;
mod setup;
mod shipped;
mod traits;
pub mod zookeeper;

pub use inbox::Inbox;
pub use null_peer::{Admit, Asked, NullPeer, Opened};
pub use payload::Payload;
pub use pending::{Given, Pending, Sent};
pub use registry::{VOCABULARIES, Visitor, render_toml, resolve, setup, vocabulary, with};
pub use setup::{Leftovers, Setup, SetupError, SetupJob, SetupProgress};
pub use shipped::{Shipped, find_shipped, nearest_shipped, shipped};
pub use traits::{Event, Protocol, Reply, Step, Ticket, Violation};
