//! Merges what the workers report into the recording and the progress.

use std::time::Duration;

use super::clock::{now_ns, unix_ms};
use super::context::ms_to_ns;
use super::latest::Latest;
use super::message::{Message, Summary};
use super::pace::Pace;
use super::processors::Processors;
use super::{Job, LoadError, Moment, OpProgress, Phase, Progress, Server, ServerProgress};
use crate::measure::{Recording, ServerRun};
use crate::workload::{Plan, Role};

/// Minimum time between two progress reports, except when the phase changes.
const REPORT_NS: i64 = 240_000_000;

/// Merges the messages of the workers. It lives in the thread that called `run`.
pub(super) struct Collector<'a> {
    plan: &'a Plan,
    progress: &'a (dyn Fn(&Progress) + Sync),
    moment: &'a (dyn Fn(Moment<'_>) + Sync),
    recording: Recording,
    connected: usize,
    error: Option<LoadError>,
    summaries: Vec<Summary>,
    processors: Processors,
    /// One per worker.
    paces: Vec<Pace>,
    /// Start of the measured phase.
    start_ns: Option<i64>,
    began_ns: i64,
    /// When the user interrupted the run.
    stopped_ns: Option<i64>,
    latest: Latest,
    reported: Option<(i64, Phase)>,
    /// Whether the start and the end of the measured phase were announced.
    begun: bool,
    ended: bool,
}

impl<'a> Collector<'a> {
    pub(super) fn new(job: &Job<'a>) -> Self {
        let plan = job.plan;
        let threads = usize::try_from(plan.load.threads).unwrap_or(1).max(1);
        Self {
            plan,
            progress: job.progress,
            moment: job.moment,
            recording: Recording {
                number: job.run,
                servers: job.servers.iter().map(server_run).collect(),
                interval_ms: plan.load.interval_ms,
                ..Recording::default()
            },
            connected: 0,
            error: None,
            summaries: Vec::new(),
            processors: Processors::default(),
            paces: (0..threads).map(|_| Pace::default()).collect(),
            start_ns: None,
            began_ns: now_ns(),
            stopped_ns: None,
            latest: Latest::default(),
            reported: None,
            begun: false,
            ended: false,
        }
    }

    /// Returns the number of workers whose sessions are all attached.
    pub(super) fn connected(&self) -> usize {
        self.connected
    }

    /// Sets when the measured phase will start.
    pub(super) fn start(&mut self, start_ns: i64) {
        self.start_ns = Some(start_ns);
        self.recording.started_unix_ms = unix_ms(start_ns);
    }

