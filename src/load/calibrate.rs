//! Calibration: measures the generator itself against a null responder.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::{now_ns, unix_ms};
use super::null::{NullReport, NullResponder, NullScript};
use super::poller::{Poller, Spin};
use super::{Job, LoadError, Server, run};
use crate::measure::{Histogram, Recording};
use crate::protocol::{echo, resolve};
use crate::workload::{Plan, Role, Source};

/// Rate of the timer and accuracy steps, per second.
const RATE_PER_S: u32 = 20_000;
/// Rate of the resolution step, per second: moderate, like the rate of a latency measurement.
const RESOLUTION_RATE_PER_S: u32 = 2_000;
/// Delay of the null responder in the accuracy step.
const DELAY: Duration = Duration::from_millis(2);

#[derive(Clone, Copy)]
pub struct CalibrateOptions<'a> {
    /// Length of each of the five steps.
    pub step: Duration,
    /// When set, the calibration ends early with an error.
    pub stop: &'a AtomicBool,
    /// Called with a description when a step begins.
    pub begins: &'a dyn Fn(&str),
}

impl std::fmt::Debug for CalibrateOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CalibrateOptions")
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

/// What one driver thread can do on this machine with the null responder on another core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// When the calibration was made, Unix time in milliseconds.
    pub at_unix_ms: u64,
    /// Closed loop, 16 sessions with 64 operations in flight each: operations per second.
    pub pipelined_per_s: f64,
    /// Closed loop, 64 sessions with one in flight each: operations per second.
    pub single_per_s: f64,
    /// How late the driver wakes up for what is due.
    pub timer_error: TimerError,
    /// How well it measures a known delay.
    pub accuracy: Accuracy,
    /// What it reports for a server that does nothing.
    pub resolution: Resolution,
}

/// What an open loop of 2,000 operations per second reports for a responder that answers at once.
/// These are the lowest values that can be measured for any server on this machine: they contain
/// the generator and the loopback interface, and no work of a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// Median response time, microseconds.
    pub response_p50_us: f64,
    /// 99th percentile of the response time.
    pub response_p99_us: f64,
    /// Median of how late the generator was.
    pub late_p50_us: f64,
    /// 99th percentile of how late the generator was.
    pub late_p99_us: f64,
    pub service_p50_us: f64,
    /// Shortest service time.
    pub service_min_us: f64,
    /// Median time from the read that brought a request to the write that took its reply, measured
    /// by the responder.
    pub kept_p50_us: f64,
    /// Shortest such time. No service time can be shorter.
    pub kept_min_us: f64,
}

/// Width of the smallest bucket of a histogram, microseconds.
const BUCKET_US: f64 = 0.512;

impl Resolution {
    /// Whether service times are at least as long as the times that the responder measured. If not,
    /// operations are recorded as sent too late.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.service_min_us + BUCKET_US >= self.kept_min_us
            && self.service_p50_us + BUCKET_US >= self.kept_p50_us
    }
}

/// Lateness of a timer at 20,000 due times per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimerError {
    pub p50_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
}

/// What an open loop reports for a responder with a constant delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Operations per second that the plan requests.
    pub asked_per_s: f64,
    /// Operations per second achieved.
    pub achieved_per_s: f64,
    /// The responder's delay, microseconds.
    pub delay_us: f64,
    /// Median of the actual delay, measured by the responder's clock.
    pub kept_p50_us: f64,
    /// 99th percentile of the actual delay. It grows on a busy machine, where the responder loses
    /// its processor too.
    pub kept_p99_us: f64,
    /// Median of the response time reported.
    pub response_p50_us: f64,
    /// 99th percentile of the response time reported.
    pub response_p99_us: f64,
    /// Median of the service time reported.
    pub service_p50_us: f64,
    /// 99th percentile of the service time reported.
    pub service_p99_us: f64,
    /// 99th percentile of how late the generator was.
    pub late_p99_us: f64,
    /// Share of one core that the driver used.
    pub driver_cpu: f64,
}

/// Runs the five steps, each against its own null responder.
///
/// # Errors
/// If the system refuses sockets or threads, or the calibration is interrupted.
pub fn calibrate(options: &CalibrateOptions<'_>) -> Result<Calibration, LoadError> {
    let pipelined = "pipelined: 16 sessions, 64 in flight each";
    let single = "one at a time: 64 sessions, 1 in flight each";
    let accuracy = "accuracy: 20,000 operations/s, replies after 2 ms";
    let pipelined_per_s = throughput(options, pipelined, "sessions = 16\nin_flight = 64")?;
    let single_per_s = throughput(options, single, "sessions = 64\nin_flight = 1")?;
    (options.begins)("timer: 20,000 due times/s");
    let timer_error = timer_error(options)?;
    let accuracy = measure_accuracy(options, accuracy)?;
    let resolution = resolution(options)?;
    Ok(Calibration {
        at_unix_ms: unix_ms(now_ns()),
        pipelined_per_s,
        single_per_s,
        timer_error,
        accuracy,
        resolution,
    })
}

