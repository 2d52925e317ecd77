//! Runs planned faults against real servers: the events, the verdict, and the check of acknowledged writes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
