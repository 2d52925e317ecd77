//! A target that is up: deployed for the run or found running. Loads are run against it, and what
//! they measured becomes a result.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::answers::{Mode, parse_mntr};
use super::data_dir::{DataDirError, fresh, shown};
use super::deploy::{DeployError, Deployment, Order};
use super::java::{JavaError, Surroundings};
use super::member::Member;
use super::probe::{ProbeError, probe, refresh};
use super::setting::{Notice, Setting};
use super::software::Software;
use super::starting::StartError;
use super::target::TargetSpec;
use crate::client::four_letter;
use crate::load::{self, Created, Job, LoadError, Progress, Role};
use crate::measure::Recording;
use crate::result::{self, CounterChange, Environment, RunResult, Target, Verdict};
use crate::workload::Plan;

/// How long a server may take over its counters.
const COUNTERS_TIMEOUT: Duration = Duration::from_secs(5);

/// An experiment could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// No Java or no ZooKeeper.
    #[error(transparent)]
    Java(#[from] JavaError),
    /// No folder for the data.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The servers did not come up.
    #[error("the {target} ensemble did not start: {source}")]
    Deploy {
        /// As asked.
        target: String,
        /// Why.
        source: DeployError,
    },
    /// A live target does not serve.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The driver failed.
    #[error("{phase} {target} failed: {source}")]
    Load {
        /// `preparing`, `running against`, `cleaning up`.
        phase: &'static str,
        /// As asked.
        target: String,
        /// Why.
        source: Box<LoadError>,
    },
    /// The user ended it before anything was measured.
    #[error("interrupted before anything was measured; nothing was written")]
    Interrupted,
}

/// A target that is up.
#[derive(Debug)]
pub struct Subject {
    spec: String,
    /// As the user wrote it; goes into the result.
    plan: Plan,
    /// What is driven: the chroot of a live target is put before the plan's.
    driven: Plan,
    members: Vec<Member>,
    deployment: Option<Deployment>,
    environment: Environment,
    rss_start: Vec<Option<u64>>,
    rss_end: Vec<Option<u64>>,
    before: Vec<BTreeMap<String, f64>>,
    after: Vec<BTreeMap<String, f64>>,
    /// What of a live target is to be removed again.
    created: Created,
    warnings: Vec<String>,
    failures: Vec<String>,
}

