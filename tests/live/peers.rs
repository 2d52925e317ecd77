//! Finds the foreign servers and clients.

use std::env;
use std::path::Path;

use quorate::target::{Installation, InstallationSearch};

/// Returns the installation in the usual places and those in `QUORATE_ZOOKEEPER_HOMES`. Panics if one is missing.
pub(crate) fn installations() -> Vec<Installation> {
    let around = InstallationSearch::from_env();
    let listed = env::var("QUORATE_ZOOKEEPER_HOMES").unwrap_or_default();
    let homes = listed.split(':').filter(|home| !home.is_empty());
    std::iter::once(None)
        .chain(homes.map(|home| Some(Path::new(home))))
        .map(|home| around.find(home).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

/// Returns the name of the Python that has kazoo.
pub(crate) fn python() -> String {
    env::var("QUORATE_PYTHON").unwrap_or_else(|_not_set| "python3".to_owned())
}
