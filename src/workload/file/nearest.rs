//! Finds the known word that is nearest to a misspelt one.
//!
//! A wrong hint is worse than none. Similarity as a share of the letters (Jaro-Winkler) finds
//! `batch` for `watch`. This module counts typing errors instead, and short words may contain only
//! one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Maximum length of a short word.
const SHORT: usize = 5;
/// Maximum number of typing errors in a short word and in a long one: letters missing, added, wrong
/// or swapped.
const SLIPS: [usize; 2] = [1, 2];
/// Minimum length of the beginning of a word that is accepted for the word.
const BEGINNING: usize = 3;

/// Returns the word of `names` that `wanted` probably means.
pub fn nearest<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Option<&'a str> {
    let wanted = plain(wanted);
    let scored = names.filter_map(|name| Some((distance(&plain(name), &wanted)?, name)));
    // The first of the words with the same distance.
    scored.min_by_key(|(distance, _)| *distance)?.1.into()
}

/// Removes underscores and hyphens, which users often leave out or confuse.
fn plain(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Returns the distance between `wanted` and `name`, or `None` if it is too large: typing errors
/// first, then the letters that a beginning lacks.
fn distance(name: &str, wanted: &str) -> Option<(usize, usize)> {
    let length = |word: &str| word.chars().count();
    let shorter = length(name).min(length(wanted));
    let slips = strsim::damerau_levenshtein(name, wanted);
    let allowed = SLIPS[usize::from(shorter > SHORT)];
    if slips <= allowed && slips < shorter && !is_another_word(name, wanted) {
        return Some((slips, 0));
    }
    let is_beginning = name.starts_with(wanted) || wanted.starts_with(name);
    if is_beginning && shorter >= BEGINNING {
        return Some((usize::MAX, length(name).abs_diff(length(wanted))));
    }
    None
}

/// Whether a short word has another first letter and otherwise the same letters. Users rarely
/// mistype the first letter, so `watch` is a different word than `batch`.
fn is_another_word(name: &str, wanted: &str) -> bool {
    let (mut ours, mut theirs) = (name.chars(), wanted.chars());
    ours.next() != theirs.next() && ours.eq(theirs) && name.chars().count() <= SHORT
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 12] = [
        "batch",
        "duration",
        "in_flight",
        "label",
        "op",
        "rate",
        "sessions",
        "session_timeout",
        "size",
        "warm_up",
        "weight",
        "write-latency",
    ];

    #[test]
    fn typing_errors_and_beginnings_are_near() {
        for (wanted, name) in [
            ("rte", "rate"),
            ("rates", "rate"),
            ("arte", "rate"),
            ("ate", "rate"),
            ("sesions", "sessions"),
            ("Sessoins", "sessions"),
            ("sess", "sessions"),
            ("session_time_out", "session_timeout"),
            ("warmup", "warm_up"),
            ("inflight", "in_flight"),
            ("in-fligth", "in_flight"),
            ("dur", "duration"),
            ("rate_per_s", "rate"),
            ("wieght", "weight"),
            ("ops", "op"),
            ("write-latncy", "write-latency"),
            ("write-lat", "write-latency"),
        ] {
            assert_eq!(nearest(WORDS.into_iter(), wanted), Some(name), "{wanted}");
        }
    }

    #[test]
    fn other_words_are_not_near() {
        for wanted in [
            "watch", "watches", "acl", "acls", "ttl", "ph", "s", "", "o", "ra", "table", "state",
            "date", "timeout",
        ] {
            assert_eq!(nearest(WORDS.into_iter(), wanted), None, "{wanted}");
        }
    }
}
