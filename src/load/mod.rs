//! TODO-load (skeleton): the frozen interface only, replaced by branch `load`.
#![allow(missing_docs, reason = "placeholder")]
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::measure::Recording;
use crate::workload::Plan;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
    Observer,
    Standalone,
    Unknown,
}
#[derive(Clone, Copy, Debug)]
pub struct Server {
    pub address: SocketAddr,
    pub role: Role,
}
pub struct Job<'a> {
    pub plan: &'a Plan,
    pub run: u32,
    pub servers: &'a [Server],
    pub stop: &'a AtomicBool,
    pub progress: &'a (dyn Fn(&Progress) + Sync),
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Prepare,
    WarmUp,
    Measure,
    Drain,
    CleanUp,
}
#[derive(Clone, Debug)]
pub struct Progress {
    pub phase: Phase,
    pub elapsed: Duration,
    pub total: Duration,
    pub throughput_per_s: f64,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    pub ok: u64,
    pub errors: u64,
    pub in_flight: u64,
    pub sessions_connected: u32,
}
#[derive(Debug, thiserror::Error)]
#[error("the load driver is missing")]
pub struct LoadError;
pub fn prepare(_job: &Job<'_>) -> Result<(), LoadError> {
    Ok(())
}
pub fn run(_job: &Job<'_>) -> Result<Recording, LoadError> {
    Err(LoadError)
}
pub fn clean_up(_job: &Job<'_>) -> Result<(), LoadError> {
    Ok(())
}
