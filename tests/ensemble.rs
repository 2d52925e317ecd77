//! The bundled ensemble as real processes on loopback, spoken to in raw bytes.
//!
//! The bytes are put together here by hand from the specification, not by the library's own codec,
//! so that a mistake in one cannot hide in the other.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "in a test a panic is a finding"
)]

#[path = "ensemble/client.rs"]
mod client;
#[path = "ensemble/connections.rs"]
mod connections;
#[path = "ensemble/crashes.rs"]
mod crashes;
#[path = "ensemble/greedy.rs"]
mod greedy;
#[path = "ensemble/hostile.rs"]
mod hostile;
#[path = "ensemble/load.rs"]
mod load;
#[path = "ensemble/logs.rs"]
mod logs;
#[path = "ensemble/observers.rs"]
mod observers;
#[path = "ensemble/operations.rs"]
mod operations;
#[path = "ensemble/replicas.rs"]
mod replicas;
#[path = "ensemble/servers.rs"]
mod servers;
#[path = "ensemble/sessions.rs"]
mod sessions;
#[path = "ensemble/settings.rs"]
mod settings;
#[path = "ensemble/start.rs"]
mod start;
#[path = "ensemble/surplus.rs"]
mod surplus;
#[path = "ensemble/watches.rs"]
mod watches;
#[path = "ensemble/words.rs"]
mod words;
