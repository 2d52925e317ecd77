//! A target that is up: deployed for the run or found running.
//!
//! `drive` runs one load against it, `leaving` cleans it up or ends it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::answers::{Mode, parse_mntr};
use super::attachment::uneven;
use super::data_dir::{fresh, root, shown};
use super::deploy::{DeployError, Deployment, Order};
use super::error::ExperimentError;
use super::java::Surroundings;
use super::member::Member;
use super::probe::probe;
use super::setting::{Notice, Setting};
use super::software::Software;
use super::starting::StartError;
use super::target::TargetSpec;
use crate::load::{self, Job, LoadError, Progress, Role};
use crate::protocol::zookeeper::four_letter;
use crate::protocol::{self, Setup};
use crate::result::{self, CounterChange, Environment, Target};
use crate::workload::Plan;

/// How long a server may take over its counters.
const COUNTERS_TIMEOUT: Duration = Duration::from_secs(5);

/// A target that is up.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) spec: TargetSpec,
    /// As the user wrote it.
    pub(super) plan: Plan,
    /// What is driven: the chroot of a live target is put before the plan's.
    pub(super) driven: Plan,
    pub(super) members: Vec<Member>,
    pub(super) deployment: Option<Deployment>,
    rss_start: Vec<Option<u64>>,
    pub(super) rss_end: Vec<Option<u64>>,
    /// Counters of the servers before the first run and after the last.
    before: Vec<BTreeMap<String, f64>>,
    pub(super) after: Vec<BTreeMap<String, f64>>,
    /// Creates and removes what the load needs; not there while it prepares.
    pub(super) setup: Option<Box<dyn Setup>>,
    warnings: Vec<String>,
    /// What servers did outside of any run.
    failures: Vec<String>,
    /// The user knows what a second interrupt would leave behind.
    pub(super) told_of_interrupt: AtomicBool,
}

/// Finds out what can be known to be impossible before anything is started.
///
/// # Errors
/// If the plan has more sessions than this process may have files.
pub(super) fn check(plan: &Plan, spec: &TargetSpec) -> Result<(), ExperimentError> {
    load::allow_files(plan).map_err(|source| failed("running against", spec, source))
}

/// The machine, and for a local target the disk under its data: to be looked at while no server uses it.
///
/// # Errors
/// If the folder for the data cannot be created.
pub(super) fn environment(
    spec: &TargetSpec,
    setting: &Setting<'_>,
) -> Result<Environment, ExperimentError> {
    let data_dir = if spec.is_local() {
        Some(root(setting.data_dir)?)
    } else {
        None
    };
    let mut environment = result::gather(data_dir.as_deref());
    environment.calibration = setting.calibration.cloned();
    Ok(environment)
}

/// The driver failed.
pub(super) fn failed(phase: &'static str, spec: &TargetSpec, source: LoadError) -> ExperimentError {
    ExperimentError::Load {
        phase,
        target: spec.to_string(),
        source: Box::new(source),
    }
}

impl Subject {
    /// Starts or finds the target. Call it from a thread that outlives it (see [`Deployment::start`]).
    ///
    /// # Errors
    /// If it does not serve, or [`check`] fails.
    pub(super) fn open(
        plan: &Plan,
        spec: &TargetSpec,
        setting: &Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        check(plan, spec)?;
        let mut subject = Self {
            spec: spec.clone(),
            plan: plan.clone(),
            driven: plan.clone(),
            members: Vec::new(),
            deployment: None,
            rss_start: Vec::new(),
            rss_end: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            setup: protocol::setup(&plan.protocol),
            warnings: Vec::new(),
            failures: Vec::new(),
            told_of_interrupt: AtomicBool::new(false),
        };
        let software = match spec {
            TargetSpec::Live { servers, chroot } => {
                setting.step(&format!("looking at {spec}"));
                let found = probe(&spec.to_string(), servers)?;
                for problem in found.missing {
                    subject.warn(setting, format!("not used: {problem}"));
                }
                subject.members = found.members;
                subject.driven.prepare.chroot = format!("{chroot}{}", plan.prepare.chroot);
                return Ok(subject);
            }
            TargetSpec::Bundled => Software::Bundled,
            TargetSpec::ZooKeeper { home } => {
                let home = home.as_deref().or(setting.zookeeper_home);
                Software::Java(Surroundings::of_this_process().find(home)?)
            }
        };
        subject.deploy(&software, setting)?;
        Ok(subject)
    }

