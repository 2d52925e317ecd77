//! Tests of reads (specification 4, 5, 6.6) and their permissions (8.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{
    Acl, ErrorCode, Id, MultiOps, OpCode, PathRequest, PathWatch, Perms, Reader, Stat, WriteJute,
};

use super::world::{World, acl, create_body, digest, encoded, path_body};

fn path_only(path: &str) -> Vec<u8> {
    encoded(|out| PathRequest { path }.encode(out))
}

fn acls(body: &[u8]) -> Vec<Acl> {
    Acl::decode_list(&mut Reader::new(body))
        .expect("a list")
        .expect("not null")
}

#[test]
fn null_data_and_empty_data_differ() {
    let mut world = World::new();
    let null = encoded(|out| {
        out.put_string("/null");
        out.put_buffer(None);
        Acl::encode_list(&Acl::open(), out);
        out.put_i32(0);
    });
    world.write(OpCode::Create, &null);
    world.write(OpCode::Create, &create_body("/empty", b"", Acl::open(), 0));
    world.write(OpCode::Create, &create_body("/data", b"xy", Acl::open(), 0));
    for (path, data) in [
        ("/null", None),
        ("/empty", Some(&b""[..])),
        ("/data", Some(b"xy")),
    ] {
        let body = world.read(OpCode::GetData, &path_body(path, false));
        let body = body.expect("it exists");
        let mut reader = Reader::new(&body);
        assert_eq!(reader.buffer(), Ok(data), "{path}");
        let stat = Stat::decode(&mut reader).expect("a Stat");
        assert!(reader.is_empty());
        assert_eq!(stat, world.stat(path).expect("it exists"));
    }
}

#[test]
fn child_lists_are_complete_after_any_creations_and_deletions() {
    let mut world = World::new();
    assert!(world.create("/p", 0).is_ok());
    for name in ["m", "c", "x", "a", "q"] {
        assert!(world.create(&format!("/p/{name}"), 0).is_ok());
    }
    assert_eq!(world.children("/p"), ["a", "c", "m", "q", "x"]);
    assert_eq!(world.delete("/p/a", -1), ErrorCode::OK);
    assert!(world.create("/p/b", 0).is_ok());
    assert_eq!(world.children("/p"), ["b", "c", "m", "q", "x"]);
    for name in ["x", "b", "m"] {
        assert_eq!(world.delete(&format!("/p/{name}"), -1), ErrorCode::OK);
    }
    assert_eq!(world.children("/p"), ["c", "q"]);
    world.db.take_work();
    let body = world.read(OpCode::GetChildren2, &path_body("/p", false));
    let body = body.expect("a list");
    assert_eq!(body.len(), 4 + 5 + 5 + Stat::BYTES);
    assert_eq!(
        world.db.take_work(),
        3,
        "one for the request and for each child"
    );
}

#[test]
fn reads_fail_as_specified() {
    let mut world = World::new();
    let no_node = Err(ErrorCode::NO_NODE);
    for op in [
        OpCode::GetData,
        OpCode::GetChildren,
        OpCode::GetChildren2,
        OpCode::Exists,
    ] {
        assert_eq!(world.read(op, &path_body("/missing", false)), no_node);
        assert_eq!(world.read(op, &path_body("/zookeeper/", false)), no_node);
        assert_eq!(world.read(op, &path_body("relative", false)), no_node);
        assert!(world.read(op, &path_body("", false)).is_ok(), "the root");
        let body = path_body("/", false);
        for cut in 0..body.len() {
            assert_eq!(world.read(op, &body[..cut]), Err(ErrorCode::MARSHALLING));
        }
        let null = [255, 255, 255, 255, 0];
        assert_eq!(world.read(op, &null), Err(ErrorCode::MARSHALLING));
    }
    let nul = path_body("/\0", false);
    assert_eq!(
        world.read(OpCode::Exists, &nul),
        Err(ErrorCode::BAD_ARGUMENTS)
    );
    assert_eq!(world.read(OpCode::GetData, &nul), no_node);
    for op in [OpCode::GetAcl, OpCode::GetAllChildrenNumber] {
        assert_eq!(world.read(op, &path_only("/missing")), no_node);
        assert_eq!(world.read(op, &[255; 4]), Err(ErrorCode::MARSHALLING));
    }
    assert_eq!(
        world.read(OpCode::Create, &[]),
        Err(ErrorCode::UNIMPLEMENTED)
    );
}

