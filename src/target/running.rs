//! An open target, which was started for the run or found running.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::answers::parse_mntr;
use super::data_dir::{DataDirError, create_run_dir};
use super::deployment::{Deployment, DeploymentConfig, DeploymentError};
use super::java::{InstallationSearch, JavaError};
use super::member::Member;
use super::meter::Meter;
use super::network::{Applied, Links, Path as NetworkPath};
use super::pin::Cores;
use super::probe::{ProbeError, probe, refresh};
use super::quota::{CpuQuota, sweep};
use super::server_process::{FaultError, ServerExit, ServerHandle, ServerLog};
use super::software::Software;
use super::spec::TargetSpec;
use super::starting::StartError;
use crate::protocol::zookeeper::four_letter;
use crate::workload::{LinkShape, TargetShape};

/// Timeout for a server's counters.
const COUNTERS_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
pub struct TargetConfig<'a> {
    /// The target as the user names it.
    pub spec: &'a TargetSpec,
    /// Number and settings of the servers to start. Not used for a live target.
    pub shape: &'a TargetShape,
    /// Connections of started servers that are to be cut or slowed down.
    pub links: Links,
    /// Path of the Quorate binary.
    pub quorate: &'a Path,
    /// Folder for the data of local servers. `None` selects the user's cache folder.
    pub data_dir: Option<&'a Path>,
    /// Installation folder for the target `zookeeper`. `None` selects the usual places.
    pub zookeeper_home: Option<&'a Path>,
    /// The cores of the servers and of the calling thread. `None` leaves the choice to the kernel.
    pub cores: Option<&'a Cores>,
    /// The start gives up when this becomes true.
    pub stop: &'a AtomicBool,
    /// Called with a description of the step that begins.
    pub step: &'a dyn Fn(&str),
}

impl fmt::Debug for TargetConfig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetConfig")
            .field("spec", &self.spec)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// A target cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error(transparent)]
    Java(#[from] JavaError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("the {target} ensemble did not start: {source}")]
    Deployment {
        target: String,
        source: DeploymentError,
    },
    /// A live target does not serve.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error("interrupted while the target was opened")]
    Interrupted,
}

/// The data of a deployment could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {}: {source}", dir.display())]
pub struct CloseError {
    pub dir: PathBuf,
    pub source: io::Error,
}

#[derive(Debug)]
pub struct Target {
    spec: TargetSpec,
    members: Vec<Member>,
    /// `None` for a live target.
    deployment: Option<Deployment>,
    unusable: Vec<String>,
}

impl Target {
    /// Starts or finds the target.
    ///
    /// # Errors
    /// If the target does not serve.
    pub fn open(config: &TargetConfig<'_>) -> Result<Self, TargetError> {
        let spec = config.spec;
        let software = match spec {
            TargetSpec::Live { servers, .. } => {
                (config.step)(&format!("looking at {spec}"));
                let found = probe(&spec.to_string(), servers)?;
                return Ok(Self {
                    spec: spec.clone(),
                    members: found.members,
                    deployment: None,
                    unusable: found.missing,
                });
            }
            TargetSpec::Bundled => Software::Bundled,
            TargetSpec::ZooKeeper { home } => {
                let home = home.as_deref().or(config.zookeeper_home);
                Software::Java(InstallationSearch::from_env().find(home)?)
            }
        };
        let dir = create_run_dir(config.data_dir)?;
        sweep();
        (config.step)(&format!("starting {spec} ({})", servers(config.shape)));
        let (deployment, members) = Deployment::start(&DeploymentConfig {
            software: &software,
            shape: config.shape,
            links: config.links,
            quorate: config.quorate,
            dir: &dir,
            stop: config.stop,
            cores: config.cores,
        })
        .map_err(|source| match source {
            DeploymentError::Start(StartError::Interrupted) => TargetError::Interrupted,
            source => TargetError::Deployment {
                target: spec.to_string(),
                source,
            },
        })?;
        Ok(Self {
            spec: spec.clone(),
            members,
            deployment: Some(deployment),
            unusable: Vec::new(),
        })
    }

    /// Returns the target as the user names it.
    #[must_use]
    pub fn spec(&self) -> &TargetSpec {
        &self.spec
    }

    /// Returns the servers that can be used, with their last known roles and versions.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns a description of each server of a live target that cannot be used.
    #[must_use]
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// Returns the servers that were started for the run, or `None` for a live target.
    #[must_use]
    pub fn deployment(&self) -> Option<&Deployment> {
        self.deployment.as_ref()
    }

    /// Asks every server for its current role.
    pub fn refresh(&mut self) {
        self.members.iter_mut().for_each(refresh);
    }

    /// Returns the name of the server at `index`.
    #[must_use]
    pub fn name(&self, index: usize) -> String {
        self.members
            .get(index)
            .map_or_else(|| format!("number {}", index + 1), |one| one.name.clone())
    }

    /// Returns the counters of each server. They are empty if the server does not answer `mntr`.
    #[must_use]
    pub fn counters(&self) -> Vec<BTreeMap<String, f64>> {
        self.members
            .iter()
            .map(|member| {
                four_letter(member.address, "mntr", COUNTERS_TIMEOUT)
                    .map_or_else(|_not_offered| BTreeMap::new(), |answer| parse_mntr(&answer))
            })
            .collect()
    }

