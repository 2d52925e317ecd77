//! One folder per protocol.

pub mod zookeeper;
