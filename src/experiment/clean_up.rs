//! The clean-up of a trial: servers that were started are ended, what was created on a live target is removed.
//!
//! The first interrupt ends the load, not the clean-up. The second one ends the program at once, and its
//! handler cannot print. So the user is told at the first one what the second would leave behind.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::context::RunContext;
use super::error::load_failed;
use super::prepared::Prepared;
use crate::load::Server;
use crate::target::Target;

/// How soon an interrupt during the clean-up is answered.
const INTERRUPT_LOOK: Duration = Duration::from_millis(100);

/// What is to be cleaned up.
pub(super) struct CleanUp<'a> {
    pub(super) target: Target,
    pub(super) servers: &'a [Server],
    pub(super) prepared: &'a Prepared,
}

impl CleanUp<'_> {
    /// What is left behind is told to the user, and returned in words.
    pub(super) fn run(self, context: &RunContext<'_>) -> Option<String> {
        let left = if self.target.deployment().is_some() {
            // The tree goes with its servers.
            let spec = self.target.spec().clone();
            context.step(&format!("stopping {spec}"));
            self.target.close().err().map(|(dir, error)| {
                format!(
                    "the data of {spec} is left behind in {}: {error}",
                    dir.display()
                )
            })
        } else {
            self.remove(context)
        };
        if let Some(left) = &left {
            context.warning(left);
        }
        left
    }

    fn remove(&self, context: &RunContext<'_>) -> Option<String> {
        let Self {
            servers, prepared, ..
        } = self;
        let left = prepared.may_be_left()?;
        context.step(&format!("cleaning up {}", self.target.spec()));
        // Before anything is removed.
        prepared.heed_interrupt(context);
        let cleaned = thread::scope(|scope| {
            let (done, cleaned) = channel();
            let cleaning = scope.spawn(move || {
                // Received below, unless this thread panics.
                let _received = done.send(prepared.remove(servers, context));
            });
            loop {
                match cleaned.recv_timeout(INTERRUPT_LOOK) {
                    Ok(outcome) => return outcome,
                    Err(RecvTimeoutError::Timeout) => prepared.heed_interrupt(context),
                    Err(RecvTimeoutError::Disconnected) => match cleaning.join() {
                        Err(panic) => std::panic::resume_unwind(panic),
                        Ok(()) => return Ok(()),
                    },
                }
            }
        });
        let error = load_failed("cleaning up", self.target.spec(), cleaned.err()?);
        Some(format!("{left} ({error})"))
    }
}
