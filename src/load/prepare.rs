//! Creates what a run needs before its load starts: directories and znodes.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::clean_up::{ADMIN_TIMEOUT, addresses};
use super::payload::{Payload, prepared_size};
use super::{Job, LoadError, Phase, Progress};
use crate::protocol::zookeeper::{AdminClient, Answer, ClientError, ErrorCode, OpCode, request};
use crate::workload::{Plan, directories, prepared_path, run_dir};

/// Connections that create znodes. With the client's window this is what a server takes in
/// before it throttles.
const CONNECTIONS: u64 = 4;
/// Znodes per pipelined batch, between which progress is told and an interruption noticed.
const BATCH: u64 = 2_000;
const PROGRESS: Duration = Duration::from_millis(250);

/// What the chroot of a run holds, so that nobody else's znodes are ever taken for a run's.
const MARK: &[u8] = b"quorate";

/// What of a target is the run's, to be removed again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// The plan's chroot, with everything below it: created now, or left by an earlier run.
    pub chroot: bool,
    /// Directories above the chroot that were not there before, outermost first.
    pub above: Vec<String>,
}

/// Creates the plan's directories and znodes, and the directories of run number `job.run`, empty. Znodes
/// that an earlier run left are given the size they should have, so that every run meets the same tree.
/// `created` tells what there is to [`clean_up`](super::clean_up()), also after an error.
///
/// # Errors
/// If the servers cannot be reached or refuse, or the chroot exists and no run created it.
pub fn prepare(job: &Job<'_>, created: &mut Created) -> Result<(), LoadError> {
    let plan = job.plan;
    (job.progress)(&Progress::start_of(Phase::Prepare, Duration::ZERO));
    let addresses = addresses(job);
    let znodes = plan.prepare.znodes;
    let mut client = AdminClient::connect(&addresses, ADMIN_TIMEOUT).map_err(admin(plan))?;
    create_chroot(&mut client, plan, created)?;
    if plan.creates() {
        // A run that was cut short may have left one of the same number.
        let left = run_dir(plan, job.run);
        client.delete_recursive(&left).map_err(admin(plan))?;
    }
    create_directories(&mut client, job)?;
    // A client that opens later may be at a server that lags behind: it sees the directories all
    // the same, for every write goes through the leader, in order.
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|part| {
                let range = (znodes * part / CONNECTIONS)..(znodes * (part + 1) / CONNECTIONS);
                let mut addresses = addresses.clone();
                let turn = usize::try_from(part).unwrap_or(0) % addresses.len().max(1);
                addresses.rotate_left(turn);
                let sender = sender.clone();
                scope.spawn(move || create_znodes(job, &addresses, range, &sender))
            })
            .collect();
        drop(sender);
        let mut done = 0;
        let began = Instant::now();
        let mut told = began;
        loop {
            match receiver.recv_timeout(PROGRESS) {
                Ok(count) => done += count,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                tell(job, done, began.elapsed());
            }
        }
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    client.close().map_err(admin(plan))
}

/// Creates the chroot, marked, and what is missing above it.
fn create_chroot(
    client: &mut AdminClient,
    plan: &Plan,
    created: &mut Created,
) -> Result<(), LoadError> {
    let chroot = &plan.prepare.chroot;
    let is_new = |created: Result<String, ClientError>, path: &str| match created {
        Ok(_) => Ok(true),
        Err(ClientError::Server { code, .. }) if code == ErrorCode::NODE_EXISTS => Ok(false),
        Err(ClientError::Server { code, .. }) => Err(create_error(path, code)),
        Err(error) => Err(admin(plan)(error)),
    };
    for (end, _) in chroot.match_indices('/').filter(|(at, _)| *at > 0) {
        let path = &chroot[..end];
        if is_new(client.create(path, &[], 0), path)? {
            created.above.push(path.to_owned());
        }
    }
    created.chroot = is_new(client.create(chroot, MARK, 0), chroot)?
        || client.get(chroot).map_err(admin(plan))?.data == MARK;
    if created.chroot {
        Ok(())
    } else {
        Err(LoadError::Occupied {
            chroot: chroot.clone(),
        })
    }
}

fn admin(plan: &Plan) -> impl Fn(ClientError) -> LoadError {
    let what = format!("prepare {}", plan.prepare.chroot);
    move |source| LoadError::Admin {
        what: what.clone(),
        source,
    }
}

