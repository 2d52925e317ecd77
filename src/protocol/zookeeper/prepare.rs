//! Creates the directories and znodes that a run needs before its load starts.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::paths::{directories, prepared_path, run_dir};
use super::tree::{Tree, TreeError};
use super::values::creates;
use super::{AdminClient, Answer, ClientError, ErrorCode, OpCode, TreePlan, request};
use crate::protocol::{Payload, SetupJob, SetupProgress};
use crate::workload::{Plan, SizeChoice};

/// Connections that create znodes. With this number and the client's window, a server is busy and
/// does not throttle yet.
const CONNECTIONS: u64 = 4;
/// Znodes per pipelined batch. After each batch, progress is reported and an interruption is
/// noticed.
const BATCH: u64 = 2_000;
const PROGRESS: Duration = Duration::from_millis(250);

/// The data of a chroot that a run created. It distinguishes the chroot from the znodes of other
/// users.
const MARK: &[u8] = b"quorate";

/// Creates the plan's directories and znodes, and the empty directories of run number `job.run`.
/// Znodes of an earlier run are resized to the planned size, so that every run starts with the same
/// tree. `tree` tells what must be removed, even after an error.
pub(super) fn prepare(job: &SetupJob<'_>, tree: &mut Tree) -> Result<(), TreeError> {
    let plan = job.plan;
    job.begin();
    let addresses = job.servers;
    let znodes = TreePlan::of(plan).znodes;
    let mut client = AdminClient::connect(addresses, AdminClient::PATIENCE).map_err(admin(plan))?;
    create_chroot(&mut client, plan, tree)?;
    if creates(plan) {
        // A run with the same number that ended early may have left its directory.
        let left = run_dir(plan, job.run);
        client.delete_recursive(&left).map_err(admin(plan))?;
    }
    create_directories(&mut client, job)?;
    // Another client may be connected to a server that lags behind. It still finds the directories,
    // because all writes go through the leader in order.
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|part| {
                let range = (znodes * part / CONNECTIONS)..(znodes * (part + 1) / CONNECTIONS);
                let mut addresses = addresses.to_vec();
                let turn = usize::try_from(part).unwrap_or(0) % addresses.len().max(1);
                addresses.rotate_left(turn);
                let sender = sender.clone();
                scope.spawn(move || create_znodes(job, &addresses, range, &sender))
            })
            .collect();
        drop(sender);
        let mut done = 0;
        let began = Instant::now();
        let mut reported = began;
        loop {
            match receiver.recv_timeout(PROGRESS) {
                Ok(count) => done += count,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if reported.elapsed() >= PROGRESS {
                reported = Instant::now();
                (job.progress)(SetupProgress {
                    done,
                    goal: Some(znodes),
                    elapsed: began.elapsed(),
                });
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

/// Creates the chroot with its mark, and the missing directories above it.
fn create_chroot(client: &mut AdminClient, plan: &Plan, tree: &mut Tree) -> Result<(), TreeError> {
    let chroot = &TreePlan::of(plan).chroot;
    let is_new = |created: Result<String, ClientError>, path: &str| match created {
        Ok(_) => Ok(true),
        Err(ClientError::Server { code, .. }) if code == ErrorCode::NODE_EXISTS => Ok(false),
        Err(ClientError::Server { code, .. }) => Err(create_error(path, code)),
        Err(error) => Err(admin(plan)(error)),
    };
    for (end, _) in chroot.match_indices('/').filter(|(at, _)| *at > 0) {
        let path = &chroot[..end];
        if is_new(client.create(path, &[], 0), path)? {
            tree.above.push(path.to_owned());
        }
    }
    tree.chroot = is_new(client.create(chroot, MARK, 0), chroot)?
        || client.get(chroot).map_err(admin(plan))?.data == MARK;
    if tree.chroot {
        Ok(())
    } else {
        Err(TreeError::Occupied {
            chroot: chroot.clone(),
        })
    }
}

fn admin(plan: &Plan) -> impl Fn(ClientError) -> TreeError {
    TreeError::client(format!("prepare {}", TreePlan::of(plan).chroot))
}

fn create_directories(client: &mut AdminClient, job: &SetupJob<'_>) -> Result<(), TreeError> {
    let plan = job.plan;
    let mut paths = directories(plan, job.run);
    let chroot = TreePlan::of(plan).chroot;
    paths.retain(|path| path.len() > chroot.len()); // the others exist already
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
    job: &SetupJob<'_>,
    addresses: &[SocketAddr],
    range: std::ops::Range<u64>,
    created: &Sender<u64>,
) -> Result<(), TreeError> {
    if range.is_empty() {
        return Ok(());
    }
    let plan = job.plan;
    let tree = TreePlan::of(plan);
    let largest = usize::try_from(tree.size.max_bytes()).unwrap_or(0);
    let payload = Payload::new(plan.seed, largest);
    let mut client = AdminClient::connect(addresses, AdminClient::PATIENCE).map_err(admin(plan))?;
    let mut first = range.start;
    while first < range.end {
        if job.stop.load(Ordering::Relaxed) {
            return Err(TreeError::Interrupted);
        }
        let count = BATCH.min(range.end - first);
        let existing = create_batch(&mut client, plan, &tree, &payload, first..first + count)?;
        resize(&mut client, plan, &tree, &payload, &existing)?;
        // The display may have ended.
        let _nobody_listens = created.send(count);
        first += count;
    }
    client.close().map_err(admin(plan))
}

/// Creates znodes. Returns those that existed before.
fn create_batch(
    client: &mut AdminClient,
    plan: &Plan,
    tree: &TreePlan,
    payload: &Payload,
    range: std::ops::Range<u64>,
) -> Result<Vec<u64>, TreeError> {
    let mut path = String::new();
    let mut existing = Vec::new();
    let mut refused = None;
    client
        .pipeline(
            range.end - range.start,
            |index, out| {
                let znode = range.start + index;
                prepared_path(tree, znode, &mut path);
                request::create(
                    out,
                    &path,
                    payload.get(prepared_size(tree, plan.seed, znode)),
                    0,
                );
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
        prepared_path(tree, znode, &mut path);
        return Err(create_error(&path, code));
    }
    Ok(existing)
}

/// Overwrites znodes that existed before.
fn resize(
    client: &mut AdminClient,
    plan: &Plan,
    tree: &TreePlan,
    payload: &Payload,
    znodes: &[u64],
) -> Result<(), TreeError> {
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
                prepared_path(tree, znode, &mut path);
                request::set(
                    out,
                    &path,
                    payload.get(prepared_size(tree, plan.seed, znode)),
                );
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
            prepared_path(tree, znode(index), &mut path);
            Err(create_error(&path, code))
        }
    }
}

fn create_error(path: &str, code: ErrorCode) -> TreeError {
    TreeError::Create {
        path: path.to_owned(),
        answer: code.to_string(),
    }
}

/// Returns the size of a prepared znode, which depends only on the plan and the znode's number.
fn prepared_size(tree: &TreePlan, seed: u64, index: u64) -> usize {
    let size = match &tree.size {
        SizeChoice::Fixed(size) => *size,
        SizeChoice::Uniform(min, max) => {
            let span = u64::from(max.saturating_sub(*min)) + 1;
            let above = draw(seed, index) % span;
            *min + u32::try_from(above).unwrap_or(0)
        }
        SizeChoice::OneOf(sizes) => {
            let chosen = draw(seed, index) % (sizes.len().max(1) as u64);
            let chosen = usize::try_from(chosen).unwrap_or(0);
            sizes.get(chosen).copied().unwrap_or(0)
        }
    };
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn draw(seed: u64, index: u64) -> u64 {
    // One generator per znode, so that znodes can be created in any order.
    rand_xoshiro::SplitMix64::seed_from_u64(seed ^ index.rotate_left(32)).next_u64()
}
