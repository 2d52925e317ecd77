//! The time around a fault: throughput, response time and the outage of each session, in the buckets
//! of the timeline.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Failover;
use super::group::Group;
use super::impact::Impact;
use super::length::ms;
use crate::measure::{BucketResponse, FaultTimes, Recording};
use crate::report::figure::{
    Axis, Band, BandKind, EventLabel, Figure, Ink, Mark, Panel, Scale, Series, Stroke,
};
use crate::report::incident::incidents;
use crate::report::summary::float;
use crate::result::RunResult;

/// File names of the figures of the first faults; further faults have none. The first part of a name
/// says which figures are zoomed together.
const NAMES: [[&str; 3]; 4] = [
    [
        "fault-1-throughput",
        "fault-1-response-time",
        "fault-1-sessions",
    ],
    [
        "fault-2-throughput",
        "fault-2-response-time",
        "fault-2-sessions",
    ],
    [
        "fault-3-throughput",
        "fault-3-response-time",
        "fault-3-sessions",
    ],
    [
        "fault-4-throughput",
        "fault-4-response-time",
        "fault-4-sessions",
    ],
];
/// Shown before a fault and after its end, in seconds.
const MARGIN_S: f64 = 0.5;
/// Longest time shown after a fault, in seconds.
const SHOWN_MAX_S: f64 = 20.0;
/// Sessions drawn; the others have the shortest outages.
const SESSIONS_MAX: usize = 200;
/// Approximate number of labels on the time axis.
const TICKS: f64 = 8.0;

/// Returns three figures for each of the first faults, of the run whose window is the median.
pub(super) fn figures(failover: &Failover, result: &RunResult) -> Vec<Figure> {
    let began = failover.groups.iter().filter(|group| !group.ended);
    began
        .zip(NAMES)
        .filter_map(|(group, names)| Some((View::new(group, result)?, names)))
        .flat_map(|(view, names)| view.figures(names))
        .collect()
}

/// The time around one fault in one run.
struct View<'a> {
    result: &'a RunResult,
    run: &'a Recording,
    group: &'a Group,
    impact: &'a Impact,
    /// In seconds relative to the fault.
    from_s: f64,
    to_s: f64,
}

impl<'a> View<'a> {
    fn new(group: &'a Group, result: &'a RunResult) -> Option<Self> {
        let impact = group.typical()?;
        let run = result.runs.get(impact.run)?;
        let at_s = ms(impact.at_ns) / 1_000.0;
        let ends_ms = [impact.writes, impact.reads].into_iter().flatten();
        let ends_ms = ends_ms.filter_map(|class| Some(class.window_from_ms? + class.window.ms));
        let last_ms = ends_ms
            .chain(impact.recovery_ms)
            .chain(impact.sessions.back_ms.last().copied())
            .fold(0.0, f64::max);
        // As much before the fault as is needed to see what was normal.
        let shown_s = (last_ms / 1_000.0).min(SHOWN_MAX_S);
        let margin_s = MARGIN_S.max(shown_s * 0.25);
        Some(Self {
            result,
            run,
            group,
            impact,
            from_s: -(margin_s.min(at_s)),
            to_s: (shown_s + margin_s).min(run.measured_s - at_s),
        })
    }

