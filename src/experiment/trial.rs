//! A plan on one open target. The calls of a run, in order: [`Trial::open`], [`Trial::run_once`] (prepares,
//! measures and scrapes), [`Trial::describe`], [`Trial::close`].

use std::fs;
use std::path::Path;

use super::attachment::uneven;
use super::clean_up::CleanUp;
use super::context::RunContext;
use super::error::{ExperimentError, load_failed};
use super::measure::measure;
use super::prepared::Prepared;
use super::scrape::ServerFigures;
use crate::load::{self, LoadError, Server};
use crate::measure::Recording;
use crate::result::{self, Environment};
use crate::target::{
    Cores, Links, PinError, ServerExit, Target, TargetConfig, TargetSpec, check_quota, copy_tail,
    data_root,
};
use crate::workload::{Between, Plan};

/// The protocol of every target.
const ENSEMBLE_PROTOCOL: &str = "zookeeper";

/// A plan on one open target.
#[derive(Debug)]
pub(super) struct Trial {
    target: Target,
    /// The plan as the user wrote it, without the chroot of a live target.
    plan: Plan,
    prepared: Prepared,
    figures: ServerFigures,
    /// Failures of servers outside of the runs.
    failures: Vec<String>,
}

/// Checks, before anything is started, that the plan can run against the target.
///
/// # Errors
/// If the target does not speak the plan's protocol, the plan has faults that Quorate cannot cause there, the plan
/// has more sessions than this process may open files, or the servers cannot get their CPU quota or their cores.
pub(super) fn check(plan: &Plan, spec: &TargetSpec, pin: bool) -> Result<(), ExperimentError> {
    if plan.protocol != ENSEMBLE_PROTOCOL {
        return Err(ExperimentError::Protocol {
            target: spec.to_string(),
            protocol: plan.protocol.clone(),
        });
    }
    if !plan.faults.is_empty() && !spec.is_local() {
        return Err(ExperimentError::Faults {
            target: spec.to_string(),
        });
    }
    if let Some(share) = plan.target.cpu.filter(|_| spec.is_local()) {
        check_quota(share)?;
    }
    cores(plan, spec, pin)?;
    load::allow_files(plan).map_err(|source| load_failed("running against", spec, source))
}

/// Returns the cores of the servers and of the driver, if the user wants that they have cores of their own.
fn cores(plan: &Plan, spec: &TargetSpec, pin: bool) -> Result<Option<Cores>, PinError> {
    if !pin {
        return Ok(None);
    }
    if !spec.is_local() {
        return Err(PinError::NotOurs {
            target: spec.to_string(),
        });
    }
    let servers = usize::from(plan.target.voters) + usize::from(plan.target.observers);
    Cores::distribute(servers, plan.load.threads).map(Some)
}

/// Describes the machine and, for a local target, the disk of its data. Call it while no server uses that
/// disk.
///
/// # Errors
/// If the folder for the data cannot be created.
pub(super) fn environment(
    spec: &TargetSpec,
    context: &RunContext<'_>,
) -> Result<Environment, ExperimentError> {
    let data_dir = if spec.is_local() {
        Some(data_root(context.data_dir)?)
    } else {
        None
    };
    let mut environment = result::gather(data_dir.as_deref());
    environment.calibration = context.calibration.cloned();
    Ok(environment)
}

/// Returns the connections that the plan's faults cut or slow down.
fn links(plan: &Plan) -> Links {
    let proxied = || {
        plan.faults
            .iter()
            .filter_map(|fault| fault.action.proxied())
    };
    Links {
        servers: proxied().any(Between::has_servers),
        clients: proxied().any(Between::has_clients),
    }
}

impl Trial {
    /// Starts or finds the target.
    ///
    /// # Errors
    /// If the target does not serve, or [`check`] fails.
    pub(super) fn open(
        plan: &Plan,
        spec: &TargetSpec,
        context: &RunContext<'_>,
    ) -> Result<Self, ExperimentError> {
        check(plan, spec, context.pin)?;
        let cores = cores(plan, spec, context.pin)?;
        let target = Target::open(&TargetConfig {
            spec,
            shape: &plan.target,
            links: links(plan),
            quorate: context.quorate,
            data_dir: context.data_dir,
            zookeeper_home: context.zookeeper_home,
            cores: cores.as_ref(),
            stop: context.stop,
            step: &|text| context.step(text),
        })?;
        let trial = Self {
            prepared: Prepared::new(plan, spec),
            figures: ServerFigures::at_start(&target),
            failures: Vec::new(),
            plan: plan.clone(),
            target,
        };
        trial
            .warnings()
            .iter()
            .for_each(|text| context.warning(text));
        Ok(trial)
    }

