//! A CPU quota for the servers of a deployment: each server is a process in a control group of its own, and the
//! kernel stops the group when it has used its share of a period.
//!
//! - `place`: where groups can be created
//! - `branch`: makes the quota available below a group of version 2
//! - `group`: the group of one server
//! - `limit`: the numbers of a quota

mod branch;
mod group;
mod limit;
mod place;

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use procfs::process::Process;

use self::branch::{Branch, hand_on};
use self::group::Group;
use self::limit::Limit;
use self::place::{Place, Version, places};
use super::identity::ProcessIdentity;
use crate::measure::Throttled;

/// Prefix of the name of a group. The [`ProcessIdentity`], a point and further words follow.
const PREFIX: &str = "quorate-";

/// No CPU quota can be set.
#[derive(Debug, thiserror::Error)]
#[error(
    "target.cpu = {share} gives every server a CPU quota, and quorate cannot create a control group for it: {tried}. \
Run quorate as root, or in a scope of your own: `systemd-run --user --scope -p Delegate=yes quorate ...`. Without \
target.cpu the servers have no quota"
)]
pub struct QuotaError {
    share: f64,
    /// The places that were tried, with the reasons.
    tried: String,
}

/// The quota of the servers of one deployment. Dropping it removes the groups.
#[derive(Debug)]
pub struct CpuQuota {
    share: f64,
    limit: Limit,
    /// By index of the server. The groups are removed before `branch`.
    groups: Vec<Arc<Group>>,
    _branch: Option<Branch>,
}

/// Reads how a quota stopped one server.
#[derive(Clone, Debug)]
pub(super) struct ThrottleGauge(Arc<Group>);

impl ThrottleGauge {
    /// Returns the counts since the start of the server; `None` if the kernel does not report them.
    pub(super) fn read(&self) -> Option<Throttled> {
        self.0.throttled()
    }
}

impl CpuQuota {
    /// Creates a group for each of `servers` servers. The groups have no limit at first.
    ///
    /// # Errors
    /// If this process cannot create a group with a CPU quota anywhere.
    pub(super) fn new(share: f64, servers: usize) -> Result<Self, QuotaError> {
        sweep();
        let mut tried = Vec::new();
        for place in known_places() {
            match Self::at(&place, share, servers) {
                Ok(quota) => return Ok(quota),
                Err(error) => tried.push(format!("{}: {error}", place.dir.display())),
            }
        }
        if tried.is_empty() {
            tried.push("no control groups with a CPU quota are mounted".to_owned());
        }
        Err(QuotaError {
            share,
            tried: tried.join("; "),
        })
    }

    fn at(place: &Place, share: f64, servers: usize) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{PREFIX}{}.{number}", ProcessIdentity::of_this_process());
        let branch = match place.version {
            Version::V1 => None,
            Version::V2 => hand_on(&place.dir, &format!("{prefix}.driver"))?,
        };
        let mut quota = Self {
            share,
            limit: Limit::of(share),
            groups: Vec::with_capacity(servers),
            _branch: branch,
        };
        for server in 1..=servers {
            let group = Group::create(place, &format!("{prefix}.server-{server}"))?;
            quota.groups.push(Arc::new(group));
        }
        // A group above may allow less than this limit.
        quota.apply()?;
        quota.lift()?;
        Ok(quota)
    }

    /// Moves the process of the server at `index` into its group, which has no limit afterwards.
    pub(super) fn admit(&self, index: usize, pid: u32) -> io::Result<()> {
        let Some(group) = self.groups.get(index) else {
            return Ok(());
        };
        group.lift()?;
        group.add(pid)
    }

    /// Limits every server.
    ///
    /// # Errors
    /// If the kernel refuses a limit.
    pub fn apply(&self) -> io::Result<()> {
        self.groups
            .iter()
            .try_for_each(|group| group.limit(self.limit))
    }

    /// Removes the limit of every server.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn lift(&self) -> io::Result<()> {
        self.groups.iter().try_for_each(|group| group.lift())
    }

    /// Returns the share of one core that each server may use.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Returns the length of a period, in milliseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    pub fn period_ms(&self) -> f64 {
        self.limit.period_us as f64 / 1_000.0
    }

    /// Returns the gauge of the server at `index`.
    pub(super) fn gauge(&self, index: usize) -> Option<ThrottleGauge> {
        self.groups.get(index).cloned().map(ThrottleGauge)
    }
}

/// Checks, before anything is started, that this process can limit servers to `share` of a core.
///
/// # Errors
/// If it cannot.
pub fn check_quota(share: f64) -> Result<(), QuotaError> {
    CpuQuota::new(share, 1).map(drop)
}

/// Removes the groups of processes that were killed. Failures are ignored: the next start tries again.
pub(super) fn sweep() {
    for place in known_places() {
        let Ok(entries) = fs::read_dir(&place.dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if owner(&name.to_string_lossy()).is_some_and(|owner| !owner.is_alive()) {
                let _ = group::remove(&entry.path());
            }
        }
    }
}

/// Returns the process that created the group `name`, if Quorate did.
fn owner(name: &str) -> Option<ProcessIdentity> {
    let (identity, _rest) = name.strip_prefix(PREFIX)?.split_once('.')?;
    identity.parse().ok()
}

fn known_places() -> Vec<Place> {
    let read = || {
        let me = Process::myself()?;
        Ok::<_, procfs::ProcError>(places(&me.mountinfo()?.0, &me.cgroups()?.0))
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests;