#[test]
fn a_read_needs_the_permission() {
    let mut world = World::new();
    let locked = vec![
        acl(Perms::READ, digest("reader:hash")),
        acl(Perms::ADMIN, digest("admin:hash")),
    ];
    assert!(world.create_with("/l", locked.clone(), 0).is_ok());
    let all = [
        OpCode::GetData,
        OpCode::GetChildren,
        OpCode::GetChildren2,
        OpCode::Exists,
    ];
    for op in all {
        let refused = world.read(op, &path_body("/l", true));
        assert_eq!(refused, Err(ErrorCode::NO_AUTH), "{op:?}");
    }
    for op in [OpCode::GetAcl, OpCode::GetAllChildrenNumber] {
        assert_eq!(world.read(op, &path_only("/l")), Err(ErrorCode::NO_AUTH));
    }
    assert_eq!(world.db.watch_count(), 0, "refused reads set no watch");
    world.auth = vec![digest("reader:hash")];
    for op in all {
        assert!(world.read(op, &path_body("/l", false)).is_ok(), "{op:?}");
    }
    let seen = world.read(OpCode::GetAcl, &path_only("/l")).expect("READ");
    let masked = vec![acl(1, digest("reader:x")), acl(16, digest("admin:x"))];
    assert_eq!(
        acls(&seen),
        masked,
        "only a caller with ADMIN sees the hashes"
    );
    world.auth = vec![digest("admin:hash")];
    let seen = world.read(OpCode::GetAcl, &path_only("/l")).expect("ADMIN");
    assert_eq!(acls(&seen), locked);
    let refused = world.read(OpCode::GetData, &path_body("/l", false));
    assert_eq!(refused, Err(ErrorCode::NO_AUTH));
    world.auth = vec![Id::new("super", "")];
    assert!(world.read(OpCode::GetData, &path_body("/l", false)).is_ok());
    let open = world.read(OpCode::GetAcl, &path_only("/")).expect("open");
    assert_eq!(acls(&open), Acl::open());
}

#[test]
fn returns_child_counts_ephemerals_and_identities() {
    let mut world = World::new();
    let count = |world: &mut World, path| {
        let body = world.read(OpCode::GetAllChildrenNumber, &path_only(path));
        Reader::new(&body.expect("it exists")).i32()
    };
    assert_eq!(
        count(&mut world, "/"),
        Ok(3),
        "the number of nodes minus 2, as in Java"
    );
    for path in ["/p", "/p/a", "/pa"] {
        assert!(world.create(path, 0).is_ok());
    }
    for path in ["/p/a/e2", "/p/a/e1", "/e"] {
        assert!(world.create(path, 1).is_ok());
    }
    assert_eq!(count(&mut world, "/p"), Ok(3));
    assert_eq!(count(&mut world, "/"), Ok(9));
    let list = |world: &mut World, body: &[u8]| {
        let body = world.read(OpCode::GetEphemerals, body).expect("a list");
        let paths = Reader::new(&body).strings().expect("strings");
        paths.join(" ")
    };
    let null = [255; 4];
    for all in [&null[..], &path_only(""), &path_only("/")] {
        assert_eq!(list(&mut world, all), "/e /p/a/e1 /p/a/e2");
    }
    assert_eq!(list(&mut world, &path_only("/p/a")), "/p/a/e1 /p/a/e2");
    world.session = 2;
    assert_eq!(
        list(&mut world, &null),
        "",
        "another session's ephemerals are not listed"
    );
    world.auth = vec![digest("u:h"), Id::new("ip", "::1")];
    let body = world.read(OpCode::WhoAmI, &[]).expect("always");
    let mut reader = Reader::new(&body);
    assert_eq!(reader.i32(), Ok(2));
    for text in ["digest", "u", "ip", "::1"] {
        assert_eq!(reader.string(), Ok(Some(text)));
    }
}

#[test]
fn a_multi_read_answers_each_part_and_sets_no_watch() {
    let mut world = World::new();
    assert!(world.create("/a", 0).is_ok());
    let body = encoded(|out| {
        for (op, path) in [
            (OpCode::GetData, "/a"),
            (OpCode::GetData, "/missing"),
            (OpCode::GetChildren, "/"),
        ] {
            MultiOps::encode_op_header(out, op);
            PathWatch { path, watch: true }.encode(out);
        }
        MultiOps::encode_end(out);
    });
    let reply = world.read(OpCode::MultiRead, &body).expect("well formed");
    let mut reader = Reader::new(&reply);
    let header = |reader: &mut Reader<'_>| (reader.i32(), reader.bool(), reader.i32());
    assert_eq!(header(&mut reader), (Ok(4), Ok(false), Ok(0)));
    assert_eq!(reader.buffer(), Ok(Some(&b"d"[..])));
    assert!(Stat::decode(&mut reader).is_ok());
    assert_eq!(header(&mut reader), (Ok(-1), Ok(false), Ok(-101)));
    assert_eq!(reader.i32(), Ok(-101));
    assert_eq!(header(&mut reader), (Ok(8), Ok(false), Ok(0)));
    let mut names = reader.strings().expect("a list");
    names.sort_unstable();
    assert_eq!(names, ["a", "zookeeper"]);
    assert_eq!(header(&mut reader), (Ok(-1), Ok(true), Ok(-1)));
    assert!(reader.is_empty());
    assert_eq!(world.db.watch_count(), 0);
    let mut write = Vec::new();
    MultiOps::encode_op_header(&mut write, OpCode::Check);
    assert_eq!(
        world.read(OpCode::MultiRead, &write),
        Err(ErrorCode::MARSHALLING)
    );
}

#[test]
fn a_multi_read_with_a_too_large_response_is_refused() {
    let mut world = World::new();
    let data = vec![7; 900_000];
    world.write(OpCode::Create, &create_body("/l", &data, Acl::open(), 0));
    let read = |times: usize| {
        encoded(|out| {
            for _ in 0..times {
                MultiOps::encode_op_header(out, OpCode::GetData);
                out.put_string("/l");
                out.put_bool(false);
            }
            MultiOps::encode_end(out);
        })
    };
    let ten = world.read(OpCode::MultiRead, &read(10)).expect("9 MB");
    assert!(ten.len() > 9_000_000);
    let many = world.read(OpCode::MultiRead, &read(1000));
    assert_eq!(many, Err(ErrorCode::MARSHALLING));
}
