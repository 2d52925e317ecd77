//! What a trial created on its target, and has to remove again.

use std::sync::atomic::{AtomicBool, Ordering};

use super::context::{ProgressEvent, RunContext};
use crate::load::{self, Job, LoadError, Progress, Server};
use crate::protocol::{self, Leftovers, Setup};
use crate::target::TargetSpec;
use crate::workload::Plan;

/// What a trial created.
#[derive(Debug)]
pub(super) struct Prepared {
    spec: TargetSpec,
    /// The plan with the chroot of a live target before its own.
    pub(super) plan: Plan,
    /// Creates and removes it; not there while it prepares.
    setup: Option<Box<dyn Setup>>,
    /// The user knows what a second interrupt would leave behind.
    interrupt_told: AtomicBool,
}

impl Prepared {
    /// Nothing is created yet.
    pub(super) fn new(plan: &Plan, spec: &TargetSpec) -> Self {
        let mut plan = plan.clone();
        let setup = protocol::setup(&plan.protocol);
        if let (TargetSpec::Live { chroot, .. }, Some(setup)) = (spec, &setup) {
            setup.place_below(&mut plan, chroot);
        }
        Self {
            spec: spec.clone(),
            setup,
            plan,
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
        let Some(mut setup) = self.setup.take() else {
            return Ok(());
        };
        let prepared = load::prepare(
            &Job {
                plan: &self.plan,
                run: number,
                servers,
                stop: context.stop,
                progress: &|progress: &Progress| self.notify(context, None, progress),
                moment: &|_| {},
            },
            setup.as_mut(),
        );
        self.setup = Some(setup);
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
        let Some(setup) = &self.setup else {
            return Ok(());
        };
        load::recycle(
            &Job {
                plan: &self.plan,
                run: number,
                servers,
                stop: context.stop,
                progress: &|progress: &Progress| self.notify(context, None, progress),
                moment: &|_| {},
            },
            setup.as_ref(),
        )
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
        let Some(setup) = &self.setup else {
            return Ok(());
        };
        load::clean_up(
            &Job {
                plan: &self.plan,
                run: 0,
                servers,
                stop: &AtomicBool::new(false),
                progress: &|progress: &Progress| self.notify(context, None, progress),
                moment: &|_| {},
            },
            setup.as_ref(),
        )
    }

    /// What would be left behind of a live target if this process ended now, in words.
    pub(super) fn may_be_left(&self) -> Option<String> {
        let Leftovers { place, remedy } = self.leftovers()?;
        Some(format!(
            "left behind on {}: {place}; remove it with {remedy}",
            self.spec
        ))
    }

    /// The same as data; `None` if it goes with the servers, or is not to be removed.
    fn leftovers(&self) -> Option<Leftovers> {
        let TargetSpec::Live { servers, .. } = &self.spec else {
            return None;
        };
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        self.setup.as_ref()?.leftovers(&self.plan, &servers)
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
        if let Some(Leftovers { place, remedy }) = self.leftovers()
            && !self.interrupt_told.swap(true, Ordering::Relaxed)
        {
            context.warning(&format!(
                "interrupted: the load ends, then {place} is removed; a second Ctrl-C leaves it behind on {}; remove it \
                 then with {remedy}",
                self.spec
            ));
        }
    }
}
