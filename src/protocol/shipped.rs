//! The workloads that the binary contains.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::workload::{Source, nearest};

/// A workload file that the binary contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its name on the command line: `write-latency`, `smoke/mixed`.
    pub name: &'static str,
    /// The file's text in TOML.
    pub text: &'static str,
}

impl Shipped {
    /// Returns the file as a source for `resolve`.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::from_text(self.name, self.text)
    }
}

macro_rules! shipped {
    ($($name:literal: $file:literal,)*) => {
        &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../workloads/", $file, ".toml")),
        }),*]
    };
}

static SHIPPED: &[Shipped] = shipped![
    "quickstart": "zookeeper/quickstart",
    "write-latency": "zookeeper/write-latency",
    "write-saturation": "zookeeper/write-saturation",
    "read-saturation": "zookeeper/read-saturation",
    "read-scaling": "zookeeper/read-scaling",
    "mixed": "zookeeper/mixed",
    "session-churn": "zookeeper/session-churn",
    "failover": "zookeeper/failover",
    "smoke/quickstart": "smoke/quickstart",
    "smoke/write-latency": "smoke/write-latency",
    "smoke/write-saturation": "smoke/write-saturation",
    "smoke/read-saturation": "smoke/read-saturation",
    "smoke/read-scaling": "smoke/read-scaling",
    "smoke/mixed": "smoke/mixed",
    "smoke/session-churn": "smoke/session-churn",
    "smoke/failover": "smoke/failover",
];

/// Returns all shipped workloads, the quickstart first.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    SHIPPED
}

/// Returns the workload called `name`. `zookeeper/mixed` is another name of `mixed`.
#[must_use]
pub fn find_shipped(name: &str) -> Option<&'static Shipped> {
    let name = name.strip_prefix("zookeeper/").unwrap_or(name);
    SHIPPED.iter().find(|shipped| shipped.name == name)
}

/// Returns the shipped name that is most similar to `name`, if one is similar.
#[must_use]
pub fn nearest_shipped(name: &str) -> Option<&'static str> {
    nearest(SHIPPED.iter().map(|shipped| shipped.name), name)
}
