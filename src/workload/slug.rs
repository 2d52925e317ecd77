//! Names of folders.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Returns `text` as a name in `[a-z0-9.-]` with at most `chars_max` characters. All other characters
/// become `-`. The name has no `-` or `.` at its ends, and is empty if `text` has no letter and no digit.
#[must_use]
pub fn slug(text: &str, chars_max: usize) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(chars_max);
    slug.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_safe_name() {
        assert_eq!(
            slug("zookeeper:/opt/ZK-3.4.10", 60),
            "zookeeper-opt-zk-3.4.10"
        );
        assert_eq!(slug("Lone  Writer!", 60), "lone-writer");
        assert_eq!(slug("../..", 60), "");
        assert_eq!(slug("ab-cd", 3), "ab");
    }
}
