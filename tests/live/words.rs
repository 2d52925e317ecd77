//! The four-letter words of Apache ZooKeeper and ours, after the same steps: the same text.

use super::client::{Bytes, Client, DELETE};
use super::peers::installations;
use super::servers::{Ensemble, Server, Software, wait_for};

/// Figures that depend on the clock, and names that each server gives out itself.
const VOLATILE: [&str; 7] = ["sid", "est", "lresp", "llat", "minlat", "avglat", "maxlat"];

/// A line of `cons` or `stat` without its port and the values of [`VOLATILE`].
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

/// The lines of an answer, in order of their text: Java tells connections in none.
fn told(server: &Server, word: &str) -> Vec<String> {
    let answer = server.word(word).unwrap();
    let mut lines: Vec<String> = answer.lines().map(normal).collect();
    lines.sort();
    lines.insert(0, word.to_owned());
    lines
}

/// Goes through the same steps on any server; `tell` is called with a word to ask between them.
fn steps(server: &Server, tell: &mut dyn FnMut(&str)) {
    // What came while the server was starting differs.
    assert_eq!(server.word("srst").unwrap(), "Server stats reset.\n");
    let mut client = Client::new(server.client);
    tell("cons");
    client.create("/w", b"x", 0).unwrap();
    tell("cons");
    client.create("/w", b"x", 0).unwrap_err();
    tell("cons");
    client.exists("/none", true).unwrap_err();
    tell("cons");
    client.get("/w", true).unwrap();
    client.sync();
    tell("cons");
    tell("wchs");
    let mut other = Client::new(server.client);
    other.set("/w", b"y", -1).unwrap();
    assert_eq!(client.event(), (3, "/w".to_owned()));
    client.children("/", false).unwrap();
    let frame = Bytes::new().int(-2).int(11).framed();
    client.wire.send(&frame).unwrap();
    assert_eq!(client.next().unwrap().xid, -2);
    tell("cons");
    tell("wchs");
    other.call(DELETE, &Bytes::new().string("/w").int(-1));
    other.close();
    tell("cons");
    assert_eq!(server.word("crst").unwrap(), "Connection stats reset.\n");
    tell("cons");
}

/// What `srvr` counts right behind `srst`.
fn reset_figures(server: &Server) -> Vec<String> {
    assert_eq!(server.word("srst").unwrap(), "Server stats reset.\n");
    let srvr = server.word("srvr").unwrap();
    srvr.lines()
        .filter(|line| {
            ["Latency", "Received", "Outstanding"]
                .iter()
                .any(|name| line.starts_with(name))
        })
        .map(|line| line.replace("0/0.0/0", "0/0/0")) // 3.4 means in whole milliseconds
        .collect()
}

#[test]
fn cons_and_the_resets_tell_the_same_as_java() {
    let started = |software: Software| {
        let mut ensemble = Ensemble::prepared(1, 0, "");
        ensemble.servers[0].software = software;
        ensemble.start_all();
        ensemble
    };
    let ensemble = started(Software::Ours);
    let ours = &ensemble.servers[0];
    let mut expected = Vec::new();
    steps(ours, &mut |word| expected.push(told(ours, word)));
    let expected_reset = reset_figures(ours);
    for installation in installations() {
        let ensemble = started(Software::Java(installation.clone()));
        let java = &ensemble.servers[0];
        let mut left = expected.iter();
        steps(java, &mut |word| {
            let expected = left.next().unwrap();
            let first = told(java, word);
            if first != *expected {
                eprintln!("{}: {first:?}", installation.home.display());
            }
            // Java counts a frame as sent a moment after the client may have it.
            wait_for(&format!("{expected:?}"), || {
                (told(java, word) == *expected).then_some(())
            });
        });
        let home = installation.home.display();
        assert_eq!(reset_figures(java), expected_reset, "{home}");
    }
}
