//! Makes a workload file from what others have: the configuration of a keeper-bench, or the transaction logs of a
//! server. What the workload file cannot say is listed in [`Imported::notes`]; nothing is left out silently.

mod draft;
mod error;
mod keeper_bench;
mod sizes;
mod txn_log;
mod yaml;

pub use error::ImportError;
pub use keeper_bench::keeper_bench;
pub use txn_log::txn_log;

/// A workload file made from a foreign file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The text of the workload file, with the notes as comments at the top.
    pub text: String,
    /// What the workload file does differently, one sentence each.
    pub notes: Vec<String>,
}
