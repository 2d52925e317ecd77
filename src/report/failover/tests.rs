//! What the faults of a made-up result did, in every format.

use super::example::{Course, killed, result};
use super::group::GapKind;
use super::length::Known;
use super::*;
use crate::report::{Format, render};

/// The outages of five runs, in milliseconds.
const OUTAGES: [i64; 5] = [214, 190, 240, 205, 230];

fn five() -> RunResult {
    let courses = OUTAGES.map(|outage_ms| Course {
        outage_ms,
        action: "kill",
    });
    result(&courses)
}

#[test]
fn a_known_outage_is_found_exactly() {
    let failover = Failover::of(&killed());
    assert_eq!(failover.groups.len(), 2, "the kill and the restart");
    let impact = &failover.groups[0].impacts[0];
    assert_eq!(impact.what, "kill of the leader");
    let writes = impact.writes.unwrap();
    // The last write before the kill was acknowledged 0.6 ms before it.
    assert_eq!(writes.window.words(), "215 ms");
    assert!((writes.window.ms - 214.6).abs() < 1e-9);
    assert_eq!(writes.window_from_ms, Some(-0.6));
    // A write that was sent in the same millisecond as the fault does not count.
    assert_eq!(writes.first_ms, Some(214.0));
    assert_eq!(writes.resolution_ms, Some(1.0));
    assert_eq!(writes.before.words(), "< 10.0 ms");
    assert_eq!(writes.recovery_ms, Some(214.0));
    let reads = impact.reads.unwrap();
    assert_eq!(reads.window.words(), "< 10.0 ms");
    assert_eq!(reads.recovery_ms, Some(0.0));
    let sessions = &impact.sessions;
    assert_eq!(
        (
            sessions.lost,
            sessions.resumed,
            sessions.expired,
            sessions.gone
        ),
        (8, 7, 1, 0)
    );
    assert_eq!((sessions.back_ms[0], sessions.back_ms[7]), (12.0, 40.0));
    assert_eq!(sessions.longest_gap.unwrap().words(), "232 ms");

    let restart = &failover.groups[1].impacts[0];
    assert_eq!(restart.what, "restart after kill of the leader");
    assert_eq!(restart.sessions.lost, 0);
    assert_eq!(restart.writes.unwrap().window.known, Known::AtMost);
}

#[test]
fn the_answer_is_a_sentence() {
    let failover = Failover::of(&killed());
    assert_eq!(
        failover.sentences()[0],
        "fault 1, kill of the leader: nobody could write for 215 ms (resolution 1.00 ms); the first write sent after \
         the fault was acknowledged after 214 ms; no gap of reads was over 10.0 ms (resolution 1.00 ms); the first read \
         sent after the fault was acknowledged after 1.40 ms; 8 of 12 sessions lost their connection, back after \
         12.0 ms to 40.0 ms, 1 with a new session because the old one had expired; the longest gap of one session was \
         232 ms; throughput was back at 95 % after 214 ms; before the fault no gap was over 10.0 ms"
    );
    let many = Failover::of(&five());
    assert!(
        many.sentences()[0].starts_with(
            "fault 1, kill of the leader (5 runs, medians): nobody could write for 215 ms (191 ms to 241 ms; resolution 1.00 ms)"
        ),
        "{}",
        many.sentences()[0]
    );
}

#[test]
fn a_pause_is_explained_by_the_time_after_which_it_is_noticed() {
    let paused = result(&[Course {
        outage_ms: 214,
        action: "pause",
    }]);
    let failover = Failover::of(&paused);
    let note = failover.sentences().pop().unwrap();
    assert!(note.contains("only after 10 s (5 ticks of 2 s)"), "{note}");
    assert!(Failover::of(&killed()).notes.is_empty());
}

#[test]
fn a_gap_that_the_load_shows_without_a_fault_is_not_called_an_outage() {
    let mut result = killed();
    let gap = |from_ms: i64, to_ms: i64| crate::measure::Gap {
        from_ns: from_ms * 1_000_000,
        to_ns: Some(to_ms * 1_000_000),
    };
    result.runs[0].interruptions.gaps.writes.list = vec![gap(1_000, 1_030), gap(3_500, 3_525)];
    let sentence = Failover::of(&result).sentences().remove(0);
    assert!(
        sentence.contains("the longest gap of writes was 25.0 ms (resolution 1.00 ms), no longer than before the fault"),
        "{sentence}"
    );
}

