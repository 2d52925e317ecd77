//! The registry: maps a protocol's name to its code.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::echo::{Echo, EchoVocabulary};
use super::zookeeper::{ZooKeeper, ZooKeeperVocabulary};
use super::{Protocol, Setup};
use crate::workload::{self, Experiment, Plan, Source, Vocabulary, WorkloadError};

/// Code to run with a protocol that is chosen by name.
pub trait Visitor {
    type Output;

    /// Runs the code with the protocol `P`.
    fn visit<P: Protocol>(self) -> Self::Output;
}

/// Runs the visitor with the protocol of this name. Returns `None` if there is no such protocol.
pub fn with<V: Visitor>(name: &str, visitor: V) -> Option<V::Output> {
    match name {
        "zookeeper" => Some(visitor.visit::<ZooKeeper>()),
        "echo" => Some(visitor.visit::<Echo>()),
        _ => None,
    }
}

/// Returns the setup of the protocol of this name; `None` if there is no such protocol.
#[must_use]
pub fn setup(name: &str) -> Option<Box<dyn Setup>> {
    struct Make;
    impl Visitor for Make {
        type Output = Box<dyn Setup>;

        fn visit<P: Protocol>(self) -> Box<dyn Setup> {
            Box::new(P::Setup::default())
        }
    }
    with(name, Make)
}

/// The vocabularies of all protocols: what they add to the workload file.
pub const VOCABULARIES: &[&dyn Vocabulary] = &[&ZooKeeperVocabulary, &EchoVocabulary];

/// Returns the vocabulary of the protocol of this name.
#[must_use]
pub fn vocabulary(name: &str) -> Option<&'static dyn Vocabulary> {
    let mut known = VOCABULARIES.iter().copied();
    known.find(|vocabulary| vocabulary.protocol() == name)
}

/// Resolves `source` to a plan, in any protocol; see [`workload::resolve`].
///
/// # Errors
/// If the file or the overrides are wrong.
pub fn resolve(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
) -> Result<Plan, WorkloadError> {
    workload::resolve(source, overrides, seed, VOCABULARIES)
}

/// Resolves `source` to an experiment, in any protocol; see [`workload::expand`].
///
/// # Errors
/// If the file or the overrides are wrong.
pub fn expand(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
) -> Result<Experiment, WorkloadError> {
    workload::expand(source, overrides, seed, VOCABULARIES)
}

/// Renders a plan as a complete workload file; see [`Plan::render_toml`]. Returns `None` if its
/// protocol is not supported.
#[must_use]
pub fn render_toml(plan: &Plan) -> Option<String> {
    Some(plan.render_toml(vocabulary(&plan.protocol)?))
}
