//! Tests of the bundled ensemble. The servers are real processes on loopback addresses.
//!
//! The tests encode requests from the specification and do not use the library's codec, so that they
//! detect mistakes in the codec.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a panic fails the test"
)]

#[path = "ensemble/client.rs"]
mod client;
#[path = "ensemble/connections.rs"]
mod connections;
#[path = "ensemble/crashes.rs"]
mod crashes;
#[path = "ensemble/descriptors.rs"]
mod descriptors;
#[path = "ensemble/epochs.rs"]
mod epochs;
#[path = "ensemble/greedy.rs"]
mod greedy;
#[path = "ensemble/hostile.rs"]
mod hostile;
#[path = "ensemble/limits.rs"]
mod limits;
#[path = "ensemble/load.rs"]
mod load;
#[path = "ensemble/logs.rs"]
mod logs;
#[path = "ensemble/observers.rs"]
mod observers;
#[path = "ensemble/operations.rs"]
mod operations;
#[path = "ensemble/readers.rs"]
mod readers;
#[path = "ensemble/replicas.rs"]
mod replicas;
#[path = "ensemble/server_log.rs"]
mod server_log;
#[path = "ensemble/servers.rs"]
mod servers;
#[path = "ensemble/sessions.rs"]
mod sessions;
#[path = "ensemble/settings.rs"]
mod settings;
#[path = "ensemble/snapshots.rs"]
mod snapshots;
#[path = "ensemble/stalls.rs"]
mod stalls;
#[path = "ensemble/start.rs"]
mod start;
#[path = "ensemble/strangers.rs"]
mod strangers;
#[path = "ensemble/surplus.rs"]
mod surplus;
#[path = "ensemble/watches.rs"]
mod watches;
#[path = "ensemble/words.rs"]
mod words;