    /// Prepares and measures run `number` (from 0).
    ///
    /// # Errors
    /// If the driver fails, or the user interrupts the preparation.
    pub(super) fn run_once(
        &mut self,
        number: u32,
        context: &RunContext<'_>,
    ) -> Result<Recording, ExperimentError> {
        let prepared = self.prepare(number, context);
        self.succeeded("preparing", prepared, context)?;
        self.figures.first_counters(&self.target);
        // The leader may have changed since the last run, and `attach` depends on the roles.
        self.target.refresh();
        let servers = self.servers();
        let measured = measure(&self.target, &servers, &self.prepared, number, context);
        self.check_proxy()?;
        let recording = self.succeeded("running against", measured, context)?;
        self.figures.last(&self.target);
        Ok(recording)
    }

    fn prepare(&mut self, number: u32, context: &RunContext<'_>) -> Result<(), LoadError> {
        context.step(&format!("preparing {}", self.target.spec()));
        self.prepared.prepare(&self.servers(), number, context)
    }

    /// Removes the data that run `number` created, so that the next run begins with the same tree.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn recycle(
        &mut self,
        number: u32,
        context: &RunContext<'_>,
    ) -> Result<(), ExperimentError> {
        let recycled = self.prepared.recycle(&self.servers(), number, context);
        recycled.map_err(|source| self.failed("cleaning up", source))
    }

    /// Describes the data that would stay on a live target if this process ended now.
    pub(super) fn may_be_left(&self) -> Option<String> {
        self.prepared.may_be_left()
    }

    /// Copies the ends of the logs of all started servers to `dir`. A log that cannot be copied is named in
    /// a warning.
    pub(super) fn save_logs(&self, dir: &Path, round: u32, context: &RunContext<'_>) {
        for log in self.target.logs() {
            let Some(name) = log.file.file_name() else {
                continue;
            };
            let name = name.to_string_lossy();
            let copy = dir.join(format!("round-{round}-server-{}-{name}", log.server));
            let copied = fs::create_dir_all(dir).and_then(|()| copy_tail(&log.file, &copy));
            if let Err(error) = copied {
                context.warning(&format!(
                    "the log of server {} was not copied to {}: {error}",
                    log.server,
                    copy.display()
                ));
            }
        }
    }

    /// Removes the data of a live target, or stops the servers that were started. If something is left
    /// behind, warns the user and returns the warning.
    pub(super) fn close(self, context: &RunContext<'_>) -> Option<String> {
        let servers = self.servers();
        CleanUp {
            target: self.target,
            servers: &servers,
            prepared: &self.prepared,
        }
        .run(context)
    }

    /// Returns an error if the proxy process has ended, and notes its end.
    fn check_proxy(&mut self) -> Result<(), ExperimentError> {
        let Some(how) = self.target.proxy_end() else {
            return Ok(());
        };
        let finding = format!("the proxy process ended: {how}");
        if !self.failures.contains(&finding) {
            self.failures.push(finding);
        }
        Err(ExperimentError::ProxyEnded {
            target: self.target.spec().to_string(),
            how,
        })
    }

    /// Converts the driver's outcome. An error after an interrupt becomes [`ExperimentError::Interrupted`].
    fn succeeded<T>(
        &mut self,
        phase: &'static str,
        outcome: Result<T, LoadError>,
        context: &RunContext<'_>,
    ) -> Result<T, ExperimentError> {
        outcome.map_err(|source| {
            let error = self.failed(phase, source);
            if context.stopped() {
                ExperimentError::Interrupted
            } else {
                error
            }
        })
    }

    /// Converts an error of the driver. If servers ended, which may be the cause, it notes their ends.
    fn failed(&mut self, phase: &'static str, source: LoadError) -> ExperimentError {
        let exits = self.target.await_exits();
        self.note_failures(exits);
        if let Err(cause) = self.check_proxy() {
            return cause;
        }
        load_failed(phase, self.target.spec(), source)
    }

    fn note_failures(&mut self, exits: Vec<ServerExit>) {
        for exit in exits {
            let name = self.target.name(exit.index);
            let how = exit.description;
            self.failures.push(format!("server {name} ended: {how}"));
        }
    }

    /// Returns the failures of servers outside of the runs since the last call.
    pub(super) fn take_failures(&mut self) -> Vec<String> {
        let exits = self.target.take_exits();
        self.note_failures(exits);
        std::mem::take(&mut self.failures)
    }

    /// Returns the warnings that the user got when the target was opened.
    pub(super) fn warnings(&self) -> Vec<String> {
        let unusable = self.target.unusable().iter();
        unusable
            .map(|problem| format!("not used: {problem}"))
            .collect()
    }

    /// Returns a warning if the sessions cannot be distributed evenly over the servers.
    pub(super) fn uneven(&self) -> Option<String> {
        uneven(&self.plan.load, &self.servers())
    }

    /// Whether the data of a run is kept.
    pub(super) fn keeps(&self) -> bool {
        self.plan.prepare.keep
    }

    /// Describes the target for the result.
    pub(super) fn describe(&self) -> result::Target {
        self.figures.describe(&self.target)
    }

    /// Returns the servers in the form that the driver needs.
    fn servers(&self) -> Vec<Server> {
        self.target
            .members()
            .iter()
            .map(|member| Server {
                name: member.name.clone(),
                address: member.session_address(),
                role: member.role,
            })
            .collect()
    }
}
