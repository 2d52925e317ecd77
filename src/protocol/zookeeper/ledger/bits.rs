//! A set of numbers that are dense from 0.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Numbers from this one on are not stored: they would take more than 16 MiB.
const LIMIT: u64 = 1 << 27;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    count: u64,
}

impl Bits {
    /// Adds a number. Returns `None` if it is too large, otherwise whether it is new.
    pub(super) fn insert(&mut self, number: u64) -> Option<bool> {
        if number >= LIMIT {
            return None;
        }
        let (word, mask) = place(number);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & mask == 0;
        self.words[word] |= mask;
        self.count += u64::from(is_new);
        Some(is_new)
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let (word, mask) = place(number);
        self.words.get(word).is_some_and(|bits| bits & mask != 0)
    }

    /// Returns how many numbers it has.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the numbers in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        (0_u64..).zip(&self.words).flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }
}

fn place(number: u64) -> (usize, u64) {
    let word = usize::try_from(number / 64).unwrap_or(usize::MAX);
    (word, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stored_once_and_listed_in_order() {
        let mut bits = Bits::default();
        for number in [200, 0, 63, 64] {
            assert_eq!(bits.insert(number), Some(true));
        }
        assert_eq!(bits.insert(64), Some(false));
        assert_eq!(bits.insert(LIMIT), None);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 200]);
        assert_eq!(bits.count(), 4);
        assert!(bits.contains(63) && !bits.contains(62) && !bits.contains(u64::MAX));
    }
}
