//! Tests of the four-letter words (specification 16.5).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::client::{Bytes, Client, Wire};
use super::readers;
use super::servers::{Ensemble, Server, wait_for};

#[test]
fn every_server_answers_the_words() {
    let ensemble = Ensemble::start(3, 0);
    let leader = ensemble.leader();
    for (index, server) in ensemble.servers.iter().enumerate() {
        let client = Client::new(server.client);
        let ask = |word| server.word(word).unwrap();
        let state = if index == leader {
            "leader"
        } else {
            "follower"
        };
        assert_eq!(ask("ruok"), "imok");
        assert_eq!(ask("isro"), "rw");
        let srvr = ask("srvr");
        assert!(srvr.starts_with("Zookeeper version: "), "{srvr}");
        assert!(srvr.contains(&format!("\nMode: {state}\n")), "{srvr}");
        assert!(srvr.contains("\nZxid: 0x1"), "{srvr}");
        assert_eq!(
            srvr.contains("\nProposal sizes last/min/max: "),
            index == leader,
            "{srvr}"
        );
        let stat = ask("stat");
        assert!(stat.contains("\nClients:\n /127."), "{stat}");
        assert!(stat.contains(&format!("\nMode: {state}\n")), "{stat}");
        let mntr = ask("mntr");
        let value = |key: &str| {
            mntr.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'))
                .map(str::to_owned)
        };
        assert_eq!(value("zk_server_state").as_deref(), Some(state), "{mntr}");
        assert!(
            value("zk_znode_count").is_some_and(|count| count.parse::<u32>().unwrap() >= 4),
            "{mntr}"
        );
        let followers = (index == leader).then_some("2");
        assert_eq!(value("zk_synced_followers").as_deref(), followers, "{mntr}");
        let conf = ask("conf");
        assert!(
            conf.contains(&format!("clientPort={}\n", server.client.port())),
            "{conf}"
        );
        assert!(conf.contains("tickTime=500\n"), "{conf}");
        assert!(
            conf.contains(&format!("serverId={}\n", index + 1)),
            "{conf}"
        );
        let cons = ask("cons");
        assert!(
            cons.contains(&format!("sid=0x{:x}", client.session)),
            "{cons}"
        );
        client.close();
        assert!(
            !ask("cons").contains("sid=0x"),
            "the closed session is still listed"
        );
    }
}

/// Returns the value of a row of `mntr`.
fn row(mntr: &str, name: &str) -> Option<String> {
    mntr.lines()
        .find_map(|line| {
            line.strip_prefix("zk_")?
                .strip_prefix(name)?
                .strip_prefix('\t')
        })
        .map(str::to_owned)
}

fn number(mntr: &str, name: &str) -> u64 {
    let value = row(mntr, name).unwrap_or_else(|| panic!("no zk_{name} in {mntr}"));
    value
        .parse()
        .unwrap_or_else(|_| panic!("zk_{name}: {mntr}"))
}

/// A server of each role: three voters, an observer and a standalone server.
struct Roles {
    quorum: Ensemble,
    alone: Ensemble,
}

impl Roles {
    fn start() -> Self {
        Self {
            quorum: Ensemble::start(3, 1),
            alone: Ensemble::start(1, 0),
        }
    }

    /// Returns each server with its mode.
    fn servers(&self) -> Vec<(&Server, String)> {
        self.quorum
            .servers
            .iter()
            .chain(&self.alone.servers)
            .map(|server| (server, server.mode().unwrap()))
            .collect()
    }
}

#[test]
fn monitoring_tools_understand_a_server_in_every_role() {
    let roles = Roles::start();
    let servers = roles.servers();
    let modes: BTreeSet<&str> = servers.iter().map(|(_, mode)| mode.as_str()).collect();
    assert_eq!(
        modes,
        ["follower", "leader", "observer", "standalone"].into()
    );
    let master = roles.quorum.leader() + 1;
    for (server, mode) in &servers {
        let mut client = Client::new(server.client);
        client.exists("/", false).unwrap();
        check_statistics(server, mode, &client);
        let mntr = server.word("mntr").unwrap();
        check_rows(&mntr, mode);
        check_role(&mntr, mode, master);
        let conf = readers::solr_conf(&server.word("conf").unwrap());
        assert_eq!(conf["clientPort"], server.client.port().to_string());
        assert_eq!(conf["secureClientPort"], "-1");
        assert_eq!(conf["clientPortListenBacklog"], "-1");
        assert!(conf["dataDirSize"].parse::<u64>().unwrap() > 0, "{conf:?}");
        let id = if mode == "standalone" { 0 } else { server.id };
        assert_eq!(conf["serverId"], id.to_string());
    }
}

