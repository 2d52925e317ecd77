//! Formats the progress of an experiment.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use super::frame::{Line, Tone, pad_or_cut};
use crate::cli::rough_time::roughly;
use crate::experiment::Overall;

/// `run 7 of 60, round 1 of 5, about 24 min left: voters 3 on bundled`
pub(super) fn heading(overall: &Overall) -> String {
    text(overall, overall.left)
}

/// Returns the same as a line of the view, `since` after the beginning of the run.
pub(super) fn line(overall: &Overall, since: Duration, columns: usize) -> Line {
    let text = text(overall, overall.left.saturating_sub(since));
    Line {
        text: pad_or_cut(&text, 0, columns.saturating_sub(1)),
        tone: Tone::Plain,
    }
}

fn text(overall: &Overall, left: Duration) -> String {
    let Overall {
        run,
        runs,
        round,
        rounds,
        what,
        ..
    } = overall;
    format!(
        "run {run} of {runs}, round {round} of {rounds}, about {} left: {what}",
        roughly(left)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_of_an_experiment_fits_into_a_line() {
        let overall = Overall {
            run: 7,
            runs: 60,
            round: 1,
            rounds: 5,
            left: Duration::from_secs(1_440),
            what: "voters 3 on bundled".to_owned(),
        };
        let expected = "run 7 of 60, round 1 of 5, about 24 min left: voters 3 on bundled";
        assert_eq!(heading(&overall), expected);
        let later = line(&overall, Duration::from_secs(600), 80);
        assert_eq!(later.text, expected.replace("24 min", "14 min"));
        assert!(line(&overall, Duration::ZERO, 40).text.len() < 40);
    }
}
