//! Tests of the order of checks (specification 6.2, 18) and of changes that are outstanding between
//! preparation and application.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{
    Acl, CreateRequest, ErrorCode, Id, OpCode, Perms, SessionId, Txn, Zxid, decode_entry,
};

use super::world::{World, acl, create_body, delete_body, digest, encoded, set_body};

#[test]
fn create_checks_in_the_specified_order() {
    let mut world = World::new();
    world.auth = vec![digest("u:h")];
    let private = vec![acl(Perms::READ, Id::new("world", "anyone"))];
    assert_eq!(
        world.create_with("/locked", private, 0),
        Ok("/locked".into())
    );
    assert_eq!(world.create("/e", 1), Ok("/e".into()));
    let bad_acl = || vec![acl(31, Id::new("nonsense", "x"))];
    // (path, acl, flags, code). Each case also fails all later checks.
    let cases = [
        ("no-slash", bad_acl(), 7, ErrorCode::BAD_ARGUMENTS),
        ("no-slash", bad_acl(), 5, ErrorCode::UNIMPLEMENTED),
        ("no-slash", bad_acl(), 0, ErrorCode::BAD_ARGUMENTS),
        ("/missing/\0", bad_acl(), 0, ErrorCode::BAD_ARGUMENTS),
        ("/", bad_acl(), 2, ErrorCode::BAD_ARGUMENTS),
        ("/zookeeper", bad_acl(), 0, ErrorCode::BAD_ARGUMENTS),
        ("/zookeeper/config", bad_acl(), 0, ErrorCode::BAD_ARGUMENTS),
        ("/missing//y", bad_acl(), 0, ErrorCode::INVALID_ACL),
        ("/missing//y", vec![], 0, ErrorCode::INVALID_ACL),
        ("/x//y", Acl::open(), 0, ErrorCode::NO_NODE),
        ("/../y", Acl::open(), 0, ErrorCode::NO_NODE),
        ("/locked/", Acl::open(), 0, ErrorCode::NO_AUTH),
        ("/e/", Acl::open(), 0, ErrorCode::BAD_ARGUMENTS),
        ("/..", Acl::open(), 0, ErrorCode::BAD_ARGUMENTS),
        ("/e", Acl::open(), 0, ErrorCode::NODE_EXISTS),
        (
            "/e/x",
            Acl::open(),
            0,
            ErrorCode::NO_CHILDREN_FOR_EPHEMERALS,
        ),
    ];
    for (path, acl, flags, code) in cases {
        let zxid = world.next_zxid();
        let got = world.create_with(path, acl, flags);
        assert_eq!(got, Err(code), "{path:?} {flags}");
        assert_eq!(
            world.db.last_processed(),
            zxid,
            "a refused request uses a zxid too"
        );
    }
}

#[test]
fn delete_checks_in_the_specified_order() {
    let mut world = World::new();
    let read_only = || vec![acl(Perms::READ | Perms::CREATE, Id::new("world", "anyone"))];
    for path in ["/full", "/full/child"] {
        assert!(world.create(path, 0).is_ok());
    }
    assert!(world.create_with("/locked", read_only(), 0).is_ok());
    assert!(world.create("/locked/child", 0).is_ok());
    for (path, version, code) in [
        ("relative", 9, ErrorCode::BAD_ARGUMENTS),
        ("/", 9, ErrorCode::BAD_ARGUMENTS),
        ("/zookeeper/quota", 9, ErrorCode::BAD_ARGUMENTS),
        ("/missing/x", 9, ErrorCode::NO_NODE),
        ("/locked/missing", 9, ErrorCode::NO_AUTH),
        ("/locked/child", -1, ErrorCode::NO_AUTH),
        ("/missing", 9, ErrorCode::NO_NODE),
        ("/full", 9, ErrorCode::BAD_VERSION),
        ("/full", 0, ErrorCode::NOT_EMPTY),
        ("/full/child", 0, ErrorCode::OK),
        ("/full", -1, ErrorCode::OK),
    ] {
        assert_eq!(world.delete(path, version), code, "{path} {version}");
    }
    assert_eq!(
        world.delete("/locked", -1),
        ErrorCode::NOT_EMPTY,
        "the ACL of the node itself is not checked on deletion"
    );
}

