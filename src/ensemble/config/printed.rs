//! Prints the configuration: `/zookeeper/config` and the word `conf`.

use std::collections::BTreeMap;

use super::Config;

impl Config {
    /// Returns the text of `/zookeeper/config`. Election messages and NEWLEADER carry it too (specification 14.1).
    #[must_use]
    pub fn config_text(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            text.push_str(&server.line());
            text.push('\n');
        }
        text + &format!("version={:x}", self.version)
    }

    /// Returns the keys that the word `conf` prints, except the sizes of directories.
    #[must_use]
    pub fn rendered(&self) -> BTreeMap<&'static str, String> {
        let dirs = self.data_dirs();
        let mut all = BTreeMap::from([
            ("clientPort", self.client_address.port().to_string()),
            // There is no TLS port.
            ("secureClientPort", "-1".to_owned()),
            (
                "clientPortListenBacklog",
                self.client_backlog.unwrap_or(-1).to_string(),
            ),
            ("dataDir", dirs.snapshots().display().to_string()),
            ("dataLogDir", dirs.logs().display().to_string()),
            ("tickTime", self.tick_time_ms.to_string()),
            ("maxClientCnxns", self.max_client_connections.to_string()),
            ("minSessionTimeout", self.session_timeouts_ms.0.to_string()),
            ("maxSessionTimeout", self.session_timeouts_ms.1.to_string()),
            ("serverId", self.server_id.to_string()),
        ]);
        if let Some(own) = self.own() {
            all.extend([
                ("initLimit", self.init_limit.to_string()),
                ("syncLimit", self.sync_limit.to_string()),
                ("electionAlg", "3".to_owned()),
                ("electionPort", own.election_port.to_string()),
                ("quorumPort", own.quorum_port.to_string()),
                ("peerType", i32::from(own.observer).to_string()),
            ]);
        }
        all
    }
}