    /// Notes that the user interrupted the run; the drain follows.
    pub(super) fn stopped(&mut self, now: i64) {
        self.stopped_ns = self.stopped_ns.or(Some(now));
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Connected => self.connected += 1,
            // A worker may be interrupted because another one failed. The first error counts.
            Message::Failed(LoadError::Interrupted) if self.error.is_some() => {}
            Message::Failed(error) => {
                if matches!(self.error, None | Some(LoadError::Interrupted)) {
                    self.error = Some(error);
                }
            }
            Message::Parts(parts) => {
                self.latest.add(&parts);
                for part in parts.intervals {
                    self.recording.add(part);
                }
            }
            Message::Event(event) => {
                (self.moment)(Moment::Event(&event));
                self.recording.note(event);
            }
            Message::Snapshot(worker, snapshot) => {
                self.paces[worker].push(snapshot);
            }
            Message::Done(summary) => self.summaries.push(*summary),
        }
    }

    /// Reports the progress if a report is due.
    pub(super) fn report(&mut self, now: i64) {
        let (phase, since_ns, total_ms) = self.phase(now);
        self.note_phase(phase);
        if phase == Phase::Measure {
            self.processors.look();
        }
        if let Some((reported_ns, reported_phase)) = self.reported
            && reported_phase == phase
            && now - reported_ns < REPORT_NS
        {
            return;
        }
        self.reported = Some((now, phase));
        self.latest.refresh();
        (self.progress)(&Progress {
            phase,
            elapsed: duration(now - since_ns),
            total: Duration::from_millis(total_ms),
            ..self.figures()
        });
    }

    /// Returns the progress of all workers together.
    fn figures(&self) -> Progress {
        let latest = || self.paces.iter().filter_map(Pace::latest);
        let ops: Vec<OpProgress> = (0..self.plan.ops.len())
            .map(|op| {
                let percentiles = self.latest.op(op);
                let mut progress = OpProgress {
                    label: self.plan.ops[op].label.clone(),
                    throughput_per_s: self.paces.iter().map(|pace| pace.op_per_s(op)).sum(),
                    p50_us: percentiles.map(|[p50, _]| p50),
                    p99_us: percentiles.map(|[_, p99]| p99),
                    ..OpProgress::default()
                };
                for counts in latest().filter_map(|snapshot| snapshot.ops.get(op)) {
                    progress.counts.merge(counts);
                }
                progress
            })
            .collect();
        let servers = self.recording.servers.iter().enumerate();
        let servers = servers.map(|(server, run)| ServerProgress {
            name: run.address.clone(),
            acknowledged: latest()
                .filter_map(|snapshot| snapshot.servers.get(server))
                .sum(),
            throughput_per_s: self
                .paces
                .iter()
                .map(|pace| pace.server_per_s(server))
                .sum(),
        });
        let percentiles = self.latest.all();
        Progress {
            throughput_per_s: ops.iter().map(|op| op.throughput_per_s).sum(),
            p50_us: percentiles.map(|[p50, _]| p50),
            p99_us: percentiles.map(|[_, p99]| p99),
            ok: ops.iter().map(|op| op.counts.ok).sum(),
            errors: ops.iter().map(|op| op.counts.failed()).sum(),
            in_flight: latest().map(|snapshot| snapshot.in_flight).sum(),
            waiting: latest().map(|snapshot| snapshot.waiting).sum(),
            sessions: self.plan.load.sessions,
            sessions_connected: latest().map(|snapshot| snapshot.connected).sum(),
            servers: servers.collect(),
            ops,
            ..Progress::start_of(Phase::WarmUp, Duration::ZERO)
        }
    }

    /// Announces the start and the end of the measured phase.
    fn note_phase(&mut self, phase: Phase) {
        if phase == Phase::Measure && !self.begun {
            self.begun = true;
            (self.moment)(Moment::Begin);
        }
        if phase == Phase::Drain && self.begun && !self.ended {
            self.ended = true;
            (self.moment)(Moment::End);
        }
    }

    /// Returns how long to wait for messages: until the next change of phase, at most `longest`.
    pub(super) fn wait_time(&self, now: i64, longest: Duration) -> Duration {
        let Some(start_ns) = self.start_ns else {
            return longest;
        };
        let end_ns = start_ns + ms_to_ns(self.plan.load.duration_ms);
        let next = [start_ns, end_ns].into_iter().find(|at_ns| *at_ns > now);
        next.map_or(longest, |at_ns| duration(at_ns - now).min(longest))
    }

    /// Returns the phase, when it began, and its planned length.
    fn phase(&self, now: i64) -> (Phase, i64, u64) {
        let load = &self.plan.load;
        let Some(start_ns) = self.start_ns else {
            return (Phase::WarmUp, self.began_ns, load.warm_up_ms);
        };
        let end_ns = start_ns + ms_to_ns(load.duration_ms);
        if let Some(stopped_ns) = self.stopped_ns {
            return (Phase::Drain, stopped_ns.min(end_ns), load.drain_ms);
        }
        if now < start_ns {
            let begin_ns = start_ns - ms_to_ns(load.warm_up_ms);
            (Phase::WarmUp, begin_ns.min(now), load.warm_up_ms)
        } else if now < end_ns && self.summaries.is_empty() {
            (Phase::Measure, start_ns, load.duration_ms)
        } else {
            (Phase::Drain, end_ns.min(now), load.drain_ms)
        }
    }

    pub(super) fn finish(mut self) -> Result<Recording, LoadError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let recording = &mut self.recording;
        recording.stolen = self.processors.stolen();
        recording.processors_busy = self.processors.busy();
        let measured_ns = self.summaries.iter().map(|one| one.measured_ns).max();
        recording.measured_s = duration(measured_ns.unwrap_or(0)).as_secs_f64();
        for summary in self.summaries {
            recording.driver.push(summary.thread);
            recording.add_whole(&summary.whole);
            recording
                .interruptions
                .session_gaps
                .extend(summary.session_gaps);
            for outage in summary.outages {
                recording.interruptions.add_outage(outage);
            }
            recording.interruptions.outages_dropped += summary.outages_dropped;
            recording.backlog_at_start += summary.backlog_at_start;
            recording.in_flight_at_end += summary.in_flight_at_end;
            recording.reconnects += summary.reconnects;
            recording.expired_sessions += summary.expired_sessions;
            recording.events_dropped += summary.events_dropped;
            recording.interrupted |= summary.interrupted;
        }
        recording.timeline.trim();
        Ok(self.recording)
    }
}

fn server_run(server: &Server) -> ServerRun {
    let known = server.role != Role::Unknown;
    ServerRun {
        address: server.name.clone(),
        mode: known.then(|| server.role.name().to_owned()),
        ..ServerRun::default()
    }
}

fn duration(ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
}
