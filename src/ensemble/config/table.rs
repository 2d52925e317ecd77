//! Every key of `zoo.cfg` that Apache ZooKeeper 3.9 knows, and what this server does with it.
//!
//! The loader uses this table, and a test compares `docs/ZOO_CFG.md` with it. Java reads some of these as system
//! properties; a line `key=value` of the file becomes the property `zookeeper.key`.

/// What the server does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The server applies the value.
    Honoured,
    /// The server does not start, because without the feature it would be less strict or behave differently.
    Refused,
    /// The server starts, and its log names the key.
    Ignored,
}

impl Class {
    /// Returns the name of the class in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::Refused => "refused",
            Self::Ignored => "ignored",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key. A `*` at the end stands for any characters.
    pub name: &'static str,
    pub class: Class,
    /// Values without effect. A refused key with one of them is accepted, and an ignored one is not logged.
    pub harmless: &'static [&'static str],
    /// The reason, for use after the key and `: `.
    pub reason: &'static str,
}

impl Key {
    /// Whether a key of a file is this one.
    fn matches(&self, written: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(front) => written.starts_with(front),
            None => self.name == written,
        }
    }

    /// Whether a value has no effect.
    #[must_use]
    pub fn is_harmless(&self, value: &str) -> bool {
        self.harmless
            .iter()
            .any(|harmless| harmless.eq_ignore_ascii_case(value))
    }
}

/// Returns the row of a key, the most specific one if several match.
pub(super) fn find(written: &str) -> Option<&'static Key> {
    KEYS.iter()
        .filter(|key| key.matches(written))
        .max_by_key(|key| (key.name == written, key.name.len()))
}

/// Returns the known key that is most similar to an unknown one, if any is similar.
pub(super) fn nearest(written: &str) -> Option<&'static str> {
    let written = written.to_ascii_lowercase();
    KEYS.iter()
        .filter(|key| !key.name.ends_with('*'))
        .map(|key| {
            let known = key.name.to_ascii_lowercase();
            (strsim::damerau_levenshtein(&known, &written), key.name)
        })
        .filter(|(distance, name)| distance * 3 <= name.len().max(written.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

const fn honoured(name: &'static str, reason: &'static str) -> Key {
    Key {
        name,
        class: Class::Honoured,
        harmless: &[],
        reason,
    }
}

const fn refused(
    name: &'static str,
    harmless: &'static [&'static str],
    reason: &'static str,
) -> Key {
    Key {
        name,
        class: Class::Refused,
        harmless,
        reason,
    }
}

const fn ignored(
    name: &'static str,
    harmless: &'static [&'static str],
    reason: &'static str,
) -> Key {
    Key {
        name,
        class: Class::Ignored,
        harmless,
        reason,
    }
}

const OFF: &[&str] = &["false"];
const ON: &[&str] = &["true"];

const NO_TLS: &str = "this server has no TLS; clients and servers would speak in clear text";
const NO_SASL: &str = "this server has no SASL; clients that did not log in could read and write";
const NO_QUORUM_SASL: &str = "this server has no SASL; servers that did not log in could join";
const NO_HIERARCHY: &str = "this server has no hierarchical quorums; a majority of voters decides";
const ADMIN: &str = "there is no HTTP admin server";
const METRICS: &str = "there is no metrics provider; the word mntr has the figures";
const TLS_ONLY: &str = "it matters to TLS only, which this server does not have";
const NETTY: &str = "it tunes Netty, which this server does not use";
const THREADS: &str = "it tunes the threads of the Java server";
const THROTTLER: &str = "there is no request throttler beside globalOutstandingLimit";
const CONNECTION_THROTTLER: &str =
    "there is no connection throttler beside maxCnxns and maxClientCnxns";
const WATCH_MANAGER: &str = "there is one implementation of watches";
const REPLY_CACHE: &str = "replies are not cached";
const PATH_STATS: &str = "there are no statistics of paths";
const JVM: &str = "there is no Java virtual machine";
const OF_CLIENTS: &str = "it is a setting of clients";
const OF_TESTS: &str = "it is for the tests of Apache ZooKeeper";
const SASL_ONLY: &str = "it matters to SASL only, which this server does not have";
const SYNC_LIMITS: &str = "the number of learners that synchronise at once is not limited";

