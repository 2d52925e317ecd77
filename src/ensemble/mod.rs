//! The bundled reference ensemble: a ZooKeeper server in Rust.
//!
//! Pure modules: [`database`] (tree, watches, ACLs, sessions, preparation of transactions) and
//! [`peer`] (election, ZAB, client requests). Modules that do I/O: [`storage`] (transaction log,
//! snapshots) and [`node`] (sockets, threads).

pub mod config;
pub mod database;
pub mod node;
pub mod peer;
pub mod storage;
pub mod words;
