//! How far a phase is: its name, a bar, and the time left.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use crate::load::{Phase, Progress};
use crate::report::count;

/// Shorter bars show nothing, longer ones show no more.
const BAR_COLUMNS_MIN: usize = 10;
const BAR_COLUMNS_MAX: usize = 60;

pub(super) fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "prepare",
        Phase::WarmUp => "warm up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
        Phase::CleanUp => "clean up",
    }
}

/// A phase of no length yet has no rate either.
pub(super) fn has_just_begun(progress: &Progress) -> bool {
    progress.elapsed < Duration::from_millis(50)
}

/// How much of the phase is done, 0..=1; `None` where nobody knows how much there is to do.
pub(super) fn share(progress: &Progress) -> Option<f64> {
    let share = match progress.goal {
        Some(goal) if goal > 0 => ratio(progress.ok, goal),
        Some(_) => 1.0,
        None if progress.total.is_zero() => return None,
        None => progress.elapsed.as_secs_f64() / progress.total.as_secs_f64(),
    };
    Some(share.clamp(0.0, 1.0))
}

/// `12.3 s, 17.7 s left`; `4,000 of 10,000, about 1.2 s left` where operations are counted.
pub(super) fn time(progress: &Progress) -> String {
    let elapsed_s = progress.elapsed.as_secs_f64();
    if let Some(goal) = progress.goal {
        let mut text = format!("{} of {}", count(progress.ok), count(goal));
        if progress.ok > 0 && progress.ok < goal {
            let left_s = elapsed_s * ratio(goal - progress.ok, progress.ok);
            text.push_str(&format!(", about {left_s:.1} s left"));
        }
        return text;
    }
    if progress.total.is_zero() {
        return String::new();
    }
    let left_s = progress
        .total
        .saturating_sub(progress.elapsed)
        .as_secs_f64();
    // A drain ends with the last reply.
    let at_most = if progress.phase == Phase::Drain {
        "at most "
    } else {
        ""
    };
    format!("{elapsed_s:.1} s, {at_most}{left_s:.1} s left")
}

/// `[====>-----]`, at most `columns` wide; `None` where there is no room for one.
pub(super) fn bar(share: f64, columns: usize) -> Option<String> {
    let inner = columns.checked_sub(2)?.min(BAR_COLUMNS_MAX);
    if inner < BAR_COLUMNS_MIN {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of at most 60 columns"
    )]
    let done = ((share * inner as f64) as usize).min(inner);
    let mut bar = "=".repeat(done);
    if done < inner {
        bar.push('>');
    }
    Some(format!("[{bar:-<inner$}]"))
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(phase: Phase, elapsed_ms: u64, total_ms: u64) -> Progress {
        Progress {
            elapsed: Duration::from_millis(elapsed_ms),
            ..Progress::start_of(phase, Duration::from_millis(total_ms))
        }
    }

    #[test]
    fn a_phase_of_known_length_has_its_time_left() {
        let measure = at(Phase::Measure, 12_300, 30_000);
        assert_eq!(time(&measure), "12.3 s, 17.7 s left");
        assert!(share(&measure).is_some_and(|share| (share - 0.41).abs() < 1e-9));
        assert_eq!(
            time(&at(Phase::Drain, 100, 5_000)),
            "0.1 s, at most 4.9 s left"
        );
        let over = at(Phase::Measure, 31_000, 30_000);
        assert_eq!(
            (time(&over), share(&over)),
            ("31.0 s, 0.0 s left".into(), Some(1.0))
        );
    }

    #[test]
    fn a_preparation_has_a_goal_instead() {
        let mut prepare = at(Phase::Prepare, 2_000, 0);
        prepare.goal = Some(10_000);
        assert_eq!(
            (time(&prepare), share(&prepare)),
            ("0 of 10,000".into(), Some(0.0))
        );
        prepare.ok = 4_000;
        assert_eq!(time(&prepare), "4,000 of 10,000, about 3.0 s left");
        assert_eq!(share(&prepare), Some(0.4));
        prepare.ok = 10_000;
        assert_eq!(
            (time(&prepare), share(&prepare)),
            ("10,000 of 10,000".into(), Some(1.0))
        );
        prepare.goal = Some(0);
        assert_eq!(share(&prepare), Some(1.0));
    }

    #[test]
    fn a_phase_of_unknown_length_has_neither() {
        let clean_up = at(Phase::CleanUp, 2_000, 0);
        assert_eq!((time(&clean_up), share(&clean_up)), (String::new(), None));
    }

    #[test]
    fn a_bar_fills_up_and_needs_room() {
        assert_eq!(bar(0.0, 12).as_deref(), Some("[>---------]"));
        assert_eq!(bar(0.41, 12).as_deref(), Some("[====>-----]"));
        assert_eq!(bar(1.0, 12).as_deref(), Some("[==========]"));
        assert_eq!(bar(0.5, 11), None);
        assert_eq!(bar(0.5, 0), None);
        assert_eq!(bar(0.5, 500).map(|bar| bar.len()), Some(62));
    }
}