#[test]
fn set_data_and_set_acl_check_in_the_specified_order() {
    let mut world = World::new();
    let admin_only = || vec![acl(Perms::ADMIN, Id::new("world", "anyone"))];
    let none = || vec![acl(Perms::CREATE, Id::new("world", "anyone"))];
    assert!(world.create_with("/admin", admin_only(), 0).is_ok());
    assert!(world.create_with("/none", none(), 0).is_ok());
    assert!(world.create("/open", 0).is_ok());
    for (path, version, code) in [
        ("/x/", 9, ErrorCode::BAD_ARGUMENTS),
        ("/missing", 9, ErrorCode::NO_NODE),
        ("/admin", 9, ErrorCode::NO_AUTH),
        ("/open", 9, ErrorCode::BAD_VERSION),
    ] {
        assert_eq!(world.set(path, version), Err(code), "{path}");
    }
    assert_eq!(world.set("/open", 0).map(|stat| stat.version), Ok(1));
    assert_eq!(world.set("/open", -1).map(|stat| stat.version), Ok(2));
    for (path, list, version, code) in [
        ("/x/", vec![], 9, ErrorCode::BAD_ARGUMENTS),
        ("/missing", vec![], 9, ErrorCode::INVALID_ACL),
        ("/missing", none(), 9, ErrorCode::NO_NODE),
        ("/none", none(), 9, ErrorCode::NO_AUTH),
        ("/admin", none(), 9, ErrorCode::BAD_VERSION),
        ("/admin", none(), 0, ErrorCode::OK),
        ("/admin", none(), 1, ErrorCode::NO_AUTH),
    ] {
        assert_eq!(world.set_acl(path, list, version), code, "{path} {version}");
    }
    assert_eq!(world.set("/zookeeper/config", -1), Err(ErrorCode::NO_AUTH));
    assert!(world.set("/zookeeper/quota", -1).is_ok());
}

#[test]
fn a_request_that_is_not_a_write_becomes_an_error_transaction() {
    let mut world = World::new();
    let create_ttl = |flags, ttl_ms| {
        encoded(|out| {
            CreateRequest {
                path: "/t",
                data: None,
                acl: Acl::open(),
                flags,
                ttl_ms: Some(ttl_ms),
            }
            .encode(out);
        })
    };
    for (op, body, code) in [
        (
            OpCode::CreateTtl,
            create_ttl(5, 10),
            ErrorCode::UNIMPLEMENTED,
        ),
        (
            OpCode::CreateTtl,
            create_ttl(0, 10),
            ErrorCode::BAD_ARGUMENTS,
        ),
        (
            OpCode::Check,
            delete_body("/zookeeper", 0),
            ErrorCode::UNIMPLEMENTED,
        ),
        (
            OpCode::DeleteContainer,
            delete_body("/a", 0),
            ErrorCode::UNIMPLEMENTED,
        ),
        (OpCode::Reconfig, vec![], ErrorCode::RECONFIG_DISABLED),
        (OpCode::GetData, vec![], ErrorCode::UNIMPLEMENTED),
        (OpCode::CreateSession, vec![0, 0], ErrorCode::MARSHALLING),
        (OpCode::SetData, vec![255; 4], ErrorCode::MARSHALLING),
    ] {
        let applied = world.write(op, &body);
        assert_eq!(applied.error(), code, "{op:?}");
        assert_eq!(applied.header.op, OpCode::Error);
        assert_eq!(applied.header.session, SessionId(1));
    }
}

#[test]
fn every_truncated_body_is_a_marshalling_error() {
    let mut world = World::new();
    for (op, body) in [
        (OpCode::Create, create_body("/a", b"x", Acl::open(), 0)),
        (
            OpCode::Create2,
            create_body("/a", b"x", vec![acl(1, digest("u:h"))], 0),
        ),
        (OpCode::Delete, delete_body("/a", 0)),
        (OpCode::SetData, set_body("/a", b"x", 0)),
    ] {
        for cut in 0..body.len() {
            let applied = world.write(op, &body[..cut]);
            assert_eq!(applied.error(), ErrorCode::MARSHALLING, "{op:?} at {cut}");
        }
        let mut longer = body.clone();
        longer.push(0);
        let applied = world.write(op, &longer);
        assert_ne!(
            applied.error(),
            ErrorCode::MARSHALLING,
            "bytes after the body are ignored"
        );
    }
}

