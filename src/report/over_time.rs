//! The figures over time: throughput and response time per recording interval.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::curves::{drawn_lanes, extent, panels};
use super::figure::{Axis, Band, BandKind, EventLabel, Figure, Ink, Mark, Panel, Series, Stroke};
use super::incident::incidents;
use super::lanes::Lane;
use super::summary::{Summary, float};
use crate::measure::{Interval, OpRecord, Recording};
use crate::result::{RunResult, asked_per_s};

/// Approximate number of labels on a time axis.
const TIME_TICKS: f64 = 8.0;
/// Intervals drawn per run, as many as a plan may have. A damaged file may claim more.
const INTERVALS_MAX: usize = 100_000;

/// A connected part of a curve.
type Stretch = Vec<(f64, f64)>;

/// Operations acknowledged per second.
pub(super) fn throughput(summary: &Summary<'_>) -> Figure {
    let result = summary.result;
    let lanes = drawn_lanes(summary);
    let several = lanes.len() > 1;
    let mut series = Vec::new();
    for (lane, ink) in &lanes {
        let stroke = if several { Stroke::Solid } else { Stroke::Area };
        let one = |run: &Recording, index: u32| Some(acknowledged_per_s(run, index, Some(lane)));
        push(
            &mut series,
            &lane.label,
            *ink,
            stroke,
            over_time(result, one),
        );
    }
    if several {
        let all = |run: &Recording, index: u32| Some(acknowledged_per_s(run, index, None));
        let stretches = over_time(result, all);
        push(&mut series, "all", Ink::Text, Stroke::Solid, stretches);
    }
    let asked = |run: &Recording, index: u32| asked_within(result, run, index);
    let stretches = over_time(result, asked);
    push(
        &mut series,
        "planned",
        Ink::Muted,
        Stroke::Dashed,
        stretches,
    );
    let panels = vec![Panel {
        title: String::new(),
        series,
    }];
    let (_, high) = extent(&panels);
    let caption = "Operations acknowledged per second, in the recording interval in which the acknowledgement arrived.";
    Figure {
        name: "throughput".to_owned(),
        title: "Throughput over time".to_owned(),
        y: Axis::linear("operations per second", high * 1.02, 5.0, true),
        ..over_time_figure(summary, caption, panels)
    }
}

/// Median and 99th percentile of the response time.
pub(super) fn response_over_time(summary: &Summary<'_>) -> Figure {
    let result = summary.result;
    let of_lanes = drawn_lanes(summary).into_iter().map(|(lane, ink)| {
        let mut series = Vec::new();
        for (name, quantile, stroke) in [("p99", 0.99, Stroke::Solid), ("p50", 0.5, Stroke::Dashed)]
        {
            let figure = |run: &Recording, index: u32| {
                let interval = interval(run, index)?;
                let response = |record: &OpRecord| record.response.quantile_us(quantile);
                let us = match lane.ops.as_slice() {
                    [op] => response(interval.ops.get(*op)?),
                    _ => response(&lane.merged(|op| interval.ops.get(op))),
                };
                us.map(|us| us.max(1.0).log10())
            };
            push(&mut series, name, ink, stroke, over_time(result, figure));
        }
        (lane, series)
    });
    let panels = panels(of_lanes.collect());
    let (low, high) = extent(&panels);
    let caption = if result.schema == 1 {
        "Median and 99th percentile of the operations that were done within each recording interval, as schema 1 had it."
    } else {
        "Median and 99th percentile of the operations that were intended in each recording interval, whenever they were \
         done. An operation without a reply counts with its full age."
    };
    Figure {
        name: "response-time".to_owned(),
        title: "Response time over time".to_owned(),
        y: Axis::log_duration("response time", 10_f64.powf(low), 10_f64.powf(high)),
        ..over_time_figure(summary, caption, panels)
    }
}

/// The common part of both figures: the time axis, events, borders of runs and silences. The caller sets the y axis.
fn over_time_figure(summary: &Summary<'_>, caption: &str, panels: Vec<Panel>) -> Figure {
    let mut caption = caption.to_owned();
    let result = summary.result;
    let marks = marks(result);
    let bands = bands(summary);
    if bands.iter().any(|band| band.kind == BandKind::Silence) {
        caption += " Shaded: nothing completed although operations waited.";
    }
    if bands.iter().any(|band| band.kind == BandKind::Fault) {
        caption += " Grey: a fault lasted.";
    }
    if marks.iter().any(|mark| mark.ink == Ink::Mark) {
        caption += " Red lines are events, numbered as in the list of events.";
    }
    Figure {
        name: String::new(),
        title: String::new(),
        caption,
        x: time_axis(result),
        y: Axis::linear("", 1.0, 1.0, false),
        panels,
        marks,
        bands,
    }
}

