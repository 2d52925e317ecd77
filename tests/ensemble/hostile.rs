//! Sends invalid bytes to every port. The server must close that connection and no other (specification
//! 18).

use std::net::SocketAddr;

use super::client::{Bytes, CREATE, Client, Hello, Wire};
use super::servers::Ensemble;

/// Sends `bytes` to `address` and checks that the server closes the connection. Unless `at_once`, this
/// side closes its direction first.
fn assert_closed(address: SocketAddr, bytes: &[u8], at_once: bool) {
    let Ok(mut wire) = Wire::open(address) else {
        return; // only a leader listens on the quorum port
    };
    let _closed_while_sending = wire.send(bytes);
    if !at_once {
        wire.finish();
    }
    wire.until_closed();
}

/// Returns bytes that are invalid on every port.
fn garbage() -> Vec<u8> {
    // A linear congruential generator with a fixed seed, so that a failure can be repeated.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut bytes = vec![0xff];
    for _ in 0..4_096 {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        bytes.push(state.to_be_bytes()[0]);
    }
    bytes
}

fn client_port(address: SocketAddr) {
    for length in [-1, 0, 0x10_0000, i32::MIN, i32::MAX] {
        assert_closed(address, &Bytes::new().int(length).raw(&[0; 64]).0, true);
    }
    assert_closed(address, &garbage(), true);
    assert_closed(address, &Bytes::new().int(0).framed(), true); // a first frame of 4 bytes
    assert_closed(address, &Hello::default().bytes()[..20], false);
    // The same limits apply to a client with a session.
    for length in [-1, 0x10_0000, i32::MAX] {
        let mut client = Client::new(address);
        client.wire.send(&length.to_be_bytes()).unwrap();
        assert_eq!(client.wire.until_closed(), b"");
    }
    let mut client = Client::new(address);
    // 2^31-1 ACL entries, 2^31-1 bytes of data, 2^31-1 paths, an incomplete string: all are refused.
    let acls = Bytes::new().string("/h").buffer(b"").int(i32::MAX);
    assert_eq!(client.call(CREATE, &acls).err, -5);
    let data = Bytes::new().string("/h").int(i32::MAX).byte(1);
    assert_eq!(client.call(CREATE, &data).err, -5);
    assert_eq!(
        client.call(101, &Bytes::new().long(0).int(i32::MAX)).err,
        -5
    );
    assert_eq!(
        client
            .call(CREATE, &Bytes::new().int(100).raw(b"/half"))
            .err,
        -5
    );
    assert_eq!(
        client.exists("/", false).map(|stat| stat.owner),
        Ok(0),
        "the connection stays open"
    );
    assert_eq!(client.call(4_711, &Bytes::new()).err, -6);
    assert_eq!(client.wire.until_closed(), b"");
}

fn quorum_port(address: SocketAddr) {
    let packet = |kind: i32| Bytes::new().int(kind).long(0);
    assert_closed(address, &garbage(), true);
    assert_closed(address, &packet(11).int(i32::MAX).0, true); // data of 2 GiB
    assert_closed(address, &packet(11).int(-7).0, true);
    assert_closed(address, &packet(11).int(-1).int(i32::MAX).0, false); // 2^31-1 ids
    assert_closed(address, &packet(3).int(-1).int(-1).0, true); // an ACK before any introduction
    assert_closed(address, &packet(11).buffer(&[0; 3]).int(-1).0, true); // no learner info
    assert_closed(address, &packet(11).0[..7], false);
}

fn election_port(address: SocketAddr) {
    assert_closed(address, &Bytes::new().long(-70_000).0, true);
    for length in [0, -1, 2_049, i32::MAX] {
        assert_closed(
            address,
            &Bytes::new().long(-65_536).long(99).int(length).0,
            true,
        );
    }
    assert_closed(address, &[0xff; 5], false);
    assert_closed(address, &garbage(), false);
    for length in [0, -1, 600_000, i32::MAX] {
        let hello = Bytes::new().long(-65_536).long(99).string("127.0.0.1:1");
        assert_closed(address, &hello.int(length).0, false);
    }
}

#[test]
fn invalid_bytes_close_only_their_own_connection() {
    let ensemble = Ensemble::start(3, 0);
    let leader = ensemble.leader();
    let mut bystanders: Vec<Client> = ensemble.addresses().into_iter().map(Client::new).collect();
    bystanders[0].create("/kept", b"", 0).unwrap();
    for server in &ensemble.servers {
        client_port(server.client);
        quorum_port(server.quorum);
        election_port(server.election);
        for client in &mut bystanders {
            client.set("/kept", b"still", -1).unwrap();
        }
    }
    assert_eq!(ensemble.leader(), leader);
    let epochs: Vec<i64> = bystanders
        .iter_mut()
        .map(|client| client.exists("/kept", false).unwrap().mzxid >> 32)
        .collect();
    assert_eq!(epochs, [1, 1, 1], "a new leader was elected");
}
