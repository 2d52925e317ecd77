//! The nearest known word to a misspelt one, if one is near.
//!
//! A hint that is wrong costs more than none. Similarity as a share of the letters (Jaro-Winkler) finds
//! `batch` in `watch`; slips of the keyboard are counted instead, and short words may have one only.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Letters of a short word, at most.
const SHORT: usize = 5;
/// Slips in a short word and in a long one, at most: letters missing, added, wrong or exchanged.
const SLIPS: [usize; 2] = [1, 2];
/// Letters that the beginning of a word must have to stand for it.
const BEGINNING: usize = 3;

/// The word of `names` that was probably meant by `wanted`, if any.
pub fn nearest<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Option<&'a str> {
    let wanted = plain(wanted);
    let scored = names.filter_map(|name| Some((distance(&plain(name), &wanted)?, name)));
    // The first of those that are equally near.
    scored.min_by_key(|(distance, _)| *distance)?.1.into()
}

/// Nobody remembers whether a name is written with an underscore, a hyphen or neither.
fn plain(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// How far `wanted` is from `name`, `None` if that is too far: slips first, then what is only the
/// beginning, by the letters that it lacks.
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

/// Whether a short word differs in its first letter and has all others: people do not mistype the
/// letter they begin with, so `watch` is no `batch`.
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
    fn slips_and_beginnings_are_near() {
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
