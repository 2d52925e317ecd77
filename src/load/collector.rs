//! What the workers say, put together: the recording, and the progress meanwhile.

use std::time::Duration;

use super::clock::{now_ns, unix_ms};
use super::context::ms_to_ns;
use super::message::{Message, Snapshot, Summary};
use super::stolen::Stolen;
use super::{Job, LoadError, Moment, Phase, Progress, Role, Server};
use crate::measure::{Histogram, Parts, Recording, ServerRun};
use crate::workload::Plan;

/// Progress is not told more often than this, except when the phase changes.
const TELL_NS: i64 = 240_000_000;

/// Puts together what the workers say. Lives in the thread that called for the run.
pub(super) struct Collector<'a> {
    plan: &'a Plan,
    progress: &'a (dyn Fn(&Progress) + Sync),
    moment: &'a (dyn Fn(Moment<'_>) + Sync),
    recording: Recording,
    connected: usize,
    error: Option<LoadError>,
    summaries: Vec<Summary>,
    stolen: Stolen,
    snapshots: Vec<Snapshot>,
    /// Acknowledged per second by each worker, between its last two snapshots.
    rates_per_s: Vec<f64>,
    /// Start of the measured phase.
    start_ns: Option<i64>,
    began_ns: i64,
    /// When the user asked to end.
    stopped_ns: Option<i64>,
    /// Response times of the interval that is being put together, and its index.
    current: (i64, Histogram),
    quantiles_us: Option<[f64; 2]>,
    told: Option<(i64, Phase)>,
    /// Whether others know that the measured phase began, and that it ended.
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
            stolen: Stolen::default(),
            snapshots: vec![Snapshot::default(); threads],
            rates_per_s: vec![0.0; threads],
            start_ns: None,
            began_ns: now_ns(),
            stopped_ns: None,
            current: (-1, Histogram::new()),
            quantiles_us: None,
            told: None,
            begun: false,
            ended: false,
        }
    }

    /// Workers whose sessions are all attached.
    pub(super) fn connected(&self) -> usize {
        self.connected
    }

    /// The measured phase will start then.
    pub(super) fn start(&mut self, start_ns: i64) {
        self.start_ns = Some(start_ns);
        self.recording.started_unix_ms = unix_ms(start_ns);
    }

    /// The user asks to end: what follows is the drain.
    pub(super) fn stopped(&mut self, now: i64) {
        self.stopped_ns = self.stopped_ns.or(Some(now));
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Connected => self.connected += 1,
            // An interruption may only be the echo of another worker's failure.
            Message::Failed(LoadError::Interrupted) if self.error.is_some() => {}
            Message::Failed(error) => {
                if matches!(self.error, None | Some(LoadError::Interrupted)) {
                    self.error = Some(error);
                }
            }
            Message::Parts(parts) => {
                self.see(&parts);
                for part in parts.intervals {
                    self.recording.add(part);
                }
            }
            Message::Event(event) => {
                (self.moment)(Moment::Event(&event));
                self.recording.note(event);
            }
            Message::Snapshot(worker, snapshot) => {
                let last = std::mem::replace(&mut self.snapshots[worker], snapshot);
                self.rates_per_s[worker] = rate(
                    snapshot.ok.saturating_sub(last.ok),
                    snapshot.at_ns - last.at_ns,
                );
            }
            Message::Done(summary) => self.summaries.push(*summary),
        }
    }

    /// For the display: the response times of the latest interval.
    fn see(&mut self, parts: &Parts) {
        // The first part is the interval that has just ended, the others are older ones.
        let index = parts
            .intervals
            .first()
            .map_or(-1, |part| i64::from(part.index));
        if index != self.current.0 || index < 0 {
            self.current = (index, Histogram::new());
        }
        self.current.1.merge(&parts.warm_up.response);
        for op in parts.intervals.iter().flat_map(|part| &part.ops) {
            self.current.1.merge(&op.response);
        }
        let quantiles = self.current.1.quantiles_us([0.5, 0.99]);
        self.quantiles_us = quantiles.or(self.quantiles_us);
    }

    /// Tells how it is getting on, if it is time.
    pub(super) fn tell(&mut self, now: i64) {
        let (phase, since_ns, total_ms) = self.phase(now);
        self.note_phase(phase);
        if phase == Phase::Measure {
            self.stolen.look();
        }
        if let Some((told_ns, told_phase)) = self.told
            && told_phase == phase
            && now - told_ns < TELL_NS
        {
            return;
        }
        self.told = Some((now, phase));
        let sum = |get: fn(&Snapshot) -> u64| self.snapshots.iter().map(get).sum();
        (self.progress)(&Progress {
            phase,
            elapsed: duration(now - since_ns),
            total: Duration::from_millis(total_ms),
            throughput_per_s: self.rates_per_s.iter().sum(),
            p50_us: self.quantiles_us.map(|[p50, _]| p50),
            p99_us: self.quantiles_us.map(|[_, p99]| p99),
            ok: sum(|snapshot| snapshot.ok),
            errors: sum(|snapshot| snapshot.errors),
            in_flight: sum(|snapshot| snapshot.in_flight),
            sessions_connected: self.snapshots.iter().map(|one| one.connected).sum(),
        });
    }

    /// Tells others when the measured phase begins and ends.
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

    /// How long to wait for messages: until the next change of phase, at most `longest`.
    pub(super) fn patience(&self, now: i64, longest: Duration) -> Duration {
        let Some(start_ns) = self.start_ns else {
            return longest;
        };
        let end_ns = start_ns + ms_to_ns(self.plan.load.duration_ms);
        let next = [start_ns, end_ns].into_iter().find(|at_ns| *at_ns > now);
        next.map_or(longest, |at_ns| duration(at_ns - now).min(longest))
    }

    /// The phase, since when, and how long it is to take.
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
        recording.stolen = self.stolen.share();
        let measured_ns = self.summaries.iter().map(|one| one.measured_ns).max();
        recording.measured_s = duration(measured_ns.unwrap_or(0)).as_secs_f64();
        for summary in &self.summaries {
            recording.driver.push(summary.thread);
            recording.add_servers(&summary.servers);
            recording.timeline.merge(&summary.timeline);
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

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for display needs no more than 53 bits"
)]
fn rate(count: u64, ns: i64) -> f64 {
    if ns <= 0 {
        return 0.0;
    }
    count as f64 * 1e9 / ns as f64
}
