//! Tests of `cons`, `stat`, `crst` and `srst` (specification 16.5).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::client::{CREATE, Client, GET, Wire, create, read};
use super::servers::{Ensemble, Server, wait_for};

const PING: i32 = 11;

/// Returns the line of `cons` about this session.
fn line(server: &Server, session: i64) -> String {
    let cons = server.word("cons").unwrap();
    assert!(cons.ends_with(")\n\n"), "{cons:?}");
    let wanted = format!(",sid=0x{session:x},");
    let mut lines = cons.lines().filter(|line| line.contains(&wanted));
    let line = lines.next().unwrap_or_else(|| panic!("{wanted}: {cons}"));
    assert_eq!(lines.next(), None, "{cons}");
    line.to_owned()
}

/// Returns the value of field `name`.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.trim_end_matches(')')
        .split(['(', ','])
        .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn number(line: &str, name: &str) -> u64 {
    field(line, name).parse().unwrap()
}

/// Fields of a line of `cons`, with the names that `cons` uses.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    recved: u64,
    sent: u64,
    lop: String,
    lcxid: String,
    lzxid: String,
}

fn figures(server: &Server, client: &Client) -> Figures {
    let line = line(server, client.session);
    let text = |name| field(&line, name).to_owned();
    Figures {
        recved: number(&line, "recved"),
        sent: number(&line, "sent"),
        lop: text("lop"),
        lcxid: text("lcxid"),
        lzxid: text("lzxid"),
    }
}

fn expected(recved: u64, sent: u64, lop: &str, lcxid: i32, lzxid: i64) -> Figures {
    Figures {
        recved,
        sent,
        lop: lop.to_owned(),
        lcxid: format!("0x{lcxid:x}"),
        lzxid: format!("0x{lzxid:x}"),
    }
}

/// Sends a ping, whose xid is -2, and reads its reply.
fn ping(client: &mut Client) {
    let frame = super::client::Bytes::new().int(-2).int(PING).framed();
    client.wire.send(&frame).unwrap();
    let reply = client.next().unwrap();
    assert_eq!((reply.xid, reply.err), (-2, 0));
}

fn wall_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

#[test]
fn cons_reports_the_requests_and_replies_of_a_connection() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let before_ms = wall_ms();
    let mut client = Client::try_new(server.client, 7_000).unwrap();
    let after_ms = wall_ms();
    assert_eq!(
        figures(server, &client),
        expected(1, 1, "SESS", 0, 1),
        "the handshake counts as a request and takes the first zxid"
    );
    let first = line(server, client.session);
    let established_ms = number(&first, "est");
    assert!(
        (before_ms..=after_ms).contains(&established_ms),
        "{before_ms} {after_ms} {first}"
    );
    assert_eq!(field(&first, "to"), client.timeout_ms.to_string());

    let reply = client.call(CREATE, &create("/c", b"x", 0));
    assert_eq!(
        figures(server, &client),
        expected(2, 2, "CREA", reply.xid, reply.zxid)
    );
    let reply = client.call(CREATE, &create("/c", b"x", 0));
    assert_eq!(reply.err, -110);
    assert_eq!(
        figures(server, &client),
        expected(3, 3, "NA", reply.xid, reply.zxid),
        "a failed write is reported as NA"
    );
    let reply = client.call(GET, &read("/missing", false));
    assert_eq!(reply.err, -101);
    assert_eq!(
        figures(server, &client),
        expected(4, 4, "GETD", reply.xid, reply.zxid)
    );
    ping(&mut client);
    assert_eq!(
        figures(server, &client),
        expected(5, 5, "PING", reply.xid, reply.zxid),
        "a ping does not change lcxid"
    );

    // A notification counts as sent but not as a reply.
    client.get("/c", true).unwrap();
    let before = figures(server, &client);
    let mut other = Client::new(server.client);
    other.set("/c", b"y", -1).unwrap();
    assert_eq!(client.event(), (3, "/c".to_owned()));
    let after = figures(server, &client);
    assert_eq!(after.recved, before.recved);
    assert_eq!((after.sent, after.lop.as_str()), (before.sent + 1, "GETD"));

    let last = line(server, client.session);
    assert_eq!(number(&last, "est"), established_ms);
    assert!(number(&last, "lresp") >= number(&first, "lresp"), "{last}");
    let latency = ["minlat", "avglat", "maxlat"].map(|name| number(&last, name));
    assert!(latency.is_sorted(), "{last}");
    assert_eq!(field(&last, "queued"), "0");
    assert!(last.contains("[1](queued="), "{last}");
}

