//! Carries out the planned faults of a run on the driver's clock.
//!
//! The script has its own thread, which waits for the instant of each step. The victims of a fault are
//! chosen shortly before it, so that their choice does not delay it. When the run is over, the script undoes
//! the faults that still last and waits until all servers serve again: the next run and the clean-up need
//! them.

mod comeback;
mod steps;
mod victims;
mod ways;

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use self::comeback::{Comeback, Wait};
use self::steps::{Step, StepKind, steps};
use self::victims::choose;
use super::context::RunContext;
use super::leadership::ask_roles;
use super::watch::{ANSWER_TIMEOUT, Watch};
use crate::load::clock::now_ns;
use crate::measure::{Event, EventKind, ServerLog};
use crate::target::{FaultError, Target};
use crate::workload::{Fault, FaultAction, Plan, Victim};

/// Victims are chosen this long before their fault. It is long enough for two attempts to ask all servers.
const CHOOSE_NS: i64 = 600_000_000;
/// Interval between two attempts to choose victims.
const CHOOSE_AGAIN: Duration = Duration::from_millis(50);
/// What the script did.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) events: Vec<Event>,
    /// Logs of the servers that did not come back.
    pub(super) logs: Vec<ServerLog>,
}

/// The planned faults of one run.
pub(super) struct Script<'a> {
    pub(super) target: &'a Target,
    pub(super) plan: &'a Plan,
    pub(super) watch: &'a Watch,
    pub(super) context: &'a RunContext<'a>,
}

impl Script<'_> {
    /// Plays the script. `start` delivers the start of the measured phase on the driver's clock. The run is
    /// over when its sender is dropped.
    pub(super) fn play(&self, start: &Receiver<i64>) -> Played {
        let Ok(start_ns) = start.recv() else {
            return Played::default();
        };
        let outcome = Mutex::new(Played::default());
        let played = &outcome;
        thread::scope(|scope| {
            let mut player = Player {
                script: self,
                start_ns,
                over: start,
                active: vec![None; self.plan.faults.len()],
                played,
                await_back: &|comeback: Comeback| {
                    scope.spawn(move || self.await_back(&comeback, start_ns, played));
                },
            };
            player.run();
            player.undo_rest();
        });
        outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a server serves again. If it does not, notes that and keeps its log.
    fn await_back(&self, comeback: &Comeback, start_ns: i64, played: &Mutex<Played>) {
        let Some(member) = self.target.members().get(comeback.server) else {
            return;
        };
        let limit = comeback::limit(&self.plan.target);
        let process = self.target.handle(comeback.server);
        let wait = Wait {
            address: member.address,
            process: process.as_ref(),
            limit,
            stop: self.context.stop,
        };
        if wait.serves() {
            return;
        }
        let server = self.target.name(comeback.server);
        let event = Event {
            at_ns: now_ns() - start_ns,
            kind: EventKind::FaultFailed {
                fault: comeback.fault,
                action: comeback.action.clone(),
                servers: vec![server.clone()],
                why: format!(
                    "the server ended, or did not serve within {} s after the {}; its log is kept beside the result",
                    limit.as_secs(),
                    comeback.action
                ),
            },
        };
        self.announce(&event.kind);
        let mut played = lock(played);
        played.events.push(event);
        if let Some(text) = self.target.log_tail(comeback.server) {
            played.logs.push(ServerLog { server, text });
        }
    }

    fn announce(&self, kind: &EventKind) {
        self.context.step(&kind.to_string());
    }
}

/// The state of a script that is being played.
struct Player<'a> {
    script: &'a Script<'a>,
    start_ns: i64,
    over: &'a Receiver<i64>,
    /// For each fault that has begun and not ended, the indexes of its servers.
    active: Vec<Option<Vec<usize>>>,
    played: &'a Mutex<Played>,
    await_back: &'a dyn Fn(Comeback),
}

