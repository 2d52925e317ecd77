//! Tests of reads and writes on every server of an ensemble: results, order and error codes
//! (specification 3-6).

use super::client::{Bytes, CHECK, CREATE, Client, DELETE, EXISTS, GET, MULTI, SET, create, read};
use super::servers::Ensemble;

#[test]
fn every_server_creates_sets_gets_and_deletes_with_the_specified_errors() {
    let ensemble = Ensemble::start(3, 0);
    let modes: Vec<String> = ensemble
        .servers
        .iter()
        .filter_map(super::servers::Server::mode)
        .collect();
    assert_eq!(
        modes.iter().filter(|mode| *mode == "leader").count(),
        1,
        "{modes:?}"
    );
    assert_eq!(
        modes.iter().filter(|mode| *mode == "follower").count(),
        2,
        "{modes:?}"
    );
    for (index, address) in ensemble.addresses().into_iter().enumerate() {
        let mut client = Client::new(address);
        let path = format!("/on{index}");
        let child = format!("{path}/child");
        assert_eq!(
            client.create(&path, b"one", 0).as_deref(),
            Ok(path.as_str())
        );
        assert_eq!(
            client.create(&path, b"one", 0),
            Err(-110),
            "the znode exists"
        );
        assert_eq!(client.create("/no/parent", b"", 0), Err(-101));
        assert_eq!(
            client.create("bad", b"", 0),
            Err(-8),
            "a path begins with a slash"
        );
        assert_eq!(client.create("/bad\u{1}", b"", 0), Err(-8));
        assert_eq!(client.create("/flags", b"", 9), Err(-8));
        let (data, stat) = client.get(&path, false).unwrap();
        assert_eq!(
            (data.as_slice(), stat.version, stat.data_length),
            (b"one".as_slice(), 0, 3)
        );
        assert_eq!((stat.czxid, stat.owner, stat.children), (stat.mzxid, 0, 0));
        let stat = client.set(&path, b"second", 0).unwrap();
        assert_eq!((stat.version, stat.data_length), (1, 6));
        assert!(stat.mzxid > stat.czxid);
        assert_eq!(client.set(&path, b"", 0), Err(-103), "the version differs");
        assert_eq!(client.set("/none", b"", -1), Err(-101));
        client.create(&child, b"", 0).unwrap();
        assert_eq!(client.delete(&path, -1), Err(-111), "the znode has a child");
        let stat = client.exists(&path, false).unwrap();
        assert_eq!((stat.children, stat.cversion), (1, 1));
        assert_eq!(client.children(&path, false).unwrap(), ["child"]);
        client.delete(&child, 0).unwrap();
        assert_eq!(client.delete(&path, 0), Err(-103));
        client.delete(&path, 1).unwrap();
        assert_eq!(client.delete(&path, -1), Err(-101));
        assert_eq!(client.get(&path, false), Err(-101));
        client.create("/eph", b"", 1).unwrap();
        assert_eq!(
            client.create("/eph/x", b"", 0),
            Err(-108),
            "ephemerals have no children"
        );
        client.close();
    }
}

#[test]
fn every_write_takes_a_zxid_even_if_it_fails_and_replies_keep_the_order() {
    let ensemble = Ensemble::start(3, 0);
    for address in ensemble.addresses() {
        let mut client = Client::new(address);
        let _exists_already = client.create("/n", b"", 0);
        let mut sent = Vec::new();
        for number in 0..60 {
            sent.push(
                match number % 4 {
                    0 => client.request(SET, &Bytes::new().string("/n").buffer(&[number]).int(-1)),
                    1 => client.request(SET, &Bytes::new().string("/n").buffer(b"").int(77)),
                    2 => client.request(GET, &read("/n", false)),
                    _ => client.request(EXISTS, &read("/missing", false)),
                }
                .unwrap(),
            );
        }
        let mut last_zxid = client.last_zxid;
        for (number, xid) in (0..60_u8).zip(sent) {
            let reply = client.next().unwrap();
            assert_eq!(reply.xid, xid);
            assert_eq!(reply.err, [0, -103, 0, -101][usize::from(number % 4)]);
            if number % 4 < 2 {
                assert_eq!(reply.zxid, last_zxid + 1, "no other client writes");
            } else {
                assert!(reply.zxid >= last_zxid);
            }
            if number % 4 == 2 {
                assert_eq!(
                    reply.body().buffer(),
                    [number - 2],
                    "a session reads its own writes"
                );
            }
            last_zxid = reply.zxid;
        }
        client.close();
        // Closing the session is one more write. The next server may not have applied it yet.
    }
}

