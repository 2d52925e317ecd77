//! The network between the servers that Quorate starts, and between them and the clients.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// What one way of a connection does to bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkShape {
    /// Time that a byte takes, in microseconds.
    pub delay_us: u64,
    /// The delay of each piece of data is uniform between `delay_us - jitter_us` and
    /// `delay_us + jitter_us`. At most `delay_us`.
    #[serde(default)]
    pub jitter_us: u64,
    /// Bytes per second of all connections between the same two ends together. `None` sets no
    /// limit.
    #[serde(default)]
    pub rate_bytes_per_s: Option<u64>,
}

/// A network other than the loopback interface. Connections go through proxies, which delay bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Applies to every way of every connection.
    #[serde(flatten)]
    pub link: LinkShape,
    /// Whether it applies to the connections of the clients too, or only to those between servers.
    pub clients: bool,
}

/// The word in workload files for direct connections.
pub(super) const LOOPBACK: &str = "loopback";

/// A network with a name.
#[derive(Clone, Copy, Debug)]
struct Profile {
    name: &'static str,
    /// Delay of one way.
    delay_us: u64,
}

const PROFILES: [Profile; 3] = [
    // Two machines of one data centre or availability zone.
    Profile {
        name: "lan",
        delay_us: 100,
    },
    // Two availability zones of one region.
    Profile {
        name: "multi-az",
        delay_us: 500,
    },
    // Two regions of one continent.
    Profile {
        name: "wan",
        delay_us: 20_000,
    },
];

impl Network {
    /// Returns the network with the word `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let profile = PROFILES.into_iter().find(|profile| profile.name == name)?;
        Some(Self {
            link: LinkShape {
                delay_us: profile.delay_us,
                ..LinkShape::default()
            },
            clients: true,
        })
    }

    /// Returns the word of the network. `None` if it has values of its own.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        let mut names = PROFILES.into_iter().map(|profile| profile.name);
        names.find(|name| Self::named(name).as_ref() == Some(self))
    }

    /// Returns the words of all networks, with the one for direct connections.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once(LOOPBACK).chain(PROFILES.into_iter().map(|profile| profile.name))
    }
}

impl Plan {
    /// Whether connections to servers that Quorate starts must go through proxies.
    #[must_use]
    pub fn needs_proxies(&self) -> bool {
        let by_faults = self
            .faults
            .iter()
            .any(|fault| fault.action.proxied().is_some());
        self.target.network.is_some() || by_faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_a_name_only_with_the_values_of_the_name() {
        let mut lan = Network::named("lan").unwrap();
        assert_eq!((lan.name(), lan.link.delay_us), (Some("lan"), 100));
        lan.clients = false;
        assert_eq!(lan.name(), None);
        assert_eq!(Network::named("loopback"), None);
        assert_eq!(
            Network::names().collect::<Vec<_>>(),
            ["loopback", "lan", "multi-az", "wan"]
        );
    }
}