#[test]
fn preparation_sees_changes_that_are_not_applied_yet() {
    let mut world = World::new();
    let create = |path| create_body(path, b"x", Acl::open(), 0);
    let sequential = |path| create_body(path, b"x", Acl::open(), 2);
    let proposals = [
        (OpCode::Create, create("/a")),
        (OpCode::Create, create("/a")),
        (OpCode::SetData, set_body("/a", b"1", 0)),
        (OpCode::SetData, set_body("/a", b"2", 1)),
        (OpCode::SetData, set_body("/a", b"3", 0)),
        (OpCode::Create, sequential("/a/s")),
        (OpCode::Create, sequential("/a/s")),
        (OpCode::Delete, delete_body("/a", -1)),
        (OpCode::Delete, delete_body("/a/s0000000000", -1)),
        (OpCode::Delete, delete_body("/a/s0000000001", -1)),
        (OpCode::Delete, delete_body("/a", 2)),
        (OpCode::SetData, set_body("/a", b"4", -1)),
        (OpCode::Create, create("/a")),
        (OpCode::SetData, set_body("/a", b"5", 0)),
    ];
    for (op, body) in &proposals {
        world.propose(*op, body);
    }
    let expected = [
        ErrorCode::OK,
        ErrorCode::NODE_EXISTS,
        ErrorCode::OK,
        ErrorCode::OK,
        ErrorCode::BAD_VERSION,
        ErrorCode::OK,
        ErrorCode::OK,
        ErrorCode::NOT_EMPTY,
        ErrorCode::OK,
        ErrorCode::OK,
        ErrorCode::OK,
        ErrorCode::NO_NODE,
        ErrorCode::OK,
        ErrorCode::OK,
    ];
    let first = world.log.len() - proposals.len();
    for (at, code) in expected.into_iter().enumerate() {
        assert_eq!(world.commit(first + at).error(), code, "proposal {at}");
    }
    assert_eq!(world.stat("/a").map(|stat| stat.version), Ok(1));
    assert!(world.preparer.outstanding.is_empty());
}

#[test]
fn sequential_names_count_all_creations_of_the_parent() {
    let mut world = World::new();
    assert!(world.create("/p", 0).is_ok());
    assert_eq!(world.create("/p/a-", 2), Ok("/p/a-0000000000".into()));
    assert!(world.create("/p/plain", 0).is_ok());
    assert_eq!(world.delete("/p/plain", -1), ErrorCode::OK);
    assert_eq!(world.create("/p/", 3), Ok("/p/0000000002".into()));
    assert_eq!(
        world.stat("/p/0000000002").map(|stat| stat.ephemeral_owner),
        Ok(1)
    );
    assert_eq!(world.create("/p/b", 2), Ok("/p/b0000000003".into()));
    // There were four creations and one deletion.
    assert_eq!(world.stat("/p").map(|stat| stat.cversion), Ok(5));
}

#[test]
fn a_sequential_name_that_wraps_has_eleven_characters() {
    let mut world = World::new();
    assert!(world.create("/p", 0).is_ok());
    // This transaction sets the parent's cversion to the largest value.
    let zxid = world.next_zxid();
    let header = crate::wire::jute::TxnHeader {
        session: SessionId(1),
        cxid: 0,
        zxid,
        time_ms: 0,
        op: OpCode::Create,
    };
    let txn = Txn::Create {
        path: "/p/last",
        data: None,
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: i32::MAX,
    };
    let entry = encoded(|out| crate::wire::jute::encode_entry(&header, &txn, out));
    world.log.push(entry);
    world.commit(world.log.len() - 1);
    let body = create_body("/p/n", b"", Acl::open(), 2);
    let first = world.propose(OpCode::Create, &body);
    let second = world.propose(OpCode::Create, &body);
    let name = |at: usize| match decode_entry(&world.log[at]) {
        Ok((_, Txn::Create { path, .. })) => path.to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(name(first), "/p/n2147483647");
    assert_eq!(name(second), "/p/n-2147483648");
}

#[test]
fn a_container_is_created_and_clients_do_not_see_its_stored_owner() {
    let mut world = World::new();
    let body = create_body("/c", b"x", Acl::open(), 4);
    let applied = world.write(OpCode::CreateContainer, &body);
    assert_eq!(applied.header.op, OpCode::CreateContainer);
    assert_eq!(world.stat("/c").map(|stat| stat.ephemeral_owner), Ok(0));
    assert!(
        world.create("/c/child", 0).is_ok(),
        "containers have children"
    );
    // create with the container flag creates an ordinary node (specification 6.1).
    assert_eq!(world.create("/plain", 4), Ok("/plain".into()));
    assert_eq!(world.db.ephemerals_count(), 0);
}

#[test]
fn an_ephemeral_needs_an_open_session() {
    let mut world = World::new();
    world.session = 99;
    assert_eq!(world.create("/e", 1), Err(ErrorCode::SESSION_EXPIRED));
    world.session = 1;
    world.propose(OpCode::CloseSession, &[]);
    let late = world.propose(OpCode::Create, &create_body("/e", b"", Acl::open(), 0));
    world.commit(late - 1);
    assert_eq!(world.commit(late).error(), ErrorCode::SESSION_EXPIRED);
    assert_eq!(world.create("/e", 1), Err(ErrorCode::SESSION_EXPIRED));
    assert_eq!(world.db.last_processed(), Zxid::new(1, 5));
}
