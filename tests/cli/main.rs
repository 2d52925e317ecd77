//! Tests the program from outside: exit statuses, messages, files and processes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod baselines;
mod bench;
mod capacity;
mod detached;
mod experiments;
mod faults;
mod import;
mod input;
mod interrupts;
mod live;
mod live_view;
mod load_flags;
mod processes;
mod prometheus;
mod proxies;
mod runs;
mod shares;
mod started;
mod workload;