/// All rows, in the order of the documentation: honoured, refused, ignored keys.
pub const KEYS: &[Key] = &[
    honoured("dataDir", "holds the snapshots and `myid`. Required"),
    honoured(
        "dataLogDir",
        "holds the transaction log. Default: `dataDir`",
    ),
    honoured(
        "clientPort",
        "is required unless the server's own line has a client part, which it must not contradict",
    ),
    honoured(
        "clientPortAddress",
        "needs `clientPort`. Default: all IPv4 addresses",
    ),
    honoured(
        "clientPortListenBacklog",
        "-1 leaves the length of the queue to the system, which is the default",
    ),
    honoured("tickTime", "is in milliseconds. Default: 3000"),
    honoured("initLimit", "is in ticks. Required in an ensemble"),
    honoured("syncLimit", "is in ticks. Required in an ensemble"),
    honoured("minSessionTimeout", "is in milliseconds. Default: 2 ticks"),
    honoured("maxSessionTimeout", "is in milliseconds. Default: 20 ticks"),
    honoured(
        "maxClientCnxns",
        "counts the connections of one address. Default: 60; 0 is no limit",
    ),
    honoured(
        "maxCnxns",
        "counts all client connections. Default: 0, which is no limit",
    ),
    honoured(
        "globalOutstandingLimit",
        "counts the requests that wait for a commit. Each server of an ensemble of n voters, n above 2, takes the (n - 1)th part. Default: 1000",
    ),
    honoured(
        "jute.maxbuffer",
        "is the largest request, in bytes. Default: 1048575, which is also the largest value, since servers accept no more than 2 MiB from each other. Java reads it as a system property only",
    ),
    honoured("skipACL", "`yes` makes every check of an ACL succeed"),
    honoured(
        "leaderServes",
        "`no` makes a leader close the connections of clients",
    ),
    honoured(
        "standaloneEnabled",
        "`false` makes an ensemble of one server line: it elects itself and opens the quorum and election ports",
    ),
    honoured(
        "quorumListenOnAllIPs",
        "`true` opens the quorum and election ports on all addresses of the family of the server's own one",
    ),
    honoured(
        "peerType",
        "must agree with the server's own line. Java only warns",
    ),
    honoured(
        "dynamicConfigFile",
        "is read once, as a static list of servers; a version in its name is kept",
    ),
    honoured(
        "server.*",
        "is `host:quorumPort:electionPort[:role][;[address:]clientPort]`, with numbers from 0 to 255",
    ),
    honoured("electionAlg", "3 is the only value"),
    honoured(
        "4lw.commands.whitelist",
        "is a list with commas, or `*`. Default: `srvr`",
    ),
    honoured(
        "DigestAuthenticationProvider.superDigest",
        "is `user:base64(SHA-1(user:password))`",
    ),
    honoured("snapCount", "counts transactions. Default: 100000"),
    honoured(
        "preAllocSize",
        "is in KiB. Default: 16384, where Java has 65536",
    ),
    honoured(
        "forceSync",
        "`no` acknowledges writes before they are on disk",
    ),
    honoured(
        "snapshot.trust.empty",
        "`true` starts from a log without a snapshot",
    ),
    honoured(
        "test.allowDiscontinuousProposals",
        "`true` starts from logs in which transactions of an epoch are missing",
    ),
    honoured(
        "autopurge.purgeInterval",
        "1 or more purges after each snapshot, not at a time of its own. Default: 0, which is never",
    ),
    honoured(
        "autopurge.snapRetainCount",
        "is at least 3, which is the default",
    ),
    honoured(
        "snapshot.compression.method",
        "is `gz`, `snappy`, or empty for snapshots without compression, which is the default. Snapshots of all three kinds are read",
    ),
    honoured(
        "extendedTypesEnabled",
        "`true` lets clients create TTL nodes. Without it such a request is refused (error -6), and the owner of a stored one is taken for a session",
    ),
    honoured(
        "znode.container.checkIntervalMs",
        "is how often the leader looks for container and TTL nodes to delete, in milliseconds. Default: 60000",
    ),
    honoured(
        "znode.container.maxPerMinute",
        "is how many of them it deletes in a minute at most. Default: 10000",
    ),
    honoured(
        "znode.container.maxNeverUsedIntervalMs",
        "is after how many milliseconds a container that never had a child is deleted. Default: 0, which is never",
    ),
    //
    refused("secureClientPort", &[], NO_TLS),
    refused("secureClientPortAddress", &[], NO_TLS),
    refused("sslQuorum", OFF, NO_TLS),
    refused("portUnification", OFF, NO_TLS),
    refused("client.portUnification", OFF, NO_TLS),
    refused("ssl.*", &[], NO_TLS),
    refused("sessionRequireClientSASLAuth", OFF, NO_SASL),
    refused("requireClientAuthScheme", &[], NO_SASL),
    refused(
        "enforce.auth.enabled",
        OFF,
        "this server enforces no scheme; clients that did not log in could read and write",
    ),
    refused(
        "enforce.auth.schemes",
        &[],
        "this server enforces no scheme; clients that did not log in could read and write",
    ),
    refused(
        "authProvider.*",
        &[],
        "this server has no plug-ins for authentication; its schemes are world, ip and digest",
    ),
    refused(
        "ensembleAuthName",
        &[],
        "this server does not check the ensemble that a client names",
    ),
    refused("quorum.auth.enableSasl", OFF, NO_QUORUM_SASL),
    refused("quorum.auth.learnerRequireSasl", OFF, NO_QUORUM_SASL),
    refused("quorum.auth.serverRequireSasl", OFF, NO_QUORUM_SASL),
    refused("quorum.auth.*", &[], NO_QUORUM_SASL),
    refused(
        "DigestAuthenticationProvider.digestAlg",
        &["SHA1", "SHA-1", "SHA"],
        "this server has SHA-1 only; the owners of stored nodes would be locked out",
    ),
    refused(
        "DigestAuthenticationProvider.enabled",
        ON,
        "this server cannot switch off the scheme digest; users and the super user could log in",
    ),
    refused(
        "audit.enable",
        OFF,
        "this server writes no audit log; what clients change would not be recorded",
    ),
    refused(
        "enforceQuota",
        OFF,
        "this server has no quotas; clients could exceed them",
    ),
    refused(
        "emulate353TTLNodes",
        OFF,
        "this server does not know the TTL nodes of 3.5.3; it would take them for ephemerals",
    ),
    refused(
        "datadir.autocreate",
        ON,
        "this server creates missing data directories; a disk that is not mounted would become an empty server",
    ),
    refused(
        "db.autocreate",
        ON,
        "this server starts with an empty database; a voter that lost its data would vote",
    ),
    refused("reconfigEnabled", OFF, "this server has no reconfiguration"),
    refused(
        "version",
        &[],
        "the version of a list of servers belongs in the name of the dynamicConfigFile",
    ),
    refused(
        "localSessionsEnabled",
        OFF,
        "this server has no local sessions",
    ),
    refused("multiAddress.enabled", OFF, "a server has one address here"),
    refused(
        "observerMasterPort",
        &["0"],
        "followers of this kind serve no observers; observers would find nobody there",
    ),
    refused(
        "oraclePath",
        &[],
        "this server asks no oracle; a majority of voters decides",
    ),
    refused("group.*", &[], NO_HIERARCHY),
    refused("weight.*", &[], NO_HIERARCHY),
    //
    ignored("admin.enableServer", OFF, ADMIN),
    ignored("admin.*", &[], ADMIN),
    ignored(
        "metricsProvider.className",
        &["org.apache.zookeeper.metrics.impl.DefaultMetricsProvider"],
        METRICS,
    ),
    ignored("metricsProvider.*", &[], METRICS),
    ignored(
        "snapSizeLimitInKb",
        &[],
        "snapCount alone decides when a snapshot is taken",
    ),
    ignored(
        "txnLogSizeLimitInKb",
        &[],
        "snapCount alone decides when a log file ends",
    ),
    ignored(
        "commitLogCount",
        &["500"],
        "500 transactions are kept for learners, within 8 MiB",
    ),
    ignored(
        "snapshotSizeFactor",
        &[],
        "a learner is synchronised from memory, never from the log files",
    ),
    ignored(
        "forceSnapshotSync",
        OFF,
        "the server chooses between a snapshot and a difference",
    ),
    ignored(
        "fsync.warningthresholdms",
        &[],
        "slow syncs show in the word mntr, not in the log",
    ),
    ignored(
        "flushDelay",
        &["0"],
        "the server syncs as soon as the disk is free",
    ),
    ignored(
        "maxWriteQueuePollTime",
        &[],
        "the server syncs as soon as the disk is free",
    ),
    ignored(
        "maxBatchSize",
        &[],
        "one sync covers all writes that wait for it",
    ),
    ignored(
        "syncEnabled",
        ON,
        "observers always log transactions and write snapshots",
    ),
    ignored(
        "observer.syncEnabled",
        ON,
        "observers always log transactions and write snapshots",
    ),
    ignored("digest.enabled", OFF, "there are no digests of the tree"),
    ignored(
        "closeSessionTxn.enabled",
        ON,
        "the end of a session always lists its ephemeral nodes",
    ),
    ignored(
        "serializeLastProcessedZxid.enabled",
        &[],
        "snapshots have the form of 3.5 to 3.8, which every release reads",
    ),
    ignored(
        "connectToLearnerMasterLimit",
        &["0"],
        "initLimit bounds the time for connecting to a leader",
    ),
    ignored(
        "cnxTimeout",
        &["5000"],
        "connections to the election port have 5 seconds",
    ),
    ignored(
        "quorumCnxnTimeoutMs",
        &["-1"],
        "connections of the election port stay open",
    ),
    ignored("quorum.cnxn.threads.size", &[], SASL_ONLY),
    ignored(
        "electionPortBindRetry",
        &[],
        "a port that is taken ends the start at once",
    ),
    ignored(
        "fastleader.minNotificationInterval",
        &[],
        "the intervals of the election are fixed",
    ),
    ignored(
        "fastleader.maxNotificationInterval",
        &[],
        "the intervals of the election are fixed",
    ),
    ignored(
        "leader.maxTimeToWaitForEpoch",
        &["-1"],
        "initLimit bounds the time for agreeing on an epoch",
    ),
    ignored(
        "maxTimeToWaitForEpoch",
        &["-1"],
        "initLimit bounds the time for agreeing on an epoch",
    ),
    ignored("leader.maxConcurrentSnapSyncs", &[], SYNC_LIMITS),
    ignored("leader.maxConcurrentDiffSyncs", &[], SYNC_LIMITS),
    ignored("maxConcurrentSnapSyncs", &[], SYNC_LIMITS),
    ignored("maxConcurrentDiffSyncs", &[], SYNC_LIMITS),
    ignored("leader.closeSocketAsync", OFF, THREADS),
    ignored("learner.closeSocketAsync", OFF, THREADS),
    ignored("learner.asyncSending", OFF, THREADS),
    ignored(
        "leader.ackLoggingFrequency",
        &[],
        "acknowledgements are not logged",
    ),
    ignored("leader.nodelay", ON, "TCP_NODELAY is always set"),
    ignored("follower.nodelay", ON, "TCP_NODELAY is always set"),
    ignored(
        "leaderConnectDelayDuringRetryMs",
        &[],
        "the delays of connecting to a leader are fixed",
    ),
    ignored(
        "observer.reconnectDelayMs",
        &["0"],
        "the delays of connecting to a leader are fixed",
    ),
    ignored(
        "observer.election.DelayMs",
        &[],
        "the intervals of the election are fixed",
    ),
    ignored(
        "observerMaster.sizeLimit",
        &[],
        "followers serve no observers",
    ),
    ignored(
        "follower.skipLearnerRequestToNextProcessor",
        &[],
        "followers serve no observers",
    ),
    ignored(
        "forward_learner_requests_to_commit_processor_disabled",
        &[],
        "followers serve no observers",
    ),
    ignored("tcpKeepAlive", OFF, "TCP keep-alive is not set"),
    ignored("clientTcpKeepAlive", OFF, "TCP keep-alive is not set"),
    ignored(
        "localSessionsUpgradingEnabled",
        OFF,
        "there are no local sessions",
    ),
    ignored(
        "readonlymode.enabled",
        OFF,
        "Java reads it as a system property only, and this server has no read-only mode",
    ),
    ignored("enableEagerACLCheck", OFF, "the leader checks ACLs"),
    ignored(
        "jute.maxbuffer.extrasize",
        &[],
        "a transaction may be twice as long as jute.maxbuffer by default",
    ),
    ignored("largeRequestMaxBytes", &[], THROTTLER),
    ignored("largeRequestThreshold", &["-1"], THROTTLER),
    ignored("requestThrottleLimit", &["0"], THROTTLER),
    ignored("requestThrottleStallTime", &[], THROTTLER),
    ignored("requestThrottleDropStale", &[], THROTTLER),
    ignored("requestStaleLatencyCheck", &[], THROTTLER),
    ignored("requestStaleConnectionCheck", &[], THROTTLER),
    ignored("request_throttle_max_requests", &["0"], THROTTLER),
    ignored("request_throttle_stall_time", &[], THROTTLER),
    ignored("request_throttle_drop_stale", &[], THROTTLER),
    ignored("request_stale_latency_check", &[], THROTTLER),
    ignored("request_stale_connection_check", &[], THROTTLER),
    ignored("request_throttler.shutdownTimeout", &[], THROTTLER),
    ignored("throttledOpWaitTime", &["0"], THROTTLER),
    ignored("throttled_op_wait_time", &["0"], THROTTLER),
    ignored("connectionMaxTokens", &["0"], CONNECTION_THROTTLER),
    ignored("connectionTokenFillTime", &[], CONNECTION_THROTTLER),
    ignored("connectionTokenFillCount", &[], CONNECTION_THROTTLER),
    ignored("connectionFreezeTime", &[], CONNECTION_THROTTLER),
    ignored("connectionDropIncrease", &[], CONNECTION_THROTTLER),
    ignored("connectionDropDecrease", &[], CONNECTION_THROTTLER),
    ignored("connectionDecreaseRatio", &[], CONNECTION_THROTTLER),
    ignored("connection_throttle_tokens", &["0"], CONNECTION_THROTTLER),
    ignored("connection_throttle_fill_time", &[], CONNECTION_THROTTLER),
    ignored("connection_throttle_fill_count", &[], CONNECTION_THROTTLER),
    ignored("connection_throttle_freeze_time", &[], CONNECTION_THROTTLER),
    ignored(
        "connection_throttle_drop_increase",
        &[],
        CONNECTION_THROTTLER,
    ),
    ignored(
        "connection_throttle_drop_decrease",
        &[],
        CONNECTION_THROTTLER,
    ),
    ignored(
        "connection_throttle_decrease_ratio",
        &[],
        CONNECTION_THROTTLER,
    ),
    ignored(
        "connection_throttle_weight_enabled",
        OFF,
        CONNECTION_THROTTLER,
    ),
    ignored(
        "connection_throttle_global_session_weight",
        &[],
        CONNECTION_THROTTLER,
    ),
    ignored(
        "connection_throttle_local_session_weight",
        &[],
        CONNECTION_THROTTLER,
    ),
    ignored(
        "connection_throttle_renew_session_weight",
        &[],
        CONNECTION_THROTTLER,
    ),
    ignored("watchManagerName", &[], WATCH_MANAGER),
    ignored("watcherCleanThreadsNum", &[], WATCH_MANAGER),
    ignored("watcherCleanThreshold", &[], WATCH_MANAGER),
    ignored("watcherCleanIntervalInSeconds", &[], WATCH_MANAGER),
    ignored("maxInProcessingDeadWatchers", &[], WATCH_MANAGER),
    ignored("bitHashCacheSize", &[], WATCH_MANAGER),
    ignored("maxResponseCacheSize", &[], REPLY_CACHE),
    ignored("maxGetChildrenResponseCacheSize", &[], REPLY_CACHE),
    ignored(
        "intBufferStartingSizeBytes",
        &[],
        "buffers grow as they need to",
    ),
    ignored("nio.numSelectorThreads", &[], THREADS),
    ignored("nio.numWorkerThreads", &[], THREADS),
    ignored("nio.directBufferBytes", &[], THREADS),
    ignored(
        "nio.sessionlessCnxnTimeout",
        &["10000"],
        "a connection has 10 seconds to ask for a session",
    ),
    ignored("nio.shutdownTimeout", &[], THREADS),
    ignored("commitProcessor.numWorkerThreads", &[], THREADS),
    ignored("commitProcessor.maxReadBatchSize", &[], THREADS),
    ignored("commitProcessor.maxCommitBatchSize", &[], THREADS),
    ignored("commitProcessor.shutdownTimeout", &[], THREADS),
    ignored(
        "serverCnxnFactory",
        &[],
        "there is one implementation of connections",
    ),
    ignored("advancedFlowControlEnabled", &[], NETTY),
    ignored("netty.advancedFlowControl.enabled", &[], NETTY),
    ignored("outstandingHandshake.limit", &[], TLS_ONLY),
    ignored("netty.server.outstandingHandshake.limit", &[], TLS_ONLY),
    ignored(
        "netty.server.earlyDropSecureConnectionHandshakes",
        &[],
        TLS_ONLY,
    ),
    ignored("sslQuorumReloadCertFiles", OFF, TLS_ONLY),
    ignored("client.certReload", OFF, TLS_ONLY),
    ignored("fips-mode", &[], TLS_ONLY),
    ignored("X509AuthenticationProvider.superUser", &[], TLS_ONLY),
    ignored("IPAuthenticationProvider.usexforwardedfor", OFF, ADMIN),
    ignored("superUser", &[], SASL_ONLY),
    ignored("SASLAuthenticationProvider.superPassword", &[], SASL_ONLY),
    ignored("allowSaslFailedClients", &[], SASL_ONLY),
    ignored("letAnySaslUserDoX", &[], SASL_ONLY),
    ignored("sasl.*", &[], SASL_ONLY),
    ignored("kerberos.*", &[], SASL_ONLY),
    ignored("kinit", &[], SASL_ONLY),
    ignored("requireKerberosConfig", &[], SASL_ONLY),
    ignored("security.auth_to_local", &[], SASL_ONLY),
    ignored("jaasLoginRenew", &[], "no release from 3.4.10 on reads it"),
    ignored(
        "multiAddress.reachabilityCheckEnabled",
        &[],
        "a server has one address here",
    ),
    ignored(
        "multiAddress.reachabilityCheckTimeoutMs",
        &[],
        "a server has one address here",
    ),
    ignored("audit.impl.class", &[], "there is no audit log"),
    ignored(
        "messageTracker.BufferSize",
        &[],
        "messages are not recorded",
    ),
    ignored("messageTracker.Enabled", OFF, "messages are not recorded"),
    ignored("pathStats.*", &[], PATH_STATS),
    ignored("jvm.*", &[], JVM),
    ignored("jmx.*", &[], JVM),
    ignored("traceFile", &[], "no release from 3.4.10 on reads it"),
    ignored("client.secure", &[], OF_CLIENTS),
    ignored("clientCnxnSocket", &[], OF_CLIENTS),
    ignored("disableAutoWatchReset", &[], OF_CLIENTS),
    ignored("request.timeout", &[], OF_CLIENTS),
    ignored("controllerPort", &[], OF_TESTS),
    ignored("testingonly.initialZxid", &[], OF_TESTS),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_of_the_guide_and_of_the_source_has_a_class() {
        let unknown: Vec<&str> = include_str!("keys_of_3_9.txt")
            .lines()
            .filter(|key| find(key).is_none())
            .collect();
        assert_eq!(unknown, [""; 0]);
    }

    #[test]
    fn no_key_has_two_rows() {
        let names: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
    }

    #[test]
    fn the_most_specific_row_counts() {
        for (written, name) in [
            ("server.1", "server.*"),
            ("admin.enableServer", "admin.enableServer"),
            ("admin.serverPort", "admin.*"),
            ("ssl.quorum.keyStore.type", "ssl.*"),
            ("quorum.auth.enableSasl", "quorum.auth.enableSasl"),
            ("quorum.auth.server.saslLoginContext", "quorum.auth.*"),
        ] {
            assert_eq!(find(written).map(|key| key.name), Some(name), "{written}");
        }
        assert!(find("server1").is_none());
    }

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        for (written, meant) in [
            ("maxClientCnxn", Some("maxClientCnxns")),
            ("maxSessionTimeOut", Some("maxSessionTimeout")),
            (
                "autopurge.snapRetainCounts",
                Some("autopurge.snapRetainCount"),
            ),
            ("tickTme", Some("tickTime")),
            ("colour", None),
        ] {
            assert_eq!(nearest(written), meant, "{written}");
        }
    }
}