#[test]
fn over_several_runs_every_figure_has_its_distribution() {
    let failover = Failover::of(&five());
    let spread = failover.groups[0].spread(GapKind::WriteWindow);
    assert_eq!(spread.values.len(), 5);
    assert!((spread.median.unwrap().ms - 214.6).abs() < 1e-9);
    assert_eq!(spread.least().unwrap().words(), "191 ms");
    assert_eq!(spread.most().unwrap().words(), "241 ms");
    let (low, high) = spread.interval_ms.unwrap();
    assert!(low >= 190.0 && high <= 241.0 && low < high);
    let typical = failover.groups[0].typical().unwrap();
    assert_eq!(typical.run, 0, "the run with the median window");
}

#[test]
fn every_format_has_the_faults_and_a_result_without_faults_has_none() {
    let results = [five()];
    let plain = [crate::result::example::result()];
    for (format, expected) in [
        (Format::Text, "nobody could write"),
        (Format::Markdown, "## Faults"),
        (Format::Json, "\"write_unavailable_ms\""),
        (Format::Html, "<h2>Faults</h2>"),
    ] {
        let text = render(&results, format).unwrap();
        assert!(text.contains(expected), "{format:?}");
        let text = render(&plain, format).unwrap();
        assert!(!text.contains(expected), "{format:?}");
    }
    let text = render(&results, Format::Text).unwrap();
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn json_has_null_for_what_is_missing() {
    let mut result = killed();
    result.runs[0].interruptions.sent_after[0].write_ns = None;
    let text = render(&[result], Format::Json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let run = &json["faults"][0]["runs"][0];
    assert!(run["writes"]["first_ms"].is_null());
    assert_eq!(run["writes"]["unavailable_ms"]["lower"], 214.6);
    assert_eq!(run["writes"]["unavailable_ms"]["upper"], 214.6);
    assert_eq!(run["reads"]["unavailable_ms"]["lower"], 0.0);
    assert_eq!(run["reads"]["unavailable_ms"]["upper"], 10.0);
    assert!(run["reads"]["unavailable_from_ms"].is_null());
    assert_eq!(run["sessions"]["back_ms"]["most"], 40.0);
    let restart = &json["faults"][1]["runs"][0]["sessions"];
    assert!(restart["back_ms"].is_null() && restart["lost"] == 0);
}

#[test]
fn the_figures_around_a_fault_show_what_happened() {
    let result = five();
    let failover = Failover::of(&result);
    let figures = failover.figures(&result);
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "fault-1-throughput",
            "fault-1-response-time",
            "fault-1-sessions",
            "fault-gaps"
        ]
    );
    let writes = &figures[0].panels[0].series[0].stretches[0];
    let silent = writes.iter().filter(|(x, _)| (0.011..0.199).contains(x));
    assert!(silent.clone().count() > 30);
    assert!(silent.clone().all(|(_, y)| *y == 0.0));
    let band = &figures[0].bands[0];
    assert!((band.to - band.from - 0.2146).abs() < 1e-6);
    let sessions = &figures[2].panels[0].series;
    let labels: Vec<&str> = sessions
        .iter()
        .map(|series| series.label.as_str())
        .collect();
    assert_eq!(
        labels,
        [
            "no acknowledgement",
            "no connection, then resumed",
            "no connection, then a new session"
        ]
    );
    assert_eq!(sessions[0].stretches.len(), 8);
    assert_eq!(sessions[1].stretches.len(), 7);
    assert_eq!(figures[3].panels[0].series[0].stretches.len(), 5);
}

#[test]
fn an_outage_until_the_end_is_a_lower_bound() {
    let open = result(&[Course {
        outage_ms: 9_000,
        action: "kill",
    }]);
    let failover = Failover::of(&open);
    let impact = &failover.groups[0].impacts[0];
    let writes = impact.writes.unwrap();
    assert_eq!(writes.window.known, Known::AtLeast);
    assert_eq!(writes.window.upper_ms(), None);
    assert_eq!(impact.recovery_ms, None);
    let sentence = &failover.sentences()[0];
    assert!(
        sentence.contains(
            "nobody could write for at least 5.00 s (resolution 1.00 ms), until the run ended"
        ),
        "{sentence}"
    );
}