impl Player<'_> {
    /// Performs all steps, until the run is over.
    fn run(&mut self) {
        for Step { at_ms, fault, kind } in steps(&self.script.plan.faults) {
            let at_ns = self.start_ns + ms_to_ns(at_ms);
            match kind {
                StepKind::Begin => {
                    let choose_ns = at_ns - CHOOSE_NS;
                    if !self.wait_until(choose_ns) {
                        return;
                    }
                    let victims = self.victims(self.fault(fault).victim, at_ns);
                    if !self.wait_until(at_ns) {
                        return;
                    }
                    match victims {
                        Ok(servers) => self.begin(fault, servers),
                        Err(why) => {
                            let action = self.fault(fault).action.name();
                            self.failed(fault, action, &[], why);
                        }
                    }
                }
                StepKind::End => {
                    if !self.wait_until(at_ns) {
                        return;
                    }
                    self.end(fault);
                }
            }
        }
        // Faults without an end last until the run is over.
        let _over = self.over.recv();
    }

    /// Undoes all faults that still last.
    fn undo_rest(&mut self) {
        for fault in 0..self.active.len() {
            self.end(fault);
        }
    }

    fn fault(&self, index: usize) -> &Fault {
        &self.script.plan.faults[index]
    }

    /// Waits until the instant `at_ns` of the driver's clock. Returns false if the run is over before.
    fn wait_until(&self, at_ns: i64) -> bool {
        while let Ok(left_ns @ 1..) = u64::try_from(at_ns - now_ns()) {
            if self.is_over_within(Duration::from_nanos(left_ns)) {
                return false;
            }
        }
        true
    }

    /// Waits for the end of the run. Returns whether it has come within `time`.
    fn is_over_within(&self, time: Duration) -> bool {
        self.over.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
    }

    /// Chooses the servers that a fault affects. If they are not known at `until_ns`, returns why.
    fn victims(&self, victim: Victim, until_ns: i64) -> Result<Vec<usize>, String> {
        let members = self.script.target.members();
        let addresses: Vec<_> = members.iter().map(|member| member.address).collect();
        let busy: BTreeSet<usize> = self.active.iter().flatten().flatten().copied().collect();
        loop {
            let answers = match victim {
                Victim::All | Victim::Server(_) => vec![None; members.len()],
                Victim::Leader | Victim::Followers(_) | Victim::Observer => {
                    ask_roles(&addresses, ANSWER_TIMEOUT)
                }
            };
            let chosen = choose(victim, &answers, &busy);
            let left_ns = until_ns - now_ns();
            let again_ns = i64::try_from(CHOOSE_AGAIN.as_nanos()).unwrap_or(i64::MAX);
            if chosen.is_ok() || left_ns < again_ns || self.is_over_within(CHOOSE_AGAIN) {
                return chosen;
            }
        }
    }

    fn begin(&mut self, fault: usize, servers: Vec<usize>) {
        let Script { target, watch, .. } = *self.script;
        let action = self.fault(fault).action;
        let paths = ways::paths(action, &servers, target.members().len());
        let mut began_ns = now_ns();
        let outcome = match action {
            FaultAction::Kill => {
                servers.iter().for_each(|index| watch.expect_end(*index));
                target.kill(&servers)
            }
            FaultAction::Pause => servers.iter().try_for_each(|index| target.pause(*index)),
            // A restart is the end of the kill before it.
            FaultAction::Restart => Ok(()),
            FaultAction::Cut { .. } => target.cut(&paths).map(|cut| began_ns = cut.at_ns),
            FaultAction::Slow { link, .. } => {
                target.slow(&paths, link).map(|slow| began_ns = slow.at_ns)
            }
        };
        let took_ns = since_ns(began_ns);
        watch.look();
        let names = self.names(&servers);
        match outcome {
            Ok(()) => self.note(
                began_ns,
                EventKind::FaultBegan {
                    fault: number(fault),
                    action: action.name().to_owned(),
                    servers: names,
                    took_ns,
                },
            ),
            Err(error) => self.failed(fault, action.name(), &servers, error.to_string()),
        }
        // Even if it failed for one server, others may have to be resumed or restarted.
        self.active[fault] = Some(servers);
    }

    /// Undoes a fault that lasts.
    fn end(&mut self, fault: usize) {
        let Some(servers) = self.active[fault].take() else {
            return;
        };
        let action = self.fault(fault).action;
        let Some(end_name) = action.end_name() else {
            return;
        };
        let target = self.script.target;
        let paths = ways::paths(action, &servers, target.members().len());
        let mut began_ns = now_ns();
        let each = |undo: &dyn Fn(usize) -> Result<(), FaultError>| {
            servers
                .iter()
                .map(|index| (vec![*index], undo(*index)))
                .collect()
        };
        let outcomes: Vec<(Vec<usize>, Result<(), FaultError>)> = match action {
            FaultAction::Kill => each(&|index| target.restart(index)),
            FaultAction::Pause => each(&|index| target.resume(index)),
            FaultAction::Restart => Vec::new(),
            FaultAction::Cut { .. } | FaultAction::Slow { .. } => {
                let healed = target.heal(&paths).map(|heal| began_ns = heal.at_ns);
                vec![(servers.clone(), healed)]
            }
        };
        let took_ns = since_ns(began_ns);
        let mut done = Vec::new();
        for (indexes, outcome) in outcomes {
            match outcome {
                Ok(()) => done.extend(indexes),
                Err(error) => self.failed(fault, end_name, &indexes, error.to_string()),
            }
        }
        if done.is_empty() {
            return;
        }
        self.note(
            began_ns,
            EventKind::FaultEnded {
                fault: number(fault),
                action: end_name.to_owned(),
                servers: self.names(&done),
                took_ns,
            },
        );
        for index in done {
            if action == FaultAction::Kill
                && let Some(handle) = target.handle(index)
            {
                self.script.watch.follow(handle);
            }
            (self.await_back)(Comeback {
                fault: number(fault),
                action: end_name.to_owned(),
                server: index,
            });
        }
        self.script.watch.look();
    }

    fn failed(&self, fault: usize, action: &str, servers: &[usize], why: String) {
        self.note(
            now_ns(),
            EventKind::FaultFailed {
                fault: number(fault),
                action: action.to_owned(),
                servers: self.names(servers),
                why,
            },
        );
    }

    fn note(&self, at_ns: i64, kind: EventKind) {
        self.script.announce(&kind);
        lock(self.played).events.push(Event {
            at_ns: at_ns - self.start_ns,
            kind,
        });
    }

    fn names(&self, servers: &[usize]) -> Vec<String> {
        let target = self.script.target;
        servers.iter().map(|index| target.name(*index)).collect()
    }
}

fn lock(played: &Mutex<Played>) -> MutexGuard<'_, Played> {
    played.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(fault: usize) -> u32 {
    u32::try_from(fault).unwrap_or(u32::MAX)
}

fn ms_to_ns(ms: u64) -> i64 {
    i64::try_from(ms)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000_000)
}

fn since_ns(began_ns: i64) -> u64 {
    u64::try_from(now_ns() - began_ns).unwrap_or(0)
}
