//! Container and TTL nodes: how they are created, and when they are deleted.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::world::{World, create_body, encoded};
use crate::ensemble::database::{
    ApplyResult, Database, DatabaseSettings, Lapsed, LapsedSearch, SnapshotDecoder,
};
use crate::wire::jute::{Acl, CreateRequest, ErrorCode, OpCode, Txn, WriteJute};

const PERSISTENT_TTL: i32 = 5;
const SEQUENTIAL_TTL: i32 = 6;
const TTL_MS_MAX: i64 = (1 << 40) - 1;

const EXTENDED: DatabaseSettings = DatabaseSettings {
    extended_types: true,
    hash_key: [1, 2],
};

fn extended() -> World {
    let mut world = World::new();
    world.db = Database::new(EXTENDED);
    world.open_session(1);
    world
}

impl World {
    fn create_ttl(&mut self, path: &str, flags: i32, ttl_ms: i64) -> Result<String, ErrorCode> {
        let body = encoded(|out| {
            CreateRequest {
                path,
                data: None,
                acl: Acl::open(),
                flags,
                ttl_ms: Some(ttl_ms),
            }
            .encode(out);
        });
        match self.write(OpCode::CreateTtl, &body).result {
            ApplyResult::Created { path, .. } => Ok(path.to_string()),
            ApplyResult::Error(code) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    fn create_container(&mut self, path: &str) {
        let body = create_body(path, b"", Acl::open(), 4);
        let applied = self.write(OpCode::CreateContainer, &body);
        assert_eq!(applied.error(), ErrorCode::OK);
    }

    /// The time when this node was last changed.
    fn changed_ms(&mut self, path: &str) -> i64 {
        self.stat(path).expect("it exists").mtime_ms
    }

    fn lapsed_at(&self, time_ms: i64, never_used_ms: i64) -> Vec<String> {
        let Lapsed { paths, next } = self.db.find_lapsed(LapsedSearch {
            after: None,
            nodes_max: 100,
            found_max: 100,
            time_ms,
            never_used_ms,
        });
        assert_eq!(next, None);
        paths.iter().map(ToString::to_string).collect()
    }

    /// Deletes as the leader does. Returns the number of the log entry.
    fn propose_delete(&mut self, path: &str) -> usize {
        let session = std::mem::replace(&mut self.session, 0);
        let body = encoded(|out| out.put_string(path));
        let at = self.propose(OpCode::DeleteContainer, &body);
        self.session = session;
        at
    }
}

#[test]
fn a_ttl_node_is_created_only_with_extended_types_and_a_possible_ttl() {
    let mut world = World::new();
    for flags in [PERSISTENT_TTL, SEQUENTIAL_TTL] {
        let refused = world.create_ttl("/t", flags, 10);
        assert_eq!(refused, Err(ErrorCode::UNIMPLEMENTED));
    }
    let mut world = extended();
    for ttl_ms in [0, -1, TTL_MS_MAX + 1] {
        let refused = world.create_ttl("/t", PERSISTENT_TTL, ttl_ms);
        assert_eq!(refused, Err(ErrorCode::BAD_ARGUMENTS), "{ttl_ms}");
    }
    for flags in [0, 1, 4] {
        let refused = world.create_ttl("/t", flags, 10);
        assert_eq!(refused, Err(ErrorCode::BAD_ARGUMENTS), "{flags}");
    }
    // create without a TTL.
    assert_eq!(
        world.create("/t", PERSISTENT_TTL),
        Err(ErrorCode::BAD_ARGUMENTS)
    );
    assert_eq!(world.create_ttl("/t", PERSISTENT_TTL, 1), Ok("/t".into()));
    assert_eq!(
        world.create_ttl("/s", SEQUENTIAL_TTL, TTL_MS_MAX),
        Ok("/s0000000001".into())
    );
    let entry = world.log.last().expect("logged");
    let mut reader = crate::wire::jute::Reader::new(entry);
    let header = crate::wire::jute::TxnHeader::decode(&mut reader).expect("a header");
    assert_eq!(header.op, OpCode::CreateTtl);
    match Txn::decode(&mut reader, header.op).expect("a record") {
        Txn::CreateTtl {
            ttl_ms,
            parent_cversion,
            ..
        } => assert_eq!((ttl_ms, parent_cversion), (TTL_MS_MAX, 2)),
        other => panic!("{other:?}"),
    }
    for path in ["/t", "/s0000000001"] {
        let stat = world.stat(path).expect(path);
        assert_eq!(stat.ephemeral_owner, 0, "clients do not see the TTL");
    }
    assert!(world.create("/t/child", 0).is_ok());
    world.write(OpCode::CloseSession, &[]);
    assert!(world.stat("/t").is_ok(), "no session owns it");
}

#[test]
fn a_ttl_node_lapses_when_it_has_no_children_and_was_not_changed_for_its_ttl() {
    let mut world = extended();
    world
        .create_ttl("/t", PERSISTENT_TTL, 100)
        .expect("created");
    let created_ms = world.changed_ms("/t");
    assert!(world.lapsed_at(created_ms + 100, 0).is_empty());
    assert_eq!(world.lapsed_at(created_ms + 101, 0), ["/t"]);
    assert!(world.set("/t", -1).is_ok());
    let changed_ms = world.changed_ms("/t");
    assert!(changed_ms > created_ms);
    assert!(world.lapsed_at(created_ms + 101, 0).is_empty());
    assert_eq!(world.lapsed_at(changed_ms + 101, 0), ["/t"]);
    world.create("/t/child", 0).expect("created");
    assert!(world.lapsed_at(changed_ms + 1000, 0).is_empty());
}

#[test]
fn a_container_lapses_when_its_last_child_is_gone() {
    for settings in [DatabaseSettings::default(), EXTENDED] {
        let mut world = World::new();
        world.db = Database::new(settings);
        world.open_session(1);
        world.create_container("/c");
        let created_ms = world.changed_ms("/c");
        assert!(world.lapsed_at(i64::MAX, 0).is_empty(), "it was never used");
        assert!(world.lapsed_at(created_ms + 10, 10).is_empty());
        assert_eq!(world.lapsed_at(created_ms + 11, 10), ["/c"]);
        world.create("/c/child", 0).expect("created");
        assert!(world.lapsed_at(i64::MAX, 1).is_empty());
        assert_eq!(world.delete("/c/child", -1), ErrorCode::OK);
        assert_eq!(world.lapsed_at(0, 0), ["/c"]);
    }
}

#[test]
fn only_the_leader_deletes_what_has_lapsed() {
    let mut world = extended();
    world.create_container("/c");
    let body = encoded(|out| out.put_string("/c"));
    let refused = world.write(OpCode::DeleteContainer, &body);
    assert_eq!(refused.error(), ErrorCode::UNIMPLEMENTED);
    world.create("/plain", 0).expect("created");
    world.create("/e", 1).expect("created");
    for path in ["/plain", "/e", "/missing", "/"] {
        let at = world.propose_delete(path);
        assert_ne!(world.commit(at).error(), ErrorCode::OK, "{path}");
    }
    let at = world.propose_delete("/c");
    let applied = world.commit(at);
    assert_eq!(applied.header.op, OpCode::DeleteContainer);
    assert_eq!(applied.result, ApplyResult::Done);
    assert_eq!(world.stat("/c"), Err(ErrorCode::NO_NODE));
    assert!(world.lapsed_at(i64::MAX, 1).is_empty());
}

#[test]
fn a_pending_change_keeps_a_node_that_has_lapsed() {
    let mut world = extended();
    world.create_ttl("/t", PERSISTENT_TTL, 1).expect("created");
    let set = world.propose(OpCode::SetData, &super::world::set_body("/t", b"fresh", -1));
    let delete = world.propose_delete("/t");
    world.commit(set);
    assert_eq!(world.commit(delete).error(), ErrorCode::BAD_VERSION);
    let child = create_body("/t/child", b"", Acl::open(), 0);
    let child = world.propose(OpCode::Create, &child);
    let delete = world.propose_delete("/t");
    world.commit(child);
    assert_eq!(world.commit(delete).error(), ErrorCode::NOT_EMPTY);
    assert!(world.stat("/t").is_ok());
}

#[test]
fn a_walk_goes_step_by_step_over_the_nodes_of_a_snapshot() {
    let mut world = extended();
    for node in 0..20 {
        let path = format!("/t{node:02}");
        world.create_ttl(&path, PERSISTENT_TTL, 1).expect("created");
        world.create(&format!("/p{node}"), 0).expect("created");
    }
    let mut decoder = SnapshotDecoder::new(EXTENDED);
    decoder.feed(&world.snapshot()).expect("a snapshot");
    let loaded = decoder.finish().expect("a whole snapshot");
    for (nodes_max, found_max) in [(3, 100), (100, 3), (1, 1), (100, 100)] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let lapsed = loaded.find_lapsed(LapsedSearch {
                after,
                nodes_max,
                found_max,
                time_ms: i64::MAX,
                never_used_ms: 0,
            });
            assert!(lapsed.paths.len() <= nodes_max.min(found_max));
            found.extend(lapsed.paths);
            after = lapsed.next;
            if after.is_none() {
                break;
            }
        }
        found.sort_unstable();
        let expected: Vec<Box<str>> = (0..20).map(|node| format!("/t{node:02}").into()).collect();
        assert_eq!(found, expected, "{nodes_max} {found_max}");
    }
}
