//! Names of the errors that a target answers with.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Names kept apart; what comes later counts under [`OTHER`], so that a target which puts a number
/// or a text of its own into every error does not fill the memory.
const NAMES_MAX: usize = 64;
/// The name of all errors after the first 64.
const OTHER: &str = "other";

/// An error of this recorder's [`ErrorNames`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorId(u8);

/// The errors that one recorder has met, by name. A protocol says what its errors are called.
#[derive(Clone, Debug, Default)]
pub struct ErrorNames {
    names: Vec<Box<str>>,
}

impl ErrorNames {
    /// The id of a name; the same name always has the same one.
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

    /// The name of an id.
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