#[test]
fn cons_and_stat_include_the_asking_connection() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let own = |text: &str, prefix: &str| {
        let text = text
            .strip_prefix(prefix)
            .unwrap_or_else(|| panic!("{text}"));
        let line = text.lines().next().unwrap();
        let (address, rest) = line.split_once('[').unwrap();
        assert!(address.starts_with(" /127."), "{line}");
        rest.to_owned()
    };
    let expected = "0](queued=0,recved=1,sent=0)";
    assert_eq!(own(&server.word("cons").unwrap(), ""), expected);
    let stat = server.word("stat").unwrap();
    let (version, clients) = stat.split_once('\n').unwrap();
    assert!(version.starts_with("Zookeeper version: "), "{stat}");
    assert_eq!(own(clients, "Clients:\n"), expected);
}

#[test]
fn the_interest_mask_shows_unsent_output() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let mut client = Client::new(server.client);
    client.create("/big", &[7; 200_000], 0).unwrap();
    assert!(line(server, client.session).contains("[1]("));
    // Unread replies first fill the kernel's buffers, then the buffer of the server.
    let mut asked = 0_u32;
    let received = number(&line(server, client.session), "recved");
    loop {
        client.request(GET, &read("/big", false)).unwrap();
        asked += 1;
        let now = wait_for("the request to be received", || {
            let line = line(server, client.session);
            (number(&line, "recved") == received + u64::from(asked)).then_some(line)
        });
        if now.contains("[5](") {
            break;
        }
        assert!(now.contains("[1]("), "{now}");
        let stat = server.word("stat").unwrap();
        assert!(stat.contains("[1]("), "{stat}");
    }
    assert!(server.word("stat").unwrap().contains("[5]("));
    for _ in 0..asked {
        assert_eq!(client.next().unwrap().err, 0);
    }
    wait_for("the output to be gone", || {
        line(server, client.session).contains("[1](").then_some(())
    });
}

#[test]
fn requests_that_wait_for_a_commit_are_queued_and_their_wait_counts_as_latency() {
    let ensemble = Ensemble::start(3, 0);
    let leader = ensemble.leader();
    let server = &ensemble.servers[leader];
    let followers: Vec<&Server> = ensemble
        .servers
        .iter()
        .filter(|s| s.id != server.id)
        .collect();
    let mut client = Client::new(server.client);
    for follower in &followers {
        follower.pause();
    }
    let first = client.request(CREATE, &create("/q1", b"", 0)).unwrap();
    let second = client.request(GET, &read("/q1", false)).unwrap();
    let ping = super::client::Bytes::new().int(-2).int(PING).framed();
    client.wire.send(&ping).unwrap();
    let waiting = wait_for("all three to be received", || {
        let line = line(server, client.session);
        (field(&line, "recved") == "4").then_some(line)
    });
    assert_eq!(
        field(&waiting, "queued"),
        "2",
        "pings are not counted: {waiting}"
    );
    assert_eq!(
        field(&waiting, "lop"),
        "SESS",
        "a request was answered: {waiting}"
    );
    let seen = Instant::now();
    wait_for("time to pass", || {
        (seen.elapsed() > Duration::from_millis(40)).then_some(())
    });
    let waited_ms = u64::try_from(seen.elapsed().as_millis()).unwrap();
    for follower in &followers {
        follower.resume();
    }
    for (xid, err) in [(first, 0), (second, 0), (-2, 0)] {
        let reply = client.next().unwrap();
        assert_eq!((reply.xid, reply.err), (xid, err));
    }
    let after = line(server, client.session);
    assert_eq!(field(&after, "queued"), "0", "{after}");
    assert_eq!(field(&after, "lop"), "PING", "{after}");
    // Both times are rounded down to a millisecond, so the difference may be 1 ms smaller.
    for name in ["llat", "maxlat"] {
        assert!(
            number(&after, name) + 1 >= waited_ms,
            "{waited_ms}: {after}"
        );
    }
    assert!(
        number(&after, "avglat") >= number(&after, "minlat"),
        "{after}"
    );
    assert!(
        number(&after, "avglat") <= number(&after, "maxlat"),
        "{after}"
    );
}

