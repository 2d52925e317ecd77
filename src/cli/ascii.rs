//! Replaces units and signs by ASCII for a terminal whose locale has no UTF-8.
//!
//! All printed text passes through [`shown`]. Files are always written in UTF-8.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::iter::Peekable;
use std::sync::LazyLock;

/// The first of these variables that is set determines the character set of the terminal.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// Characters and their replacements. A replacement contains no quotation mark and no backslash, so that JSON
/// stays valid. The last eight characters are the bars of a sparkline, from the lowest to the highest.
const SIGNS: [(char, &str); 20] = [
    ('\u{b5}', "u"),
    ('\u{3bc}', "u"),
    ('\u{d7}', "x"),
    ('\u{2013}', "-"),
    ('\u{2014}', "-"),
    ('\u{2212}', "-"),
    ('\u{2026}', "..."),
    ('\u{2264}', "<="),
    ('\u{2265}', ">="),
    ('\u{b1}', "+-"),
    ('\u{2192}', "->"),
    ('\u{a0}', " "),
    ('\u{2581}', " "),
    ('\u{2582}', "."),
    ('\u{2583}', ":"),
    ('\u{2584}', "-"),
    ('\u{2585}', "="),
    ('\u{2586}', "+"),
    ('\u{2587}', "*"),
    ('\u{2588}', "#"),
];

/// Replaces the characters of [`SIGNS`] in `text` if the terminal cannot show them. Other characters are kept,
/// so that the names of folders do not change.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    static UTF8: LazyLock<bool> = LazyLock::new(|| knows_utf8(|name| env::var_os(name)));
    if *UTF8 || text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(in_ascii(text))
    }
}

/// Whether the terminal can show UTF-8. If no variable is set, POSIX prescribes the locale C. But containers
/// and services often set none, and the programs that show their output support UTF-8. Therefore the result is
/// false only for a locale that is set and is not UTF-8.
fn knows_utf8(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    VARIABLES.iter().find_map(set).is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn in_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match SIGNS.iter().find(|(sign, _)| *sign == c) {
            None => out.push(c),
            Some((_, ascii)) => {
                out.push_str(ascii);
                take_room(&mut rest, ascii.len() - 1);
            }
        }
    }
    out
}

/// Removes up to `longer` spaces after a replacement that is longer than its character, so that columns stay
/// aligned. One space always remains.
fn take_room(rest: &mut Peekable<std::str::Chars<'_>>, longer: usize) {
    for _ in 0..longer {
        let mut ahead = rest.clone();
        if ahead.next() == Some(' ') && ahead.next() == Some(' ') {
            rest.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf8(values: [Option<&str>; 3]) -> bool {
        knows_utf8(|name| {
            let at = VARIABLES.iter().position(|variable| *variable == name)?;
            values[at].map(OsString::from)
        })
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        assert!(utf8([None, None, None]));
        assert!(utf8([Some(""), Some(""), Some("")]));
        assert!(utf8([None, None, Some("en_US.UTF-8")]));
        assert!(utf8([Some("C.utf8"), Some("C"), Some("C")]));
        assert!(utf8([Some(""), Some("de_DE.UTF-8@euro"), Some("C")]));
        assert!(!utf8([None, None, Some("C")]));
        assert!(!utf8([None, None, Some("de_DE.ISO-8859-1")]));
        assert!(!utf8([Some("POSIX"), Some("C.UTF-8"), Some("C.UTF-8")]));
        assert!(!utf8([Some(""), Some("C"), Some("C.UTF-8")]));
    }

    #[test]
    fn signs_are_replaced_and_columns_stay_aligned() {
        assert_eq!(in_ascii("812 µs  1.2×  –"), "812 us  1.2x  -");
        assert_eq!(in_ascii("▁▂▃▄▅▆▇█"), " .:-=+*#");
        assert_eq!(in_ascii("a long na…     7"), "a long na...   7");
        assert_eq!(in_ascii("≤ 5, ≥ 6, ±7…"), "<= 5, >= 6, +-7...");
        assert_eq!(in_ascii("/srv/Köln"), "/srv/Köln", "names do not change");
    }

    #[test]
    fn replacements_keep_json_valid() {
        for (sign, ascii) in SIGNS {
            let json = format!("[\"a{sign}b\"]");
            let value: serde_json::Value = serde_json::from_str(&in_ascii(&json)).unwrap();
            assert_eq!(value[0], format!("a{ascii}b"), "{sign}");
        }
    }
}
