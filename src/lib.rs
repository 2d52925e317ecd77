//! Quorate: a performance benchmark and load generator for ZooKeeper ensembles.
//!
//! The modules in reading order. `tests/architecture.rs` checks which module may import which.
//!
//! - [`workload`]: the workload file and the resolved [`workload::Plan`]
//! - [`wire`]: converts bytes to frames and back: jute and the records of the client, quorum and
//!   election ports
//! - [`disk`]: the common parts of durable logs: group commit, the disk thread, preallocation, torn
//!   tails
//! - [`protocol`]: one folder per protocol, with its session as a pure state machine
//! - [`load`]: the load driver: the schedule, the worker loop, the null responder, calibration
//! - [`measure`]: samples, histograms, the recorder and the recording
//! - [`result`]: the result file. All later stages read only this file
//! - [`report`]: everything that is made from result files: text, markdown, CSV, HTML, plots,
//!   comparison
//! - [`ensemble`]: the bundled reference ensemble
//! - [`fault`]: in-path proxies that delay and cut connections
//! - [`target`]: the measured servers, which are started (bundled, local Apache ZooKeeper) or found
//! - [`experiment`]: runs a plan against a target, or a comparison in rounds
//! - [`import`]: makes workload files from keeper-bench files and from transaction logs
//! - [`cli`]: the command line

pub mod cli;
pub mod disk;
pub mod ensemble;
pub mod experiment;
pub mod fault;
pub mod import;
pub mod load;
pub mod measure;
pub mod protocol;
pub mod report;
pub mod result;
pub mod target;
pub mod wire;
pub mod workload;
