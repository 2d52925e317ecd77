//! Requests that no server may be stopped by: too large for a transaction, or much work.

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use super::client::{Bytes, CREATE, Client};
use super::servers::{Ensemble, wait_for};

const AUTH: i32 = 100;
const GET_EPHEMERALS: i32 = 103;
const EPHEMERAL: i32 = 1;
const QUOTA_EXCEEDED: i32 = -125;
const MARSHALLING: i32 = -5;

#[test]
fn a_session_cannot_own_more_ephemerals_than_its_close_can_list() {
    let ensemble = Ensemble::start(3, 0);
    let leader = ensemble.leader();
    let mut other = Client::new(ensemble.servers[ensemble.follower()].client);
    let mut client = Client::new(ensemble.servers[ensemble.follower()].client);
    let name = |letter: &str| format!("/{}", letter.repeat(900_000));
    for letter in ["a", "b"] {
        assert_eq!(
            client.create(&name(letter), b"", EPHEMERAL),
            Ok(name(letter))
        );
    }
    let third = client.create(&name("c"), b"", EPHEMERAL);
    assert_eq!(third, Err(QUOTA_EXCEEDED));
    let unreadable = Bytes::new().string("/half");
    assert_eq!(client.call(CREATE, &unreadable).err, MARSHALLING);
    for line in [
        "refusing an ephemeral of session",
        "refusing a request of session",
    ] {
        wait_for(line, || {
            let output = ensemble.servers[leader].output();
            output.contains(line).then_some(())
        });
    }
    client.close();
    wait_for("the ephemerals to be deleted", || {
        (other.children("/", false) == Ok(vec!["zookeeper".to_owned()])).then_some(())
    });
    other.create("/after", b"", 0).unwrap();
    let created = other.exists("/after", false).unwrap().czxid;
    assert_eq!(created >> 32, 1, "a new leader was elected");
    assert_eq!(ensemble.leader(), leader);
}

#[test]
fn identities_apply_to_the_requests_behind_their_auth_packet() {
    let ensemble = Ensemble::start(3, 0);
    for at in [ensemble.leader(), ensemble.follower()] {
        let mut client = Client::new(ensemble.servers[at].client);
        let public = Bytes::new()
            .string(&format!("/public-{at}"))
            .buffer(b"")
            .open_acl()
            .int(0);
        let private = Bytes::new()
            .string(&format!("/private-{at}"))
            .buffer(b"")
            .int(1)
            .int(31)
            .string("auth")
            .string("")
            .int(0);
        let auth = Bytes::new().int(0).string("digest").buffer(b"user:secret");
        let request =
            |xid: i32, op: i32, body: &Bytes| Bytes::new().int(xid).int(op).raw(&body.0).framed();
        let segment = [
            request(1, CREATE, &public),
            request(-4, AUTH, &auth),
            request(2, CREATE, &private),
        ]
        .concat();
        client.wire.send(&segment).unwrap();
        let answers: Vec<(i32, i32)> = (0..3)
            .map(|_| client.next().unwrap())
            .map(|reply| (reply.xid, reply.err))
            .collect();
        assert_eq!(answers, [(1, 0), (-4, 0), (2, 0)]);
    }
}

/// Requests with replies of a few bytes that make the server look at thousands of paths each.
#[test]
fn other_clients_are_answered_between_requests_that_make_much_work() {
    const OWNED: usize = 3_000;
    const REQUESTS: i32 = 6_000;
    let ensemble = Ensemble::start(1, 0);
    let address = ensemble.servers[0].client;
    let mut heavy = Client::new(address);
    let body = |node: usize| {
        Bytes::new()
            .string(&format!("/ephemeral-{node}"))
            .buffer(b"")
            .open_acl()
            .int(EPHEMERAL)
    };
    for portion in 0..OWNED / 500 {
        for node in portion * 500..(portion + 1) * 500 {
            heavy.request(CREATE, &body(node)).unwrap();
        }
        for _ in 0..500 {
            assert_eq!(heavy.next().unwrap().err, 0);
        }
    }
    let mut bystander = Client::new(address);
    let nothing = Bytes::new().string("/no-such-prefix");
    let requests: Vec<u8> = (1..=REQUESTS)
        .flat_map(|xid| {
            let frame = Bytes::new().int(xid).int(GET_EPHEMERALS);
            frame.raw(&nothing.0).framed()
        })
        .collect();
    let answered = AtomicI32::new(0);
    let between = thread::scope(|scope| {
        scope.spawn(|| {
            heavy.wire.send(&requests).unwrap();
            for xid in 1..=REQUESTS {
                let reply = heavy.next().unwrap();
                assert_eq!((reply.xid, reply.err), (xid, 0));
                assert_eq!(reply.body().int(), 0, "no path has the prefix");
                answered.store(xid, Ordering::Relaxed);
            }
        });
        let mut between = 0;
        loop {
            bystander.exists("/", false).unwrap();
            match answered.load(Ordering::Relaxed) {
                0 => {}
                REQUESTS => return between,
                _ => between += 1,
            }
        }
    });
    // The requests take about 850 rounds. If all that a read brings were served at once, they took a few.
    assert!(between >= 30, "the bystander was answered {between} times");
}
