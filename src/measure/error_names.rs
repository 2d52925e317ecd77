//! Names of the errors that a target answers with.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Later names count as [`OTHER`]. Without this limit, a target that puts a number or free text
/// into each error would fill the memory.
const NAMES_MAX: usize = 64;
/// Stands for all errors after the first 64.
const OTHER: &str = "other";

/// Index of an error name in this recorder's [`ErrorNames`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorId(u8);

/// The error names that one recorder has seen. The protocol defines them.
#[derive(Clone, Debug, Default)]
pub struct ErrorNames {
    names: Vec<Box<str>>,
}

impl ErrorNames {
    /// Returns the id of a name. The same name always gets the same id.
    pub fn intern(&mut self, name: &str) -> ErrorId {
        let known = self.names.iter().position(|known| **known == *name);
        let position = known.unwrap_or_else(|| {
            if self.names.len() < NAMES_MAX {
                self.names.push(name.into());
                self.names.len() - 1
            } else {
                NAMES_MAX
            }
        });
        ErrorId(u8::try_from(position).unwrap_or(u8::MAX))
    }

    #[must_use]
    pub fn name(&self, id: ErrorId) -> &str {
        self.names.get(usize::from(id.0)).map_or(OTHER, |name| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_64_names_are_kept_apart() {
        let mut names = ErrorNames::default();
        for number in 0..100 {
            let id = names.intern(&format!("error {number}"));
            let expected = if number < NAMES_MAX {
                format!("error {number}")
            } else {
                OTHER.to_owned()
            };
            assert_eq!(names.name(id), expected);
        }
        let first = names.intern("error 0");
        assert_eq!(names.name(first), "error 0");
    }
}
