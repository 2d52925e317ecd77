//! The data that a trial creates on its target and removes again.

use std::sync::atomic::{AtomicBool, Ordering};

use super::context::{ProgressEvent, RunContext};
use crate::load::{self, Job, LoadError, Progress, Server};
use crate::measure::Verified;
use crate::protocol::{self, Ledger, Leftovers, Setup};
use crate::target::TargetSpec;
use crate::workload::Plan;

/// The data that a trial created.
#[derive(Debug)]
pub(super) struct Prepared {
    spec: TargetSpec,
    /// The plan, placed below the chroot of a live target.
    pub(super) plan: Plan,
    /// Creates and removes the data. `None` if the protocol needs no data, and during
    /// [`Prepared::prepare`].
    setup: Option<Box<dyn Setup>>,
    /// Whether the user was warned of what a second interrupt would leave behind.
    warned_of_interrupt: AtomicBool,
}

impl Prepared {
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
            warned_of_interrupt: AtomicBool::new(false),
        }
    }

    /// Creates the data for run `number` (from 0).
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

    /// Reads the acknowledged writes of run `number` back. If the servers cannot be read, all writes count as
    /// unverifiable. Returns `None` if the user interrupts.
    pub(super) fn verify(
        &self,
        servers: &[Server],
        number: u32,
        context: &RunContext<'_>,
        ledger: &dyn Ledger,
    ) -> Option<Verified> {
        let writes = ledger.writes();
        context.step(&format!("reading {writes} acknowledged writes back"));
        let verified = load::verify(
            &Job {
                plan: &self.plan,
                run: number,
                servers,
                stop: context.stop,
                progress: &|progress: &Progress| self.notify(context, Some(number), progress),
                moment: &|_| {},
            },
            ledger,
        );
        match verified {
            Ok(verified) => Some(verified),
            Err(_interrupted) if context.stopped() => None,
            Err(error) => {
                context.warning(&error.to_string());
                Some(Verified {
                    unverifiable: writes,
                    examples: vec![error.to_string()],
                    ..Verified::default()
                })
            }
        }
    }

    /// Removes the data that run `number` created.
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

    /// Removes all data that was created. An interrupt does not end the removal.
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

    /// Describes the data that would stay on a live target if this process ended now.
    pub(super) fn may_be_left(&self) -> Option<String> {
        let Leftovers { place, remedy } = self.leftovers()?;
        Some(format!(
            "left behind on {}: {place}; remove it with {remedy}",
            self.spec
        ))
    }

    /// Like [`Prepared::may_be_left`], as values. `None` if the data is removed with the servers, or is to
    /// be kept.
    fn leftovers(&self) -> Option<Leftovers> {
        let TargetSpec::Live { servers, .. } = &self.spec else {
            return None;
        };
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        self.setup.as_ref()?.leftovers(&self.plan, &servers)
    }

    /// Reports the progress of the load. `run` is the number of the run from 0, or `None` while the target
    /// is prepared or cleaned up.
    pub(super) fn notify(&self, context: &RunContext<'_>, run: Option<u32>, progress: &Progress) {
        (context.notify)(&ProgressEvent::Load {
            run: run.map_or(0, |number| number + 1),
            runs: self.plan.load.repeats,
            progress,
            faults: &self.plan.faults,
        });
        self.warn_if_interrupted(context);
    }

    /// After the first interrupt, warns once of what a second interrupt would leave behind.
    pub(super) fn warn_if_interrupted(&self, context: &RunContext<'_>) {
        if !context.stopped() {
            return;
        }
        if let Some(Leftovers { place, remedy }) = self.leftovers()
            && !self.warned_of_interrupt.swap(true, Ordering::Relaxed)
        {
            context.warning(&format!(
                "interrupted: the load ends, then {place} is removed; a second Ctrl-C leaves it behind on {}; remove it \
                 then with {remedy}",
                self.spec
            ));
        }
    }
}