/// Operations acknowledged per second in an interval: those of a lane, or all.
fn acknowledged_per_s(run: &Recording, index: u32, lane: Option<&Lane>) -> f64 {
    let records = interval(run, index).map_or(&[][..], |interval| &interval.ops);
    let of_lane = |op: &usize| lane.is_none_or(|lane| lane.ops.contains(op));
    let count: u64 = records
        .iter()
        .enumerate()
        .filter(|(op, _)| of_lane(op))
        .map(|(_, record)| record.acknowledged)
        .sum();
    float(count) / run.interval_s(index)
}

/// The planned rate in an interval; `None` in a closed loop.
fn asked_within(result: &RunResult, run: &Recording, index: u32) -> Option<f64> {
    let length_s = run.interval_s(index);
    let from_s = f64::from(index) * full_interval_s(run);
    let until = |seconds: f64| match asked_per_s(&result.plan.load, seconds) {
        Some(rate) => Some(rate * seconds),
        None if seconds <= 0.0 => Some(0.0),
        None => None,
    };
    asked_per_s(&result.plan.load, length_s)?;
    Some((until(from_s + length_s)? - until(from_s)?) / length_s)
}

fn interval(run: &Recording, index: u32) -> Option<&Interval> {
    run.intervals.get(usize::try_from(index).ok()?)
}

/// The start of each run on the time axis, in seconds. Each run starts where the previous run ended.
fn offsets(result: &RunResult) -> Vec<f64> {
    result
        .runs
        .iter()
        .scan(0.0, |end, run| {
            let start = *end;
            *end += run.measured_s;
            Some(start)
        })
        .collect()
}

/// Draws a level line per interval of the measured phase. Lines of successive intervals of a run are connected.
/// Intervals after the last recorded one are part of the run: no operation ended in them. A run without intervals
/// was not measured.
fn over_time(result: &RunResult, figure: impl Fn(&Recording, u32) -> Option<f64>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (run, offset) in result.runs.iter().zip(offsets(result)) {
        if run.intervals.is_empty() {
            continue;
        }
        let mut open = false;
        let measured = (0..u32::MAX).take_while(|index| run.interval_s(*index) > 0.0);
        for index in measured.take(INTERVALS_MAX) {
            let Some(y) = figure(run, index) else {
                open = false;
                continue;
            };
            if !open {
                stretches.push(Vec::new());
                open = true;
            }
            let from = offset + f64::from(index) * full_interval_s(run);
            if let Some(stretch) = stretches.last_mut() {
                stretch.extend([(from, y), (from + run.interval_s(index), y)]);
            }
        }
    }
    stretches
}

fn push(series: &mut Vec<Series>, label: &str, ink: Ink, stroke: Stroke, stretches: Vec<Stretch>) {
    if !stretches.is_empty() {
        series.push(Series {
            label: label.to_owned(),
            ink,
            stroke,
            whiskers: Vec::new(),
            stretches,
        });
    }
}

fn time_axis(result: &RunResult) -> Axis {
    let label = if result.runs.len() > 1 {
        "seconds measured, the runs one after the other"
    } else {
        "seconds since the start of the measured phase"
    };
    Axis::span(label, result.measured_s(), TIME_TICKS)
}

/// Returns the borders between runs and the events, which have the same numbers as in the list of events.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds within a run")]
fn marks(result: &RunResult) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut number = 0;
    for (run, offset) in result.runs.iter().zip(offsets(result)) {
        if offset > 0.0 {
            marks.push(Mark {
                at: offset,
                ink: Ink::Axis,
                event: None,
            });
        }
        for incident in incidents(&run.events, &result.plan.faults) {
            number += 1;
            let at = incident.at_ns as f64 / 1e9;
            if (0.0..=run.measured_s).contains(&at) {
                marks.push(Mark {
                    at: offset + at,
                    ink: Ink::Mark,
                    event: Some(EventLabel {
                        number,
                        text: incident.short,
                        rank: incident.rank,
                    }),
                });
            }
        }
    }
    marks
}

/// Faults, and the silences over them.
fn bands(summary: &Summary<'_>) -> Vec<Band> {
    let offsets = offsets(summary.result);
    let mut bands = faults(summary, &offsets);
    bands.extend(silences(summary, &offsets));
    bands
}

/// From the beginning of each fault to its end, or to the end of its run.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds within a run")]
fn faults(summary: &Summary<'_>, offsets: &[f64]) -> Vec<Band> {
    let mut bands = Vec::new();
    let groups = &summary.failover.groups;
    for impact in groups
        .iter()
        .filter(|group| !group.ended)
        .flat_map(|group| &group.impacts)
    {
        let ends = groups
            .iter()
            .filter(|group| group.ended && group.fault == impact.fault)
            .flat_map(|group| &group.impacts);
        let end_ns = ends
            .filter(|end| end.run == impact.run && end.at_ns >= impact.at_ns)
            .map(|end| end.at_ns)
            .min();
        let run = &summary.result.runs[impact.run];
        let seconds = |ns: i64| ns as f64 / 1e9;
        bands.push(Band {
            from: offsets[impact.run] + seconds(impact.at_ns),
            to: offsets[impact.run] + end_ns.map_or(run.measured_s, seconds).min(run.measured_s),
            kind: BandKind::Fault,
            labels: vec![impact.what.clone(), impact.action.clone()],
        });
    }
    bands
}