    /// Returns the resident memory of each started server, in bytes. Empty for a live target.
    #[must_use]
    pub fn resident_bytes(&self) -> Vec<Option<u64>> {
        let deployment = self.deployment.as_ref();
        deployment.map_or_else(Vec::new, Deployment::resident_bytes)
    }

    /// See [`Deployment::quota`].
    #[must_use]
    pub fn quota(&self) -> Option<&CpuQuota> {
        self.deployment.as_ref()?.quota()
    }

    /// See [`Deployment::logs`]. Empty for a live target.
    #[must_use]
    pub fn logs(&self) -> Vec<ServerLog> {
        let deployment = self.deployment.as_ref();
        deployment.map_or_else(Vec::new, Deployment::logs)
    }

    /// Returns a meter for the resources that the servers use, or `None` for a live target.
    #[must_use]
    pub fn meter(&self) -> Option<Meter<'_>> {
        self.deployment.as_ref().map(Deployment::meter)
    }

    /// See [`Deployment::handles`].
    #[must_use]
    pub fn handles(&self) -> Vec<ServerHandle> {
        let deployment = self.deployment.as_ref();
        deployment.map_or_else(Vec::new, Deployment::handles)
    }

    /// See [`Deployment::handle`].
    #[must_use]
    pub fn handle(&self, index: usize) -> Option<ServerHandle> {
        self.deployment.as_ref()?.handle(index)
    }

    /// See [`Deployment::take_exits`].
    #[must_use]
    pub fn take_exits(&self) -> Vec<ServerExit> {
        let deployment = self.deployment.as_ref();
        deployment.map_or_else(Vec::new, Deployment::take_exits)
    }

    /// See [`Deployment::await_exits`].
    #[must_use]
    pub fn await_exits(&self) -> Vec<ServerExit> {
        let deployment = self.deployment.as_ref();
        deployment.map_or_else(Vec::new, Deployment::await_exits)
    }

    /// See [`Deployment::kill`].
    ///
    /// # Errors
    /// If Quorate did not start the servers, or one of them does not run.
    pub fn kill(&self, indexes: &[usize]) -> Result<(), FaultError> {
        let first = indexes.first().copied().unwrap_or(0);
        self.started(first)?.kill(indexes)
    }

    /// See [`Deployment::pause`].
    ///
    /// # Errors
    /// If Quorate did not start the server, or it does not run.
    pub fn pause(&self, index: usize) -> Result<(), FaultError> {
        self.started(index)?.pause(index)
    }

    /// See [`Deployment::resume`].
    ///
    /// # Errors
    /// If Quorate did not start the server, or it does not run.
    pub fn resume(&self, index: usize) -> Result<(), FaultError> {
        self.started(index)?.resume(index)
    }

    /// See [`Deployment::restart`].
    ///
    /// # Errors
    /// If Quorate did not start the server, it still runs, or no process can be started.
    pub fn restart(&self, index: usize) -> Result<(), FaultError> {
        self.started(index)?.restart(index)
    }

    /// See [`Deployment::cut`].
    ///
    /// # Errors
    /// If a path does not go through a proxy, or the proxy process has ended.
    pub fn cut(&self, paths: &[NetworkPath]) -> Result<Applied, FaultError> {
        self.wired(paths)?.cut(paths)
    }

    /// See [`Deployment::slow`].
    ///
    /// # Errors
    /// As [`Target::cut`].
    pub fn slow(&self, paths: &[NetworkPath], link: LinkShape) -> Result<Applied, FaultError> {
        self.wired(paths)?.slow(paths, link)
    }

    /// See [`Deployment::heal`].
    ///
    /// # Errors
    /// As [`Target::cut`].
    pub fn heal(&self, paths: &[NetworkPath]) -> Result<Applied, FaultError> {
        self.wired(paths)?.heal(paths)
    }

    /// See [`Deployment::proxy_end`].
    #[must_use]
    pub fn proxy_end(&self) -> Option<String> {
        self.deployment.as_ref()?.proxy_end()
    }

    fn wired(&self, paths: &[NetworkPath]) -> Result<&Deployment, FaultError> {
        let path = paths.first().copied();
        let path = path.ok_or(FaultError::NoPath)?;
        self.deployment.as_ref().ok_or(FaultError::NoProxy { path })
    }

    /// See [`Deployment::log_tail`]. `None` for a live target.
    #[must_use]
    pub fn log_tail(&self, index: usize) -> Option<String> {
        self.deployment.as_ref()?.log_tail(index)
    }

    fn started(&self, index: usize) -> Result<&Deployment, FaultError> {
        let deployment = self.deployment.as_ref();
        deployment.ok_or(FaultError::NotOurs { index })
    }

    /// Ends the servers that were started, and removes their data.
    ///
    /// # Errors
    /// If the data cannot be removed.
    pub fn close(self) -> Result<(), CloseError> {
        let Some(deployment) = self.deployment else {
            return Ok(());
        };
        let dir = deployment.dir().to_owned();
        deployment
            .stop()
            .map_err(|source| CloseError { dir, source })
    }
}

fn servers(shape: &TargetShape) -> String {
    match shape.observers {
        0 => format!("{} voters", shape.voters),
        observers => format!("{} voters, {observers} observers", shape.voters),
    }
}
