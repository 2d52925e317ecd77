//! Against foreign servers and clients: needs Java, an installation of Apache ZooKeeper and a Python
//! with kazoo, and fails without them.
//!
//! `cargo test --features live --test live`. `QUORATE_ZOOKEEPER_HOMES` lists installations beside the
//! one in the usual places, separated by colons; `QUORATE_PYTHON` names the Python (`python3`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "in a test a panic is a finding"
)]

#[path = "ensemble/client.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the bundled ensemble, which use all of it"
)]
mod client;
#[path = "live/deployments.rs"]
mod deployments;
#[path = "live/disk.rs"]
mod disk;
#[path = "live/kazoo.rs"]
mod kazoo;
#[path = "ensemble/load.rs"]
mod load;
#[path = "live/mixed.rs"]
mod mixed;
#[path = "live/observers.rs"]
mod observers;
#[path = "live/peers.rs"]
mod peers;
#[path = "ensemble/replicas.rs"]
mod replicas;
#[path = "ensemble/servers.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the bundled ensemble, which use all of it"
)]
mod servers;
#[path = "ensemble/surplus.rs"]
mod surplus;
#[path = "live/truncate.rs"]
mod truncate;
#[path = "live/words.rs"]
mod words;
