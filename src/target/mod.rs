//! The target of a run. Servers are started for the run ([`Deployment`]), found running ([`probe()`]), or
//! started to stay up ([`DetachedEnsemble`]). Started servers can be killed, paused and restarted.
//!
//! - `spec`: the target as the user names it
//! - `running`: an open [`Target`]
//! - `software`, `java`, `zoo_cfg`, `ports`, `data_dir`: programs, configuration, ports and folders for a start
//! - `starter`: starts processes on a thread that lives as long as they do
//! - `room`: whether the machine has the memory and the ports for an ensemble
//! - `starting`: waits until all servers serve
//! - `process`, `server_process`, `identity`: server processes
//! - `answers`, `member`: a server's answers to four-letter words
//! - `meter`, `usage`: the resources that servers use in the measured phase
//! - `quota`: a CPU quota for each server; `pin`: servers and driver on cores of their own
//! - `network`: connections through proxies, and cuts of them
//! - `sync_probe`: whether the disk has settled
//!
//! All servers, the bundled ones too, are child processes and are measured over sockets only.

mod answers;
mod data_dir;
mod deployment;
mod detached;
mod identity;
mod java;
mod member;
mod meter;
mod network;
mod pin;
mod ports;
mod probe;
mod process;
mod quota;
mod room;
mod running;
mod server_process;
mod software;
mod spec;
mod starter;
mod starting;
mod sync_probe;
mod usage;
mod zoo_cfg;

pub use answers::{Srvr, parse_mntr, parse_srvr};
pub use data_dir::{DataDirError, cache_dir, data_root, unusable, with_tilde};
pub use deployment::{Deployment, DeploymentConfig, DeploymentError};
pub use detached::{DetachedConfig, DetachedEnsemble, DetachedError, DetachedServer, ServerStatus};
pub use identity::{ProcessIdentity, resident_bytes};
pub use java::{Installation, InstallationSearch, JavaError, MAIN_CLASS};
pub use member::Member;
pub use meter::Meter;
pub use network::{Applied, Endpoint, Links, Path};
pub use pin::{Cores, PinError, bind};
pub use probe::{Probe, ProbeError, probe};
pub use process::{Launch, Lifetime, await_any_end, copy_tail, describe_exit, log_tails};
pub use quota::{CpuQuota, QuotaError, check_quota};
pub use room::{RoomError, check_room};
pub use running::{CloseError, Target, TargetConfig, TargetError};
pub use server_process::{FaultError, ServerExit, ServerHandle, ServerLog};
pub use software::{ServerDir, Software};
pub use spec::{HostPort, TargetSpec, TargetSpecError, split_targets};
pub use starting::{SERVE_TIMEOUT, StartError};
pub use sync_probe::SyncProbe;
pub use zoo_cfg::{ServerSpec, zoo_cfg};
