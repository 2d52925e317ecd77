//! Prepares a target for a job, reads acknowledged writes back, and cleans up after it.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Job, LoadError, Phase, Progress};
use crate::measure::Verified;
use crate::protocol::{Ledger, Setup, SetupError, SetupJob, SetupProgress};

/// Creates what run number `job.run` needs; see [`Setup::prepare`].
///
/// # Errors
/// If the servers cannot be reached or refuse.
pub fn prepare(job: &Job<'_>, setup: &mut dyn Setup) -> Result<(), LoadError> {
    with_progress(job, Phase::Prepare, |job| setup.prepare(job))
}

/// Removes what run number `job.run` created; see [`Setup::recycle`].
///
/// # Errors
/// If the servers cannot be reached or refuse.
pub fn recycle(job: &Job<'_>, setup: &dyn Setup) -> Result<(), LoadError> {
    with_progress(job, Phase::CleanUp, |job| setup.recycle(job))
}

/// Removes all that was created; see [`Setup::clean_up`].
///
/// # Errors
/// If the servers cannot be reached or refuse.
pub fn clean_up(job: &Job<'_>, setup: &dyn Setup) -> Result<(), LoadError> {
    with_progress(job, Phase::CleanUp, |job| setup.clean_up(job))
}

/// Reads the acknowledged writes of run number `job.run` back; see [`Ledger::verify`].
///
/// # Errors
/// If the servers cannot be reached or refuse.
pub fn verify(job: &Job<'_>, ledger: &dyn Ledger) -> Result<Verified, LoadError> {
    with_progress(job, Phase::Verify, |job| ledger.verify(job))
}

/// Runs one step of the setup on the job's servers and reports its progress.
fn with_progress<T>(
    job: &Job<'_>,
    phase: Phase,
    work: impl FnOnce(&SetupJob<'_>) -> Result<T, SetupError>,
) -> Result<T, LoadError> {
    let servers: Vec<SocketAddr> = job.servers.iter().map(|server| server.address).collect();
    let progress = |setup: SetupProgress| {
        (job.progress)(&Progress {
            elapsed: setup.elapsed,
            goal: setup.goal,
            ok: setup.done,
            throughput_per_s: per_s(setup.done, setup.elapsed),
            ..Progress::start_of(phase, Duration::ZERO)
        });
    };
    let done = work(&SetupJob {
        plan: job.plan,
        run: job.run,
        servers: &servers,
        stop: job.stop,
        progress: &progress,
    });
    done.map_err(|error| match error {
        SetupError::Interrupted => LoadError::Interrupted,
        error => LoadError::Setup(error),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for display needs no more than 53 bits"
)]
fn per_s(count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}
