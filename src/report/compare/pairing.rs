//! Which run of one side was measured beside which of the other.

use crate::measure::Recording;

/// A lone round is one if both of its runs began within this time.
const ROUND_MS_MAX: u64 = 3_600_000;

/// Two runs of a round: their places in the lists of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub base: usize,
    pub candidate: usize,
}

/// The rounds that both sides have, in their order; `None` if the sides were not measured in rounds.
///
/// Runs of one number had the same random choices. That they were measured side by side as well shows
/// in their times: every round was over before the next one began. The runs of two separate results
/// have the same numbers, too, but one result's runs all come before the other's.
pub(super) fn pair(base: &[Recording], candidate: &[Recording]) -> Option<Vec<Pair>> {
    if repeats_a_number(base) || repeats_a_number(candidate) {
        return None;
    }
    let mut pairs: Vec<Pair> = Vec::new();
    for (place, run) in base.iter().enumerate() {
        let other = candidate
            .iter()
            .position(|other| other.number == run.number);
        pairs.extend(other.map(|other| Pair {
            base: place,
            candidate: other,
        }));
    }
    pairs.sort_by_key(|pair| base[pair.base].number);
    let times: Vec<(u64, u64)> = pairs
        .iter()
        .map(|pair| {
            let a = base[pair.base].started_unix_ms;
            let b = candidate[pair.candidate].started_unix_ms;
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

fn repeats_a_number(runs: &[Recording]) -> bool {
    let mut numbers: Vec<u32> = runs.iter().map(|run| run.number).collect();
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
    fn runs_of_one_round_are_a_pair_in_whatever_order_they_ran() {
        let base = runs(&[(0, 0), (1, 3), (2, 4)]);
        let candidate = runs(&[(0, 1), (1, 2), (2, 5)]);
        let expected = Some(vec![(0, 0), (1, 1), (2, 2)]);
        assert_eq!(places(pair(&base, &candidate)), expected);
        // A round that a side lacks is left out.
        assert_eq!(
            places(pair(&base, &candidate[1..])),
            Some(vec![(1, 0), (2, 1)])
        );
    }

    #[test]
    fn separate_results_are_not_paired_although_their_numbers_agree() {
        let base = runs(&[(0, 0), (1, 1), (2, 2)]);
        let later = runs(&[(0, 10), (1, 11), (2, 12)]);
        assert_eq!(pair(&base, &later), None);
        assert_eq!(pair(&base, &runs(&[(7, 1)])), None);
        assert_eq!(pair(&base, &[]), None);
    }

    #[test]
    fn a_lone_round_is_one_if_it_was_measured_within_the_hour() {
        let base = runs(&[(0, 0)]);
        assert!(pair(&base, &runs(&[(0, 60)])).is_some());
        assert!(pair(&base, &runs(&[(0, 61)])).is_none());
    }

    #[test]
    fn a_number_that_occurs_twice_is_no_round() {
        let twice = runs(&[(0, 0), (0, 1)]);
        assert_eq!(pair(&twice, &runs(&[(0, 0)])), None);
    }
}
