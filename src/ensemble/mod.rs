//! The bundled reference ensemble: a ZooKeeper server in Rust.
//!
//! Pure: [`database`] (tree, watches, ACLs, sessions, preparation), election and ZAB.
//! Shell: [`storage`] (transaction log, snapshots), the node (sockets, threads).

pub mod config;
pub mod database;
pub mod node;
pub mod peer;
pub mod storage;
pub mod words;
