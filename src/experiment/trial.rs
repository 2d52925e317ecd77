//! A plan on one open target, from its opening to its clean-up. The way of a run:
//!
//! [`Trial::open`] -> [`Trial::run_once`] (prepare, measure, scrape) -> the result -> [`Trial::close`]

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
use crate::target::{ServerExit, Target, TargetConfig, TargetSpec, data_root};
use crate::workload::Plan;

/// What the servers of every target speak.
const ENSEMBLE_PROTOCOL: &str = "zookeeper";

/// A plan on one open target.
#[derive(Debug)]
pub(super) struct Trial {
    target: Target,
    /// As the user wrote it.
    plan: Plan,
    prepared: Prepared,
    figures: ServerFigures,
    /// What servers did outside of any run.
    failures: Vec<String>,
}

/// Finds what is impossible before anything is started.
///
/// # Errors
/// If the target does not speak the plan's protocol, or the plan has more sessions than this process may have
/// files.
pub(super) fn check(plan: &Plan, spec: &TargetSpec) -> Result<(), ExperimentError> {
    // Every target that can be named today is an ensemble.
    if plan.protocol != ENSEMBLE_PROTOCOL {
        return Err(ExperimentError::Protocol {
            target: spec.to_string(),
            protocol: plan.protocol.clone(),
        });
    }
    load::allow_files(plan).map_err(|source| load_failed("running against", spec, source))
}

/// The machine, and for a local target the disk under its data. Call it while no server uses the disk.
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

impl Trial {
    /// Starts or finds the target. Call it from a thread that outlives it (see [`Target::open`]).
    ///
    /// # Errors
    /// If it does not serve, or [`check`] fails.
    pub(super) fn open(
        plan: &Plan,
        spec: &TargetSpec,
        context: &RunContext<'_>,
    ) -> Result<Self, ExperimentError> {
        check(plan, spec)?;
        let target = Target::open(&TargetConfig {
            spec,
            shape: &plan.target,
            quorate: context.quorate,
            data_dir: context.data_dir,
            zookeeper_home: context.zookeeper_home,
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

    /// Run `number` (from 0), on a tree that is as it should be.
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
        // The leader may have changed, and `attach` depends on who leads.
        self.target.refresh();
        let servers = self.servers();
        let measured = measure(&self.target, &servers, &self.prepared, number, context);
        let recording = self.succeeded("running against", measured, context)?;
        self.figures.last(&self.target);
        Ok(recording)
    }

    fn prepare(&mut self, number: u32, context: &RunContext<'_>) -> Result<(), LoadError> {
        context.step(&format!("preparing {}", self.target.spec()));
        self.prepared.prepare(&self.servers(), number, context)
    }

    /// Removes what run `number` created, so that the next one meets the same tree.
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

    /// What would be left behind of a live target if this process ended now, in words.
    pub(super) fn may_be_left(&self) -> Option<String> {
        self.prepared.may_be_left()
    }

    /// Removes what the load created, and ends the servers that were started. What is left behind is told to
    /// the user, and returned in words.
    pub(super) fn close(self, context: &RunContext<'_>) -> Option<String> {
        let servers = self.servers();
        CleanUp {
            target: self.target,
            servers: &servers,
            prepared: &self.prepared,
        }
        .run(context)
    }

    /// An error of the driver after an interrupt is the interrupt's.
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

    /// The driver failed: perhaps because a server ended.
    fn failed(&mut self, phase: &'static str, source: LoadError) -> ExperimentError {
        let exits = self.target.await_exits();
        self.note_failures(exits);
        load_failed(phase, self.target.spec(), source)
    }

    fn note_failures(&mut self, exits: Vec<ServerExit>) {
        for exit in exits {
            let name = self.target.name(exit.index);
            let how = exit.description;
            self.failures.push(format!("server {name} ended: {how}"));
        }
    }

    /// What servers did outside of any run since this was last asked, in words.
    pub(super) fn take_failures(&mut self) -> Vec<String> {
        let exits = self.target.take_exits();
        self.note_failures(exits);
        std::mem::take(&mut self.failures)
    }

    /// What the user was told when the target was opened.
    pub(super) fn warnings(&self) -> Vec<String> {
        let unusable = self.target.unusable().iter();
        unusable
            .map(|problem| format!("not used: {problem}"))
            .collect()
    }

    /// That the sessions do not divide by the servers, in words.
    pub(super) fn uneven(&self) -> Option<String> {
        uneven(&self.plan.load, &self.servers())
    }

    /// Whether what a run creates stays.
    pub(super) fn keeps(&self) -> bool {
        self.plan.prepare.keep
    }

    /// The target as a result describes it.
    pub(super) fn describe(&self) -> result::Target {
        self.figures.describe(&self.target)
    }

    /// The servers as the driver wants to know them.
    fn servers(&self) -> Vec<Server> {
        self.target
            .members()
            .iter()
            .map(|member| Server {
                name: member.name.clone(),
                address: member.address,
                role: member.role,
            })
            .collect()
    }
}
