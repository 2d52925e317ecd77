//! The program that measured.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

/// Name and version of the program that measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub version: String,
    /// The commit that it was built from, if the build knew it.
    pub commit: Option<String>,
}

impl Tool {
    /// Describes this build.
    #[must_use]
    pub fn this_build() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("QUORATE_COMMIT")
                .filter(|commit| !commit.is_empty())
                .map(str::to_owned),
        }
    }
}
