//! Protocols: the interface to the load driver, and one folder per protocol.
//!
//! A [`Protocol`] is one side of a connection as a pure state machine: bytes and `now` come in,
//! bytes and events go out. The driver (`load`) owns the sockets, the clock and the buffers. It is
//! generic over the protocol, so that no operation costs a dynamic call.
//!
//! - [`Protocol`], [`Event`], [`Ticket`]: the interface that every protocol implements
//! - [`Inbox`], [`Pending`]: building blocks for most protocols
//! - [`Setup`]: creates data on the target before a load and removes it afterwards
//! - [`Ledger`]: the acknowledged writes of a load, which are read back after it
//! - [`NullPeer`]: the server side that a null responder needs
//! - [`resolve`], [`expand`], [`render_toml`]: convert a workload file in any protocol to a plan or an experiment, and a plan back;
//!   [`VOCABULARIES`] has the keys that each protocol adds to the file
//! - [`shipped`]: the workloads in the binary
//! - [`with`]: the registry. To add a protocol, add a folder and a line there
//! - [`zookeeper`], [`echo`]: the protocols

#[cfg(test)]
mod conversation;
pub mod echo;
mod inbox;
mod ledger;
mod null_peer;
mod payload;
mod pending;
mod registry;
mod setup;
mod shipped;
mod traits;
pub mod zookeeper;

pub use inbox::Inbox;
pub use ledger::{Ledger, NoLedger};
pub use null_peer::{Admit, MessageKind, NullPeer, Opened};
pub use payload::Payload;
pub use pending::{GivenUp, Pending, Sent};
pub use registry::{VOCABULARIES, Visitor, expand, render_toml, resolve, setup, vocabulary, with};
pub use setup::{Leftovers, Setup, SetupError, SetupJob, SetupProgress};
pub use shipped::{Shipped, find_shipped, nearest_shipped, shipped};
pub use traits::{Event, Protocol, Reply, Step, Ticket, Violation};
