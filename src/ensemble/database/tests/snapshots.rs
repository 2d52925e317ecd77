//! Tests of snapshots: written in slices, read in chunks of any size, and fuzzy with a replay of
//! the log (15.4).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder, SnapshotError};
use crate::wire::jute::{Acl, ErrorCode, JuteError, OpCode, StatPersisted, WriteJute, Zxid};

use super::world::{World, acl, create_body, digest, encoded, set_acl_body};

fn decode(bytes: &[u8]) -> Result<Database, SnapshotError> {
    let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
    let (used, done) = decoder.feed(bytes)?;
    assert_eq!(used, bytes.len());
    let database = decoder.finish()?;
    assert!(done);
    Ok(database)
}

fn populated() -> World {
    let mut world = World::new();
    world.open_session(2);
    for path in ["/a", "/a/b", "/a/b/c", "/z"] {
        assert!(world.create(path, 0).is_ok());
    }
    assert!(
        world
            .create_with("/a/locked", vec![acl(31, digest("u:h"))], 0)
            .is_ok()
    );
    assert!(
        world
            .create_with("/a/shared", vec![acl(31, digest("u:h"))], 0)
            .is_ok()
    );
    assert!(world.create("/a/e", 1).is_ok());
    world
}

#[test]
fn chunks_of_any_size_decode_to_the_same_database() {
    let bytes = populated().snapshot();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    for round in 0..50 {
        let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
        let mut stream = bytes.clone();
        stream.extend_from_slice(b"seal");
        let mut at = 0;
        loop {
            let size = if round == 0 {
                1
            } else {
                rng.random_range(1..100)
            };
            let end = (at + size).min(stream.len());
            let (used, done) = decoder.feed(&stream[at..end]).expect("well formed");
            at += used;
            if done {
                break;
            }
            assert!(
                at < bytes.len(),
                "round {round}: the snapshot should be complete"
            );
        }
        assert_eq!(
            at,
            bytes.len(),
            "round {round}: no byte of the seal is consumed"
        );
        assert_eq!(decoder.feed(b"seal"), Ok((0, true)));
        let database = decoder.finish().expect("complete");
        assert_eq!(encoded(|out| database.encode_snapshot(out)), bytes);
        assert_eq!(
            (database.ephemerals_count(), database.node_count()),
            (1, 12)
        );
    }
}

#[test]
fn slices_of_any_size_equal_the_whole_snapshot() {
    let world = populated();
    for bytes_max in [1, 100, 300, 10_000] {
        let mut cursor = world.db.snapshot_cursor();
        let mut out = Vec::new();
        loop {
            let before = out.len();
            let done = cursor.step(&world.db, &mut out, bytes_max);
            // The sessions and ACLs are one slice together with the first node; a node is never split.
            let first = if before == 0 { 200 } else { 0 };
            assert!(
                out.len() - before <= bytes_max + 110 + first,
                "{} bytes in a slice of {bytes_max}",
                out.len() - before
            );
            if done {
                break;
            }
        }
        assert_eq!(out, world.snapshot(), "{bytes_max} at a time");
    }
}

#[test]
fn no_prefix_and_no_changed_byte_panics() {
    let bytes = populated().snapshot();
    for cut in 0..bytes.len() {
        let error = decode(&bytes[..cut]).err();
        assert!(
            matches!(error, Some(SnapshotError::Incomplete { .. })),
            "cut at {cut}: {error:?}"
        );
    }
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bad = bytes.clone();
            bad[at] = value;
            let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
            if decoder.feed(&bad).is_ok() {
                let _either_way = decoder.finish();
            }
        }
    }
}

fn node(out: &mut Vec<u8>, path: &str, acl: i64) {
    out.put_string(path);
    out.put_buffer(None);
    out.put_i64(acl);
    StatPersisted::default().encode(out);
}

