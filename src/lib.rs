//! Quorate: a performance benchmark and load generator for ZooKeeper ensembles.
//!
//! The modules in reading order; the arrows between them are checked by `tests/architecture.rs`.
//!
//! - [`workload`]: what is asked: the workload file, the resolved [`workload::Plan`]
//! - [`wire`]: bytes to frames and back: jute and the records of the client, quorum and election ports
//! - [`disk`]: what durable logs share: group commit, the disk thread, preallocation, torn tails
//! - [`protocol`]: one folder per protocol: its session as a pure state machine
//! - [`load`]: when: the schedule, the one worker loop, the null responder, calibration
//! - [`measure`]: samples, histograms, the recorder and the recording
//! - [`result`]: the result file, the waist of the house
//! - [`report`]: everything that is made from result files: text, markdown, CSV, HTML, plots, comparison
//! - [`ensemble`]: the bundled reference ensemble
//! - [`target`]: what is measured: ensembles that are started (bundled, local Apache ZooKeeper) or found
//! - [`experiment`]: a plan run against a target, comparisons in rounds
//! - [`cli`]: the command line

pub mod cli;
pub mod disk;
pub mod ensemble;
pub mod experiment;
pub mod load;
pub mod measure;
pub mod protocol;
pub mod report;
pub mod result;
pub mod target;
pub mod wire;
pub mod workload;
