//! Tests of what a client may store: every transaction must fit into one packet of the quorum port.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::ensemble::database::{ApplyResult, Database, DatabaseSettings, SnapshotDecoder};
use crate::wire::jute::{
    Acl, CreateRequest, ErrorCode, Id, MAX_ENTRY_BYTES, MultiOps, OpCode, SessionId, Txn,
    TxnHeader, decode_entry, encode_entry,
};

use super::world::{World, acl, create_body, delete_body, digest, encoded};

const EPHEMERAL: i32 = 1;

fn long_name(name: char) -> String {
    format!("/{}", String::from(name).repeat(900_000))
}

/// Returns the paths that the newest entry lists.
fn closed_paths(world: &World) -> usize {
    match decode_entry(world.log.last().expect("an entry")) {
        Ok((_, Txn::CloseSession { paths })) => paths.expect("a list").len(),
        other => panic!("{other:?}"),
    }
}

fn assert_last_entry_fits(world: &World) {
    let last = world.log.last().expect("an entry");
    assert!(last.len() <= MAX_ENTRY_BYTES, "{} bytes", last.len());
}

#[test]
fn a_session_owns_no_more_ephemerals_than_its_close_can_list() {
    let mut world = World::new();
    for name in ['a', 'b'] {
        assert!(world.create(&long_name(name), EPHEMERAL).is_ok());
    }
    let third = long_name('c');
    assert_eq!(
        world.create(&third, EPHEMERAL),
        Err(ErrorCode::QUOTA_EXCEEDED)
    );
    assert!(world.create("/short", EPHEMERAL).is_ok());
    assert!(world.create(&third, 0).is_ok(), "it is no ephemeral");
    world.open_session(2);
    assert!(world.create(&long_name('d'), EPHEMERAL).is_ok());
    world.session = 1;
    world.write(OpCode::CloseSession, &[]);
    assert_last_entry_fits(&world);
    assert_eq!(closed_paths(&world), 3);
    assert_eq!(world.db.ephemerals_count(), 1);
}

#[test]
fn the_limit_of_ephemerals_counts_changes_that_are_not_applied_yet() {
    let mut world = World::new();
    let create = |name| create_body(&long_name(name), b"", Acl::open(), EPHEMERAL);
    let first = world.propose(OpCode::Create, &create('a'));
    let proposals = [
        (OpCode::Create, create('b'), ErrorCode::OK),
        (OpCode::Create, create('c'), ErrorCode::QUOTA_EXCEEDED),
        (
            OpCode::Delete,
            delete_body(&long_name('a'), -1),
            ErrorCode::OK,
        ),
        (OpCode::Create, create('c'), ErrorCode::OK),
        (OpCode::Create, create('d'), ErrorCode::QUOTA_EXCEEDED),
    ];
    for (op, body, _) in &proposals {
        world.propose(*op, body);
    }
    assert_eq!(world.commit(first).error(), ErrorCode::OK);
    for (at, (op, _, code)) in (first + 1..).zip(&proposals) {
        assert_eq!(world.commit(at).error(), *code, "{op:?}");
    }
    assert!(world.preparer.outstanding.is_empty());
    assert_eq!(
        world.create(&long_name('d'), EPHEMERAL),
        Err(ErrorCode::QUOTA_EXCEEDED)
    );
    assert_eq!(world.delete(&long_name('b'), -1), ErrorCode::OK);
    assert!(world.create(&long_name('d'), EPHEMERAL).is_ok());
}

#[test]
fn a_close_lists_the_ephemerals_whose_creation_is_not_applied_yet() {
    let mut world = World::new();
    assert!(world.create("/applied", EPHEMERAL).is_ok());
    assert!(world.create("/deleted", EPHEMERAL).is_ok());
    world.propose(OpCode::Delete, &delete_body("/deleted", -1));
    let proposed = create_body("/proposed", b"", Acl::open(), EPHEMERAL);
    world.propose(OpCode::Create, &proposed);
    world.propose(OpCode::Delete, &delete_body("/proposed", -1));
    world.propose(OpCode::Create, &proposed);
    world.propose(OpCode::CloseSession, &[]);
    let Ok((_, Txn::CloseSession { paths })) = decode_entry(world.log.last().expect("an entry"))
    else {
        panic!("a closeSession");
    };
    assert_eq!(paths, Some(vec!["/applied", "/proposed"]));
}

