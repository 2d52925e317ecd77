//! The keyed hash by which nodes, outstanding changes and watches are found.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use super::path;

/// Hashes paths with the key of a database.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathHasher {
    key: [u64; 2],
}

impl PathHasher {
    pub(super) const fn new(key: [u64; 2]) -> Self {
        Self { key }
    }

    fn start(self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.key[0], self.key[1])
    }

    /// Hashes any bytes to 64 bits.
    pub(super) fn wide(self, bytes: &[u8]) -> u64 {
        let mut hasher = self.start();
        hasher.write(bytes);
        hasher.finish()
    }

    pub(super) fn hash(self, path: &str) -> u32 {
        self.hash_bytes(path.as_bytes())
    }

    pub(super) fn hash_bytes(self, path: &[u8]) -> u32 {
        (self.wide(path) >> 32) as u32
    }

    /// Calls `visit` with every ancestor of `path` and its hash, from the root down. The whole walk
    /// reads the path once, however deep it is.
    pub(super) fn ancestors(self, path: &str, mut visit: impl FnMut(&str, u32)) {
        if path == path::ROOT {
            return;
        }
        visit(path::ROOT, self.hash(path::ROOT));
        let mut hasher = self.start();
        let mut read = 0;
        for (at, _) in path.match_indices('/').skip(1) {
            hasher.write(&path.as_bytes()[read..at]);
            read = at;
            visit(&path[..at], (hasher.clone().finish() >> 32) as u32);
        }
    }
}

/// Spreads the hash over 64 bits: the hash table takes buckets from the low bits and tags from the
/// high bits.
pub(super) const fn spread(hash: u32) -> u64 {
    ((hash as u64) << 32) | hash as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_the_key() {
        let (one, other) = (PathHasher::new([1, 2]), PathHasher::new([1, 3]));
        assert_ne!(one.hash("/a"), other.hash("/a"));
        assert_eq!(one.hash("/a"), PathHasher::new([1, 2]).hash("/a"));
    }

    #[test]
    fn ancestors_have_the_hash_of_their_own_path() {
        let hasher = PathHasher::new([3, 4]);
        for path in ["/", "/a", "/a/bb/ccc", "/x//y"] {
            let mut seen = Vec::new();
            hasher.ancestors(path, |ancestor, hash| {
                assert_eq!(hash, hasher.hash(ancestor));
                seen.push(ancestor.to_owned());
            });
            let mut expected = Vec::new();
            let mut at = path;
            while at != path::ROOT {
                at = path::parent(at).expect("a slash");
                expected.insert(0, at.to_owned());
            }
            assert_eq!(seen, expected);
        }
    }
}
