//! The open-loop schedule: when each operation should start.
//!
//! The schedule integrates the rate over time once. The operation with count `n` is due when the
//! integral reaches `n`. Each session has counts of its own: with even spacing, session `s` of `S`
//! has `s`, `s + S`, ...; with Poisson spacing, each session is a Poisson process with the rate `1
//! / S`, and all sessions together are a Poisson process again. The counts depend only on seed, run
//! and session, so they do not change when sessions are spread over other threads or machines. The
//! schedule does not depend on the outcome of earlier operations, so a due operation cannot be
//! skipped.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use crate::workload::{RatePhase, Spacing};

const NS_PER_S: f64 = 1e9;

/// A stretch of time with a linearly changing rate.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Start, seconds from the start of the measured phase.
    start_s: f64,
    length_s: f64,
    from_per_s: f64,
    to_per_s: f64,
    /// Operations due before this segment.
    before: f64,
}

impl Segment {
    /// Returns the operations due by `elapsed_s` seconds into the segment.
    fn operations(&self, elapsed_s: f64) -> f64 {
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        elapsed_s * (self.from_per_s + slope * elapsed_s / 2.0)
    }

    /// Returns when the integral reaches `operations`, in seconds into the segment.
    fn elapsed_s(&self, operations: f64) -> f64 {
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        // The root of slope/2 t^2 + from t = operations, in the form that is also valid for slope
        // 0.
        let root = (self.from_per_s * self.from_per_s + 2.0 * slope * operations).max(0.0);
        2.0 * operations / (self.from_per_s + root.sqrt())
    }
}

/// The rate of an open loop over time, and its integral.
#[derive(Clone, Debug)]
pub struct Schedule {
    segments: Vec<Segment>,
    /// Number of operations, warm-up included.
    total: f64,
}

impl Schedule {
    /// A schedule of a warm-up before 0 at the start rate of the first phase, followed by the
    /// phases. The end rate of the last phase holds until `duration_ms`, where the schedule ends.
    #[must_use]
    pub fn new(phases: &[RatePhase], warm_up_ms: u64, duration_ms: u64) -> Self {
        let mut schedule = Self {
            segments: Vec::with_capacity(phases.len() + 2),
            total: 0.0,
        };
        let end_s = ms_to_s(duration_ms);
        let warm_up_s = ms_to_s(warm_up_ms);
        let first_per_s = phases.first().map_or(0.0, |phase| phase.from_per_s);
        let mut at_s = -warm_up_s;
        let mut before = 0.0;
        let warm_up = (warm_up_s, first_per_s, first_per_s);
        let last_per_s = phases.last().map_or(0.0, |phase| phase.to_per_s);
        let tail = (f64::INFINITY, last_per_s, last_per_s);
        let phases = phases
            .iter()
            .map(|phase| (ms_to_s(phase.duration_ms), phase.from_per_s, phase.to_per_s));
        for (length_s, from_per_s, to_per_s) in [warm_up].into_iter().chain(phases).chain([tail]) {
            let kept_s = length_s.min(end_s - at_s);
            if kept_s <= 0.0 {
                continue;
            }
            let share = if length_s.is_finite() {
                kept_s / length_s
            } else {
                1.0
            };
            let segment = Segment {
                start_s: at_s,
                length_s: kept_s,
                from_per_s,
                to_per_s: from_per_s + (to_per_s - from_per_s) * share,
                before,
            };
            before += segment.operations(kept_s);
            at_s += kept_s;
            schedule.segments.push(segment);
        }
        // An operation that is due exactly at the end does not start. The subtraction allows for
        // rounding errors in the sums.
        schedule.total = before - 1e-6;
        schedule
    }

    /// Returns when this many operations are due, in nanoseconds from the start of the measured
    /// phase. Negative values lie in the warm-up. `None` means after the end.
    #[must_use]
    pub fn at_ns(&self, operations: f64) -> Option<i64> {
        if operations >= self.total {
            return None;
        }
        let position = self
            .segments
            .partition_point(|segment| segment.before <= operations);
        // The last of the segments that begin with this count. The ones before it have a rate of 0.
        let segment = self.segments.get(position.checked_sub(1)?)?;
        let elapsed_s = segment.elapsed_s(operations - segment.before);
        Some(round_ns(
            (segment.start_s + elapsed_s.min(segment.length_s)) * NS_PER_S,
        ))
    }
}