/// A log of a server without the limit may hold more ephemerals.
#[test]
fn a_close_stays_in_the_limit_and_deletes_every_ephemeral() {
    let mut world = World::new();
    for name in ['a', 'b', 'c', 'd'] {
        let zxid = world.next_zxid();
        let header = TxnHeader {
            session: SessionId(1),
            cxid: 0,
            zxid,
            time_ms: 0,
            op: OpCode::Create,
        };
        let path = long_name(name);
        let txn = Txn::Create {
            path: &path,
            data: None,
            acl: Acl::open(),
            ephemeral: true,
            parent_cversion: -1,
        };
        world
            .log
            .push(encoded(|out| encode_entry(&header, &txn, out)));
        world.commit(world.log.len() - 1);
    }
    world.write(OpCode::CloseSession, &[]);
    assert_last_entry_fits(&world);
    assert_eq!(closed_paths(&world), 2);
    assert_eq!(world.db.ephemerals_count(), 0);
    assert_eq!(world.stat(&long_name('d')), Err(ErrorCode::NO_NODE));
    assert!(world.create("/after", 0).is_ok());
}

#[test]
fn a_multi_that_outgrows_a_transaction_is_refused_as_a_whole() {
    let mut world = World::new();
    world.auth = (0..100)
        .map(|user| digest(&format!("{user}:{}", "h".repeat(600))))
        .collect();
    let parts = encoded(|out| {
        for part in 0..100 {
            MultiOps::encode_op_header(out, OpCode::Create);
            CreateRequest {
                path: &format!("/part-{part}"),
                data: None,
                acl: vec![acl(31, Id::new("auth", ""))],
                flags: EPHEMERAL,
                ttl_ms: None,
            }
            .encode(out);
        }
        MultiOps::encode_end(out);
    });
    let applied = world.write(OpCode::Multi, &parts);
    assert_eq!(applied.result, ApplyResult::Error(ErrorCode::MARSHALLING));
    assert!(world.preparer.outstanding.is_empty());
    assert!(world.create("/part-0", 0).is_ok());
    world.write(OpCode::CloseSession, &[]);
    assert_eq!(closed_paths(&world), 0);
}

/// A session of server 255 that started in the first hours of the clock's range.
const LIKE_A_TTL: i64 = 0xff00_0012_3456_789a_u64.cast_signed();

#[test]
fn an_owner_that_looks_like_a_ttl_is_a_session_unless_types_are_extended() {
    for extended_types in [false, true] {
        let settings = DatabaseSettings {
            extended_types,
            ..DatabaseSettings::default()
        };
        let mut world = World::new();
        world.db = Database::new(settings);
        world.open_session(LIKE_A_TTL);
        assert!(world.create("/e", EPHEMERAL).is_ok());
        let owner = if extended_types { 0 } else { LIKE_A_TTL };
        let mut decoder = SnapshotDecoder::new(settings);
        decoder.feed(&world.snapshot()).expect("a snapshot");
        let loaded = decoder.finish().expect("a whole snapshot");
        let mut applied = std::mem::replace(&mut world.db, loaded);
        for _ in 0..2 {
            assert_eq!(world.stat("/e").map(|stat| stat.ephemeral_owner), Ok(owner));
            assert_eq!(world.db.ephemerals_count(), usize::from(!extended_types));
            std::mem::swap(&mut world.db, &mut applied);
        }
        let child = world.create("/e/child", 0);
        if extended_types {
            assert!(child.is_ok());
        } else {
            assert_eq!(child, Err(ErrorCode::NO_CHILDREN_FOR_EPHEMERALS));
            world.write(OpCode::CloseSession, &[]);
            assert_eq!(world.stat("/e"), Err(ErrorCode::NO_NODE));
        }
    }
}

#[test]
fn the_key_of_the_hash_changes_no_reply() {
    let run = |hash_key| {
        let mut world = World::new();
        world.db = Database::new(DatabaseSettings {
            hash_key,
            ..DatabaseSettings::default()
        });
        world.open_session(1);
        for node in 0..100 {
            assert!(world.create(&format!("/{node}"), node % 2).is_ok());
        }
        for node in (0..100).step_by(3) {
            assert_eq!(world.delete(&format!("/{node}"), -1), ErrorCode::OK);
        }
        world.write(OpCode::CloseSession, &[]);
        (world.snapshot(), world.log)
    };
    assert_eq!(run([0, 0]), run([1, 2]));
}