/// Checks what tools read from `srvr`, `stat`, `cons` and `envi` of a server with one client.
fn check_statistics(server: &Server, mode: &str, client: &Client) {
    let ask = |word| server.word(word).unwrap();
    let go = readers::go_zookeeper_srvr(&ask("srvr"));
    assert_eq!(go.mode, mode);
    assert_eq!(go.connections, 2, "the client and the one that asks");
    assert!(go.node_count >= 5, "{go:?}");
    let sessions = readers::go_zookeeper_cons(&ask("cons"));
    assert_eq!(sessions, [format!("0x{:x}", client.session)]);
    let (version, date) = readers::beats_srvr(&ask("srvr"));
    assert_eq!(version, go.version);
    assert!(date.ends_with(" UTC"), "{date}");
    let telegraf = readers::telegraf_mntr(&ask("mntr"));
    assert_eq!(telegraf["version"], version);
    assert_eq!(readers::kazoo_version(&ask("envi")), [3, 9, 5]);
    assert_eq!(readers::datadog_stat(&ask("stat")), mode);
}

/// Checks the rows of `mntr` that tools read from every server, and those that they read from a leader.
fn check_rows(mntr: &str, mode: &str) {
    let exported = readers::exporter_mntr(mntr);
    for name in [
        "zk_avg_latency",
        "zk_max_latency",
        "zk_min_latency",
        "zk_packets_received",
        "zk_packets_sent",
        "zk_num_alive_connections",
        "zk_outstanding_requests",
        "zk_znode_count",
        "zk_watch_count",
        "zk_ephemerals_count",
        "zk_approximate_data_size",
        "zk_open_file_descriptor_count",
        "zk_max_file_descriptor_count",
        "zk_uptime",
        "zk_global_sessions",
        "zk_local_sessions",
        "zk_connection_drop_probability",
        "zk_connection_drop_count",
        "zk_connection_rejected",
        "zk_last_client_response_size",
        "zk_cnt_fsynctime",
        "zk_sum_fsynctime",
        "zk_p99_updatelatency",
        "zk_p999_readlatency",
    ] {
        assert!(exported.contains_key(name), "{name}: {mntr}");
    }
    let is_leader = mode == "leader";
    for name in [
        "zk_learners",
        "zk_followers",
        "zk_synced_followers",
        "zk_synced_observers",
        "zk_synced_non_voting_followers",
        "zk_pending_syncs",
        "zk_leader_uptime",
        "zk_last_proposal_size",
        "zk_min_proposal_size",
        "zk_max_proposal_size",
    ] {
        assert_eq!(exported.contains_key(name), is_leader, "{name}: {mntr}");
    }
}

/// Checks the rows of `mntr` that depend on the role. `master` is the id of the leader.
fn check_role(mntr: &str, mode: &str, master: usize) {
    assert_eq!(readers::datadog_mntr(mntr), mode);
    assert_eq!(readers::telegraf_mntr(mntr)["server_state"], mode);
    if mode == "leader" {
        assert_eq!(readers::solr_followers(mntr), 3);
        assert_eq!(number(mntr, "synced_followers"), 2);
        assert_eq!(number(mntr, "synced_observers"), 1);
    }
    let (state, quorum) = match mode {
        "leader" => (Some("leading - broadcast"), Some("3")),
        "follower" => (Some("following - broadcast"), Some("3")),
        "observer" => (Some("observing - broadcast"), Some("3")),
        _ => (None, None),
    };
    assert_eq!(row(mntr, "peer_state").as_deref(), state, "{mntr}");
    assert_eq!(row(mntr, "quorum_size").as_deref(), quorum, "{mntr}");
    assert_eq!(
        row(mntr, "observer_master_id"),
        (mode == "observer").then(|| master.to_string())
    );
}

