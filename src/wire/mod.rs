//! Wire formats: decoding and encoding of frames. Pure: no sockets, no clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod jute;
