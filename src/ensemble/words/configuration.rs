//! `conf`: the server's configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The keys of Apache ZooKeeper's `conf`, in its order. Other keys follow in alphabetical order.
const ORDER: [&str; 18] = [
    "clientPort",
    "secureClientPort",
    "dataDir",
    "dataDirSize",
    "dataLogDir",
    "dataLogSize",
    "tickTime",
    "maxClientCnxns",
    "minSessionTimeout",
    "maxSessionTimeout",
    "clientPortListenBacklog",
    "serverId",
    "initLimit",
    "syncLimit",
    "electionAlg",
    "electionPort",
    "quorumPort",
    "peerType",
];

#[derive(Clone, Debug, Default)]
pub struct Configuration {
    pub values: BTreeMap<&'static str, String>,
    /// The `server.N` lines and the version of an ensemble's configuration.
    pub membership: Option<String>,
}

impl Configuration {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let ordered = ORDER
            .iter()
            .filter_map(|key| self.values.get_key_value(key));
        let others = self.values.iter().filter(|(key, _)| !ORDER.contains(key));
        for (key, value) in ordered.chain(others) {
            let _infallible = writeln!(text, "{key}={value}");
        }
        if let Some(membership) = &self.membership {
            text.push_str("membership: \n");
            text.push_str(membership);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_come_in_the_order_of_java_and_membership_is_last() {
        let values = ["serverId", "another", "tickTime", "clientPort"]
            .map(|key| (key, "1".to_owned()))
            .into();
        let configuration = Configuration {
            values,
            membership: Some("server.1=h:1:2:participant\nversion=0".to_owned()),
        };
        assert_eq!(
            configuration.text(),
            "clientPort=1\ntickTime=1\nserverId=1\nanother=1\nmembership: \n\
             server.1=h:1:2:participant\nversion=0"
        );
    }
}
