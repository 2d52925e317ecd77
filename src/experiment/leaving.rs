//! The end of a target: servers that were started are ended, a live one is cleaned up.
//!
//! The first interrupt ends the load, not the clean-up. The second one ends the program at once, and its
//! handler cannot print: so what it would leave behind is told when the first one comes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::setting::Setting;
use super::subject::{Subject, failed};
use super::target::TargetSpec;
use crate::load::{self, Job, LoadError, Progress};
use crate::protocol::Leftovers;

/// How soon an interrupt during the clean-up is answered.
const INTERRUPT_LOOK: Duration = Duration::from_millis(100);

impl Subject {
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
        self.setup.as_ref()?.leftovers(&self.driven, &servers)
    }

    /// Removes what the load created, and ends what was started. What is left behind is told to the user,
    /// and returned in words.
    pub(super) fn close(mut self, setting: &Setting<'_>) -> Option<String> {
        let left = match self.deployment.take() {
            // The tree goes with its servers.
            Some(deployment) => {
                setting.step(&format!("stopping {}", self.spec));
                let dir = deployment.dir().to_owned();
                deployment.stop().err().map(|error| {
                    format!(
                        "the data of {} is left behind in {}: {error}",
                        self.spec,
                        dir.display()
                    )
                })
            }
            None => self.clean_up(setting),
        };
        if let Some(left) = &left {
            setting.warning(left);
        }
        left
    }

    fn clean_up(&self, setting: &Setting<'_>) -> Option<String> {
        let left = self.may_be_left()?;
        setting.step(&format!("cleaning up {}", self.spec));
        // Before anything is removed.
        self.heed_interrupt(setting);
        let cleaned = thread::scope(|scope| {
            let (done, cleaned) = channel();
            let cleaning = scope.spawn(move || {
                // Received below, unless this thread panics.
                let _received = done.send(self.remove(setting));
            });
            loop {
                match cleaned.recv_timeout(INTERRUPT_LOOK) {
                    Ok(outcome) => return outcome,
                    Err(RecvTimeoutError::Timeout) => self.heed_interrupt(setting),
                    Err(RecvTimeoutError::Disconnected) => match cleaning.join() {
                        Err(panic) => std::panic::resume_unwind(panic),
                        Ok(()) => return Ok(()),
                    },
                }
            }
        });
        let error = failed("cleaning up", &self.spec, cleaned.err()?);
        Some(format!("{left} ({error})"))
    }

    /// After the first interrupt, tells once what a second one would leave behind.
    pub(super) fn heed_interrupt(&self, setting: &Setting<'_>) {
        if !setting.stopped() {
            return;
        }
        if let Some(Leftovers { place, remedy }) = self.leftovers()
            && !self.told_of_interrupt.swap(true, Ordering::Relaxed)
        {
            setting.warning(&format!(
                "interrupted: the load ends, then {place} is removed; a second Ctrl-C leaves it behind on {}; remove it \
                 then with {remedy}",
                self.spec
            ));
        }
    }

    fn remove(&self, setting: &Setting<'_>) -> Result<(), LoadError> {
        let servers = self.servers();
        let stop = AtomicBool::new(false);
        let Some(setup) = &self.setup else {
            return Ok(());
        };
        load::clean_up(
            &Job {
                plan: &self.driven,
                run: 0,
                servers: &servers,
                stop: &stop,
                progress: &|progress: &Progress| self.notify(setting, None, progress),
                moment: &|_| {},
            },
            setup.as_ref(),
        )
    }
}