#[test]
fn a_server_without_a_quorum_answers_three_words() {
    let mut ensemble = Ensemble::prepared(3, 0, "");
    ensemble.servers[0].start();
    let server = &ensemble.servers[0];
    wait_for("the server to listen", || {
        server.word("ruok").filter(|answer| answer == "imok")
    });
    assert_eq!(server.word("isro").unwrap(), "null");
    assert_eq!(
        readers::kazoo_version(&server.word("envi").unwrap()),
        [3, 9, 5]
    );
    for word in [
        "srvr", "stat", "mntr", "conf", "cons", "dump", "dirs", "crst", "srst", "wchs", "wchc",
        "wchp",
    ] {
        assert_eq!(
            server.word(word).unwrap(),
            "This ZooKeeper instance is not currently serving requests\n",
            "{word}"
        );
    }
    let status = status(server);
    assert_eq!(status.code, Some(1), "{status:?}");
    assert!(
        status
            .text
            .contains("It runs, but answered: This ZooKeeper instance is not currently serving"),
        "{status:?}"
    );
}

/// The result of `quorate server status`.
#[derive(Debug)]
struct StatusOutput {
    code: Option<i32>,
    text: String,
}

fn status(server: &Server) -> StatusOutput {
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(["server", "status"])
        .arg(server.config())
        .output()
        .unwrap();
    StatusOutput {
        code: output.status.code(),
        text: String::from_utf8(output.stdout).unwrap(),
    }
}

/// Starts a standalone server whose whitelist is `words`.
fn with_whitelist(words: &str) -> Ensemble {
    let mut ensemble = Ensemble::prepared(1, 0, "");
    let config = ensemble.servers[0].config();
    let text = fs::read_to_string(&config).unwrap();
    let narrow = text.replace("whitelist=*", &format!("whitelist={words}"));
    assert_ne!(text, narrow);
    fs::write(&config, narrow).unwrap();
    ensemble.servers[0].start();
    ensemble.await_all();
    ensemble
}

#[test]
fn srvr_is_answered_and_status_works_whatever_the_whitelist_says() {
    let ensemble = with_whitelist("ruok, dump");
    let server = &ensemble.servers[0];
    assert_eq!(server.word("ruok").unwrap(), "imok");
    assert_eq!(server.mode().as_deref(), Some("standalone"));
    assert_eq!(
        server.word("mntr").unwrap(),
        "mntr is not executed because it is not in the whitelist.\n"
    );
    let status = status(server);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.text.contains("\nMode: standalone\n"), "{status:?}");
}

#[test]
fn an_unknown_word_is_closed_without_an_answer() {
    let ensemble = Ensemble::start(1, 0);
    for word in ["hash", "gtmk", "abcd"] {
        assert_eq!(
            ensemble.servers[0].word(word).as_deref(),
            Some(""),
            "{word}"
        );
    }
}

/// `echo dump | nc host port | grep brokers` tells which Kafka brokers are up.
#[test]
fn dump_lists_the_ephemerals_of_each_session_on_every_server() {
    let roles = Roles::start();
    let servers = roles.servers();
    for ensemble in [&roles.quorum, &roles.alone] {
        let mut broker = Client::new(ensemble.servers[0].client);
        for path in ["/brokers", "/brokers/ids"] {
            broker.create(path, b"", 0).unwrap();
        }
        for id in ["2", "1"] {
            broker
                .create(&format!("/brokers/ids/{id}"), b"{}", 1)
                .unwrap();
        }
        let session = format!("0x{:x}", broker.session);
        for (server, mode) in &servers {
            if !ensemble
                .servers
                .iter()
                .any(|one| one.client == server.client)
            {
                continue;
            }
            let dump = wait_for("the brokers in dump", || {
                server.word("dump").filter(|text| text.contains("/2\n"))
            });
            let ephemerals = format!(
                "ephemeral nodes dump:\nSessions with Ephemerals (1):\n{session}:\n\
                 \t/brokers/ids/1\n\t/brokers/ids/2\nConnections dump:\nConnections Sets (1)/("
            );
            assert!(dump.contains(&ephemerals), "{dump}");
            let sessions = if matches!(mode.as_str(), "leader" | "standalone") {
                "SessionTracker dump:\nSession Sets (1)/(1):\n1 expire at "
            } else {
                "SessionTracker dump:\nGlobal Sessions(1):\n0x"
            };
            assert!(dump.starts_with(sessions), "{mode}: {dump}");
            assert!(
                dump.contains(&format!("{session}\n")) || dump.contains(&format!("{session}\t"))
            );
            if server.client == ensemble.servers[0].client {
                assert!(dump.contains(&format!(" sessionId: {session}\n")), "{dump}");
            }
        }
        broker.close();
    }
    let alone = &roles.alone.servers[0];
    let dump = alone.word("dump").unwrap();
    assert!(dump.contains("\nSessions with Ephemerals (0):\n"), "{dump}");
}

