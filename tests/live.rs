//! Tests with foreign servers and clients. They need Java, an installation of Apache ZooKeeper and a Python with
//! kazoo, and fail without them.
//!
//! `cargo test --features live --test live` runs them. `QUORATE_ZOOKEEPER_HOMES` lists further installations,
//! separated by colons, besides the one in the usual places. `QUORATE_PYTHON` names the Python; the default is
//! `python3`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints differences"
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
#[path = "live/network.rs"]
mod network;
#[path = "live/observers.rs"]
mod observers;
#[path = "live/partitions.rs"]
mod partitions;
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
