//! Trials of a whole comparison in simulated time: from single operations through the recorder and
//! the histograms to the verdict.

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Outcome, compare};
use crate::measure::{Layout, Recorder, Recording, Sample};
use crate::result::{RunResult, example};

/// Trials of each kind, and how many of them must have the right verdict.
const TRIALS: u64 = 20;
const RIGHT_LEAST: usize = 19;
/// The rounds that `quorate compare` measures by default.
const ROUNDS: u32 = 7;
/// The rounds that runs as short as these need to show a difference of 10 %: a median of 1,000
/// operations has noise of its own.
const ROUNDS_NEEDED: u32 = 11;
const SEED: u64 = 750;
const MS: i64 = 1_000_000;

/// A random stream of one run.
struct Noise(Xoshiro256PlusPlus);

impl Noise {
    fn new(trial: u64, side: u64, round: u64) -> Self {
        let seed = SEED ^ (trial << 32) ^ (side << 16) ^ round;
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Above 0, at most 1.
    fn share(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (one, other) = (self.share(), self.share());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}

/// What a run is made of.
#[derive(Clone, Copy)]
struct Making {
    trial: u64,
    side: u64,
    round: u32,
    /// Factor of every response time.
    slower: f64,
    /// Standard deviation of the noise of a whole run.
    run_noise: f64,
}

/// Two seconds of a Poisson process of 500 operations/s. Service times are log-normal around 0.8 ms, and one of 300 is
/// 20 times as long, as a slow sync is. Operations queue behind each other. Rounds drift by 5 %, equally for both sides.
fn run(making: Making) -> Recording {
    let mut shared = Noise::new(making.trial, 9, u64::from(making.round));
    let mut noise = Noise::new(making.trial, making.side, u64::from(making.round));
    let level = (0.05 * shared.normal() + making.run_noise * noise.normal()).exp();
    let layout = Layout {
        interval_ns: 1_000 * MS,
        measured_ns: 2_000 * MS,
        drain_ns: 1_000 * MS,
    };
    let mut recorder = Recorder::new(1, 3, layout).with_writes([true]);
    let mut recording = Recording {
        number: making.round,
        intervals: Vec::new(),
        timeline: crate::measure::Timeline::default(),
        ..example::recording()
    };
    recording.started_unix_ms += u64::from(making.round) * 60_000;
    recording
        .servers
        .iter_mut()
        .for_each(|server| server.ops.clear());
    let (mut intended_ns, mut free_ns) = (0.0_f64, 0.0_f64);
    let mut interval = 0;
    recorder.take(0);
    loop {
        intended_ns -= noise.share().ln() * 2e6;
        if intended_ns >= 2e9 {
            break;
        }
        let mut service_ns = 8e5 * (0.3 * noise.normal()).exp();
        if noise.share() < 1.0 / 300.0 {
            service_ns *= 20.0;
        }
        free_ns = free_ns.max(intended_ns) + service_ns;
        let response_ns = (free_ns - intended_ns) * level * making.slower;
        let at_ns = ns(intended_ns);
        let done_ns = ns(intended_ns + response_ns);
        if done_ns / (1_000 * MS) > interval {
            interval = done_ns / (1_000 * MS);
            let parts = recorder.take(interval).intervals;
            parts.into_iter().for_each(|part| recording.add(part));
        }
        recorder.record(&Sample {
            op: 0,
            server: Some(0),
            intended_ns: at_ns,
            ready_ns: Some(at_ns),
            sent_ns: Some(at_ns + 5_000),
            done_ns,
            outcome: crate::measure::Outcome::Ok,
        });
    }
    let parts = recorder.take(interval + 1).intervals;
    parts.into_iter().for_each(|part| recording.add(part));
    recording.intervals.truncate(2);
    recording.add_whole(&recorder.finish());
    recording
}

#[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
fn ns(ns: f64) -> i64 {
    ns as i64
}

fn side(trial: u64, side: u64, slower: f64, rounds: u32, run_noise: f64) -> RunResult {
    let runs = (0..rounds).map(|round| {
        run(Making {
            trial,
            side,
            round,
            slower,
            run_noise,
        })
    });
    RunResult::new(
        example::environment(),
        example::target(),
        example::plan(),
        runs.collect(),
    )
}

/// Returns the number of trials with this verdict on the headline.
fn verdicts(outcome: Outcome, slower: f64, rounds: u32, run_noise: f64) -> usize {
    (0..TRIALS)
        .filter(|trial| {
            let base = side(*trial, 1, 1.0, rounds, run_noise);
            let candidate = side(*trial, 2, slower, rounds, run_noise);
            let comparison = compare(&base, &candidate, None).unwrap();
            assert_eq!(
                comparison.rounds.as_ref().map(Vec::len),
                Some(rounds as usize)
            );
            assert_eq!(comparison.headline().metric.name(), "set: response p50");
            comparison.headline().outcome == outcome
        })
        .count()
}

#[test]
fn a_slowdown_of_10_percent_is_found_in_19_of_20_trials() {
    let found = verdicts(Outcome::Slower, 1.1, ROUNDS_NEEDED, 0.03);
    assert!(found >= RIGHT_LEAST, "{found} of {TRIALS}");
}

#[test]
fn a_slowdown_of_10_percent_is_found_although_whole_runs_differ_by_5_percent() {
    let found = verdicts(Outcome::Slower, 1.1, ROUNDS_NEEDED, 0.05);
    assert!(found >= RIGHT_LEAST, "{found} of {TRIALS}");
}

#[test]
fn equal_sides_show_no_difference_in_19_of_20_trials() {
    let none = verdicts(Outcome::NoDifference, 1.0, ROUNDS, 0.03);
    assert!(none >= RIGHT_LEAST, "{none} of {TRIALS}");
}