#[test]
fn mntr_measures_replies_latencies_and_connections() {
    let ensemble = Ensemble::start_with(1, 0, "maxClientCnxns=3\n");
    let server = &ensemble.servers[0];
    let mntr = || server.word("mntr").unwrap();
    assert_eq!(server.word("srst").unwrap(), "Server stats reset.\n");
    assert_eq!(
        row(&mntr(), "last_client_response_size").as_deref(),
        Some("-1")
    );

    let mut client = Client::new(server.client);
    client.create("/m", &[7; 100], 0).unwrap();
    client.exists("/none", true).unwrap_err();
    assert_eq!(number(&mntr(), "last_client_response_size"), 16, "a header");
    client.get("/m", true).unwrap();
    // A header, the length of the data, the data, a stat.
    assert_eq!(
        number(&mntr(), "last_client_response_size"),
        16 + 4 + 100 + 68
    );
    assert_eq!(number(&mntr(), "max_client_response_size"), 188);
    assert_eq!(number(&mntr(), "min_client_response_size"), 16);
    client.set("/m", b"", -1).unwrap();
    // The notification: header, type, state, path.
    assert_eq!(number(&mntr(), "watch_bytes"), 16 + 4 + 4 + 4 + 2);

    let text = mntr();
    assert_eq!(number(&text, "connection_request_count"), 1, "{text}");
    assert_eq!(
        number(&text, "cnt_updatelatency"),
        3,
        "session, create, set"
    );
    assert_eq!(number(&text, "cnt_readlatency"), 2, "exists, get");
    assert_eq!(number(&text, "proposal_count"), 0, "it is alone: {text}");
    assert!(number(&text, "p50_updatelatency") <= number(&text, "max_updatelatency"));
    let syncs = number(&text, "cnt_fsynctime");
    assert!((1..=3).contains(&syncs), "{text}");
    assert_eq!(number(&text, "sum_sync_processor_batch_size"), 3, "{text}");
    assert!(number(&text, "bytes_received_count") > 100, "{text}");

    let auth = Bytes::new().int(0).string("unknown").buffer(b"");
    let mut other = Client::new(server.client);
    other
        .wire
        .send(&Bytes::new().int(-4).int(100).raw(&auth.0).framed())
        .unwrap();
    wait_for("the failed authentication", || {
        (number(&mntr(), "auth_failed_count") == 1).then_some(())
    });
    let dropped = number(&mntr(), "connection_drop_count");
    drop(Wire::open(server.client).unwrap());
    wait_for("the dropped connection", || {
        (number(&mntr(), "connection_drop_count") == dropped + 1).then_some(())
    });
    drop(client);
    // The host has its maximum of connections, so the server has closed `other`.
    let held = [(); 3].map(|()| Wire::open(server.client).unwrap());
    Wire::open(server.client).unwrap().until_closed();
    drop(held);
    wait_for("the refusal in mntr", || {
        let rejected = row(&server.word("mntr")?, "connection_rejected")?;
        (rejected != "0").then_some(())
    });
}

#[test]
fn the_figures_of_the_protocol_are_counted_on_leader_and_learners() {
    let ensemble = Ensemble::start(3, 1);
    let leader = ensemble.leader();
    let mut client = Client::new(ensemble.servers[leader].client);
    client.create("/p", b"", 0).unwrap();
    for (index, server) in ensemble.servers.iter().enumerate() {
        // The session and the node.
        let text = wait_for("the transactions", || {
            let text = server.word("mntr").unwrap();
            (number(&text, "znode_count") == 6).then_some(text)
        });
        assert!(number(&text, "looking_count") >= 1, "{text}");
        assert!(number(&text, "cnt_election_time") >= 1, "{text}");
        let [made, proposed, committed] = match index {
            _ if index == leader => [2, 0, 0],
            3 => [0, 0, 2],
            _ => [0, 2, 2],
        };
        for (name, expected) in [
            ("proposal_count", made),
            ("commit_count", made),
            ("cnt_quorum_ack_latency", made),
            ("learner_proposal_received_count", proposed),
            ("learner_commit_received_count", committed),
        ] {
            assert_eq!(number(&text, name), expected, "{name}: {text}");
        }
        let synchronised = number(&text, "diff_count") + number(&text, "snap_count");
        assert_eq!(synchronised >= 3, index == leader, "{text}");
    }
}

