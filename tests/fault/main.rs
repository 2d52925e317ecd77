//! Tests the proxy process with raw sockets. No assertion is an upper bound of a time: a delay is checked by its
//! lower bound, and that something happens is awaited.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bytes;
mod cuts;
mod delays;
mod ends;
mod rig;
