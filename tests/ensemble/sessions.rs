//! Tests of the session handshake and of sessions (specification 2.2-2.5, 10).

use super::client::{Bytes, Client, Hello, Taken, Wire};
use super::servers::{Ensemble, wait_for};

#[test]
fn the_handshake_has_the_specified_bytes_and_timeouts() {
    let ensemble = Ensemble::start_with(1, 0, "tickTime=2000\nmaxSessionTimeout=40000\n");
    let address = ensemble.servers[0].client;
    // The requests are sent with and without the read-only byte. The server clamps timeouts to its limits.
    for (read_only, asked_ms, granted_ms) in [
        (true, 1, 4_000),
        (false, 10_000, 10_000),
        (true, i32::MAX, 40_000),
    ] {
        let mut wire = Wire::open(address).unwrap();
        let body = Hello {
            timeout_ms: asked_ms,
            ..Hello::default()
        }
        .body();
        let request = if read_only {
            body.byte(0).framed()
        } else {
            body.framed()
        };
        assert_eq!(request.len(), if read_only { 49 } else { 48 });
        wire.send(&request).unwrap();
        let answer = wire.frame().unwrap();
        assert_eq!(answer.len(), if read_only { 37 } else { 36 });
        let mut taken = Taken(&answer);
        assert_eq!((taken.int(), taken.int()), (0, granted_ms));
        let session = taken.long();
        assert_eq!(session >> 56, 1, "a standalone server has id 1");
        assert_eq!(taken.buffer(), password(session));
    }
}

/// Computes the password of a session: the output of `java.util.Random` seeded with the id (specification
/// 2.5).
fn password(session: i64) -> [u8; 16] {
    const MASK: u64 = (1 << 48) - 1;
    let mut state = (session.cast_unsigned() ^ 0xB341_5C00 ^ 0x5_DEEC_E66D) & MASK;
    let mut bytes = [0; 16];
    for word in bytes.chunks_mut(4) {
        state = state.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & MASK;
        word.copy_from_slice(&(state >> 16).to_le_bytes()[..4]);
    }
    bytes
}

#[test]
fn the_password_function_reproduces_the_reference_vectors() {
    let hex = |bytes: [u8; 16]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(
        hex(password(0x0100_000c_eade_0000)),
        "40083c72cd348e7a1e75f90c5e1aba36"
    );
    assert_eq!(
        hex(password(0x0100_000c_eade_0009)),
        "ec3107726ddd67e6bdcf9a93cfe9726c"
    );
}

#[test]
fn a_session_can_move_to_every_other_server() {
    let ensemble = Ensemble::start(3, 0);
    let mut client = Client::new(ensemble.servers[0].client);
    client.create("/mine", b"", 1).unwrap();
    for server in ensemble.servers.iter().cycle().skip(1).take(4) {
        // A server that has not applied what the client has seen refuses it until it has caught up.
        let mut moved = wait_for("the session to move", || {
            Client::greet(server.client, &client.hello()).ok()
        });
        assert_eq!(
            (moved.session, moved.password),
            (client.session, client.password)
        );
        assert_eq!(moved.timeout_ms, client.timeout_ms);
        assert_eq!(moved.exists("/mine", false).unwrap().owner, client.session);
        moved.set("/mine", b"again", -1).unwrap();
        client = moved;
    }
    let mut other = Client::new(ensemble.servers[0].client);
    client.close();
    other.sync();
    assert_eq!(other.exists("/mine", false), Err(-101));
}

