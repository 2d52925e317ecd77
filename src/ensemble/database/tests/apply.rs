//! Tests of the changes that transactions make to the tree (specification 6.3), as reads show them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::ensemble::database::{ApplyError, ApplyResult, Database, DatabaseSettings};
use crate::wire::jute::{
    Acl, ErrorCode, JuteError, OpCode, Reader, SessionId, Stat, Txn, TxnHeader, Zxid, encode_entry,
};

use super::world::{World, acl, create_body, delete_body, digest, encoded, set_body};

fn entry(counter: u32, op: OpCode, txn: &Txn<'_>) -> Vec<u8> {
    let header = TxnHeader {
        session: SessionId(5),
        cxid: 0,
        zxid: Zxid::new(1, counter),
        time_ms: 1000 + i64::from(counter),
        op,
    };
    encoded(|out| encode_entry(&header, txn, out))
}

fn created(path: &str, parent_cversion: i32) -> Txn<'_> {
    Txn::Create {
        path,
        data: Some(b"x"),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion,
    }
}

fn apply(database: &mut Database, entry: &[u8]) -> ApplyResult {
    database
        .apply(entry, &mut |event| {
            panic!("unexpected event without watches: {event:?}")
        })
        .expect("well formed")
        .result
}

fn stat_of(database: Database, path: &str) -> Stat {
    let mut world = World::new();
    world.db = database;
    world.stat(path).expect("it exists")
}

#[test]
fn cversion_starts_at_minus_one_for_the_root_and_counts_creations_and_deletions() {
    let mut world = World::new();
    assert_eq!(world.stat("/").map(|stat| stat.cversion), Ok(-1));
    assert!(world.create("/p", 0).is_ok());
    for name in ["a", "b", "c", "d", "e"] {
        assert!(world.create(&format!("/p/{name}"), 0).is_ok());
    }
    assert_eq!(world.delete("/p/c", -1), ErrorCode::OK);
    let stat = world.stat("/p").expect("it exists");
    assert_eq!((stat.cversion, stat.num_children), (6, 4));
    assert_eq!(
        stat.pzxid,
        world.db.last_processed(),
        "a deletion raises pzxid"
    );
    assert_eq!((stat.version, stat.mzxid), (0, stat.czxid));
}

#[test]
fn stats_follow_the_transactions() {
    let mut world = World::new();
    let at = world.next_zxid();
    let applied = world.write(OpCode::Create2, &create_body("/a", b"four", Acl::open(), 0));
    let ApplyResult::Created { stat, .. } = applied.result else {
        panic!("{applied:?}");
    };
    let expected = Stat {
        czxid: at,
        mzxid: at,
        pzxid: at,
        ctime_ms: 1000 + at.0,
        mtime_ms: 1000 + at.0,
        data_length: 4,
        ..Stat::default()
    };
    assert_eq!(stat, expected);
    let changed = world.set("/a", 0).expect("version 0");
    let expected = Stat {
        mzxid: at.next(),
        mtime_ms: 1001 + at.0,
        version: 1,
        data_length: 3,
        ..expected
    };
    assert_eq!(changed, expected);
    assert_eq!(
        world.set_acl("/a", vec![acl(31, digest("u:h"))], 0),
        ErrorCode::OK
    );
    world.auth = vec![digest("u:h")];
    let expected = Stat {
        aversion: 1,
        ..expected
    };
    assert_eq!(
        world.stat("/a"),
        Ok(expected),
        "setACL does not change mzxid and mtime"
    );
}

#[test]
fn the_parents_cversion_comes_from_the_transaction_and_never_falls() {
    let mut database = Database::new(DatabaseSettings::default());
    apply(&mut database, &entry(1, OpCode::Create, &created("/p", 1)));
    apply(
        &mut database,
        &entry(2, OpCode::Create, &created("/p/a", 7)),
    );
    apply(
        &mut database,
        &entry(3, OpCode::Create, &created("/p/b", 3)),
    );
    let mut world = World::new();
    world.db = database;
    let stat = world.stat("/p").expect("it exists");
    assert_eq!(
        (stat.cversion, stat.pzxid),
        (12, Zxid::new(1, 2)),
        "the lower 3 does not replace 7"
    );
    let mut database = world.db;
    let again = apply(
        &mut database,
        &entry(4, OpCode::Create, &created("/p/b", 9)),
    );
    assert_eq!(again, ApplyResult::Error(ErrorCode::NODE_EXISTS));
    apply(
        &mut database,
        &entry(5, OpCode::Create, &created("/p/c", -1)),
    );
    let gone = Txn::Delete { path: "/p/missing" };
    let missing = apply(&mut database, &entry(6, OpCode::Delete, &gone));
    assert_eq!(missing, ApplyResult::Error(ErrorCode::NO_NODE));
    let stat = stat_of(database, "/p");
    // The stored value is 10: the repeated create raised it to 9, the next one by one. There are
    // three children.
    assert_eq!((stat.cversion, stat.num_children), (17, 3));
    assert_eq!(
        stat.pzxid,
        Zxid::new(1, 6),
        "deleting a missing node raises pzxid too"
    );
}

#[test]
fn changes_of_missing_nodes_are_ignored() {
    let mut database = Database::new(DatabaseSettings::default());
    let no_node = ApplyResult::Error(ErrorCode::NO_NODE);
    let set = Txn::SetData {
        path: "/a",
        data: None,
        version: 4,
    };
    assert_eq!(
        apply(&mut database, &entry(1, OpCode::SetData, &set)),
        no_node
    );
    let set_acl = Txn::SetAcl {
        path: "/a",
        acl: Acl::open(),
        version: 4,
    };
    assert_eq!(
        apply(&mut database, &entry(2, OpCode::SetAcl, &set_acl)),
        no_node
    );
    let orphan = entry(3, OpCode::Create, &created("/a/b", 1));
    assert_eq!(apply(&mut database, &orphan), no_node);
    assert_eq!(
        (database.node_count(), database.last_processed()),
        (5, Zxid::new(1, 3))
    );
}

