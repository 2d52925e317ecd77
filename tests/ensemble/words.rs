//! Four-letter words over a socket (specification 16.5).

use super::client::Client;
use super::servers::Ensemble;

#[test]
fn the_words_are_answered_by_every_server() {
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
        assert!(!ask("cons").contains("sid=0x"), "the closed one is gone");
    }
}

#[test]
fn a_word_outside_the_whitelist_is_refused_and_a_lone_server_says_so() {
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