fn silences<'a>(summary: &'a Summary<'_>, offsets: &'a [f64]) -> impl Iterator<Item = Band> + 'a {
    summary.silences.iter().map(move |silence| {
        let offset = offsets[silence.run];
        Band {
            from: offset + silence.from_s,
            to: offset + silence.to_s,
            kind: BandKind::Silence,
            labels: vec![
                format!("nothing completed for {}", silence.length()),
                "nothing completed".to_owned(),
                silence.length(),
            ],
        }
    })
}

fn full_interval_s(run: &Recording) -> f64 {
    f64::from(u32::try_from(run.interval_ms).unwrap_or(u32::MAX)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Event, EventKind, Outcome, Sample};
    use crate::result::example;

    /// The example with an outage from `from_ms` to the end. Operations due in the outage time out in the drain phase.
    fn outage(from_ms: i64) -> RunResult {
        let mut result = example::result();
        let mut run = Recording {
            intervals: Vec::new(),
            timeline: crate::measure::Timeline::default(),
            ..example::recording()
        };
        run.servers.clear();
        let mut samples: Vec<Sample> = (0..2_000)
            .map(|index| {
                if index < from_ms {
                    example::sample(index, 1_000_000, Outcome::Ok)
                } else {
                    let age_ns = (6_000 - index) * 1_000_000;
                    example::sample(index, age_ns, Outcome::TimedOut)
                }
            })
            .collect();
        samples.sort_by_key(|sample| sample.done_ns);
        example::record(&mut run, &samples);
        result.runs = vec![run];
        result
    }

    #[test]
    fn an_outage_until_the_end_is_shaded_and_its_operations_have_their_full_age() {
        let result = outage(500);
        let summary = Summary::new(&result);
        let response = response_over_time(&summary);
        let (from, to) = (response.bands[0].from, response.bands[0].to);
        assert!((0.49..0.53).contains(&from), "{from}");
        assert_eq!(to.to_bits(), 2.0_f64.to_bits());
        assert_eq!(response.bands[0].labels[1], "nothing completed");
        assert!(
            response
                .caption
                .contains("intended in each recording interval")
        );
        // p99 of the second interval: what was due at 1 s had waited for 5 s.
        let p99 = &response.panels[0].series[0].stretches[0];
        assert!(
            (10_f64.powf(p99[2].1) - 5_000_000.0).abs() < 60_000.0,
            "{p99:?}"
        );

        let throughput = throughput(&summary);
        assert_eq!(throughput.bands, response.bands);
        let ok = &throughput.panels[0].series[0].stretches[0];
        assert!((ok[0].1 - 500.0).abs() < 2.0 && ok[2].1 == 0.0, "{ok:?}");
    }

    #[test]
    fn an_interval_without_records_has_a_throughput_of_zero() {
        let mut result = example::result();
        result.runs[0].intervals.truncate(1);
        let summary = Summary::new(&result);
        let ok = &throughput(&summary).panels[0].series[0].stretches[0];
        assert_eq!(ok.last().unwrap(), &(2.0, 0.0));
        let p99 = &response_over_time(&summary).panels[0].series[0].stretches[0];
        assert_eq!(p99.last().unwrap().0.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn throughput_counts_operations_in_the_interval_of_their_acknowledgement() {
        let mut result = example::result();
        result.runs[0].intervals[1].ops[0].acknowledged = 250;
        let figure = throughput(&Summary::new(&result));
        let ok = &figure.panels[0].series[0].stretches[0];
        assert!((ok[2].1 - 250.0).abs() < 1e-9, "{ok:?}");
        assert!(figure.bands.is_empty());
        assert!(!figure.caption.contains("Shaded"));
    }

    #[test]
    fn a_result_of_schema_1_counts_response_times_in_the_interval_of_completion() {
        let mut result = example::result();
        result.schema = 1;
        let figure = response_over_time(&Summary::new(&result));
        assert!(
            figure
                .caption
                .contains("done within each recording interval")
        );
        assert!(!figure.caption.contains("intended"));
    }

    #[test]
    fn many_events_of_one_cause_are_one_mark() {
        let mut result = example::result();
        for session in 0..16 {
            result.runs[0].note(Event {
                at_ns: 500_000_000 + i64::from(session),
                kind: EventKind::SessionLost {
                    session,
                    server: "h:1".into(),
                    cause: "closed".into(),
                    in_flight: 0,
                },
            });
        }
        let figure = throughput(&Summary::new(&result));
        let marks: Vec<f64> = figure.marks.iter().map(|mark| mark.at).collect();
        assert_eq!(marks, [0.5]);
        assert!(figure.caption.contains("events"));
    }
}
