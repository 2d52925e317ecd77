//! Tests that Apache ZooKeeper and the bundled server give the same answers to four-letter words after the same
//! steps.

use super::client::{Bytes, Client, DELETE};
use super::peers::installations;
use super::servers::{Ensemble, Server, Software, wait_for};

/// Fields that depend on the clock, and session ids.
const VOLATILE: [&str; 7] = ["sid", "est", "lresp", "llat", "minlat", "avglat", "maxlat"];

/// Removes the port and the values of [`VOLATILE`] from a line of `cons` or `stat`.
fn normal(line: &str) -> String {
    let Some((address, figures)) = line.split_once('[') else {
        return line.to_owned();
    };
    let (host, _port) = address.rsplit_once(':').unwrap();
    let fields: Vec<&str> = figures
        .split(',')
        .map(|field| match field.split_once('=') {
            Some((name, value)) if VOLATILE.contains(&name) => {
                let digits = value.trim_start_matches("0x").trim_end_matches(')');
                assert!(
                    digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{line}"
                );
                name
            }
            _ => field,
        })
        .collect();
    format!("{host}[{}", fields.join(","))
}

/// Returns the normalised lines of an answer, sorted, because Java lists connections in no defined order.
fn answer(server: &Server, word: &str) -> Vec<String> {
    let answer = server.word(word).unwrap();
    let mut lines: Vec<String> = answer.lines().map(normal).collect();
    lines.sort();
    lines.insert(0, word.to_owned());
    lines
}

/// Performs a fixed sequence of requests. Between them it calls `check` with the word to check.
fn steps(server: &Server, check: &mut dyn FnMut(&str)) {
    // The number of requests during the start of the server varies.
    assert_eq!(server.word("srst").unwrap(), "Server stats reset.\n");
    let mut client = Client::new(server.client);
    check("cons");
    client.create("/w", b"x", 0).unwrap();
    check("cons");
    client.create("/w", b"x", 0).unwrap_err();
    check("cons");
    client.exists("/none", true).unwrap_err();
    check("cons");
    client.get("/w", true).unwrap();
    client.sync();
    check("cons");
    check("wchs");
    let mut other = Client::new(server.client);
    other.set("/w", b"y", -1).unwrap();
    assert_eq!(client.event(), (3, "/w".to_owned()));
    client.children("/", false).unwrap();
    let frame = Bytes::new().int(-2).int(11).framed();
    client.wire.send(&frame).unwrap();
    assert_eq!(client.next().unwrap().xid, -2);
    check("cons");
    check("wchs");
    other.call(DELETE, &Bytes::new().string("/w").int(-1));
    other.close();
    check("cons");
    assert_eq!(server.word("crst").unwrap(), "Connection stats reset.\n");
    check("cons");
}

/// Returns the counters of `srvr` directly after `srst`.
fn reset_figures(server: &Server) -> Vec<String> {
    assert_eq!(server.word("srst").unwrap(), "Server stats reset.\n");
    let srvr = server.word("srvr").unwrap();
    srvr.lines()
        .filter(|line| {
            ["Latency", "Received", "Outstanding"]
                .iter()
                .any(|name| line.starts_with(name))
        })
        // 3.4 prints the average latency in whole milliseconds.
        .map(|line| line.replace("0/0.0/0", "0/0/0"))
        .collect()
}

#[test]
fn cons_and_wchs_answer_like_java_after_the_same_requests() {
    let started = |software: Software| {
        let mut ensemble = Ensemble::prepared(1, 0, "");
        ensemble.servers[0].software = software;
        ensemble.start_all();
        ensemble
    };
    let ensemble = started(Software::Ours);
    let ours = &ensemble.servers[0];
    let mut expected = Vec::new();
    steps(ours, &mut |word| expected.push(answer(ours, word)));
    let expected_reset = reset_figures(ours);
    for installation in installations() {
        let ensemble = started(Software::Java(installation.clone()));
        let java = &ensemble.servers[0];
        let mut left = expected.iter();
        steps(java, &mut |word| {
            let expected = left.next().unwrap();
            let first = answer(java, word);
            if first != *expected {
                eprintln!("{}: {first:?}", installation.home.display());
            }
            // Java counts a sent frame a moment after the client may have received it.
            wait_for(&format!("{expected:?}"), || {
                (answer(java, word) == *expected).then_some(())
            });
        });
        let home = installation.home.display();
        assert_eq!(reset_figures(java), expected_reset, "{home}");
    }
}