impl Subject {
    /// Starts or finds the target. Call it from a thread that outlives it (see [`Deployment::start`]).
    ///
    /// # Errors
    /// If it does not serve.
    pub fn open(
        plan: &Plan,
        spec: &TargetSpec,
        setting: &Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let mut subject = Self {
            spec: spec.to_string(),
            plan: plan.clone(),
            driven: plan.clone(),
            members: Vec::new(),
            deployment: None,
            environment: Environment::default(),
            rss_start: Vec::new(),
            rss_end: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            created: Created::default(),
            warnings: Vec::new(),
            failures: Vec::new(),
        };
        let software = match spec {
            TargetSpec::Live { servers, chroot } => {
                setting.step(&format!("looking at {spec}"));
                let found = probe(&subject.spec, servers)?;
                for problem in found.missing {
                    subject.warn(setting, format!("not used: {problem}"));
                }
                subject.members = found.members;
                subject.driven.prepare.chroot = format!("{chroot}{}", plan.prepare.chroot);
                subject.environment = result::gather(None);
                None
            }
            TargetSpec::Bundled => Some(Software::Bundled),
            TargetSpec::ZooKeeper { home } => {
                let home = home.as_deref().or(setting.zookeeper_home);
                Some(Software::Java(Surroundings::of_this_process().find(home)?))
            }
        };
        if let Some(software) = software {
            subject.deploy(&software, setting)?;
        }
        subject.environment.calibration = setting.calibration.cloned();
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
        // The disk is probed while no server uses it.
        self.environment = result::gather(Some(&dir));
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
                target: self.spec.clone(),
                source,
            },
        })?;
        self.rss_start = deployment.resident_bytes();
        self.members = members;
        self.deployment = Some(deployment);
        Ok(())
    }

    /// As asked.
    #[must_use]
    pub fn spec(&self) -> &str {
        &self.spec
    }

    /// How often the plan is to be run.
    #[must_use]
    pub fn repeats(&self) -> u32 {
        self.plan.load.repeats
    }

    /// Creates what the load needs.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn prepare(&mut self, setting: &Setting<'_>) -> Result<(), ExperimentError> {
        setting.step(&format!("preparing {}", self.spec));
        let servers = self.servers();
        let progress = |progress: &Progress| notify_load(setting, 0, progress, &self.plan);
        let job = Job {
            plan: &self.driven,
            run: 0,
            servers: &servers,
            stop: setting.stop,
            progress: &progress,
            moment: &|_| {},
        };
        load::prepare(&job, &mut self.created).map_err(|source| self.ended("preparing", source))?;
        self.before = self.counters();
        Ok(())
    }

    /// One run, `number` counted from 1.
    ///
    /// # Errors
    /// If the driver fails, or a server that Quorate started has ended.
    pub fn measure(
        &mut self,
        number: u32,
        setting: &Setting<'_>,
    ) -> Result<Recording, ExperimentError> {
        let plan = self.driven.clone();
        let recording = self.drive(&plan, number, setting)?;
        self.after = self.counters();
        if let Some(deployment) = &mut self.deployment {
            self.rss_end = deployment.resident_bytes();
            self.failures.extend(deployment.ended());
        }
        Ok(recording)
    }

    /// A run that nobody looks at: servers and their files get warm.
    ///
    /// # Errors
    /// As [`Subject::measure`].
    pub fn warm(&mut self, setting: &Setting<'_>) -> Result<(), ExperimentError> {
        setting.step(&format!("warming {}", self.spec));
        let plan = self.driven.clone();
        self.drive(&plan, 0, setting)?;
        self.before = self.counters();
        Ok(())
    }

    fn drive(
        &mut self,
        plan: &Plan,
        number: u32,
        setting: &Setting<'_>,
    ) -> Result<Recording, ExperimentError> {
        // Who leads may have changed, and `attach` goes by it.
        for member in &mut self.members {
            refresh(member);
        }
        let servers = self.servers();
        let progress = |progress: &Progress| notify_load(setting, number, progress, &self.plan);
        load::run(&Job {
            plan,
            run: number.saturating_sub(1),
            servers: &servers,
            stop: setting.stop,
            progress: &progress,
            moment: &|_| {},
        })
        .map_err(|source| self.ended("running against", source))
    }

    /// The driver failed: perhaps because a server did.
    fn ended(&mut self, phase: &'static str, source: LoadError) -> ExperimentError {
        if let Some(deployment) = &mut self.deployment {
            self.failures.extend(deployment.ending());
        }
        self.failed(phase, source)
    }

    /// Removes what the load created, and ends what was started.
    pub fn close(mut self, setting: &Setting<'_>) {
        match self.deployment.take() {
            // The tree goes with its servers.
            Some(deployment) => {
                setting.step(&format!("stopping {}", self.spec));
                if let Err(e) = deployment.stop() {
                    setting.warning(&format!("the data of {} is left behind: {e}", self.spec));
                }
            }
            None if self.plan.prepare.keep => {}
            None => {
                setting.step(&format!("cleaning up {}", self.spec));
                let servers = self.servers();
                // An interrupt ends the load, not the cleaning; a second one ends everything.
                let stop = AtomicBool::new(false);
                let progress = |progress: &Progress| notify_load(setting, 0, progress, &self.plan);
                let job = Job {
                    plan: &self.driven,
                    run: 0,
                    servers: &servers,
                    stop: &stop,
                    progress: &progress,
                    moment: &|_| {},
                };
                let cleaned = load::clean_up(&job, &self.created);
                if let Err(source) = cleaned {
                    setting.warning(&self.failed("cleaning up", source).to_string());
                }
            }
        }
    }

    /// The result of `runs`.
    #[must_use]
    pub fn result(&self, runs: Vec<Recording>) -> RunResult {
        let mut result = RunResult::new(
            self.environment.clone(),
            self.target(),
            self.plan.clone(),
            runs,
        );
        result.warnings.splice(0..0, self.warnings.iter().cloned());
        invalidate(&mut result, &self.failures);
        result
    }

    fn target(&self) -> Target {
        let mut versions: Vec<&str> = self
            .members
            .iter()
            .filter_map(|member| member.version.as_deref())
            .collect();
        versions.sort_unstable();
        versions.dedup();
        Target {
            spec: self.spec.clone(),
            server_version: (!versions.is_empty()).then(|| versions.join(", ")),
            leader: self
                .members
                .iter()
                .find(|member| member.mode == Mode::Leader)
                .map(|member| member.name.clone()),
            data_on: self
                .deployment
                .as_ref()
                .and_then(|deployment| Some(shown(deployment.dir().parent()?))),
            start_ms: self
                .deployment
                .as_ref()
                .map(|deployment| deployment.start_time().as_secs_f64() * 1_000.0),
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

    fn servers(&self) -> Vec<load::Server> {
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

    fn counters(&self) -> Vec<BTreeMap<String, f64>> {
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

    fn failed(&self, phase: &'static str, source: LoadError) -> ExperimentError {
        ExperimentError::Load {
            phase,
            target: self.spec.clone(),
            source: Box::new(source),
        }
    }

    /// Servers that Quorate started and that ended by themselves, in words.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Where a deployment keeps its data.
    #[must_use]
    pub fn data_dir(&self) -> Option<&Path> {
        self.deployment.as_ref().map(Deployment::dir)
    }
}

/// Adds reasons why a result is not what it seems.
pub(super) fn invalidate(result: &mut RunResult, failures: &[String]) {
    if failures.is_empty() {
        return;
    }
    let mut reasons = result.verdict.reasons().to_vec();
    reasons.extend_from_slice(failures);
    result.verdict = Verdict::Invalid { reasons };
}

fn notify_load(setting: &Setting<'_>, run: u32, progress: &Progress, plan: &Plan) {
    (setting.notify)(&Notice::Load {
        run,
        runs: plan.load.repeats,
        progress,
    });
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