#[test]
fn damaged_entries_change_nothing_and_name_their_zxid() {
    let mut database = Database::new(DatabaseSettings::default());
    let whole = entry(9, OpCode::Create, &created("/a", 1));
    for cut in 0..whole.len() {
        if cut == whole.len() - 4 {
            continue; // This prefix is a valid record of releases before 3.4.
        }
        let error = database.apply(&whole[..cut], &mut |_| {}).expect_err("cut");
        let expected = if cut < 32 {
            ApplyError::Header(JuteError::Truncated)
        } else {
            ApplyError::Record {
                zxid: Zxid::new(1, 9),
                reason: JuteError::Truncated,
            }
        };
        assert_eq!(error, expected, "cut at {cut}");
    }
    let mut unknown = whole;
    unknown[28..32].copy_from_slice(&77i32.to_be_bytes());
    let error = database.apply(&unknown, &mut |_| {}).expect_err("type 77");
    assert!(error.to_string().contains("0x100000009"), "{error}");
    assert_eq!(
        (database.node_count(), database.last_processed()),
        (5, Zxid::ZERO)
    );
}

#[test]
fn closing_a_session_deletes_its_applied_and_outstanding_ephemerals() {
    let mut world = World::new();
    world.open_session(2);
    assert!(world.create("/theirs", 1).is_ok());
    world.session = 1;
    assert!(world.create("/p", 0).is_ok());
    for path in ["/p/b", "/p/a", "/p/gone"] {
        assert!(world.create(path, 1).is_ok());
    }
    assert_eq!(world.db.ephemerals_count(), 4);
    world.propose(OpCode::Create, &create_body("/p/new", b"", Acl::open(), 1));
    world.propose(OpCode::Delete, &delete_body("/p/gone", -1));
    world.propose(OpCode::CloseSession, &[]);
    // The close leaves the parent without children, so it can be deleted.
    world.session = 2;
    let last = world.propose(OpCode::Delete, &delete_body("/p", -1));
    let close = &world.log[last - 1];
    let paths = Reader::new(&close[32..]).strings();
    assert_eq!(paths, Ok(vec!["/p/a", "/p/b", "/p/new"]));
    for at in last - 3..=last {
        assert_eq!(world.commit(at).error(), ErrorCode::OK);
    }
    assert_eq!(world.db.session_timeout(SessionId(1)), None);
    let sessions: Vec<_> = world.db.sessions().collect();
    assert_eq!(sessions, [(SessionId(2), 10_000)]);
    assert_eq!(world.children("/"), ["theirs", "zookeeper"]);
    assert_eq!(world.db.ephemerals_count(), 1);
}

#[test]
fn a_close_session_without_paths_deletes_all_ephemerals() {
    let mut world = World::new();
    world.session = 5;
    world.open_session(5);
    assert!(world.create("/e", 1).is_ok());
    let close = entry(50, OpCode::CloseSession, &Txn::CloseSession { paths: None });
    assert_eq!(close.len(), 32, "no body");
    assert_eq!(apply(&mut world.db, &close), ApplyResult::Done);
    assert_eq!(world.stat("/e"), Err(ErrorCode::NO_NODE));
    assert_eq!(world.db.session_timeout(SessionId(5)), None);
}

#[test]
fn data_size_follows_each_change() {
    let mut world = World::new();
    let fresh = world.db.approximate_data_bytes();
    assert!(world.create("/a", 0).is_ok());
    for size in [0, 5, 1000, 10, 900, 0] {
        let data = vec![b'x'; size];
        let applied = world.write(OpCode::SetData, &set_body("/a", &data, -1));
        let mut response = Vec::new();
        applied.encode_response(OpCode::SetData, &mut response);
        let stat = Stat::decode(&mut Reader::new(&response)).expect("a Stat");
        assert_eq!(usize::try_from(stat.data_length), Ok(size));
        assert_eq!(world.db.approximate_data_bytes(), fresh + 2 + size);
    }
    assert_eq!(world.delete("/a", -1), ErrorCode::OK);
    assert_eq!(world.db.approximate_data_bytes(), fresh);
}

#[test]
fn the_response_matches_the_requested_operation() {
    let mut world = World::new();
    let body = create_body("/a", b"", Acl::open(), 0);
    let created = world.write(OpCode::Create, &body);
    let path = b"\0\0\0\x02/a";
    assert_eq!(
        encoded(|out| created.encode_response(OpCode::Create, out)),
        path
    );
    let with_stat = encoded(|out| created.encode_response(OpCode::Create2, out));
    assert_eq!(with_stat.len(), path.len() + Stat::BYTES);
    let failed = world.write(OpCode::Create, &body);
    assert!(encoded(|out| failed.encode_response(OpCode::Create, out)).is_empty());
    let deleted = world.write(OpCode::Delete, &delete_body("/a", -1));
    assert!(encoded(|out| deleted.encode_response(OpCode::Delete, out)).is_empty());
}

#[test]
fn setting_the_configuration_node_is_no_transaction() {
    let mut world = World::new();
    world
        .db
        .set_config_node("server.1=a:1:2:participant\nversion=1a");
    let stat = world.stat("/zookeeper/config").expect("it exists");
    assert_eq!(
        (stat.version, stat.mzxid, stat.aversion),
        (-1, Zxid(0x1a), -1)
    );
    assert_eq!(world.db.last_processed(), Zxid::new(1, 1));
}