/// The names of rows without `zk_`; the rows of a summary have one name.
fn names(mntr: &str) -> BTreeSet<String> {
    let rows: BTreeSet<&str> = mntr
        .lines()
        .map(|line| line.split_once('\t').unwrap().0)
        .map(|name| name.strip_prefix("zk_").unwrap())
        .collect();
    let name = |row: &&str| {
        let (_, rest) = row.split_once('_').unwrap_or(("", row));
        if rows.contains(&*format!("cnt_{rest}")) {
            rest.to_owned()
        } else {
            (*row).to_owned()
        }
    };
    rows.iter().map(name).collect()
}

#[test]
fn the_documentation_names_every_row_that_is_printed_and_every_row_of_java_that_is_not() {
    let roles = Roles::start();
    let printed: BTreeSet<String> = roles
        .servers()
        .iter()
        .flat_map(|(server, _)| names(&server.word("mntr").unwrap()))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let java = fs::read_to_string(root.join("tests/ensemble/mntr-3.9.5.txt")).unwrap();
    let page = fs::read_to_string(root.join("docs/FOUR_LETTER_WORDS.md")).unwrap();
    let (present, missing) = page
        .split_once("## Rows of Apache ZooKeeper that are missing")
        .unwrap();
    let quoted = |text: &str| -> BTreeSet<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let (present, missing) = (quoted(present), quoted(missing));
    let undocumented: Vec<_> = printed.difference(&present).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
    let both: Vec<_> = printed.intersection(&missing).collect();
    assert!(both.is_empty(), "{both:?}");
    let lost: Vec<_> = java
        .lines()
        .filter(|name| !printed.contains(*name) && !missing.contains(*name))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Returns the lines of an answer. It must end with an empty line, as in Java.
fn lines(text: &str) -> Vec<&str> {
    assert!(text.ends_with("\n\n") || text == "\n", "{text:?}");
    text.lines().filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_watch_words_list_sessions_and_paths() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let ask = |word| server.word(word).unwrap();
    let mut clients = [Client::new(server.client), Client::new(server.client)];
    let none = "0 connections watching 0 paths\nTotal watches:0\n";
    assert_eq!(ask("wchs"), none);
    assert_eq!((ask("wchc").as_str(), ask("wchp").as_str()), ("\n", "\n"));

    clients[0].create("/a", b"", 0).unwrap();
    clients[0].create("/b", b"", 0).unwrap();
    clients[0].get("/a", true).unwrap();
    clients[0].children("/a", true).unwrap();
    clients[0].children("/b", true).unwrap();
    assert_eq!(clients[1].exists("/c", true), Err(-101));
    clients[1].get("/a", true).unwrap();
    assert_eq!(
        ask("wchs"),
        "2 connections watching 3 paths\nTotal watches:5\n"
    );
    let sid = |index: usize| format!("0x{:x}", clients[index].session);
    assert_eq!(
        lines(&ask("wchc")),
        [&sid(0), "\t/a", "\t/b", &sid(1), "\t/a", "\t/c"]
    );
    let tabbed = |index| format!("\t{}", sid(index));
    assert_eq!(
        lines(&ask("wchp")),
        [
            "/a",
            &tabbed(0),
            &tabbed(1),
            "/b",
            &tabbed(0),
            "/c",
            &tabbed(1)
        ]
    );

    // A watch is removed when it fires and when its connection closes.
    let [mut first, second] = clients;
    first.set("/a", b"x", -1).unwrap();
    assert_eq!(
        ask("wchs"),
        "2 connections watching 3 paths\nTotal watches:3\n"
    );
    second.close();
    assert_eq!(
        ask("wchs"),
        "1 connections watching 2 paths\nTotal watches:2\n"
    );
    first.close();
    assert_eq!(ask("wchs"), none);
}
