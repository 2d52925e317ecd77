//! Silences: stretches in which operations waited and none completed. They are found in the timeline, because the
//! recording intervals are too coarse.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::duration_us;
use super::summary::Summary;
use crate::measure::Recording;
use crate::result::RunResult;

/// Shorter silences are not shown, in milliseconds.
pub(crate) const LEAST_MS: u64 = 100;
/// Silences of fewer buckets of the timeline are not shown.
const LEAST_BUCKETS: u64 = 3;
/// Silences shown per run; the longest are kept.
const SHOWN_MAX: usize = 100;
/// The longest measured phase that a plan may have: seven days. A damaged file may claim a longer one.
const MEASURED_S_MAX: f64 = 7.0 * 86_400.0;

/// A stretch in which nothing completed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Silence {
    pub run: usize,
    /// Its start, in seconds since the start of the run's measured phase.
    pub from_s: f64,
    /// Its end, no later than the end of the measured phase.
    pub to_s: f64,
}

impl Silence {
    pub(crate) fn length_s(&self) -> f64 {
        self.to_s - self.from_s
    }

    /// `1.02 s`.
    pub(crate) fn length(&self) -> String {
        duration_us(self.length_s() * 1e6)
    }
}

/// The silences of all runs, in order of time.
pub(crate) fn silences(result: &RunResult) -> Vec<Silence> {
    let runs = result.runs.iter().enumerate();
    runs.flat_map(|(index, run)| of_run(index, run)).collect()
}

fn of_run(index: usize, run: &Recording) -> Vec<Silence> {
    let least_ms = LEAST_MS.max(LEAST_BUCKETS * run.timeline.bucket_ms);
    let mut found: Vec<Silence> = run
        .timeline
        .silences_s(least_ms, run.measured_s.min(MEASURED_S_MAX))
        .into_iter()
        .map(|(from_s, to_s)| Silence {
            run: index,
            from_s,
            to_s,
        })
        .collect();
    if found.len() > SHOWN_MAX {
        found.sort_by(|a, b| b.length_s().total_cmp(&a.length_s()));
        found.truncate(SHOWN_MAX);
        found.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    }
    found
}

/// Describes the longest silence of a result: `nothing completed for 1.02 s, from +3.00 s on`.
pub(crate) fn longest(summary: &Summary<'_>) -> Option<String> {
    let all = &summary.silences;
    let longest = all
        .iter()
        .max_by(|a, b| a.length_s().total_cmp(&b.length_s()))?;
    let run = if summary.result.runs.len() > 1 {
        format!(" of run {}", longest.run + 1)
    } else {
        String::new()
    };
    let times = match all.len() {
        1 => String::new(),
        times => format!(" ({times} such stretches; this is the longest)"),
    };
    Some(format!(
        "nothing completed for {}, from {:+.2} s{run} on{times}",
        longest.length(),
        longest.from_s
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Timeline;
    use crate::result::example;

    /// A timeline in which operations are due in every bucket and end in every bucket except the `silent` ones.
    fn timeline(bucket_ms: u64, buckets: usize, silent: std::ops::Range<usize>) -> Timeline {
        let mut timeline = Timeline::new(1, bucket_ms * buckets as u64);
        timeline.bucket_ms = bucket_ms;
        let counts: Vec<u32> = (0..buckets)
            .map(|bucket| u32::from(!silent.contains(&bucket)))
            .collect();
        timeline.due = vec![1; buckets];
        timeline.ended.clone_from(&counts);
        timeline.acknowledged = vec![counts];
        timeline
    }

    fn found(timeline: Timeline, measured_s: f64) -> Vec<Silence> {
        let mut result = example::result();
        result.runs[0].timeline = timeline;
        result.runs[0].measured_s = measured_s;
        silences(&result)
    }

    #[test]
    fn a_silence_lasts_at_least_100_ms_and_three_buckets() {
        assert_eq!(found(timeline(10, 200, 50..59), 2.0), []);
        let one = found(timeline(10, 200, 50..60), 2.0);
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].length(), "100 ms");
        assert_eq!(found(timeline(80, 100, 50..52), 8.0), []);
        assert_eq!(found(timeline(80, 100, 50..53), 8.0).len(), 1);
    }

    #[test]
    fn a_silence_ends_no_later_than_its_run() {
        let one = found(timeline(10, 300, 100..300), 2.0);
        assert_eq!(one.len(), 1);
        assert_eq!((one[0].from_s, one[0].to_s), (1.0, 2.0));
    }

    #[test]
    fn the_longest_silence_is_described() {
        let mut result = example::result();
        assert_eq!(longest(&Summary::new(&result)), None);
        result.runs[0].timeline = timeline(10, 200, 50..152);
        assert_eq!(
            longest(&Summary::new(&result)).unwrap(),
            "nothing completed for 1.02 s, from +0.50 s on"
        );
        result.runs.push(example::recording());
        result.runs[1].timeline = timeline(10, 200, 20..40);
        assert_eq!(
            longest(&Summary::new(&result)).unwrap(),
            "nothing completed for 1.02 s, from +0.50 s of run 1 on (2 such stretches; this is the longest)"
        );
    }
}
