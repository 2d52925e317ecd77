//! Tests of watches: which events they send, and in which order (specification 7).

use super::client::{Bytes, CREATE, Client, DELETE, EXISTS, SET, create, read};
use super::servers::{Ensemble, wait_for};

#[test]
fn the_notification_comes_before_the_reply_of_the_write_that_caused_it() {
    let ensemble = Ensemble::start(3, 0);
    for address in ensemble.addresses() {
        let mut client = Client::new(address);
        assert_eq!(client.exists("/w", true), Err(-101));
        let xid = client.request(CREATE, &create("/w", b"", 0)).unwrap();
        assert_eq!(client.next().unwrap().event(), (1, "/w".into()));
        assert_eq!(client.next().unwrap().xid, xid);

        client.get("/w", true).unwrap();
        client.get("/w", true).unwrap(); // sets the same watch again, which sends one notification
        client.children("/w", true).unwrap();
        let set = Bytes::new().string("/w").buffer(b"x").int(-1);
        let xid = client.request(SET, &set).unwrap();
        assert_eq!(client.next().unwrap().event(), (3, "/w".into()));
        assert_eq!(client.next().unwrap().xid, xid);
        // The watch is removed, so the next change of the data sends no notification.
        let xid = client.request(SET, &set).unwrap();
        assert_eq!(client.next().unwrap().xid, xid);

        let xid = client.request(CREATE, &create("/w/c", b"", 0)).unwrap();
        assert_eq!(client.next().unwrap().event(), (4, "/w".into()));
        assert_eq!(client.next().unwrap().xid, xid);

        client.exists("/w/c", true).unwrap();
        client.children("/w", true).unwrap();
        let xid = client
            .request(DELETE, &Bytes::new().string("/w/c").int(-1))
            .unwrap();
        assert_eq!(client.next().unwrap().event(), (2, "/w/c".into()));
        assert_eq!(client.next().unwrap().event(), (4, "/w".into()));
        assert_eq!(client.next().unwrap().xid, xid);
        client.delete("/w", -1).unwrap();
        client.close();
    }
}

#[test]
fn a_watch_fires_before_a_write_through_another_server_becomes_visible() {
    let ensemble = Ensemble::start(3, 1);
    let addresses = ensemble.addresses();
    Client::new(addresses[0])
        .create("/shared", b"0", 0)
        .unwrap();
    for (index, address) in addresses.iter().enumerate() {
        let mut watcher = Client::new(*address);
        watcher.sync();
        watcher.get("/shared", true).unwrap();
        let mut writer = Client::new(addresses[(index + 1) % addresses.len()]);
        let new = format!("by {index}");
        writer.set("/shared", new.as_bytes(), -1).unwrap();
        // Reads until the new value is visible. The notification must have arrived before.
        loop {
            let (data, _) = watcher.get("/shared", false).unwrap();
            if data == new.as_bytes() {
                break;
            }
            watcher.sync();
        }
        assert_eq!(watcher.events, [(3, "/shared".to_owned())]);
    }
}

#[test]
fn the_memory_of_many_watches_is_returned_when_their_connection_closes() {
    const WATCHES: i32 = 300_000;
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let mut other = Client::new(server.client);
    let mut watcher = Client::new(server.client);
    let before = server.memory_bytes();
    for portion in 0..WATCHES / 1_000 {
        let frames: Vec<u8> = (portion * 1_000..(portion + 1) * 1_000)
            .flat_map(|number| {
                let exists = Bytes::new().int(number).int(EXISTS);
                let body = read(&format!("/watched-{number}"), true);
                exists.raw(&body.0).framed()
            })
            .collect();
        watcher.wire.send(&frames).unwrap();
        for _ in 0..1_000 {
            assert_eq!(watcher.next().unwrap().err, -101);
        }
    }
    // Lies behind the watches in memory.
    other.create("/behind", &[7; 100], 0).unwrap();
    let grown = server.memory_bytes() - before;
    drop(watcher);
    wait_for("the memory to be returned", || {
        let kept = server.memory_bytes().saturating_sub(before);
        (kept < grown / 3).then_some(())
    });
    assert!(other.get("/behind", false).is_ok());
}
