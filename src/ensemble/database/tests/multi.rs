//! Tests of multi: all parts or none are applied, and the reply reports each part (specification
//! 5).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::ensemble::database::ApplyResult;
use crate::wire::jute::{Acl, ErrorCode, MultiOps, OpCode, Reader, Stat, Txn, decode_entry};

use super::world::{World, create_body, delete_body, encoded, path_body, set_body};

fn multi(parts: &[(OpCode, Vec<u8>)]) -> Vec<u8> {
    encoded(|out| {
        for (op, body) in parts {
            MultiOps::encode_op_header(out, *op);
            out.extend_from_slice(body);
        }
        MultiOps::encode_end(out);
    })
}

fn create(path: &str, flags: i32) -> (OpCode, Vec<u8>) {
    (OpCode::Create, create_body(path, b"x", Acl::open(), flags))
}

fn check(path: &str, version: i32) -> (OpCode, Vec<u8>) {
    (OpCode::Check, delete_body(path, version))
}

#[test]
fn each_part_sees_the_parts_before_it() {
    let mut world = World::new();
    let parts = [
        create("/a", 0),
        (OpCode::Create2, create_body("/a/s", b"", Acl::open(), 2)),
        (OpCode::SetData, set_body("/a", b"y", 0)),
        check("/a", 1),
        (OpCode::Delete, delete_body("/a/s0000000000", 0)),
        (
            OpCode::CreateContainer,
            create_body("/c", b"", Acl::open(), 4),
        ),
    ];
    let zxid = world.next_zxid();
    let applied = world.write(OpCode::Multi, &multi(&parts));
    assert_eq!(applied.error(), ErrorCode::OK);
    let reply = encoded(|out| applied.encode_response(OpCode::Multi, out));
    let mut reader = Reader::new(&reply);
    let header = |reader: &mut Reader<'_>| (reader.i32(), reader.bool(), reader.i32());
    let ok = |code: i32| (Ok(code), Ok(false), Ok(0));
    assert_eq!(header(&mut reader), ok(1));
    assert_eq!(reader.string(), Ok(Some("/a")));
    assert_eq!(header(&mut reader), ok(15));
    assert_eq!(reader.string(), Ok(Some("/a/s0000000000")));
    let stat = Stat::decode(&mut reader).expect("a Stat");
    assert_eq!(stat.czxid, zxid, "all parts have the same zxid");
    assert_eq!(header(&mut reader), ok(5));
    let stat = Stat::decode(&mut reader).expect("a Stat");
    assert_eq!((stat.version, stat.num_children), (1, 1));
    assert_eq!(header(&mut reader), ok(13));
    assert_eq!(header(&mut reader), ok(2));
    assert_eq!(
        header(&mut reader),
        ok(15),
        "createContainer is answered as create2"
    );
    assert_eq!(reader.string(), Ok(Some("/c")));
    assert!(Stat::decode(&mut reader).is_ok());
    assert_eq!(header(&mut reader), (Ok(-1), Ok(true), Ok(-1)));
    assert!(reader.is_empty());
}

#[test]
fn one_failure_prevents_all_parts_and_the_reply_names_it() {
    let mut world = World::new();
    assert!(world.create("/x", 0).is_ok());
    let watched = world.read(OpCode::GetChildren, &path_body("/", true));
    assert!(watched.is_ok());
    let before = world.snapshot();
    let parts = [create("/a", 2), create("/x", 0), create("/b", 0)];
    let at = world.propose(OpCode::Multi, &multi(&parts));
    let (header, txn) = decode_entry(&world.log[at]).expect("well formed");
    assert_eq!(header.op, OpCode::Multi);
    let Txn::Multi(logged) = txn else {
        panic!("{txn:?}");
    };
    assert!(
        matches!(logged[0], (OpCode::Create, Txn::Create { .. })),
        "a part before the failed one keeps its type"
    );
    assert_eq!(
        logged[1],
        (OpCode::Error, Txn::Error(ErrorCode::NODE_EXISTS))
    );
    assert_eq!(
        logged[2],
        (OpCode::Error, Txn::Error(ErrorCode::RUNTIME_INCONSISTENCY))
    );
    // The failed multi leaves nothing outstanding: the parent's counter has its old value.
    let next = world.propose(OpCode::Create, &create("/s", 2).1);
    let applied = world.commit(at);
    assert_eq!(
        applied.error(),
        ErrorCode::OK,
        "the reply header carries no error"
    );
    let reply = encoded(|out| applied.encode_response(OpCode::Multi, out));
    let mut expected = Vec::new();
    for code in [0i32, -110, -2] {
        expected.extend([255, 255, 255, 255, 0]);
        expected.extend(code.to_be_bytes());
        expected.extend(code.to_be_bytes());
    }
    expected.extend([255, 255, 255, 255, 1, 255, 255, 255, 255]);
    assert_eq!(reply, expected);
    assert_eq!(world.snapshot(), before);
    assert_eq!(world.events, []);
    match world.commit(next).result {
        ApplyResult::Created { path, .. } => assert_eq!(&*path, "/s0000000001"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_multi_restores_the_earlier_outstanding_changes() {
    let mut world = World::new();
    let first = world.propose(OpCode::Create, &create("/a", 0).1);
    world.propose(OpCode::SetData, &set_body("/a", b"1", 0));
    let parts = [
        (OpCode::SetData, set_body("/a", b"2", 1)),
        create("/a/b", 0),
        (OpCode::SetData, set_body("/a/b", b"2", 0)),
        check("/a/b", 7),
    ];
    world.propose(OpCode::Multi, &multi(&parts));
    world.propose(OpCode::SetData, &set_body("/a", b"3", 1));
    world.propose(OpCode::SetData, &set_body("/a/b", b"3", -1));
    let last = world.propose(OpCode::Delete, &delete_body("/a", 2));
    let codes: Vec<ErrorCode> = (first..=last).map(|at| world.commit(at).error()).collect();
    let mut expected = vec![ErrorCode::OK; 6];
    expected[4] = ErrorCode::NO_NODE;
    assert_eq!(codes, expected);
}

#[test]
fn an_empty_multi_succeeds_and_a_truncated_one_is_refused() {
    let mut world = World::new();
    let empty = world.write(OpCode::Multi, &multi(&[]));
    let reply = encoded(|out| empty.encode_response(OpCode::Multi, out));
    assert_eq!(reply, [255, 255, 255, 255, 1, 255, 255, 255, 255]);
    let reading = multi(&[(OpCode::GetData, path_body("/", false))]);
    let refused = world.write(OpCode::Multi, &reading);
    assert_eq!(refused.error(), ErrorCode::MARSHALLING);
    let whole = multi(&[create("/a", 0), check("/a", 0)]);
    for cut in 0..whole.len() {
        let refused = world.write(OpCode::Multi, &whole[..cut]);
        assert_eq!(refused.error(), ErrorCode::MARSHALLING, "cut at {cut}");
    }
    assert!(world.preparer.outstanding.is_empty());
}