#[test]
fn the_numbers_of_sequential_znodes_increase_and_are_not_reused() {
    let ensemble = Ensemble::start(3, 0);
    let mut clients: Vec<Client> = ensemble.addresses().into_iter().map(Client::new).collect();
    clients[0].create("/q", b"", 0).unwrap();
    for round in 0..4 {
        for (index, client) in clients.iter_mut().enumerate() {
            let flags = if index == 1 { 3 } else { 2 };
            let name = client.create("/q/n-", b"", flags).unwrap();
            assert_eq!(name, format!("/q/n-{:010}", round * 3 + index));
        }
    }
    assert_eq!(clients[2].create("/q/", b"", 2).unwrap(), "/q/0000000012");
    clients.remove(1).close();
    clients[0].sync();
    let names = clients[0].children("/q", false).unwrap();
    assert_eq!(names.len(), 13 - 4, "{names:?}");
    let next = clients[0].create("/q/n-", b"", 2).unwrap();
    assert!(
        next.as_str() > "/q/n-0000000012",
        "a number was used again: {next}"
    );
}

fn op_header(op: i32) -> Bytes {
    Bytes::new().int(op).byte(0).int(-1)
}

fn multi(ops: &[(i32, Bytes)]) -> Bytes {
    let body = ops.iter().fold(Bytes::new(), |body, (op, record)| {
        body.raw(&op_header(*op).0).raw(&record.0)
    });
    body.int(-1).byte(1).int(-1)
}

#[test]
fn a_multi_applies_all_operations_or_none() {
    let ensemble = Ensemble::start(3, 0);
    for address in ensemble.addresses() {
        let mut client = Client::new(address);
        let _exists_already = client.create("/m", b"", 0);
        client.sync();
        let before = client.exists("/m", false).unwrap();

        let reply = client.call(
            MULTI,
            &multi(&[
                (CREATE, create("/m/a", b"1", 0)),
                (CHECK, Bytes::new().string("/m/a").int(0)),
                (SET, Bytes::new().string("/m/a").buffer(b"22").int(0)),
                (DELETE, Bytes::new().string("/m/a").int(1)),
            ]),
        );
        let zxid = reply.zxid;
        let mut body = reply.body();
        assert_eq!((body.int(), body.byte(), body.int()), (CREATE, 0, 0));
        assert_eq!(body.string(), "/m/a");
        assert_eq!((body.int(), body.byte(), body.int()), (CHECK, 0, 0));
        assert_eq!((body.int(), body.byte(), body.int()), (SET, 0, 0));
        let stat = body.stat();
        assert_eq!(
            (stat.czxid, stat.mzxid, stat.version, stat.data_length),
            (zxid, zxid, 1, 2)
        );
        assert_eq!((body.int(), body.byte(), body.int()), (DELETE, 0, 0));
        assert_eq!((body.int(), body.byte(), body.int()), (-1, 1, -1));
        body.end();
        assert_eq!(client.exists("/m/a", false), Err(-101));

        // The first operation alone would succeed, the second fails because `/m` exists, and the third is
        // not tried. The server applies none of them (specification 5).
        let reply = client.call(
            MULTI,
            &multi(&[
                (CREATE, create("/m/b", b"", 0)),
                (CREATE, create("/m", b"", 0)),
                (DELETE, Bytes::new().string("/m").int(-1)),
            ]),
        );
        assert_eq!((reply.zxid, reply.err), (zxid + 1, 0));
        let expected = [
            b"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00".as_slice(),
            b"\xff\xff\xff\xff\x00\xff\xff\xff\x92\xff\xff\xff\x92",
            b"\xff\xff\xff\xff\x00\xff\xff\xff\xfe\xff\xff\xff\xfe",
            b"\xff\xff\xff\xff\x01\xff\xff\xff\xff",
        ];
        assert_eq!(reply.body, expected.concat());
        assert_eq!(client.exists("/m/b", false), Err(-101));
        let after = client.exists("/m", false).unwrap();
        assert_eq!(
            after.cversion,
            before.cversion + 2,
            "only the first multi changes the parent"
        );

        let reply = client.call(MULTI, &multi(&[]));
        assert_eq!(reply.body, b"\xff\xff\xff\xff\x01\xff\xff\xff\xff");
        client.close();
    }
}
