//! Tests of the four-letter words (specification 16.5).

use super::client::Client;
use super::servers::Ensemble;

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

#[test]
fn a_standalone_server_reports_its_mode_and_refuses_words_outside_the_whitelist() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    assert_eq!(server.mode().as_deref(), Some("standalone"));
    let text = std::fs::read_to_string(server.config()).unwrap();
    let mut other = Ensemble::prepared(1, 0, "");
    let own = std::fs::read_to_string(other.servers[0].config()).unwrap();
    assert!(text.contains("whitelist=*"));
    std::fs::write(
        other.servers[0].config(),
        own.replace("whitelist=*", "whitelist=srvr, ruok"),
    )
    .unwrap();
    other.start_all();
    assert_eq!(other.servers[0].word("ruok").unwrap(), "imok");
    let refused = other.servers[0].word("mntr").unwrap();
    assert_eq!(
        refused,
        "mntr is not executed because it is not in the whitelist.\n"
    );
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
