//! Paths: validation, parents and special paths (specification 6.5, 9).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub(super) const ROOT: &str = "/";
pub(super) const SYSTEM: &str = "/zookeeper";
pub(super) const QUOTA: &str = "/zookeeper/quota";
pub(super) const CONFIG: &str = "/zookeeper/config";

/// Maps the empty string to `/`: clients may name the root either way (specification 6.6).
pub(super) fn canonical(path: &str) -> &str {
    if path.is_empty() { ROOT } else { path }
}

/// Returns everything before the last slash, `/` for a child of the root, and `None` if there is no
/// slash.
pub(super) fn parent(path: &str) -> Option<&str> {
    path.rfind('/').map(|at| canonical(&path[..at]))
}

/// Whether this is a system node, which clients can neither create nor delete.
pub(super) fn is_special(path: &str) -> bool {
    matches!(path, ROOT | SYSTEM | QUOTA | CONFIG)
}

/// Whether a node may have this path.
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
        // Java's `char` splits characters beyond the basic plane into surrogates, which its check
        // refuses.
        !matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_valid_as_the_specification_says() {
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
    fn the_parent_ends_before_the_last_slash() {
        assert_eq!(parent("/a"), Some("/"));
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/x//y"), Some("/x/"));
        assert_eq!(parent("a"), None);
    }
}
