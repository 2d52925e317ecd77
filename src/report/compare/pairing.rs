//! Finds the rounds of a comparison: which runs of both sides were measured side by side.

use crate::measure::Recording;

/// A single round counts as one only if both of its runs began within this time.
const ROUND_MS_MAX: u64 = 3_600_000;

/// The two runs of a round, as indices into the runs of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub base: usize,
    pub candidate: usize,
}

/// Returns the rounds that both sides have, in order; `None` if the sides were not measured in
/// rounds.
///
/// Runs with the same number made the same random choices. Their times show whether they were
/// measured side by side: each round ended before the next one began. Two separate results have the
/// same numbers too, but all runs of one come before those of the other.
pub(super) fn pair(base: &[Recording], candidate: &[Recording]) -> Option<Vec<Pair>> {
    let numbers = |runs: &[Recording]| -> Vec<(u32, u64)> {
        let all = runs.iter();
        all.map(|run| (run.number, run.started_unix_ms)).collect()
    };
    pair_numbers(&numbers(base), &numbers(candidate))
}

/// Like [`pair`], for measurements with their number and their start as Unix time in milliseconds.
pub(super) fn pair_numbers(base: &[(u32, u64)], candidate: &[(u32, u64)]) -> Option<Vec<Pair>> {
    if repeats_a_number(base) || repeats_a_number(candidate) {
        return None;
    }
    let mut pairs: Vec<Pair> = Vec::new();
    for (place, (number, _)) in base.iter().enumerate() {
        let other = candidate.iter().position(|(other, _)| other == number);
        pairs.extend(other.map(|other| Pair {
            base: place,
            candidate: other,
        }));
    }
    pairs.sort_by_key(|pair| base[pair.base].0);
    let times: Vec<(u64, u64)> = pairs
        .iter()
        .map(|pair| {
            let (a, b) = (base[pair.base].1, candidate[pair.candidate].1);
            (a.min(b), a.max(b))
        })
        .collect();
    let in_rounds = match times.as_slice() {
        [] => false,
        [(first, last)] => last - first <= ROUND_MS_MAX,
        several => several.windows(2).all(|two| two[0].1 <= two[1].0),
    };
    in_rounds.then_some(pairs)
}

fn repeats_a_number(runs: &[(u32, u64)]) -> bool {
    let mut numbers: Vec<u32> = runs.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers.windows(2).any(|two| two[0] == two[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(starts: &[(u32, u64)]) -> Vec<Recording> {
        let run = |(number, minute): &(u32, u64)| Recording {
            number: *number,
            started_unix_ms: minute * 60_000,
            ..Recording::default()
        };
        starts.iter().map(run).collect()
    }

    fn places(pairs: Option<Vec<Pair>>) -> Option<Vec<(usize, usize)>> {
        pairs.map(|pairs| pairs.iter().map(|p| (p.base, p.candidate)).collect())
    }

    #[test]
    fn runs_of_one_round_are_a_pair_in_any_order() {
        let base = runs(&[(0, 0), (1, 3), (2, 4)]);
        let candidate = runs(&[(0, 1), (1, 2), (2, 5)]);
        let expected = Some(vec![(0, 0), (1, 1), (2, 2)]);
        assert_eq!(places(pair(&base, &candidate)), expected);
        // Leave out a round that one side lacks.
        assert_eq!(
            places(pair(&base, &candidate[1..])),
            Some(vec![(1, 0), (2, 1)])
        );
    }

    #[test]
    fn separate_results_are_not_paired_despite_equal_numbers() {
        let base = runs(&[(0, 0), (1, 1), (2, 2)]);
        let later = runs(&[(0, 10), (1, 11), (2, 12)]);
        assert_eq!(pair(&base, &later), None);
        assert_eq!(pair(&base, &runs(&[(7, 1)])), None);
        assert_eq!(pair(&base, &[]), None);
    }

    #[test]
    fn a_single_round_counts_if_it_was_measured_within_an_hour() {
        let base = runs(&[(0, 0)]);
        assert!(pair(&base, &runs(&[(0, 60)])).is_some());
        assert!(pair(&base, &runs(&[(0, 61)])).is_none());
    }

    #[test]
    fn a_repeated_run_number_is_not_a_round() {
        let twice = runs(&[(0, 0), (0, 1)]);
        assert_eq!(pair(&twice, &runs(&[(0, 0)])), None);
    }
}
