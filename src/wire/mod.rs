//! Bytes to frames and back. Pure: no sockets, no clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod jute;
