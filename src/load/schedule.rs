//! The open-loop schedule: at what instant each operation should start, as a pure function of its
//! number.
//!
//! The rate over time is integrated once; operation `n` starts when the integral reaches `n`. The
//! operations go round the sessions (session `s` of `S` has the operations `s`, `s + S`, ...), so
//! each session gets its share with an offset of its own, and the total is exact. Nothing here
//! knows what became of earlier operations: a due operation cannot be skipped.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::workload::RatePhase;

const NS_PER_S: f64 = 1e9;

/// A stretch with a linearly changing rate.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Start, seconds from the start of the measured phase.
    start_s: f64,
    length_s: f64,
    from_per_s: f64,
    to_per_s: f64,
    /// Operations due before it.
    before: f64,
}

impl Segment {
    /// Operations due by `elapsed_s` into it.
    fn operations(&self, elapsed_s: f64) -> f64 {
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        elapsed_s * (self.from_per_s + slope * elapsed_s / 2.0)
    }

    /// When the integral reaches `operations`, seconds into it.
    fn elapsed_s(&self, operations: f64) -> f64 {
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        // The root of slope/2 t^2 + from t = operations, in the form that also holds for slope 0.
        let root = (self.from_per_s * self.from_per_s + 2.0 * slope * operations).max(0.0);
        2.0 * operations / (self.from_per_s + root.sqrt())
    }
}

/// An open loop's schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    segments: Vec<Segment>,
    /// Operations altogether.
    total: u64,
}

impl Schedule {
    /// A warm-up at the first phase's start rate before 0, then the phases; the last one's end
    /// rate holds until `duration_ms`, where the schedule ends.
    #[must_use]
    pub fn new(phases: &[RatePhase], warm_up_ms: u64, duration_ms: u64) -> Self {
        let mut schedule = Self {
            segments: Vec::with_capacity(phases.len() + 2),
            total: 0,
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
        // An operation due exactly at the end does not start any more; the small number forgives
        // the rounding of the sums.
        schedule.total = floor_u64((before - 1e-6).ceil());
        schedule
    }

    /// Operations altogether, warm-up included.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.total
    }

    /// When operation `index` should start, nanoseconds from the start of the measured phase
    /// (negative = warm-up); `None` behind the end.
    #[must_use]
    pub fn at_ns(&self, index: u64) -> Option<i64> {
        if index >= self.total {
            return None;
        }
        let operation = to_f64(index);
        let position = self
            .segments
            .partition_point(|segment| segment.before <= operation);
        // The last one that begins with this count: those before it without a rate are empty.
        let segment = self.segments.get(position.checked_sub(1)?)?;
        let elapsed_s = segment.elapsed_s(operation - segment.before);
        Some(round_ns(
            (segment.start_s + elapsed_s.min(segment.length_s)) * NS_PER_S,
        ))
    }
}

/// The operations of one session among `sessions`.
#[derive(Clone, Copy, Debug)]
pub struct SessionShare {
    /// The session's number.
    pub session: u32,
    /// Sessions altogether.
    pub sessions: u32,
}

impl SessionShare {
    /// The number, over all sessions, of this session's `nth` operation.
    #[must_use]
    pub fn index(self, nth: u64) -> u64 {
        nth * u64::from(self.sessions) + u64::from(self.session)
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths lie far below 2^53 ms")]
fn ms_to_s(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a run has far fewer than 2^53 operations"
)]
fn to_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate; a count below 0 is 0"
)]
fn floor_u64(count: f64) -> u64 {
    count as u64
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

    fn all(schedule: &Schedule) -> Vec<i64> {
        (0..).map_while(|index| schedule.at_ns(index)).collect()
    }

    /// Operations in `[from_ms, to_ms)`.
    fn count(times: &[i64], from_ms: i64, to_ms: i64) -> usize {
        let range = from_ms * 1_000_000..to_ms * 1_000_000;
        times.iter().filter(|at| range.contains(at)).count()
    }

    #[test]
    fn a_constant_rate_is_a_comb_from_the_warm_up_on() {
        let schedule = Schedule::new(&[phase(10_000, 1_000.0, 1_000.0)], 2_000, 10_000);
        let times = all(&schedule);
        assert_eq!(times.len(), 12_000);
        assert_eq!(schedule.operations(), 12_000);
        for (index, at) in (0_i64..).zip(&times) {
            assert_eq!(*at, index * 1_000_000 - 2_000_000_000);
        }
    }

    #[test]
    fn the_last_rate_holds_to_the_end_and_longer_phases_are_cut() {
        let short = all(&Schedule::new(&[phase(1_000, 100.0, 100.0)], 0, 3_000));
        assert_eq!(short.len(), 300);
        let long = all(&Schedule::new(&[phase(10_000, 0.0, 100.0)], 0, 5_000));
        assert_eq!(long.len(), 125, "half the way up, at half the end rate");
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
        assert_eq!(count(&times, 1_000, 2_000), 0, "a pause");
        assert_eq!(count(&times, 2_000, 3_000), 300);
        assert_eq!(times.len(), 450);
    }

    #[test]
    fn a_ramp_holds_its_integral() {
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
    fn sessions_share_the_rate_with_offsets_of_their_own() {
        let schedule = Schedule::new(&[phase(1_000, 1_000.0, 1_000.0)], 0, 1_000);
        let mut seen = Vec::new();
        for session in 0..3 {
            let share = SessionShare {
                session,
                sessions: 3,
            };
            let times: Vec<i64> = (0..)
                .map_while(|nth| schedule.at_ns(share.index(nth)))
                .collect();
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 3_000_000));
            seen.extend(times);
        }
        seen.sort_unstable();
        assert_eq!(seen, all(&schedule));
    }

    #[test]
    fn no_rate_no_operations() {
        let none = Schedule::new(&[phase(1_000, 0.0, 0.0)], 1_000, 1_000);
        assert_eq!(none.at_ns(0), None);
        assert_eq!(Schedule::new(&[], 0, 1_000).operations(), 0);
    }
}
