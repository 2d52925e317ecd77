//! Bytes to frames and back. Pure: no sockets, no clock.

pub mod jute;
