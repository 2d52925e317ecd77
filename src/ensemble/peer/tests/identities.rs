//! Auth packets and syncs among other requests.

use super::*;
use crate::wire::jute::{Id, Perms, decode_entry};

/// A create whose node only its creator may use.
fn create_private(xid: i32, path: &str) -> Vec<u8> {
    frames(OpCode::Create, xid..xid + 1, |out| {
        CreateRequest {
            path,
            data: None,
            acl: vec![Acl {
                perms: Perms::ALL,
                id: Id::new("auth", ""),
            }],
            flags: 0,
            ttl_ms: None,
        }
        .encode(out);
    })
}

fn read(xid: i32, path: &str) -> Vec<u8> {
    frames(OpCode::GetData, xid..xid + 1, |out| {
        PathWatch { path, watch: false }.encode(out);
    })
}

/// Returns xid and error of the replies in `bytes`.
fn results(mut bytes: &[u8]) -> Vec<(i32, i32)> {
    let mut results = Vec::new();
    while let Some(prefix) = bytes.first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*prefix)).expect("a length");
        let header = ReplyHeader::decode(&mut Reader::new(&bytes[4..])).expect("a header");
        results.push((header.xid, header.err.0));
        bytes = &bytes[4 + length..];
    }
    results
}

#[test]
fn a_write_behind_an_auth_packet_has_the_new_identities() {
    let mut world = World::standalone();
    world.open();
    let requests = [
        create("/a", b""),
        identify(-4..-3, |_| "user:secret".to_owned()),
        create_private(2, "/b"),
        read(3, "/b"),
    ]
    .concat();
    assert_eq!(world.request(&requests), requests.len());
    world.sync_disk();
    assert_eq!(
        results(&world.sent_to(CLIENT)),
        [(1, 0), (-4, 0), (2, 0), (3, 0)]
    );
}

#[test]
fn a_follower_forwards_the_new_identities_with_the_write_behind_them() {
    let mut world = World::following();
    let session = SessionId(0x0100_0000_0000_0001);
    world.resume_session(session);
    let requests = [
        create("/a", b""),
        identify(-4..-3, |_| "user:secret".to_owned()),
        create_private(2, "/b"),
    ]
    .concat();
    world.request(&requests);
    let identities: Vec<usize> = world
        .effects(|effect| match effect {
            Effect::ToLeader(range) => Some(range.clone()),
            _ => None,
        })
        .into_iter()
        .map(|range| {
            let decoded = QuorumPacket::decode(&world.fx.bytes[range]).expect("a packet");
            decoded.expect("a whole packet").0.auth.len()
        })
        .collect();
    assert_eq!(identities, [1, 2], "the address, then the user too");
}

#[test]
fn a_read_ahead_of_an_auth_packet_does_not_have_the_new_identities() {
    let mut world = World::standalone();
    world.open();
    world.request(&identify(-4..-3, |_| "user:secret".to_owned()));
    world.request(&create_private(1, "/private"));
    world.sync_disk();
    let other = ConnId(2);
    world.hello(other, SessionId(0), 4000).expect("a session");
    let requests = [
        create("/a", b""),
        read(2, "/private"),
        identify(-4..-3, |_| "user:secret".to_owned()),
        read(3, "/private"),
    ]
    .concat();
    world.step(Input::ClientBytes(other, &requests));
    world.sync_disk();
    let no_auth = ErrorCode::NO_AUTH.0;
    assert_eq!(
        results(&world.sent_to(other)),
        [(1, 0), (2, no_auth), (-4, 0), (3, 0)]
    );
}

#[test]
fn nothing_behind_a_failed_auth_packet_is_carried_out() {
    let mut world = World::standalone();
    world.open();
    let bad = frames(OpCode::Auth, -4..-3, |out| {
        out.put_i32(0);
        out.put_string("nonsense");
        out.put_buffer(Some(b"x"));
    });
    let requests = [create("/a", b""), bad, create_private(2, "/b")].concat();
    assert_eq!(world.request(&requests), requests.len());
    let logged = world.effects(|effect| matches!(effect, Effect::Append(..)).then_some(()));
    assert_eq!(logged.len(), 1, "only the create before it");
    world.sync_disk();
    assert_eq!(
        results(&world.sent_to(CLIENT)),
        [(1, 0), (-4, ErrorCode::AUTH_FAILED.0)]
    );
    assert!(world.did(&Effect::CloseClient(CLIENT)));
}

#[test]
fn a_malformed_sync_is_answered_with_an_error_in_its_turn() {
    for ahead in [Vec::new(), create("/a", b"")] {
        let mut world = World::standalone();
        world.open();
        let malformed = frames(OpCode::Sync, 2..3, |out| out.put_i32(100));
        let well_formed = frames(OpCode::Sync, 3..4, |out| out.put_string("/"));
        world.request(&[ahead.clone(), malformed, well_formed].concat());
        let mut sent = world.sent_to(CLIENT);
        world.sync_disk();
        sent.extend(world.sent_to(CLIENT));
        let mut expected = vec![(2, ErrorCode::MARSHALLING.0), (3, 0)];
        if !ahead.is_empty() {
            expected.insert(0, (1, 0));
        }
        assert_eq!(results(&sent), expected);
    }
}

#[test]
fn a_transaction_that_outgrows_the_limit_is_refused_before_it_is_proposed() {
    let mut world = World::standalone();
    world.open();
    world.request(&identify(0..90, |user| format!("user{user}:secret")));
    let acl: Vec<Acl> = (0..1_000)
        .map(|perms| Acl {
            perms,
            id: Id::new("auth", ""),
        })
        .collect();
    let request = frames(OpCode::Create, 1..2, |out| {
        CreateRequest {
            path: "/a",
            data: None,
            acl: acl.clone(),
            flags: 0,
            ttl_ms: None,
        }
        .encode(out);
    });
    world.request(&request);
    let entries = world.effects(|effect| match effect {
        Effect::Append(_, range) => Some(range.clone()),
        _ => None,
    });
    let entry = &world.fx.bytes[entries[0].clone()];
    let (header, _) = decode_entry(entry).expect("an entry");
    assert_eq!(header.op, OpCode::Error);
    world.sync_disk();
    assert_eq!(
        results(&world.sent_to(CLIENT)),
        [(1, ErrorCode::MARSHALLING.0)]
    );
}