#[test]
fn orphans_and_missing_roots_are_refused() {
    let bytes = encoded(|out| {
        out.put_i64(0);
        node(out, "", -1);
        node(out, "/a/b", -1);
    });
    let error = decode(&bytes).expect_err("no /a");
    assert_eq!(
        error,
        SnapshotError::Orphan {
            path: "/a/b".to_owned()
        }
    );
    let bytes = encoded(|out| {
        out.put_i64(0);
        out.put_string("/");
    });
    assert_eq!(decode(&bytes).err(), Some(SnapshotError::NoRoot));
    let negative = encoded(|out| out.put_i32(-5));
    let expected = SnapshotError::Record {
        offset: 0,
        reason: JuteError::Length(-5),
    };
    assert_eq!(decode(&negative).err(), Some(expected));
}

#[test]
fn a_record_beyond_the_size_limit_is_refused() {
    let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
    let start = encoded(|out| {
        out.put_i32(0);
        out.put_i32(1);
        out.put_i64(1);
        out.put_i32(i32::MAX);
    });
    assert!(decoder.feed(&start).is_ok());
    let error = (0..20).find_map(|_| decoder.feed(&vec![0; 1 << 20]).err());
    assert!(
        error.is_some(),
        "the decoder must not buffer without a limit"
    );
}

#[test]
fn an_unknown_acl_grants_nothing_until_the_log_supplies_it() {
    let mut world = World::new();
    let body = create_body("/a", b"", vec![acl(31, digest("u:h"))], 0);
    let at = world.propose(OpCode::Create, &body);
    let applied = world.commit(at);
    // As if the ACL table had been written before the node was created.
    let bytes = encoded(|out| {
        out.put_i64(0);
        node(out, "", -1);
        out.put_string("/a");
        out.put_buffer(None);
        out.put_i64(44);
        StatPersisted {
            czxid: applied.header.zxid,
            ..StatPersisted::default()
        }
        .encode(out);
        out.put_string("/");
    });
    world.auth = vec![digest("u:h")];
    world.db = decode(&bytes).expect("tolerated");
    assert_eq!(world.stat("/a"), Err(ErrorCode::NO_AUTH));
    world.commit(at);
    assert!(
        world.stat("/a").is_ok(),
        "the replayed create supplies the list"
    );
}

#[test]
fn an_acl_list_is_dropped_with_its_last_node() {
    let mut world = World::new();
    let fresh = world.snapshot().len();
    let secret = vec![acl(31, digest("u:h"))];
    assert!(world.create_with("/a", secret.clone(), 0).is_ok());
    world.auth = vec![digest("u:h")];
    world.write(OpCode::SetAcl, &set_acl_body("/a", Acl::open(), -1));
    world.write(OpCode::SetAcl, &set_acl_body("/a", secret, -1));
    assert_eq!(world.delete("/a", -1), ErrorCode::OK);
    assert_eq!(world.snapshot().len(), fresh);
}

#[test]
fn the_snapshot_leaves_out_a_new_node_that_reuses_an_id() {
    let mut world = populated();
    let mut cursor = world.db.snapshot_cursor();
    let mut out = Vec::new();
    // Writes the sessions, ACLs, the root and its first child. The ids of the other nodes wait in the
    // cursor.
    assert!(!cursor.step(&world.db, &mut out, 1));
    assert!(!cursor.step(&world.db, &mut out, 1));
    assert!(!cursor.step(&world.db, &mut out, 1));
    let first = world.log.len();
    assert_eq!(world.delete("/z", -1), ErrorCode::OK);
    assert!(world.create("/y", 0).is_ok());
    assert!(world.create("/y/deep", 0).is_ok());
    while !cursor.step(&world.db, &mut out, 1) {}
    let fuzzy = decode(&out).expect("no parent is missing");
    let mut other = World::new();
    other.db = fuzzy;
    other.db.set_last_processed(cursor.zxid());
    assert_eq!(
        cursor.zxid(),
        Zxid::new(1, u32::try_from(first).expect("few"))
    );
    assert_eq!(other.stat("/y"), Err(ErrorCode::NO_NODE));
    other.log = world.log[first..].to_vec();
    for at in 0..other.log.len() {
        other.commit(at);
    }
    assert_eq!(other.stat("/y/deep"), world.stat("/y/deep"));
    assert_eq!(other.stat("/"), world.stat("/"));
}
