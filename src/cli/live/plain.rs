//! Formats the progress as one line of text, for output that is no terminal.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Position;
use super::phase::{has_just_begun, name};
use crate::load::{Phase, Progress};
use crate::report::{count, duration_us, per_second};

/// `measure 2/5  12.3 s, 17.7 s left  19,998/s  p50 812 us  p99 2.1 ms  0 errors`
pub(super) fn line(position: Position, progress: &Progress) -> String {
    let phase = name(progress.phase);
    let of = if position.is_one_of_several() {
        format!(" {}/{}", position.run, position.runs)
    } else {
        String::new()
    };
    let left = progress.total.saturating_sub(progress.elapsed);
    let mut text = format!("{phase}{of}  {:.1} s", progress.elapsed.as_secs_f64());
    if !left.is_zero() {
        // A drain ends early when the last reply arrives.
        let at_most = if progress.phase == Phase::Drain {
            "at most "
        } else {
            ""
        };
        text.push_str(&format!(", {at_most}{:.1} s left", left.as_secs_f64()));
    }
    if has_just_begun(progress)
        || matches!(
            progress.phase,
            Phase::Prepare | Phase::Verify | Phase::CleanUp
        )
    {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn progress(phase: Phase) -> Progress {
        Progress {
            elapsed: Duration::from_millis(12_300),
            throughput_per_s: 19_998.0,
            p50_us: Some(812.0),
            p99_us: Some(2_100.0),
            ok: 7,
            errors: 1,
            ..Progress::start_of(phase, Duration::from_secs(30))
        }
    }

    #[test]
    fn a_line_shows_the_phase_the_times_and_the_figures() {
        let second = Position { run: 2, runs: 5 };
        assert_eq!(
            line(second, &progress(Phase::Measure)),
            "measure 2/5  12.3 s, 17.7 s left  19,998/s  p50 812 µs  p99 2.10 ms  1 error"
        );
        let only = Position { run: 1, runs: 1 };
        assert_eq!(
            line(only, &progress(Phase::Prepare)),
            "prepare  12.3 s, 17.7 s left  7 done"
        );
    }
}
