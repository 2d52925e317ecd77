//! The clean-up of a trial. It stops the servers that Quorate started, or removes the data that the trial
//! created on a live target.
//!
//! The first interrupt ends the load, and the clean-up still runs. The second interrupt ends the program at
//! once, and its handler cannot print. Therefore the message about what the second interrupt would leave
//! behind is printed after the first.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::context::RunContext;
use super::error::load_failed;
use super::prepared::Prepared;
use crate::load::Server;
use crate::target::Target;

/// How often the clean-up checks for an interrupt.
const INTERRUPT_LOOK: Duration = Duration::from_millis(100);

pub(super) struct CleanUp<'a> {
    pub(super) target: Target,
    pub(super) servers: &'a [Server],
    pub(super) prepared: &'a Prepared,
}

impl CleanUp<'_> {
    /// Cleans up. If something is left behind, warns the user and returns the warning.
    pub(super) fn run(self, context: &RunContext<'_>) -> Option<String> {
        let left = if self.target.deployment().is_some() {
            // The znodes are removed together with the servers' data.
            let spec = self.target.spec().clone();
            context.step(&format!("stopping {spec}"));
            self.target.close().err().map(|error| {
                format!(
                    "the data of {spec} is left behind in {}: {}",
                    error.dir.display(),
                    error.source
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
        // An interrupt during the load is reported before the removal begins.
        prepared.warn_if_interrupted(context);
        let cleaned = thread::scope(|scope| {
            let (done, cleaned) = channel();
            let cleaning = scope.spawn(move || {
                // The receiver lives until it gets this message or this thread panics.
                let _received = done.send(prepared.remove(servers, context));
            });
            loop {
                match cleaned.recv_timeout(INTERRUPT_LOOK) {
                    Ok(outcome) => return outcome,
                    Err(RecvTimeoutError::Timeout) => prepared.warn_if_interrupted(context),
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
