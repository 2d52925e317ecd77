//! The registry: from a protocol's name to its code.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::echo::Echo;
use super::zookeeper::ZooKeeper;
use super::{Protocol, Setup};

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
