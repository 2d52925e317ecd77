//! The command line from outside: exit statuses, messages, and processes that end as they should.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod input;
mod processes;
mod runs;