    fn deploy(
        &mut self,
        software: &Software,
        setting: &Setting<'_>,
    ) -> Result<(), ExperimentError> {
        let dir = fresh(setting.data_dir)?;
        let shape = &self.plan.target;
        setting.step(&format!(
            "starting {} ({})",
            self.spec,
            match shape.observers {
                0 => format!("{} voters", shape.voters),
                observers => format!("{} voters, {observers} observers", shape.voters),
            }
        ));
        let (deployment, members) = Deployment::start(&Order {
            software,
            shape,
            quorate: setting.quorate,
            dir: &dir,
            stop: setting.stop,
        })
        .map_err(|source| match source {
            DeployError::Start(StartError::Interrupted) => ExperimentError::Interrupted,
            source => ExperimentError::Deploy {
                target: self.spec.to_string(),
                source,
            },
        })?;
        self.rss_start = deployment.resident_bytes();
        self.members = members;
        self.deployment = Some(deployment);
        Ok(())
    }

    /// How often the plan is to be run.
    pub(super) fn repeats(&self) -> u32 {
        self.plan.load.repeats
    }

    /// That the sessions do not divide by the servers, in words.
    pub(super) fn uneven(&self) -> Option<String> {
        uneven(&self.plan.load, &self.servers())
    }

    /// Creates what run `number` (from 0) needs.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn prepare(
        &mut self,
        number: u32,
        setting: &Setting<'_>,
    ) -> Result<(), ExperimentError> {
        setting.step(&format!("preparing {}", self.spec));
        let mut setup = self.setup.take();
        let servers = self.servers();
        let progress = |progress: &Progress| self.notify(setting, None, progress);
        let job = Job {
            plan: &self.driven,
            run: number,
            servers: &servers,
            stop: setting.stop,
            progress: &progress,
            moment: &|_| {},
        };
        let prepared = match &mut setup {
            Some(setup) => load::prepare(&job, setup.as_mut()),
            None => Ok(()),
        };
        self.setup = setup;
        prepared.map_err(|source| self.ended("preparing", source))?;
        if self.before.is_empty() {
            self.before = self.counters();
        }
        Ok(())
    }

    /// Removes what run `number` created, so that the next one meets the same tree.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn recycle(
        &mut self,
        number: u32,
        setting: &Setting<'_>,
    ) -> Result<(), ExperimentError> {
        let servers = self.servers();
        let progress = |progress: &Progress| self.notify(setting, None, progress);
        let job = Job {
            plan: &self.driven,
            run: number,
            servers: &servers,
            stop: setting.stop,
            progress: &progress,
            moment: &|_| {},
        };
        let recycled = match &self.setup {
            Some(setup) => load::recycle(&job, setup.as_ref()),
            None => Ok(()),
        };
        recycled.map_err(|source| self.ended("cleaning up", source))
    }

    /// The driver failed: perhaps because a server did.
    pub(super) fn ended(&mut self, phase: &'static str, source: LoadError) -> ExperimentError {
        if let Some(deployment) = &mut self.deployment {
            let ended = deployment.ending();
            self.note_failures(ended);
        }
        failed(phase, &self.spec, source)
    }

    /// Servers that ended by themselves, outside of any run.
    fn note_failures(&mut self, ended: Vec<(usize, String)>) {
        for (index, how) in ended {
            let name = self.name(index);
            self.failures.push(format!("server {name} ended: {how}"));
        }
    }

    /// What the member at `index` is called.
    pub(super) fn name(&self, index: usize) -> String {
        self.members
            .get(index)
            .map_or_else(|| format!("number {}", index + 1), |one| one.name.clone())
    }

    /// What servers did outside of any run since this was last asked, in words.
    pub(super) fn take_failures(&mut self) -> Vec<String> {
        if let Some(deployment) = &mut self.deployment {
            let ended = deployment.ended();
            self.note_failures(ended);
        }
        std::mem::take(&mut self.failures)
    }

    /// What the user was told since this was last asked.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The target as it describes itself.
    pub(super) fn target(&self) -> Target {
        let mut versions: Vec<&str> = self
            .members
            .iter()
            .filter_map(|member| member.version.as_deref())
            .collect();
        versions.sort_unstable();
        versions.dedup();
        let deployment = self.deployment.as_ref();
        Target {
            spec: self.spec.to_string(),
            server_version: (!versions.is_empty()).then(|| versions.join(", ")),
            leader: self
                .members
                .iter()
                .find(|member| member.mode == Mode::Leader)
                .map(|member| member.name.clone()),
            data_on: deployment.and_then(|deployment| Some(shown(deployment.dir().parent()?))),
            start_ms: deployment.map(|one| one.start_time().as_secs_f64() * 1_000.0),
            servers: self
                .members
                .iter()
                .enumerate()
                .map(|(index, member)| result::Server {
                    address: member.name.clone(),
                    role: member
                        .observer
                        .map(|observer| if observer { "observer" } else { "voter" }.to_owned()),
                    version: member.version.clone(),
                    mode: member.mode.word().map(str::to_owned),
                    rss_start_bytes: self.rss_start.get(index).copied().flatten(),
                    rss_end_bytes: self.rss_end.get(index).copied().flatten(),
                    counters: match (self.before.get(index), self.after.get(index)) {
                        (Some(before), Some(after)) => changes(before, after),
                        _ => BTreeMap::new(),
                    },
                })
                .collect(),
        }
    }

    /// The servers as the driver wants to know them.
    pub(super) fn servers(&self) -> Vec<load::Server> {
        self.members
            .iter()
            .map(|member| load::Server {
                name: member.name.clone(),
                address: member.address,
                role: match member.mode {
                    Mode::Leader => Role::Leader,
                    Mode::Follower => Role::Follower,
                    Mode::Observer => Role::Observer,
                    Mode::Standalone => Role::Standalone,
                    Mode::Unknown => Role::Unknown,
                },
            })
            .collect()
    }

    /// What each server counts of itself, where it offers that.
    pub(super) fn counters(&self) -> Vec<BTreeMap<String, f64>> {
        self.members
            .iter()
            .map(|member| {
                four_letter(member.address, "mntr", COUNTERS_TIMEOUT)
                    .map_or_else(|_not_offered| BTreeMap::new(), |answer| parse_mntr(&answer))
            })
            .collect()
    }

    fn warn(&mut self, setting: &Setting<'_>, text: String) {
        setting.warning(&text);
        self.warnings.push(text);
    }

    /// Tells how the load goes; `run` is its number from 0, if it is one.
    pub(super) fn notify(&self, setting: &Setting<'_>, run: Option<u32>, progress: &Progress) {
        (setting.notify)(&Notice::Load {
            run: run.map_or(0, |number| number + 1),
            runs: self.plan.load.repeats,
            progress,
        });
        self.heed_interrupt(setting);
    }
}

fn changes(
    before: &BTreeMap<String, f64>,
    after: &BTreeMap<String, f64>,
) -> BTreeMap<String, CounterChange> {
    after
        .iter()
        .filter_map(|(name, &after)| {
            let before = *before.get(name)?;
            let changed = before.total_cmp(&after).is_ne();
            changed.then(|| (name.clone(), CounterChange { before, after }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_that_changed_are_kept() {
        let map = |pairs: &[(&str, f64)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect::<BTreeMap<_, _>>()
        };
        let changed = changes(
            &map(&[("a", 1.0), ("b", 2.0)]),
            &map(&[("a", 1.0), ("b", 3.0), ("new", 4.0)]),
        );
        assert_eq!(changed.len(), 1);
        assert_eq!(
            changed["b"],
            CounterChange {
                before: 2.0,
                after: 3.0
            }
        );
    }
}
