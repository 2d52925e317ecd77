//! Tests the load driver against null responders that misbehave at given requests. The recording must show what
//! happened.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connections;
mod driver;
mod operations;
mod outages;
mod preparation;
mod progress;
mod schedule;
mod times;