fn create_directories(client: &mut AdminClient, job: &Job<'_>) -> Result<(), LoadError> {
    let plan = job.plan;
    let mut paths = directories(plan, job.run);
    paths.retain(|path| path.len() > plan.prepare.chroot.len()); // the others are there
    let path = |index: u64| {
        let index = usize::try_from(index).ok();
        index
            .and_then(|index| paths.get(index))
            .map_or("", String::as_str)
    };
    let mut refused = None;
    client
        .pipeline(
            paths.len() as u64,
            |index, out| {
                request::create(out, path(index), &[], 0);
                OpCode::Create
            },
            |answer| match answer.error {
                ErrorCode::OK | ErrorCode::NODE_EXISTS => {}
                code => refused = refused.or(Some((answer.index, code))),
            },
        )
        .map_err(admin(plan))?;
    match refused {
        None => Ok(()),
        Some((index, code)) => Err(create_error(path(index), code)),
    }
}

fn create_znodes(
    job: &Job<'_>,
    addresses: &[SocketAddr],
    range: std::ops::Range<u64>,
    created: &Sender<u64>,
) -> Result<(), LoadError> {
    if range.is_empty() {
        return Ok(());
    }
    let plan = job.plan;
    let payload = Payload::new(plan);
    let mut client = AdminClient::connect(addresses, ADMIN_TIMEOUT).map_err(admin(plan))?;
    let mut first = range.start;
    while first < range.end {
        if job.stop.load(Ordering::Relaxed) {
            return Err(LoadError::Interrupted);
        }
        let count = BATCH.min(range.end - first);
        let existing = create_batch(&mut client, plan, &payload, first..first + count)?;
        resize(&mut client, plan, &payload, &existing)?;
        // Only for the display.
        let _nobody_listens = created.send(count);
        first += count;
    }
    client.close().map_err(admin(plan))
}

/// Creates some znodes; returns those that were there before.
fn create_batch(
    client: &mut AdminClient,
    plan: &Plan,
    payload: &Payload,
    range: std::ops::Range<u64>,
) -> Result<Vec<u64>, LoadError> {
    let mut path = String::new();
    let mut existing = Vec::new();
    let mut refused = None;
    client
        .pipeline(
            range.end - range.start,
            |index, out| {
                let znode = range.start + index;
                prepared_path(plan, znode, &mut path);
                request::create(out, &path, payload.get(prepared_size(plan, znode)), 0);
                OpCode::Create
            },
            |Answer { index, error, .. }| match error {
                ErrorCode::OK => {}
                ErrorCode::NODE_EXISTS => existing.push(range.start + index),
                code => refused = refused.or(Some((range.start + index, code))),
            },
        )
        .map_err(admin(plan))?;
    if let Some((znode, code)) = refused {
        prepared_path(plan, znode, &mut path);
        return Err(create_error(&path, code));
    }
    Ok(existing)
}

/// Overwrites znodes that were there before.
fn resize(
    client: &mut AdminClient,
    plan: &Plan,
    payload: &Payload,
    znodes: &[u64],
) -> Result<(), LoadError> {
    let znode = |index: u64| {
        let index = usize::try_from(index).ok();
        index
            .and_then(|index| znodes.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut path = String::new();
    let mut refused = None;
    client
        .pipeline(
            znodes.len() as u64,
            |index, out| {
                let znode = znode(index);
                prepared_path(plan, znode, &mut path);
                request::set(out, &path, payload.get(prepared_size(plan, znode)));
                OpCode::SetData
            },
            |answer| {
                if answer.error != ErrorCode::OK {
                    refused = refused.or(Some((answer.index, answer.error)));
                }
            },
        )
        .map_err(admin(plan))?;
    match refused {
        None => Ok(()),
        Some((index, code)) => {
            prepared_path(plan, znode(index), &mut path);
            Err(create_error(&path, code))
        }
    }
}

fn create_error(path: &str, code: ErrorCode) -> LoadError {
    LoadError::Create {
        path: path.to_owned(),
        answer: code.to_string(),
    }
}

fn tell(job: &Job<'_>, created: u64, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for display needs no more than 53 bits"
    )]
    let throughput_per_s = if seconds > 0.0 {
        created as f64 / seconds
    } else {
        0.0
    };
    (job.progress)(&Progress {
        elapsed,
        goal: Some(job.plan.prepare.znodes),
        ok: created,
        throughput_per_s,
        ..Progress::start_of(Phase::Prepare, Duration::ZERO)
    });
}