/// Runs the resolution step only.
///
/// # Errors
/// As [`calibrate`].
pub fn resolution(options: &CalibrateOptions<'_>) -> Result<Resolution, LoadError> {
    let step = "resolution: 2,000 operations/s, replies at once";
    let script = NullScript {
        accounts: true,
        ..NullScript::default()
    };
    let load = format!("sessions = 18\nrate = {RESOLUTION_RATE_PER_S}");
    let (recording, responder) = drive(options, step, &load, script)?;
    let all = recording.all();
    let missing = || LoadError::Calibration { step };
    let [response_p50_us, response_p99_us] =
        all.response.quantiles_us([0.5, 0.99]).ok_or_else(missing)?;
    let [late_p50_us, late_p99_us] = all.late.quantiles_us([0.5, 0.99]).ok_or_else(missing)?;
    let figures = |histogram: &Histogram| Some((histogram.min_us()?, histogram.p50_us()?));
    let (service_min_us, service_p50_us) = figures(&all.service).ok_or_else(missing)?;
    let (kept_min_us, kept_p50_us) = figures(&responder.kept).ok_or_else(missing)?;
    Ok(Resolution {
        response_p50_us,
        response_p99_us,
        late_p50_us,
        late_p99_us,
        service_p50_us,
        service_min_us,
        kept_p50_us,
        kept_min_us,
    })
}

fn throughput(
    options: &CalibrateOptions<'_>,
    step: &'static str,
    load: &str,
) -> Result<f64, LoadError> {
    let (recording, _) = drive(options, step, load, NullScript::default())?;
    let missing = LoadError::Calibration { step };
    recording.throughput_per_s().ok_or(missing)
}

fn measure_accuracy(
    options: &CalibrateOptions<'_>,
    step: &'static str,
) -> Result<Accuracy, LoadError> {
    let script = NullScript {
        delay: DELAY,
        spin: true,
        ..NullScript::default()
    };
    let load = format!("sessions = 16\nrate = {RATE_PER_S}\nspacing = \"even\"");
    let (recording, responder) = drive(options, step, &load, script)?;
    let all = recording.all();
    let missing = || LoadError::Calibration { step };
    let [response_p50_us, response_p99_us] =
        all.response.quantiles_us([0.5, 0.99]).ok_or_else(missing)?;
    let [service_p50_us, service_p99_us] =
        all.service.quantiles_us([0.5, 0.99]).ok_or_else(missing)?;
    let [kept_p50_us, kept_p99_us] = responder
        .kept
        .quantiles_us([0.5, 0.99])
        .ok_or_else(missing)?;
    Ok(Accuracy {
        asked_per_s: f64::from(RATE_PER_S),
        achieved_per_s: recording.throughput_per_s().ok_or_else(missing)?,
        delay_us: DELAY.as_secs_f64() * 1e6,
        kept_p50_us,
        kept_p99_us,
        response_p50_us,
        response_p99_us,
        service_p50_us,
        service_p99_us,
        late_p99_us: all.late.p99_us().ok_or_else(missing)?,
        driver_cpu: recording.driver.iter().map(|thread| thread.busy).sum(),
    })
}

fn drive(
    options: &CalibrateOptions<'_>,
    step: &'static str,
    load: &str,
    script: NullScript,
) -> Result<(Recording, NullReport), LoadError> {
    (options.begins)(step);
    let responder = NullResponder::start::<echo::Null>(script)
        .map_err(LoadError::system("start the null responder"))?;
    let servers = [Server {
        name: responder.address().to_string(),
        address: responder.address(),
        role: Role::Standalone,
    }];
    let plan = plan(step, load, options.step)?;
    let recording = run(&Job {
        plan: &plan,
        run: 0,
        servers: &servers,
        stop: options.stop,
        progress: &|_| {},
        moment: &|_| {},
    })?;
    if recording.interrupted {
        return Err(LoadError::Interrupted);
    }
    let report = responder.stop();
    let report = report.map_err(LoadError::system("run the null responder"))?;
    Ok((recording, report))
}

fn plan(step: &'static str, load: &str, length: Duration) -> Result<Plan, LoadError> {
    let text = format!(
        "name = \"calibrate\"\nprotocol = \"echo\"\n[load]\n{load}\nwarm_up = \"500ms\"\n\
         duration = \"{}ms\"\n[[op]]\nkind = \"echo\"\nsize = 100\n",
        length.as_millis().max(100)
    );
    resolve(&Source::from_text("calibrate", text), &[], None).map_err(|error| {
        debug_assert!(false, "{error}");
        LoadError::Calibration { step }
    })
}

/// Waits for evenly spaced due times like a worker does, and records how late each wait ended.
fn timer_error(options: &CalibrateOptions<'_>) -> Result<TimerError, LoadError> {
    let system = LoadError::system("wait for a timer");
    let mut poller = Poller::new(Spin::Sparing).map_err(&system)?;
    let mut late = Histogram::new();
    let period_ns = 1_000_000_000 / i64::from(RATE_PER_S);
    let length_ns = i64::try_from(options.step.as_nanos()).unwrap_or(i64::MAX / 2);
    let mut due_ns = now_ns() + period_ns;
    let end_ns = due_ns + length_ns;
    while due_ns < end_ns {
        poller.wait(due_ns, true).map_err(&system)?;
        let now = now_ns();
        while due_ns <= now {
            late.record_ns(u64::try_from(now - due_ns).unwrap_or(0));
            due_ns += period_ns;
        }
    }
    let missing = LoadError::Calibration { step: "timer" };
    let [p50_us, p99_us, max_us] = late.quantiles_us([0.5, 0.99, 1.0]).ok_or(missing)?;
    Ok(TimerError {
        p50_us,
        p99_us,
        max_us,
    })
}
