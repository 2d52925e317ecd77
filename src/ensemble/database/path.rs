//! Paths: validity, parents, special ones (specification 6.5, 9) and their hash.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::hash::Hasher;

use rustc_hash::FxHasher;

pub(super) const ROOT: &str = "/";
pub(super) const SYSTEM: &str = "/zookeeper";
pub(super) const QUOTA: &str = "/zookeeper/quota";
pub(super) const CONFIG: &str = "/zookeeper/config";

/// The same on every server and in every run.
pub(super) fn hash(path: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(path.as_bytes());
    (hasher.finish() >> 32) as u32
}

/// What the hash table wants: it takes buckets from the low and tags from the high bits.
pub(super) const fn spread(hash: u32) -> u64 {
    ((hash as u64) << 32) | hash as u64
}

/// Root may also be called by the empty string (specification 6.6).
pub(super) fn canonical(path: &str) -> &str {
    if path.is_empty() { ROOT } else { path }
}

/// Everything before the last slash, `/` for what lies under the root; `None` without a slash.
pub(super) fn parent(path: &str) -> Option<&str> {
    path.rfind('/').map(|at| canonical(&path[..at]))
}

/// Nodes that can be neither created nor deleted.
pub(super) fn is_special(path: &str) -> bool {
    matches!(path, ROOT | SYSTEM | QUOTA | CONFIG)
}

/// May a node have this path?
pub(super) fn is_valid(path: &str) -> bool {
    if path == ROOT {
        return true;
    }
    let Some(components) = path.strip_prefix('/') else {
        return false;
    };
    if !components
        .split('/')
        .all(|component| !matches!(component, "" | "." | ".."))
    {
        return false;
    }
    if path.is_ascii() {
        return path.bytes().all(|byte| byte > 0x1f && byte != 0x7f);
    }
    path.chars().all(|c| {
        // Java sees characters beyond the basic plane as surrogates, which it refuses.
        !matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_that_of_the_specification() {
        for good in ["/", "/a", "/a/b", "/...", "/a..b", "/\u{e4}", "/a b"] {
            assert!(is_valid(good), "{good:?}");
        }
        for bad in [
            "",
            "a",
            "a/b",
            "/a/",
            "//",
            "/a//b",
            "/.",
            "/a/..",
            "/\0",
            "/a\u{1f}",
            "/\u{7f}",
            "/\u{9f}",
            "/\u{e000}",
            "/\u{fff0}",
            "/\u{1f600}",
        ] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }

    #[test]
    fn parents_are_computed_from_the_last_slash() {
        assert_eq!(parent("/a"), Some("/"));
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/x//y"), Some("/x/"));
        assert_eq!(parent("a"), None);
    }
}
