//! ZooKeeper's client protocol.
//!
//! - [`OpKind`], [`Mix`]: the kinds of operations, and the endless stream of [`Operation`]s of one
//!   session
//! - [`ZooKeeperVocabulary`]: ZooKeeper's part of the workload file; [`OpValues`], [`TreePlan`]:
//!   its part of a plan
//! - [`prepared_path`], [`run_dir`], [`session_dir`], [`directories`]: the paths of a run
//! - [`ZooKeeper`]: a session with its operations, for the load driver
//! - [`Session`]: a client session as a pure state machine: bytes in, bytes out, `now` as argument
//! - [`request`]: the requests that a 3.4 server supports
//! - [`Tree`]: the directories and znodes of a run, created before it and removed after it
//! - [`ZooKeeperLedger`]: the acknowledged writes of a run, which are read back after it
//! - [`AdminClient`], [`four_letter`]: a blocking client for preparation, clean-up and probes
//! - [`ConnectString`]: the servers that a client connects to, in ZooKeeper's notation
//! - [`Null`]: a server that answers every request and keeps no data

mod admin;
mod clean_up;
mod connect_string;
mod connection;
mod error;
mod error_name;
mod four_letter;
mod ledger;
mod mix;
mod null;
mod op_kind;
mod paths;
mod pipeline;
mod prepare;
mod reply;
pub mod request;
mod session;
mod setup;
mod tree;
mod trim;
mod values;
mod vocabulary;

pub use crate::wire::jute::{ErrorCode, OpCode, SessionId, Stat, Zxid};
pub use admin::{AdminClient, Node};
pub use connect_string::{AddressError, ConnectString};
pub use connection::ZooKeeper;
pub use error::ClientError;
pub use error_name::error_name;
pub use four_letter::four_letter;
pub use ledger::ZooKeeperLedger;
pub use mix::{Mix, Operation};
pub use null::Null;
pub use op_kind::OpKind;
pub use paths::{directories, prepared_path, run_dir, session_dir};
pub use pipeline::Answer;
pub use reply::created_path;
pub use session::{ProtocolError, Session, SessionEvent, SessionReply};
pub use tree::Tree;
pub use trim::{trim, trim_of};
pub use values::{OpValues, TreePlan};
pub use vocabulary::ZooKeeperVocabulary;
