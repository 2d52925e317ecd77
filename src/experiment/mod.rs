//! Experiments: targets that are started ([`Deployment`]) or found ([`probe()`]), a plan run against one
//! ([`run()`]) or in rounds against several ([`rounds()`]), and ensembles that stay up ([`Standing`]).
//!
//! - `subject`: a target that is up; `drive`: one load against it; `leaving`: its end
//! - `watch`: what happens to servers during a load; `meter`, `usage`: what they use
//! - `sync_probe`: whether the disk has settled; `measured`: runs into a result
//!
//! Servers are child processes and are measured over sockets only, whoever wrote them.

mod answers;
mod attachment;
mod capacity;
mod data_dir;
mod deploy;
mod drive;
mod error;
mod identity;
mod java;
mod leaving;
mod measured;
mod member;
mod meter;
mod ports;
mod probe;
mod process;
mod rounds;
mod run;
mod setting;
mod software;
mod standing;
mod starting;
mod subject;
mod sync_probe;
mod target;
mod usage;
mod watch;
mod zoo_cfg;

pub use answers::{Mode, Srvr, parse_mntr, parse_srvr};
pub use capacity::{CapacityRun, SearchLimits, capacity};
pub use data_dir::{DataDirError, cache_dir, shown};
pub use deploy::{DeployError, Deployment, Order};
pub use error::ExperimentError;
pub use identity::{Identity, resident_bytes};
pub use java::{Installation, JavaError, MAIN_CLASS, Surroundings};
pub use member::Member;
pub use probe::{Probe, ProbeError, probe};
pub use process::{Launch, Tie, await_any_end, ending, log_tails};
pub use rounds::{RoundReport, expected_time, rounds};
pub use run::run;
pub use setting::{Notice, Setting};
pub use software::{ServerDir, Software};
pub use standing::{Condition, Standing, StandingError, StandingOrder, StandingServer};
pub use starting::{SERVE_TIMEOUT, StartError};
pub use target::{HostPort, TargetError, TargetSpec, split_targets};
pub use zoo_cfg::{Place, zoo_cfg};