    fn figures(self, [throughput, response, sessions]: [&'static str; 3]) -> Vec<Figure> {
        let mut figures = vec![self.throughput(throughput), self.response(response)];
        figures.extend(self.sessions(sessions));
        figures
    }

    fn figure(
        &self,
        name: &'static str,
        what: &str,
        caption: &str,
        y: Axis,
        series: Vec<Series>,
    ) -> Figure {
        let run = if self.result.runs.len() > 1 {
            format!(
                " Run {}, whose gap is the median of {} runs.",
                self.impact.run + 1,
                self.group.impacts.len()
            )
        } else {
            String::new()
        };
        Figure {
            name: name.to_owned(),
            title: format!(
                "{what} around fault {}, {}",
                self.group.fault + 1,
                self.group.what
            ),
            caption: format!("{caption}{run}"),
            x: Axis::between("seconds since the fault", self.from_s, self.to_s, TICKS),
            y,
            panels: vec![Panel {
                title: String::new(),
                series,
            }],
            marks: self.marks(),
            bands: self.bands(),
        }
    }

    /// Operations acknowledged per second, writes and others apart.
    fn throughput(&self, name: &'static str) -> Figure {
        let timeline = &self.run.timeline;
        let mut series = Vec::new();
        let mut high: f64 = 0.0;
        let classes = [("writes", true, 0), ("reads", false, 1)];
        for (label, writes, ink) in classes {
            let ops: Vec<&Vec<u32>> = timeline
                .acknowledged
                .iter()
                .zip(&self.result.plan.ops)
                .filter(|(_, op)| op.is_write() == writes)
                .map(|(counts, _)| counts)
                .collect();
            if ops.is_empty() {
                continue;
            }
            let per_s = 1_000.0 / float(timeline.bucket_ms.max(1));
            let stretch = self.levels(|bucket| {
                let count = ops.iter().filter_map(|of_op| of_op.get(bucket));
                Some(count.map(|count| f64::from(*count)).sum::<f64>() * per_s)
            });
            high = stretch
                .iter()
                .flatten()
                .map(|(_, y)| *y)
                .fold(high, f64::max);
            series.push(line(label, Ink::Series(ink), Stroke::Solid, stretch));
        }
        let caption = format!(
            "Operations acknowledged per second, in buckets of {} ms. Shaded: nobody could write, or read if there are no writes.",
            timeline.bucket_ms
        );
        let y = Axis::linear("operations per second", high * 1.02, 5.0, true);
        self.figure(name, "Throughput", &caption, y, series)
    }

    /// The mean and the longest response time of what was due in each bucket.
    fn response(&self, name: &'static str) -> Figure {
        let of = &self.run.interruptions.response;
        let mut series = Vec::new();
        let (mut low, mut high) = (f64::INFINITY, 1.0_f64);
        for (label, buckets, ink) in [("writes", &of.writes, 0), ("reads", &of.reads, 1)] {
            let figures = [
                ("longest", Stroke::Solid, longest_us as OfBucket),
                ("mean", Stroke::Dashed, mean_us),
            ];
            for (what, stroke, us) in figures {
                let stretch = self.levels(|bucket| {
                    let bucket = buckets.get(bucket).filter(|bucket| bucket.count > 0)?;
                    Some(us(bucket).max(1.0).log10())
                });
                for (_, y) in stretch.iter().flatten() {
                    (low, high) = (low.min(10_f64.powf(*y)), high.max(10_f64.powf(*y)));
                }
                if !stretch.is_empty() {
                    series.push(line(
                        &format!("{label} {what}"),
                        Ink::Series(ink),
                        stroke,
                        stretch,
                    ));
                }
            }
        }
        let caption = format!(
            "Response times of the operations that were intended in each bucket of {} ms. An operation without a reply \
             counts with its full age.",
            self.run.timeline.bucket_ms
        );
        let y = Axis::log_duration("response time", low.min(high), high);
        self.figure(name, "Response time", &caption, y, series)
    }

    /// A bar per session and outage; `None` if no session was interrupted.
    fn sessions(&self, name: &'static str) -> Option<Figure> {
        let bars = self.bars()?;
        let rows = rows(&bars);
        let last = rows.last()?;
        let kinds = [
            ("no acknowledgement", Ink::Muted, Stroke::Thin),
            ("no connection, then resumed", Ink::Series(0), Stroke::Solid),
            (
                "no connection, then a new session",
                Ink::Series(1),
                Stroke::Solid,
            ),
            ("no connection until the end", Ink::Series(4), Stroke::Solid),
        ];
        let series = kinds
            .into_iter()
            .enumerate()
            .map(|(kind, (label, ink, stroke))| {
                let own = bars.iter().filter(|bar| bar.kind == kind);
                let stretches = own.filter_map(|bar| {
                    let row = rows.binary_search(&bar.session).ok()?;
                    let y = float(row as u64) + 1.0 - if kind == 0 { 0.0 } else { 0.25 };
                    Some(vec![(bar.from_s, y), (bar.to_s, y)])
                });
                line(label, ink, stroke, stretches.collect())
            });
        let series: Vec<Series> = series
            .filter(|series| !series.stretches.is_empty())
            .collect();
        let mut y = Axis::linear(
            "sessions, one per line",
            float(rows.len() as u64),
            5.0,
            true,
        );
        y.scale = Scale::Sessions;
        y.max = float(rows.len() as u64) + 1.0;
        y.ticks.retain(|tick| tick.at <= y.max);
        let all = self.result.plan.load.sessions;
        let caption = format!(
            "A bar per session: the longest time without an acknowledgement, and each time without a connection. \
             {} of {all} sessions, up to number {last}.",
            rows.len()
        );
        Some(self.figure(name, "Sessions", &caption, y, series))
    }

    /// The times in which sessions were not served because of the fault.
    fn bars(&self) -> Option<Vec<Bar>> {
        let times = FaultTimes::of(self.run);
        let event = times.ns().iter().position(|at| *at == self.impact.at_ns)?;
        let found = &self.run.interruptions;
        let measured_ns = self.run.measured_ns();
        let since = |at_ns: i64| {
            let s = ms(at_ns - self.impact.at_ns) / 1_000.0;
            s.clamp(self.from_s, self.to_s)
        };
        let gaps = found
            .session_gaps
            .iter()
            .filter(|of| times.cause_of(&of.gap) == Some(event))
            .map(|of| Bar {
                session: of.session,
                kind: 0,
                from_s: since(of.gap.from_ns),
                to_s: since(of.gap.to_ns.unwrap_or(measured_ns)),
            });
        let outages = found
            .outages
            .iter()
            .filter(|outage| times.last_before(outage.lost_ns) == Some(event))
            .map(|outage| Bar {
                session: outage.session,
                kind: match outage.back.map(|back| back.resumed) {
                    Some(true) => 1,
                    Some(false) => 2,
                    None => 3,
                },
                from_s: since(outage.lost_ns),
                to_s: since(outage.back.map_or(measured_ns, |back| back.at_ns)),
            });
        Some(gaps.chain(outages).collect())
    }

    /// Level lines of the buckets in view; a bucket without a value is a gap.
    fn levels(&self, value: impl Fn(usize) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let bucket_s = float(self.run.timeline.bucket_ms.max(1)) / 1_000.0;
        let at_s = ms(self.impact.at_ns) / 1_000.0;
        let mut stretches: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut open = false;
        for bucket in 0..self.run.timeline.due.len() {
            let from = float(bucket as u64) * bucket_s - at_s;
            let to = from + bucket_s;
            if to <= self.from_s || from >= self.to_s {
                continue;
            }
            let Some(y) = value(bucket) else {
                open = false;
                continue;
            };
            if !open {
                stretches.push(Vec::new());
                open = true;
            }
            if let Some(stretch) = stretches.last_mut() {
                stretch.extend([(from.max(self.from_s), y), (to.min(self.to_s), y)]);
            }
        }
        stretches
    }

    /// The events in view, numbered as in the list of events.
    fn marks(&self) -> Vec<Mark> {
        let before: usize = self
            .result
            .runs
            .iter()
            .take(self.impact.run)
            .map(|run| incidents(&run.events, &self.result.plan.faults).len())
            .sum();
        let of_run = incidents(&self.run.events, &self.result.plan.faults);
        let numbered = of_run.into_iter().zip(before + 1..);
        numbered
            .map(|(incident, number)| Mark {
                at: ms(incident.at_ns - self.impact.at_ns) / 1_000.0,
                ink: Ink::Mark,
                event: Some(EventLabel {
                    number,
                    text: incident.short,
                    rank: incident.rank,
                }),
            })
            .filter(|mark| (self.from_s..=self.to_s).contains(&mark.at))
            .collect()
    }

    /// The window in which nobody could write, or read if there are no writes.
    fn bands(&self) -> Vec<Band> {
        let class = [(self.impact.writes, "write"), (self.impact.reads, "read")];
        let class = class
            .into_iter()
            .find_map(|(class, verb)| Some((class?, verb)));
        let band = class.and_then(|(class, verb)| {
            let from = class.window_from_ms? / 1_000.0;
            let length = class.window.words();
            Some(Band {
                from: from.max(self.from_s),
                to: (from + class.window.ms / 1_000.0).min(self.to_s),
                kind: BandKind::Gap,
                labels: vec![format!("nobody could {verb} for {length}"), length],
            })
        });
        band.into_iter().collect()
    }
}

/// A figure of a bucket that has operations, in microseconds.
type OfBucket = fn(&BucketResponse) -> f64;

fn longest_us(bucket: &BucketResponse) -> f64 {
    f64::from(bucket.max_us)
}

fn mean_us(bucket: &BucketResponse) -> f64 {
    float(bucket.sum_us) / f64::from(bucket.count)
}

/// A time of a session without service.
struct Bar {
    session: u32,
    /// Index of its kind.
    kind: usize,
    from_s: f64,
    to_s: f64,
}

/// The sessions that are drawn, by number: those with the longest bars.
fn rows(bars: &[Bar]) -> Vec<u32> {
    let mut by_length: Vec<(f64, u32)> = bars
        .iter()
        .map(|bar| (bar.to_s - bar.from_s, bar.session))
        .collect();
    by_length.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut rows: Vec<u32> = Vec::new();
    for (_, session) in by_length {
        if rows.len() < SESSIONS_MAX && !rows.contains(&session) {
            rows.push(session);
        }
    }
    rows.sort_unstable();
    rows
}

fn line(label: &str, ink: Ink, stroke: Stroke, stretches: Vec<Vec<(f64, f64)>>) -> Series {
    Series {
        label: label.to_owned(),
        ink,
        stroke,
        stretches,
        whiskers: Vec::new(),
    }
}