#[test]
fn a_wrong_password_or_unknown_session_is_refused_with_timeout_zero() {
    let ensemble = Ensemble::start(3, 0);
    let client = Client::new(ensemble.servers[0].client);
    for server in &ensemble.servers {
        let mut hello = client.hello();
        hello.password[3] ^= 1;
        let mut refused = Client::greet(server.client, &hello).unwrap();
        assert_eq!(
            (refused.timeout_ms, refused.session, refused.password),
            (0, 0, [0; 16])
        );
        assert_eq!(refused.wire.until_closed(), b"");
        // An unknown session with its correct password.
        let session = 0x0700_0000_0000_0007;
        let hello = Hello {
            session,
            password: password(session),
            timeout_ms: 5_000,
            last_zxid: 0,
        };
        let mut refused = Client::greet(server.client, &hello).unwrap();
        assert_eq!((refused.timeout_ms, refused.session), (0, 0));
        assert_eq!(refused.wire.until_closed(), b"");
    }
}

#[test]
fn a_client_that_has_seen_a_newer_zxid_is_closed_without_a_reply() {
    let ensemble = Ensemble::start(3, 0);
    for server in &ensemble.servers {
        let mut wire = Wire::open(server.client).unwrap();
        let hello = Hello {
            last_zxid: 0x7f_0000_0000,
            timeout_ms: 5_000,
            ..Hello::default()
        };
        wire.send(&hello.bytes()).unwrap();
        assert_eq!(wire.until_closed(), b"");
    }
}

#[test]
fn requests_sent_with_the_handshake_are_answered_in_order() {
    let ensemble = Ensemble::start(3, 0);
    for server in &ensemble.servers {
        let mut wire = Wire::open(server.client).unwrap();
        let mut bytes = Hello {
            timeout_ms: 20_000,
            ..Hello::default()
        }
        .bytes();
        for xid in 1..=50 {
            // Reads, writes and pings alternate. Requests after a write must wait for its commit.
            let request = match xid % 3 {
                0 => Bytes::new().int(xid).int(4).string("/").byte(0),
                1 => Bytes::new()
                    .int(xid)
                    .int(5)
                    .string("/")
                    .buffer(b"x")
                    .int(-1),
                _ => Bytes::new().int(-2).int(11),
            };
            bytes.extend(request.framed());
        }
        wire.send(&bytes).unwrap();
        assert_eq!(wire.frame().unwrap().len(), 37);
        for xid in 1..=50 {
            let frame = wire.frame().unwrap();
            let mut taken = Taken(&frame);
            assert_eq!(taken.int(), if xid % 3 == 2 { -2 } else { xid });
            assert!(taken.long() > 0);
            assert_eq!(taken.int(), 0);
        }
    }
}

#[test]
fn ephemerals_are_deleted_when_their_session_is_closed_or_expires() {
    // A tick of 100 ms allows sessions of 200 ms.
    let ensemble = Ensemble::start_with(3, 0, "tickTime=100\nmaxSessionTimeout=60000\n");
    let [one, two, three] = [0, 1, 2].map(|index| ensemble.servers[index].client);
    let mut watcher = Client::new(one);
    let mut closing = Client::new(two);
    closing.create("/closing", b"", 1).unwrap();
    watcher.sync();
    assert_eq!(
        watcher.exists("/closing", true).unwrap().owner,
        closing.session
    );
    closing.close();
    assert_eq!(watcher.event(), (2, "/closing".into()));
    for address in [one, two, three] {
        let mut expiring = Client::try_new(address, 1_000).unwrap();
        assert_eq!(expiring.timeout_ms, 1_000);
        expiring.create("/expiring", b"", 1).unwrap();
        expiring.create("/expiring-too", b"", 1).unwrap();
        watcher.sync();
        assert_eq!(
            watcher.exists("/expiring", true).unwrap().owner,
            expiring.session
        );
        assert_eq!(watcher.event(), (2, "/expiring".into()));
        assert_eq!(expiring.wire.until_closed(), b"");
        assert_eq!(watcher.exists("/expiring-too", false), Err(-101));
        let late = Client::greet(
            address,
            &Hello {
                last_zxid: 0,
                ..expiring.hello()
            },
        )
        .unwrap();
        assert_eq!(
            (late.timeout_ms, late.session),
            (0, 0),
            "an expired session cannot be resumed"
        );
    }
}
