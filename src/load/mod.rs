//! The load driver: schedule, worker loop, null responder, calibration.
//!
//! - [`prepare`], [`run`], [`clean_up`]: the three steps of a [`Job`]
//! - `schedule` (pure): the intended times of an open loop; `arrivals`: the due operations of a
//!   session
//! - `worker`: the loop, generic over the [`Protocol`](crate::protocol::Protocol); `slot`: one
//!   session in it; `visit`: an operation that opens a connection of its own; `link`: a session's
//!   connection; `poller`: epoll and the timer
//! - `server_order`, `backoff`: which server a session tries next, and when
//! - `tally`: samples into intervals; `collector`: intervals of all workers into a recording
//! - [`Progress`]: the state of a job; `pace` (pure): its rates; `latest` (pure): its percentiles
//! - `processors`: time of all processors, busy and taken by the hypervisor; `thread_time`: processor time of a thread
//! - [`NullResponder`], [`calibrate`]: measure the generator itself

mod arrivals;
mod assign;
mod backoff;
mod calibrate;
pub mod clock;
mod collector;
mod context;
mod error;
#[cfg(test)]
mod fixture;
mod job;
mod key;
mod latest;
mod link;
mod message;
mod null;
mod pace;
mod poller;
mod priority;
mod processors;
mod progress;
mod run;
pub mod schedule;
mod server_order;
mod setup;
mod slot;
mod tally;
mod thread_time;
mod visit;
mod worker;

pub use assign::sessions_per_server;
pub use calibrate::{
    Accuracy, CalibrateOptions, Calibration, Resolution, TimerError, calibrate, resolution,
};
pub use error::LoadError;
pub use job::{Job, Moment, Phase, Server};
pub use null::{Fault, NullReport, NullResponder, NullScript, Stall};
pub use progress::{OpProgress, Progress, ServerProgress};
pub use run::{Driven, allow_files, drive, run};
pub use setup::{clean_up, prepare, recycle, verify};
