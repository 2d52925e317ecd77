//! Shows the progress of a run on standard error. On a terminal it redraws a view in place, elsewhere it prints
//! plain lines. `run`, `compare` and `capacity` use it.
//!
//! `frame` (pure) formats the lines of the view, `canvas` (pure) redraws them, and `plain` (pure) formats the
//! plain line.

mod canvas;
mod failures;
mod frame;
mod history;
mod overall;
mod phase;
mod plain;
mod sparkline;

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::canvas::Canvas;
pub(super) use self::failures::failures_by_name;
use self::frame::Tone;
use self::history::History;
use super::ascii::{self, shown};
use super::failure::Failure;
use super::output::tell;
use super::prometheus::{Exporter, ListenAddress};
use super::terminal::{Terminal, wrap};
use crate::experiment::{Overall, ProgressEvent};
use crate::load::{Phase, Progress};
use crate::workload::Fault;

/// Interval between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);
/// ANSI colour numbers.
const YELLOW: u8 = 33;
const DIM: u8 = 2;

/// Shows the events of an experiment.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal,
    quiet: bool,
    state: Mutex<State>,
    exporter: Option<Exporter>,
}

/// The number of the current run, from 1, and the number of all runs. `run` is 0 outside of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    run: u32,
    runs: u32,
}

impl Position {
    fn is_one_of_several(self) -> bool {
        self.runs > 1 && self.run > 0
    }
}

/// What is shown of a run.
#[derive(Clone, Copy, Debug)]
struct Shown<'a> {
    position: Position,
    progress: &'a Progress,
    /// The planned faults.
    faults: &'a [Fault],
}

#[derive(Debug, Default)]
struct State {
    canvas: Canvas,
    phase: Option<(u32, Phase)>,
    last_plain: Option<Instant>,
    history: History,
    /// The progress of the experiment, if the run is part of one.
    overall: Option<OverallSince>,
}

/// The progress of an experiment at the beginning of a run, and the time of that beginning.
#[derive(Debug)]
struct OverallSince {
    overall: Overall,
    began: Instant,
}

impl Screen {
    /// Creates a screen on standard error. If `quiet`, it shows only warnings. If `prometheus` is given, it
    /// also serves the figures at that address.
    ///
    /// # Errors
    /// If the address cannot be used.
    pub(super) fn new(quiet: bool, prometheus: Option<&ListenAddress>) -> Result<Self, Failure> {
        let exporter = prometheus.map(Exporter::start).transpose()?;
        if let Some(exporter) = exporter.as_ref().filter(|_| !quiet) {
            tell(&format!("live figures at {}", exporter.url()));
        }
        Ok(Self {
            terminal: Terminal::of_stderr(),
            quiet,
            state: Mutex::default(),
            exporter,
        })
    }

    /// Shows an event. May be called from several threads.
    pub(super) fn show(&self, event: &ProgressEvent<'_>) {
        if let Some(exporter) = &self.exporter {
            exporter.note(event);
        }
        let mut state = self.state();
        match event {
            ProgressEvent::Step(_) | ProgressEvent::Load { .. } if self.quiet => {}
            ProgressEvent::Step(text) => {
                let text = wrap(&shown(text), self.terminal.width());
                self.line(&mut state, &self.terminal.paint(DIM, &text));
            }
            ProgressEvent::Warning(text) => {
                let text = wrap(&format!("warning: {}", shown(text)), self.terminal.width());
                let text = match text.strip_prefix("warning:") {
                    Some(rest) => format!("{}{rest}", self.terminal.paint(YELLOW, "warning:")),
                    None => text,
                };
                self.line(&mut state, &text);
            }
            ProgressEvent::Overall(overall) => {
                state.overall = Some(OverallSince {
                    overall: (*overall).clone(),
                    began: Instant::now(),
                });
                if !self.quiet {
                    let text = overall::heading(overall);
                    let text = wrap(&shown(&text), self.terminal.width());
                    self.line(&mut state, &text);
                }
            }
            ProgressEvent::Load {
                run,
                runs,
                progress,
                faults,
            } => {
                let shown = Shown {
                    position: Position {
                        run: *run,
                        runs: *runs,
                    },
                    progress,
                    faults,
                };
                self.load(&mut state, &shown);
            }
        }
    }

    /// Removes the view from the terminal, so that other output can follow.
    pub(super) fn clear(&self) {
        self.remove_view(&mut self.state());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line. The view is removed, and appears again below the line with the next figures.
    fn line(&self, state: &mut State, text: &str) {
        self.remove_view(state);
        write(&format!("{text}\n"));
    }

    fn remove_view(&self, state: &mut State) {
        write(&state.canvas.clear(self.terminal.width()));
    }

    fn load(&self, state: &mut State, shown: &Shown<'_>) {
        let Shown {
            position, progress, ..
        } = *shown;
        let phase = (position.run, progress.phase);
        let before = state.phase.replace(phase);
        let phase_changed = before != Some(phase);
        if phase_changed {
            state.last_plain.get_or_insert_with(Instant::now);
        }
        if before.is_none_or(|(run, _)| run != position.run) {
            state.history.clear();
        }
        if self.terminal.can_redraw {
            self.draw(state, shown);
        } else if (phase_changed && !is_announced(progress.phase))
            || state
                .last_plain
                .is_some_and(|last| last.elapsed() >= PLAIN_EVERY)
        {
            state.last_plain = Some(Instant::now());
            self.line(state, &ascii::shown(&plain::line(position, progress)));
        }
    }

    fn draw(&self, state: &mut State, view: &Shown<'_>) {
        let progress = view.progress;
        let has_rate = matches!(progress.phase, Phase::WarmUp | Phase::Measure);
        if has_rate && !phase::has_just_begun(progress) {
            state.history.push(progress);
        }
        let mut size = self.terminal.size();
        let above = state.overall.as_ref().filter(|_| size.rows > 3);
        let above = above.map(|since| {
            size.rows -= 1;
            overall::line(&since.overall, since.began.elapsed(), size.columns)
        });
        let lines: Vec<String> = above
            .iter()
            .chain(&frame::lines(view, &state.history, size))
            .map(|line| {
                let text = shown(&line.text);
                match line.tone {
                    Tone::Plain => text.into_owned(),
                    Tone::Dim => self.terminal.paint(DIM, &text),
                    Tone::Warning => self.terminal.paint(YELLOW, &text),
                }
            })
            .collect();
        write(&state.canvas.draw(&lines, size.columns));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Whether a [`ProgressEvent::Step`] announces the phase, so that no plain line is needed at its beginning.
fn is_announced(phase: Phase) -> bool {
    matches!(phase, Phase::Prepare | Phase::Verify | Phase::CleanUp)
}

fn write(text: &str) {
    // Errors are ignored: a closed standard error must not end the run.
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
