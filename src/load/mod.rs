//! WHEN: the schedule, the one worker loop, the null responder, calibration.
//!
//! - [`prepare`], [`run`], [`clean_up`]: the three steps of a [`Job`]
//! - `schedule` (pure): absolute intended times of an open loop; `arrivals`: what waits in a session
//! - `worker`: the loop; `slot`: one session in it; `guest`: a session that lives for one operation;
//!   `link`: a session's connection; `poller`: epoll and the timer
//! - `tally`: samples into intervals; `collector`: intervals of all workers into a recording
//! - [`Progress`]: how the load goes; `pace` (pure): its rates; `latest` (pure): its percentiles
//! - `stolen`: what the hypervisor took away meanwhile; `thread_time`: what a thread got of a processor
//! - [`NullResponder`], [`calibrate`]: what the generator itself can do

mod arrivals;
mod assign;
mod calibrate;
mod clean_up;
pub mod clock;
mod collector;
mod context;
mod error;
#[cfg(test)]
mod fixture;
mod guest;
mod job;
mod key;
mod latest;
mod link;
mod message;
mod null;
mod pace;
mod payload;
mod poller;
mod prepare;
mod priority;
mod progress;
mod run;
pub mod schedule;
mod slot;
mod stolen;
mod tally;
mod thread_time;
mod worker;

pub use assign::sessions_per_server;
pub use calibrate::{
    Accuracy, CalibrateOptions, Calibration, Resolution, TimerError, calibrate, resolution,
};
pub use clean_up::{clean_up, recycle};
pub use error::LoadError;
pub use job::{Job, Moment, Phase, Role, Server};
pub use null::{Fault, NullReport, NullResponder, NullScript};
pub use prepare::{Created, prepare};
pub use progress::{OpProgress, Progress, ServerProgress};
pub use run::{allow_files, run};
