//! Snapshot bytes of Java 3.8.0 (specification 22).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder};

use super::world::encoded;

const SNAPSHOT_0: &str = "\
5a4b534e00000002ffffffffffffffff00000000000000010000000000000001000000010000000100000005776f726c\
6400000006616e796f6e650000000000000000ffffffffffffffff000000000000000000000000000000000000000000\
0000000000000000000000000000000000000000000000000000000000000000000000000000000000000a2f7a6f6f6b\
656570657200000000ffffffffffffffff00000000000000000000000000000000000000000000000000000000000000\
0000000000000000000000000000000000000000000000000000000000000000112f7a6f6f6b65657065722f636f6e66\
696700000000000000000000000100000000000000000000000000000000000000000000000000000000000000000000\
000000000000ffffffff00000000000000000000000000000000000000102f7a6f6f6b65657065722f71756f74610000\
0000ffffffffffffffff0000000000000000000000000000000000000000000000000000000000000000000000000000\
00000000000000000000000000000000000000000000000000012f00000000b8a23b49000000012f0000000000000000\
0000000200000000000000000000000095b93d59000000012f";

const HEADER: usize = 16;
/// Seal A, snapshot zxid and digest, seal B.
const TRAILER: usize = 13 + 20 + 13;

/// Returns `snapshot.0` of a fresh standalone server.
pub(crate) fn java_snapshot() -> Vec<u8> {
    (0..SNAPSHOT_0.len() / 2)
        .map(|at| u8::from_str_radix(&SNAPSHOT_0[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn javas_first_snapshot_is_decoded_and_encoded_to_the_same_bytes() {
    let all = java_snapshot();
    assert_eq!(all.len(), 457);
    let body = &all[HEADER..all.len() - TRAILER];
    let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
    let fed = decoder.feed(&all[HEADER..]);
    assert_eq!(
        fed,
        Ok((body.len(), true)),
        "the decoder stops directly before the seal"
    );
    let database = decoder.finish().expect("complete");
    assert_eq!(database.node_count(), 5);
    assert_eq!(encoded(|out| database.encode_snapshot(out)), body);
}

#[test]
fn a_fresh_database_equals_javas() {
    let all = java_snapshot();
    let database = Database::new(DatabaseSettings::default());
    let ours = encoded(|out| database.encode_snapshot(out));
    assert_eq!(ours, all[HEADER..all.len() - TRAILER]);
    assert_eq!(database.node_count(), 5);
    assert_eq!(database.ephemerals_count(), 0);
    assert_eq!(database.watch_count(), 0);
}
