//! Live progress on standard error: one line that is redrawn on a terminal, a plain line every few
//! seconds and at every change of phase elsewhere.

use std::io::{self, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::ascii::shown;
use super::sparkline::sparkline;
use super::terminal::{Terminal, wrap};
use crate::experiment::ProgressEvent;
use crate::load::{Phase, Progress};
use crate::report::{count, duration_us, per_second};

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);
/// Throughput values remembered for the sparkline.
const HISTORY_MAX: usize = 240;
/// Bars of the sparkline, at most.
const BARS_MAX: usize = 24;
/// Colours.
const YELLOW: u8 = 33;
const DIM: u8 = 2;

/// Shows notices as they come.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal,
    quiet: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// A live line is on the screen and must be cleared before anything else is written.
    live: bool,
    phase: Option<(u32, Phase)>,
    last_plain: Option<Instant>,
    throughput: Vec<f64>,
}

impl Screen {
    /// On standard error; `quiet` shows warnings only.
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            terminal: Terminal::of_stderr(),
            quiet,
            state: Mutex::default(),
        }
    }

    /// Shows one notice. Called from several threads.
    pub(super) fn show(&self, notice: &ProgressEvent<'_>) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match notice {
            ProgressEvent::Step(_) | ProgressEvent::Load { .. } if self.quiet => {}
            ProgressEvent::Step(text) => {
                self.line(&mut state, &self.terminal.paint(DIM, &shown(text)));
            }
            ProgressEvent::Warning(text) => {
                let text = wrap(&format!("warning: {}", shown(text)), self.terminal.width());
                let text = match text.strip_prefix("warning:") {
                    Some(rest) => format!("{}{rest}", self.terminal.paint(YELLOW, "warning:")),
                    None => text,
                };
                self.line(&mut state, &text);
            }
            ProgressEvent::Load {
                run,
                runs,
                progress,
            } => self.load(&mut state, *run, *runs, progress),
        }
    }

    /// Clears the live line, so that other output can follow.
    pub(super) fn clear(&self) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        clear(&mut state);
    }

    fn line(&self, state: &mut State, text: &str) {
        clear(state);
        // Progress that cannot be shown must not end the run.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    fn load(&self, state: &mut State, run: u32, runs: u32, progress: &Progress) {
        let phase_changed = state.phase != Some((run, progress.phase));
        if phase_changed {
            state.phase = Some((run, progress.phase));
            state.last_plain.get_or_insert_with(Instant::now);
            state.throughput.clear();
        }
        if matches!(progress.phase, Phase::WarmUp | Phase::Measure) && !has_just_begun(progress) {
            if state.throughput.len() == HISTORY_MAX {
                state.throughput.remove(0);
            }
            state.throughput.push(progress.throughput_per_s);
        }
        let text = words(run, runs, progress);
        let text = shown(&text);
        if self.terminal.is_terminal {
            let mut text = fitted(&text, self.terminal.width().saturating_sub(1));
            let room = self
                .terminal
                .width()
                .saturating_sub(text.chars().count() + 3);
            let bars = sparkline(&state.throughput, room.min(BARS_MAX));
            if !bars.is_empty() {
                text.push_str("  ");
                text.push_str(&shown(&bars));
            }
            let mut out = io::stderr().lock();
            let _ = write!(out, "\r\x1b[K{text}");
            let _ = out.flush();
            state.live = true;
        } else if (phase_changed && !announced(progress.phase))
            || state
                .last_plain
                .is_some_and(|last| last.elapsed() >= PLAIN_EVERY)
        {
            state.last_plain = Some(Instant::now());
            self.line(state, &text);
        }
    }
}

/// Whether a step told already that the phase begins.
fn announced(phase: Phase) -> bool {
    matches!(phase, Phase::Prepare | Phase::CleanUp)
}

fn clear(state: &mut State) {
    if state.live {
        let _ = write!(io::stderr().lock(), "\r\x1b[K");
        state.live = false;
    }
}

/// `measure 2/5  12.3 s, 17.7 s left  19,998/s  p50 812 us  p99 2.1 ms  0 errors`
fn words(run: u32, runs: u32, progress: &Progress) -> String {
    let phase = match progress.phase {
        Phase::Prepare => "prepare",
        Phase::WarmUp => "warm up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
        Phase::CleanUp => "clean up",
    };
    let of = if runs > 1 && run > 0 {
        format!(" {run}/{runs}")
    } else {
        String::new()
    };
    let left = progress.total.saturating_sub(progress.elapsed);
    let mut text = format!("{phase}{of}  {:.1} s", progress.elapsed.as_secs_f64());
    if !left.is_zero() {
        // A drain ends with the last reply.
        let at_most = if progress.phase == Phase::Drain {
            "at most "
        } else {
            ""
        };
        text.push_str(&format!(", {at_most}{:.1} s left", left.as_secs_f64()));
    }
    if has_just_begun(progress) || matches!(progress.phase, Phase::Prepare | Phase::CleanUp) {
        if progress.ok > 0 {
            text.push_str(&format!("  {} done", count(progress.ok)));
        }
        return text;
    }
    text.push_str(&format!("  {}/s", per_second(progress.throughput_per_s)));
    if progress.p50_us.is_some() {
        text.push_str(&format!(
            "  p50 {}  p99 {}",
            duration_us(progress.p50_us),
            duration_us(progress.p99_us)
        ));
    }
    text.push_str(&match progress.errors {
        1 => "  1 error".to_owned(),
        errors => format!("  {} errors", count(errors)),
    });
    text
}

/// A phase of no length yet has no rate either.
fn has_just_begun(progress: &Progress) -> bool {
    progress.elapsed < Duration::from_millis(50)
}

fn fitted(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(phase: Phase) -> Progress {
        Progress {
            phase,
            elapsed: Duration::from_millis(12_300),
            total: Duration::from_secs(30),
            throughput_per_s: 19_998.0,
            p50_us: Some(812.0),
            p99_us: Some(2_100.0),
            ok: 7,
            errors: 1,
            in_flight: 0,
            sessions_connected: 16,
        }
    }

    #[test]
    fn a_line_says_phase_time_and_figures() {
        let text = words(2, 5, &progress(Phase::Measure));
        assert!(
            text.starts_with("measure 2/5  12.3 s, 17.7 s left  "),
            "{text}"
        );
        assert!(text.contains("p50 ") && text.contains("p99 "), "{text}");
        assert!(text.ends_with("  1 error"), "{text}");
        let text = words(1, 1, &progress(Phase::Prepare));
        assert_eq!(text, "prepare  12.3 s, 17.7 s left  7 done");
    }

    #[test]
    fn a_line_never_wraps() {
        assert_eq!(fitted("abc", 2), "ab");
        assert_eq!(fitted("▁▂", 5), "▁▂");
    }
}
