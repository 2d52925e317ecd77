//! Formats the progress of a phase: its name, a bar, and the remaining time.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cmp::Ordering;
use std::time::Duration;

use crate::load::{Phase, Progress};
use crate::report::count;
use crate::workload::Fault;

/// Minimum and maximum number of columns inside a bar.
const BAR_COLUMNS_MIN: usize = 10;
const BAR_COLUMNS_MAX: usize = 60;

pub(super) fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "prepare",
        Phase::WarmUp => "warm up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
        Phase::Verify => "verify",
        Phase::CleanUp => "clean up",
    }
}

/// Whether the phase is too short so far for a meaningful rate.
pub(super) fn has_just_begun(progress: &Progress) -> bool {
    progress.elapsed < Duration::from_millis(50)
}

/// Returns the completed share of the phase, 0..=1, or `None` if its length is unknown.
pub(super) fn share(progress: &Progress) -> Option<f64> {
    let share = match progress.goal {
        Some(goal) if goal > 0 => ratio(progress.ok, goal),
        Some(_) => 1.0,
        None if progress.total.is_zero() => return None,
        None => progress.elapsed.as_secs_f64() / progress.total.as_secs_f64(),
    };
    Some(share.clamp(0.0, 1.0))
}

/// Formats the elapsed and the remaining time: `12.3 s, 17.7 s left`. If the phase has a number of operations as
/// its goal: `4,000 of 10,000, about 1.2 s left`.
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
    // A drain ends early when the last reply arrives.
    let at_most = if progress.phase == Phase::Drain {
        "at most "
    } else {
        ""
    };
    format!("{elapsed_s:.1} s, {at_most}{left_s:.1} s left")
}

/// Formats a bar such as `[====>--!--]`, at most `columns` wide. `marks` are shares of the phase that are shown as
/// exclamation marks. Returns `None` if `columns` is too small.
pub(super) fn bar(share: f64, columns: usize, marks: &[f64]) -> Option<String> {
    let inner = columns.checked_sub(2)?.min(BAR_COLUMNS_MAX);
    if inner < BAR_COLUMNS_MIN {
        return None;
    }
    let done = cells(share, inner);
    let mut bar: Vec<char> = (0..inner)
        .map(|cell| match cell.cmp(&done) {
            Ordering::Less => '=',
            Ordering::Equal => '>',
            Ordering::Greater => '-',
        })
        .collect();
    for mark in marks {
        if let Some(cell) = bar.get_mut(cells(*mark, inner)) {
            *cell = '!';
        }
    }
    Some(format!("[{}]", bar.into_iter().collect::<String>()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of at most 60 columns"
)]
fn cells(share: f64, inner: usize) -> usize {
    ((share * inner as f64) as usize).min(inner)
}

/// Returns the beginnings of the faults as shares of the measured phase. They are shown in no other phase.
pub(super) fn marks(progress: &Progress, faults: &[Fault]) -> Vec<f64> {
    if progress.phase != Phase::Measure || progress.total.is_zero() {
        return Vec::new();
    }
    let at = |fault: &Fault| Duration::from_millis(fault.at_ms).as_secs_f64();
    let total_s = progress.total.as_secs_f64();
    faults.iter().map(|fault| at(fault) / total_s).collect()
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{FaultAction, Victim};

    fn at(phase: Phase, elapsed_ms: u64, total_ms: u64) -> Progress {
        Progress {
            elapsed: Duration::from_millis(elapsed_ms),
            ..Progress::start_of(phase, Duration::from_millis(total_ms))
        }
    }

    #[test]
    fn a_phase_of_known_length_shows_the_remaining_time() {
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
    fn a_preparation_shows_completed_and_planned_operations() {
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
    fn a_phase_of_unknown_length_shows_neither_time_nor_share() {
        let clean_up = at(Phase::CleanUp, 2_000, 0);
        assert_eq!((time(&clean_up), share(&clean_up)), (String::new(), None));
    }

    #[test]
    fn a_bar_shows_the_share_and_needs_a_minimum_width() {
        let bar = |share, columns| bar(share, columns, &[]);
        assert_eq!(bar(0.0, 12).as_deref(), Some("[>---------]"));
        assert_eq!(bar(0.41, 12).as_deref(), Some("[====>-----]"));
        assert_eq!(bar(1.0, 12).as_deref(), Some("[==========]"));
        assert_eq!(bar(0.5, 11), None);
        assert_eq!(bar(0.5, 0), None);
        assert_eq!(bar(0.5, 500).map(|bar| bar.len()), Some(62));
    }

    #[test]
    fn faults_are_marked_in_the_bar_of_the_measured_phase() {
        let fault = |at_ms| Fault {
            at_ms,
            action: FaultAction::Kill,
            victim: Victim::Leader,
            for_ms: None,
        };
        let faults = [fault(3_000), fault(21_000)];
        let measure = at(Phase::Measure, 12_300, 30_000);
        let marked = bar(0.41, 12, &marks(&measure, &faults));
        assert_eq!(marked.as_deref(), Some("[=!==>--!--]"));
        assert!(marks(&at(Phase::WarmUp, 100, 5_000), &faults).is_empty());
    }
}