/// The due times of one session in order.
#[derive(Clone, Debug)]
pub struct SessionTimes {
    sessions: f64,
    next: Next,
}

#[derive(Clone, Debug)]
enum Next {
    /// The count at which the session's next operation is due.
    Even(f64),
    /// The count at which the last operation was due, and the random generator of the distances.
    Poisson(f64, SplitMix64),
}

impl SessionTimes {
    /// The due times of `session` among `sessions`.
    #[must_use]
    pub fn new(spacing: Spacing, session: u32, sessions: u32, seed: u64) -> Self {
        let next = match spacing {
            Spacing::Even => Next::Even(f64::from(session)),
            Spacing::Poisson => {
                // Mixed, so that neighbouring seeds and sessions do not give related streams.
                let mixed = SplitMix64::seed_from_u64(seed).next_u64() ^ u64::from(session);
                let own = SplitMix64::seed_from_u64(mixed).next_u64();
                Next::Poisson(0.0, SplitMix64::seed_from_u64(own))
            }
        };
        Self {
            sessions: f64::from(sessions.max(1)),
            next,
        }
    }

    /// Returns when the next operation is due, as [`Schedule::at_ns`] does; `None` after the end.
    pub fn next_ns(&mut self, schedule: &Schedule) -> Option<i64> {
        let operations = match &mut self.next {
            Next::Even(next) => {
                let due = *next;
                *next += self.sessions;
                due
            }
            Next::Poisson(last, random) => {
                // 53 random bits plus one half: never 0, because the logarithm of 0 is infinite.
                let uniform = (to_f64(random.next_u64() >> 11) + 0.5) / TWO_TO_53;
                *last -= uniform.ln() * self.sessions;
                *last
            }
        };
        schedule.at_ns(operations)
    }
}

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_precision_loss, reason = "lengths lie far below 2^53 ms")]
fn ms_to_s(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "casts of floats saturate; a week is far below 2^63 ns"
)]
fn round_ns(ns: f64) -> i64 {
    ns.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(duration_ms: u64, from_per_s: f64, to_per_s: f64) -> RatePhase {
        RatePhase {
            duration_ms,
            from_per_s,
            to_per_s,
        }
    }

    fn times_of(schedule: &Schedule, mut session: SessionTimes) -> Vec<i64> {
        std::iter::from_fn(|| session.next_ns(schedule)).collect()
    }

    fn all(schedule: &Schedule) -> Vec<i64> {
        times_of(schedule, SessionTimes::new(Spacing::Even, 0, 1, 0))
    }

    fn poisson(schedule: &Schedule, sessions: u32, seed: u64) -> Vec<Vec<i64>> {
        (0..sessions)
            .map(|session| {
                let own = SessionTimes::new(Spacing::Poisson, session, sessions, seed);
                times_of(schedule, own)
            })
            .collect()
    }

    /// Operations in `[from_ms, to_ms)`.
    fn count(times: &[i64], from_ms: i64, to_ms: i64) -> usize {
        let range = from_ms * 1_000_000..to_ms * 1_000_000;
        times.iter().filter(|at| range.contains(at)).count()
    }

    #[test]
    fn an_even_rate_gives_equal_distances_from_the_warm_up_on() {
        let schedule = Schedule::new(&[phase(10_000, 1_000.0, 1_000.0)], 2_000, 10_000);
        let times = all(&schedule);
        assert_eq!(times.len(), 12_000);
        for (index, at) in (0_i64..).zip(&times) {
            assert_eq!(*at, index * 1_000_000 - 2_000_000_000);
        }
    }

    #[test]
    fn the_last_rate_holds_to_the_end_and_longer_phases_are_cut() {
        let short = all(&Schedule::new(&[phase(1_000, 100.0, 100.0)], 0, 3_000));
        assert_eq!(short.len(), 300);
        let long = all(&Schedule::new(&[phase(10_000, 0.0, 100.0)], 0, 5_000));
        assert_eq!(long.len(), 125, "the area under half of the ramp");
    }

    #[test]
    fn steps_change_the_rate_at_once() {
        let phases = [
            phase(1_000, 100.0, 100.0),
            phase(1_000, 0.0, 0.0),
            phase(1_000, 300.0, 300.0),
        ];
        let times = all(&Schedule::new(&phases, 500, 3_000));
        assert_eq!(count(&times, -500, 0), 50);
        assert_eq!(count(&times, 0, 1_000), 100);
        assert_eq!(
            count(&times, 1_000, 2_000),
            0,
            "no operation during the pause"
        );
        assert_eq!(count(&times, 2_000, 3_000), 300);
        assert_eq!(times.len(), 450);
    }

    #[test]
    fn a_ramp_issues_as_many_operations_as_its_integral() {
        let times = all(&Schedule::new(&[phase(10_000, 100.0, 1_100.0)], 0, 10_000));
        assert_eq!(times.len(), 6_000);
        for second in 0..10_i64 {
            let rate = 100.0 + 100.0 * (f64::from(i32::try_from(second).unwrap()) + 0.5);
            let actual = count(&times, second * 1_000, (second + 1) * 1_000);
            let actual = f64::from(u32::try_from(actual).unwrap());
            assert!((actual - rate).abs() <= 1.0, "second {second}: {actual}");
        }
        assert!(times.is_sorted());
        let down = all(&Schedule::new(&[phase(10_000, 1_100.0, 100.0)], 0, 10_000));
        assert_eq!(down.len(), 6_000);
        assert!(down.is_sorted());
    }

    #[test]
    fn even_sessions_together_keep_equal_distances() {
        let schedule = Schedule::new(&[phase(1_000, 1_000.0, 1_000.0)], 0, 1_000);
        let mut seen = Vec::new();
        for session in 0..3 {
            let own = SessionTimes::new(Spacing::Even, session, 3, 9);
            let times = times_of(&schedule, own);
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 3_000_000));
            seen.extend(times);
        }
        seen.sort_unstable();
        assert_eq!(seen, all(&schedule));
    }

    /// The distances of a Poisson process are exponential: the share above k times the mean is
    /// e^-k. The variance of the counts in windows equals their mean.
    #[test]
    fn poisson_sessions_together_are_a_poisson_process() {
        let schedule = Schedule::new(&[phase(100_000, 1_000.0, 1_000.0)], 0, 100_000);
        let mut times: Vec<i64> = poisson(&schedule, 16, 7).concat();
        times.sort_unstable();
        let total = f64::from(u32::try_from(times.len()).unwrap());
        assert!(
            (total - 100_000.0).abs() < 4.0 * 100_000_f64.sqrt(),
            "{total}"
        );
        for (means, expected) in [(1_i64, 0.3679), (2, 0.1353), (4, 0.0183)] {
            let longer = times
                .windows(2)
                .filter(|pair| pair[1] - pair[0] > means * 1_000_000)
                .count();
            let share = f64::from(u32::try_from(longer).unwrap()) / total;
            assert!((share - expected).abs() < 0.01, "{means}: {share}");
        }
        let windows: Vec<f64> = (0..1_000)
            .map(|window| {
                let found = count(&times, window * 100, (window + 1) * 100);
                f64::from(u32::try_from(found).unwrap())
            })
            .collect();
        let mean = windows.iter().sum::<f64>() / 1_000.0;
        let variance = windows.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 999.0;
        assert!((0.8..1.2).contains(&(variance / mean)), "{variance} {mean}");
    }

    #[test]
    fn poisson_times_depend_only_on_seed_and_session() {
        let schedule = Schedule::new(&[phase(1_000, 500.0, 500.0)], 100, 1_000);
        let first = poisson(&schedule, 4, 7);
        assert_eq!(first, poisson(&schedule, 4, 7));
        assert_ne!(first, poisson(&schedule, 4, 8));
        assert_ne!(first[0], first[1]);
        assert!(first.iter().all(|times| times.is_sorted()));
        let (begin, end) = (-100_000_000, 1_000_000_000);
        assert!(first.concat().iter().all(|at| (begin..end).contains(at)));
    }

    #[test]
    fn a_rate_of_zero_issues_no_operations() {
        let none = Schedule::new(&[phase(1_000, 0.0, 0.0)], 1_000, 1_000);
        assert!(all(&none).is_empty());
        assert!(poisson(&none, 2, 1).concat().is_empty());
        assert!(all(&Schedule::new(&[], 0, 1_000)).is_empty());
    }
}