#[test]
fn crst_resets_the_connections_and_srst_resets_the_server() {
    let ensemble = Ensemble::start(3, 0);
    let server = &ensemble.servers[ensemble.leader()];
    let mut client = Client::new(server.client);
    client.create("/r", b"", 0).unwrap();
    let of_server = |name: &str| {
        let srvr = server.word("srvr").unwrap();
        let value = srvr.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_else(|| panic!("{srvr}")).to_owned()
    };
    assert_ne!(of_server("Proposal sizes last/min/max: "), "-1/-1/-1");
    let received: u64 = of_server("Received: ").parse().unwrap();

    assert_eq!(server.word("crst").unwrap(), "Connection stats reset.\n");
    let reset = line(server, client.session);
    let (_, reset_figures) = reset.split_once('[').unwrap();
    let (established, timeout) = (number(&reset, "est"), client.timeout_ms);
    assert_eq!(
        reset_figures,
        format!(
            "1](queued=0,recved=0,sent=0,sid=0x{:x},lop=NA,est={established},to={timeout},\
             lzxid=0xffffffffffffffff,lresp=0,llat=0,minlat=0,avglat=0,maxlat=0)",
            client.session
        )
    );
    let now: u64 = of_server("Received: ").parse().unwrap();
    assert_eq!(
        now,
        received + 3,
        "only crst, cons and srvr were received since"
    );

    let reply = client.call(CREATE, &create("/r2", b"", 0));
    assert_eq!(
        figures(server, &client),
        expected(1, 1, "CREA", reply.xid, reply.zxid)
    );
    assert_eq!(server.word("srst").unwrap(), "Server stats reset.\n");
    assert_eq!(
        ["Received: ", "Sent: ", "Latency min/avg/max: "].map(of_server),
        ["1", "2", "0/0.0/0"],
        "each value comes from its own srvr; the answer to srst counts as sent"
    );
    assert_eq!(of_server("Proposal sizes last/min/max: "), "-1/-1/-1");
    let mntr = server.word("mntr").unwrap();
    assert!(mntr.contains("\nzk_cnt_fsynctime\t0\n"), "{mntr}");
    assert_eq!(
        figures(server, &client),
        expected(1, 1, "CREA", reply.xid, reply.zxid),
        "srst must not reset the figures of connections"
    );
}

#[test]
fn words_outside_the_whitelist_reset_nothing() {
    let mut ensemble = Ensemble::prepared(1, 0, "");
    let config = ensemble.servers[0].config();
    let text = std::fs::read_to_string(&config).unwrap();
    let narrow = text.replace("whitelist=*", "whitelist=srvr,cons");
    assert_ne!(text, narrow);
    std::fs::write(&config, narrow).unwrap();
    ensemble.start_all();
    let server = &ensemble.servers[0];
    let client = Client::new(server.client);
    let before = line(server, client.session);
    for word in ["crst", "srst"] {
        assert_eq!(
            server.word(word).unwrap(),
            format!("{word} is not executed because it is not in the whitelist.\n")
        );
    }
    assert_eq!(line(server, client.session), before);
    let srvr = server.word("srvr").unwrap();
    assert!(!srvr.contains("\nReceived: 1\n"), "{srvr}");
}

#[test]
fn cons_shows_a_connection_without_a_session_as_stat_does() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let _silent = Wire::open(server.client).unwrap();
    let shown = wait_for("the silent connection", || {
        let cons = server.word("cons").unwrap();
        let mut lines = cons.lines();
        lines
            .find(|line| line.ends_with("[1](queued=0,recved=0,sent=0)"))
            .map(str::to_owned)
    });
    assert!(!shown.contains("sid="), "{shown}");
}

/// Shells usually start programs with a soft limit far below the hard limit.
#[test]
fn a_server_raises_its_soft_limit_of_open_files() {
    let mut ensemble = Ensemble::prepared(1, 0, "");
    let server = &mut ensemble.servers[0];
    server.start_with_open_files(64);
    server.await_serving();
    let clients: Vec<Client> = (0..100).map(|_| Client::new(server.client)).collect();
    let cons = server.word("cons").unwrap();
    assert_eq!(cons.matches(",sid=0x").count(), clients.len(), "{cons}");
}

/// The log uses the wording of Apache ZooKeeper. It has one line per host and second, and counts the other
/// refusals in the next line.
#[test]
fn refused_connections_are_logged_and_counted() {
    let ensemble = Ensemble::start_with(1, 0, "maxClientCnxns=3\n");
    let server = &ensemble.servers[0];
    // Connections of earlier four-letter words may still be open.
    let mut clients: Vec<Client> = Vec::new();
    let mut refused = 0;
    while clients.len() < 3 || refused < 50 {
        match Client::try_new(server.client, 30_000) {
            Ok(client) => clients.push(client),
            Err(_) => refused += 1,
        }
    }
    assert_eq!(clients.len(), 3);
    let line = "Too many connections from /127.0.0.1 - max is 3";
    // In the end every refusal is counted, by its own line or in the count of another line.
    wait_for("all refusals to be logged", || {
        let output = server.output();
        let tails = output.lines().filter_map(|text| text.split_once(line));
        let counts = tails.map(|(_, tail)| match tail.strip_prefix(" (") {
            None => 1,
            Some(more) => more.split(' ').next().unwrap().parse::<u64>().unwrap(),
        });
        (counts.sum::<u64>() == refused).then_some(())
    });
    clients.pop().unwrap().close();
    wait_for("room for another", || {
        Client::try_new(server.client, 30_000).ok()
    });
}
