//! The znodes of a trial: what the load prepared and has to remove again.

use std::sync::atomic::{AtomicBool, Ordering};

use super::context::{ProgressEvent, RunContext};
use crate::load::{self, Created, Job, LoadError, Progress, Server};
use crate::target::TargetSpec;
use crate::workload::Plan;

/// The znodes of a trial.
#[derive(Debug)]
pub(super) struct Tree {
    spec: TargetSpec,
    /// The plan with the chroot of a live target before its own.
    pub(super) plan: Plan,
    created: Created,
    /// The user knows what a second interrupt would leave behind.
    interrupt_told: AtomicBool,
}

impl Tree {
    /// Nothing is created yet.
    pub(super) fn new(plan: &Plan, spec: &TargetSpec) -> Self {
        let mut plan = plan.clone();
        if let TargetSpec::Live { chroot, .. } = spec {
            plan.prepare.chroot = format!("{chroot}{}", plan.prepare.chroot);
        }
        Self {
            spec: spec.clone(),
            plan,
            created: Created::default(),
            interrupt_told: AtomicBool::new(false),
        }
    }

    /// Creates what run `number` (from 0) needs.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn prepare(
        &mut self,
        servers: &[Server],
        number: u32,
        context: &RunContext<'_>,
    ) -> Result<(), LoadError> {
        let mut created = self.created.clone();
        let prepared = load::prepare(
            &Job {
                plan: &self.plan,
                run: number,
                servers,
                stop: context.stop,
                progress: &|progress: &Progress| self.notify(context, None, progress),
                moment: &|_| {},
            },
            &mut created,
        );
        // A later preparation meets what an earlier one created, and must not forget it.
        self.created.chroot |= created.chroot;
        if self.created.above.is_empty() {
            self.created.above = created.above;
        }
        prepared
    }

    /// Removes what run `number` created.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn recycle(
        &self,
        servers: &[Server],
        number: u32,
        context: &RunContext<'_>,
    ) -> Result<(), LoadError> {
        load::recycle(&Job {
            plan: &self.plan,
            run: number,
            servers,
            stop: context.stop,
            progress: &|progress: &Progress| self.notify(context, None, progress),
            moment: &|_| {},
        })
    }

    /// Removes everything that was created. An interrupt does not end it.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn remove(
        &self,
        servers: &[Server],
        context: &RunContext<'_>,
    ) -> Result<(), LoadError> {
        load::clean_up(
            &Job {
                plan: &self.plan,
                run: 0,
                servers,
                stop: &AtomicBool::new(false),
                progress: &|progress: &Progress| self.notify(context, None, progress),
                moment: &|_| {},
            },
            &self.created,
        )
    }

    /// What would be left behind of a live target if this process ended now, in words.
    pub(super) fn may_be_left(&self) -> Option<String> {
        let remedy = self.remedy()?;
        let chroot = &self.plan.prepare.chroot;
        Some(format!(
            "left behind on {}: {chroot}; remove it with {remedy}",
            self.spec
        ))
    }

    /// The command that removes the chroot; `None` if it goes with the servers, or is not to be removed.
    fn remedy(&self) -> Option<String> {
        let TargetSpec::Live { servers, .. } = &self.spec else {
            return None;
        };
        if !self.created.chroot || self.plan.prepare.keep {
            return None;
        }
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        Some(format!(
            "`zkCli.sh -server {} deleteall {}`, or run there again",
            servers.join(","),
            self.plan.prepare.chroot
        ))
    }

    /// Tells how the load goes; `run` is its number from 0, if it is one.
    pub(super) fn notify(&self, context: &RunContext<'_>, run: Option<u32>, progress: &Progress) {
        (context.notify)(&ProgressEvent::Load {
            run: run.map_or(0, |number| number + 1),
            runs: self.plan.load.repeats,
            progress,
        });
        self.heed_interrupt(context);
    }

    /// After the first interrupt, tells once what a second one would leave behind.
    pub(super) fn heed_interrupt(&self, context: &RunContext<'_>) {
        if !context.stopped() {
            return;
        }
        if let Some(remedy) = self.remedy()
            && !self.interrupt_told.swap(true, Ordering::Relaxed)
        {
            context.warning(&format!(
                "interrupted: the load ends, then {} is removed; a second Ctrl-C leaves it behind on {}; remove it \
                 then with {remedy}",
                self.plan.prepare.chroot, self.spec
            ));
        }
    }
}
