//! Experiments: targets that are started ([`Deployment`]) or found ([`probe()`]), a plan run against one
//! ([`run()`]) or by turns against several ([`interleave()`]), and ensembles that stay up ([`Standing`]).
//!
//! Servers are child processes and are measured over sockets only, whoever wrote them.

mod answers;
mod data_dir;
mod deploy;
mod identity;
mod interleave;
mod java;
mod member;
mod ports;
mod probe;
mod process;
mod run;
mod setting;
mod software;
mod standing;
mod starting;
mod subject;
mod target;
mod zoo_cfg;

pub use answers::{Mode, Srvr, parse_mntr, parse_srvr};
pub use data_dir::{DataDirError, cache_dir, shown};
pub use deploy::{DeployError, Deployment, Order};
pub use identity::{Identity, resident_bytes};
pub use interleave::interleave;
pub use java::{Installation, JavaError, MAIN_CLASS, Surroundings};
pub use member::Member;
pub use probe::{Probe, ProbeError, probe};
pub use process::{Launch, Tie, await_any_end, ending, log_tails};
pub use run::run;
pub use setting::{Notice, Setting};
pub use software::{ServerDir, Software};
pub use standing::{Condition, Standing, StandingError, StandingOrder, StandingServer};
pub use starting::{SERVE_TIMEOUT, StartError};
pub use subject::{ExperimentError, Subject};
pub use target::{HostPort, TargetError, TargetSpec, split_targets};
pub use zoo_cfg::{Place, zoo_cfg};
