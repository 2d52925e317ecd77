//! The registry: from a protocol's name to its code.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::echo::{Echo, EchoVocabulary};
use super::zookeeper::{ZooKeeper, ZooKeeperVocabulary};
use super::{Protocol, Setup};
use crate::workload::{self, Plan, Source, Vocabulary, WorkloadError};

/// Something to be done with a protocol that is chosen by name.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<P: Protocol>(self) -> Self::Output;
}

/// Does something with the protocol of this name; `None` if there is none.
pub fn with<V: Visitor>(name: &str, visitor: V) -> Option<V::Output> {
    match name {
        "zookeeper" => Some(visitor.visit::<ZooKeeper>()),
        "echo" => Some(visitor.visit::<Echo>()),
        _ => None,
    }
}

/// What creates and removes things for the protocol of this name; `None` if there is none.
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

/// What each protocol adds to the workload file.
pub const VOCABULARIES: &[&dyn Vocabulary] = &[&ZooKeeperVocabulary, &EchoVocabulary];

/// The vocabulary of the protocol of this name.
#[must_use]
pub fn vocabulary(name: &str) -> Option<&'static dyn Vocabulary> {
    let mut known = VOCABULARIES.iter().copied();
    known.find(|vocabulary| vocabulary.protocol() == name)
}

/// The plan that `source` describes, in any protocol: [`workload::resolve`].
///
/// # Errors
/// Whatever is wrong with the file or the overrides.
pub fn resolve(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
) -> Result<Plan, WorkloadError> {
    workload::resolve(source, overrides, seed, VOCABULARIES)
}

/// A plan as a complete workload file: [`Plan::render_toml`]. `None` if its protocol is not known.
#[must_use]
pub fn render_toml(plan: &Plan) -> Option<String> {
    Some(plan.render_toml(vocabulary(&plan.protocol)?))
}
