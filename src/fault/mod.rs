//! In-path TCP proxies: a process that carries the bytes of every connection between servers, or between
//! clients and servers, and delays, limits or cuts them.
//!
//! - `control`: the lines between Quorate and the proxy process. Pure
//! - `process`: Quorate's side: starts the process and sends requests
//! - `serve`: the process
//! - `link`: a listener, and the state of its two ways
//! - `connection`: one connection with its two sockets
//! - `lane`: the bytes of one way of a connection that are not delivered yet. Pure
//! - `shape`: delay, jitter and rate of a way. Pure
//! - `timer`: wakes connections at their due times
//! - `overhead`: measures what a proxy without delay adds
//!
//! The process is not the driver's and has one thread that carries bytes, so it never uses the driver's
//! threads. It uses tokio: nothing is timed in it.

mod connection;
mod control;
mod lane;
mod link;
mod overhead;
mod process;
mod serve;
mod shape;
mod timer;

pub use control::{Flow, Way};
pub use overhead::{OverheadError, OverheadOptions, ProxyOverhead, measure_overhead};
pub use process::{Listening, Proxy, ProxyError};
pub use serve::{ServeError, serve};
pub use shape::Shape;
