//! Tests of watches: triggers, order, persistence and reconnection (specification 7).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::ensemble::database::ConnId;
use crate::wire::jute::EventType::{
    NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted,
};
use crate::wire::jute::{Acl, ErrorCode, EventType, OpCode, Perms, WriteJute, Zxid};

use super::world::{Event, World, acl, digest, encoded, number_body, path_body};

impl World {
    fn watch(&mut self, conn: u64, op: OpCode, path: &str) {
        let _missing_nodes_are_fine = self.read_as(conn, op, &path_body(path, true));
    }

    fn add_watch(&mut self, conn: u64, path: &str, mode: i32) {
        let reply = self.read_as(conn, OpCode::AddWatch, &number_body(path, mode));
        assert_eq!(reply, Ok(vec![0; 4]));
    }

    fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

fn event(conn: u64, kind: EventType, path: &str) -> Event {
    (conn, kind, path.to_owned())
}

#[test]
fn standard_watches_fire_once_in_the_specified_order() {
    let mut world = World::new();
    world.watch(1, OpCode::Exists, "/p/c");
    world.watch(1, OpCode::GetData, "/p/c");
    assert_eq!(
        world.db.watch_count(),
        1,
        "only exists watches a missing node"
    );
    assert!(world.create("/p", 0).is_ok());
    world.watch(2, OpCode::GetChildren, "/p");
    world.watch(1, OpCode::GetChildren2, "/p");
    assert!(world.create("/p/c", 0).is_ok());
    assert_eq!(
        world.take_events(),
        [
            event(1, NodeCreated, "/p/c"),
            event(1, NodeChildrenChanged, "/p"),
            event(2, NodeChildrenChanged, "/p"),
        ]
    );
    assert!(world.set("/p/c", -1).is_ok());
    assert_eq!(world.take_events(), [], "the watches have fired already");
    for _ in 0..2 {
        world.watch(2, OpCode::GetData, "/p/c");
        world.watch(2, OpCode::Exists, "/p/c");
    }
    assert_eq!(world.db.watch_count(), 1);
    assert!(world.set("/p/c", -1).is_ok());
    assert!(world.set_acl("/p/c", Acl::open(), -1) == ErrorCode::OK);
    assert_eq!(world.take_events(), [event(2, NodeDataChanged, "/p/c")]);
    assert_eq!(world.db.watch_count(), 0);
}

#[test]
fn a_deletion_notifies_data_watchers_then_child_watchers_then_the_parents() {
    let mut world = World::new();
    assert!(world.create("/p", 0).is_ok());
    assert!(world.create("/p/c", 0).is_ok());
    world.watch(3, OpCode::GetChildren, "/p");
    world.watch(2, OpCode::GetChildren, "/p/c");
    world.watch(1, OpCode::GetChildren, "/p/c");
    world.watch(1, OpCode::GetData, "/p/c");
    assert_eq!(world.delete("/p/c", -1), ErrorCode::OK);
    assert_eq!(
        world.take_events(),
        [
            event(1, NodeDeleted, "/p/c"),
            event(2, NodeDeleted, "/p/c"),
            event(3, NodeChildrenChanged, "/p"),
        ]
    );
    assert_eq!(
        world.db.watch_count(),
        0,
        "the watch that sent no second event is removed too"
    );
}

#[test]
fn closing_a_session_fires_for_each_of_its_ephemerals() {
    let mut world = World::new();
    assert!(world.create("/b", 1).is_ok());
    assert!(world.create("/a", 1).is_ok());
    world.watch(9, OpCode::GetData, "/a");
    world.watch(9, OpCode::GetData, "/b");
    world.watch(9, OpCode::GetChildren, "/");
    world.write(OpCode::CloseSession, &[]);
    assert_eq!(
        world.take_events(),
        [
            event(9, NodeDeleted, "/a"),
            event(9, NodeChildrenChanged, "/"),
            event(9, NodeDeleted, "/b"),
        ]
    );
}

#[test]
fn persistent_watches_fire_for_every_event_of_their_path() {
    let mut world = World::new();
    world.add_watch(1, "/p", 0);
    world.watch(1, OpCode::Exists, "/p");
    assert!(world.create("/p", 0).is_ok());
    assert!(world.set("/p", -1).is_ok());
    assert!(world.create("/p/c", 0).is_ok());
    assert!(world.set("/p/c", -1).is_ok());
    assert_eq!(world.delete("/p/c", -1), ErrorCode::OK);
    assert_eq!(world.delete("/p", -1), ErrorCode::OK);
    assert_eq!(
        world.take_events(),
        [
            event(1, NodeCreated, "/p"),
            event(1, NodeDataChanged, "/p"),
            event(1, NodeChildrenChanged, "/p"),
            event(1, NodeChildrenChanged, "/p"),
            event(1, NodeDeleted, "/p"),
        ],
        "each event once, although both managers hold the watch"
    );
    assert_eq!(world.db.watch_count(), 2);
}

#[test]
fn recursive_watches_fire_for_the_whole_subtree_without_child_events() {
    let mut world = World::new();
    world.add_watch(2, "/", 1);
    world.add_watch(1, "/p", 1);
    world.add_watch(1, "/p", 0);
    assert!(world.create("/p", 0).is_ok());
    assert!(world.create("/p/c", 0).is_ok());
    assert!(world.set("/p/c", -1).is_ok());
    assert_eq!(
        world.take_events(),
        [
            event(1, NodeCreated, "/p"),
            event(2, NodeCreated, "/p"),
            event(1, NodeCreated, "/p/c"),
            event(2, NodeCreated, "/p/c"),
            event(1, NodeChildrenChanged, "/p"),
            event(1, NodeDataChanged, "/p/c"),
            event(2, NodeDataChanged, "/p/c"),
        ]
    );
    world.db.connection_closed(ConnId(1));
    world.db.connection_closed(ConnId(2));
    assert_eq!(world.db.watch_count(), 0);
    assert!(world.create("/q", 0).is_ok());
    assert_eq!(world.take_events(), []);
}

#[test]
fn watches_are_checked_and_removed_by_kind() {
    let mut world = World::new();
    let check = |world: &mut World, kind| {
        world
            .read(OpCode::CheckWatches, &number_body("/", kind))
            .map(drop)
    };
    let remove = |world: &mut World, kind| {
        world
            .read(OpCode::RemoveWatches, &number_body("/", kind))
            .map(drop)
    };
    let none = Err(ErrorCode::NO_WATCHER);
    for kind in 1..=5 {
        assert_eq!(check(&mut world, kind), none, "{kind}");
        assert_eq!(remove(&mut world, kind), none, "{kind}");
    }
    assert_eq!(check(&mut world, 6), Err(ErrorCode::MARSHALLING));
    world.watch(1, OpCode::GetData, "/");
    assert_eq!(check(&mut world, 1), none);
    assert_eq!(check(&mut world, 2), Ok(()));
    assert_eq!(check(&mut world, 3), Ok(()));
    world.add_watch(1, "/", 0);
    world.add_watch(1, "/", 1);
    assert_eq!(remove(&mut world, 2), Ok(()));
    assert_eq!(check(&mut world, 2), none, "the other watches remain");
    assert_eq!(check(&mut world, 4), Ok(()));
    assert_eq!(remove(&mut world, 5), Ok(()));
    assert_eq!(check(&mut world, 5), none);
    assert_eq!(remove(&mut world, 3), Ok(()));
    assert_eq!(world.db.watch_count(), 0);
    let mode = world.read(OpCode::AddWatch, &number_body("/", 2));
    assert_eq!(mode, Err(ErrorCode::MARSHALLING));
}

#[test]
fn a_reconnected_client_receives_the_missed_events() {
    let mut world = World::new();
    for path in ["/same", "/changed", "/parent"] {
        assert!(world.create(path, 0).is_ok());
    }
    let seen = world.db.last_processed();
    assert!(world.set("/changed", -1).is_ok());
    assert!(world.create("/parent/c", 0).is_ok());
    let body = |op| {
        encoded(|out| {
            out.put_i64(seen.0);
            let lists: &[&[&str]] = &[
                &["/gone", "/changed", "/same"],
                &["/same", "/later"],
                &["/gone", "/parent", "/same"],
                &["/per"],
                &["/rec"],
            ];
            let lists = if op == OpCode::SetWatches {
                &lists[..3]
            } else {
                lists
            };
            for list in lists {
                out.put_len(list.len());
                for path in *list {
                    out.put_string(path);
                }
            }
        })
    };
    let missed = [
        event(4, NodeDeleted, "/gone"),
        event(4, NodeDataChanged, "/changed"),
        event(4, NodeCreated, "/same"),
        event(4, NodeDeleted, "/gone"),
        event(4, NodeChildrenChanged, "/parent"),
    ];
    let reply = world.read_as(4, OpCode::SetWatches, &body(OpCode::SetWatches));
    assert_eq!(reply, Ok(vec![]));
    assert_eq!(world.take_events(), missed);
    assert_eq!(world.db.watch_count(), 3, "/same twice and /later");
    world.db.connection_closed(ConnId(4));
    let reply = world.read_as(4, OpCode::SetWatches2, &body(OpCode::SetWatches2));
    assert_eq!(reply, Ok(vec![]));
    assert_eq!(world.take_events(), missed);
    assert!(world.create("/later", 0).is_ok());
    assert!(world.create("/same/c", 0).is_ok());
    assert!(world.create("/rec", 0).is_ok());
    assert_eq!(
        world.take_events(),
        [
            event(4, NodeCreated, "/later"),
            event(4, NodeChildrenChanged, "/same"),
            event(4, NodeCreated, "/rec"),
        ]
    );
    assert!(
        world
            .read(OpCode::SetWatches2, &body(OpCode::SetWatches))
            .is_err()
    );
}

#[test]
fn events_go_only_to_connections_with_read_permission() {
    let mut world = World::new();
    world.add_watch(1, "/", 1);
    world.auth = vec![digest("u:h")];
    world.add_watch(2, "/", 1);
    let mine = vec![acl(Perms::ALL, digest("u:h"))];
    assert!(world.create_with("/mine", mine, 0).is_ok());
    assert!(world.set("/mine", -1).is_ok());
    assert_eq!(world.delete("/mine", -1), ErrorCode::OK);
    assert_eq!(
        world.take_events(),
        [
            event(2, NodeCreated, "/mine"),
            event(2, NodeDataChanged, "/mine"),
            event(2, NodeDeleted, "/mine"),
        ]
    );
}

#[test]
fn closing_connections_removes_all_their_watches() {
    let mut world = World::new();
    for path in 0..20 {
        assert!(world.create(&format!("/n{path}"), 0).is_ok());
        for conn in 0..20 {
            world.watch(conn, OpCode::GetData, &format!("/n{path}"));
            world.watch(conn, OpCode::GetChildren, &format!("/n{path}"));
        }
    }
    assert_eq!(world.db.watch_count(), 800);
    for conn in (0..20).step_by(2) {
        world.db.connection_closed(ConnId(conn));
    }
    assert_eq!(world.db.watch_count(), 400);
    assert!(world.set("/n0", -1).is_ok());
    let notified: Vec<u64> = world.take_events().iter().map(|event| event.0).collect();
    assert_eq!(notified, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    assert_eq!(world.db.watch_count(), 390);
    assert!(world.db.last_processed() > Zxid::ZERO);
}

#[test]
fn the_watches_of_a_closed_connection_end_at_once_and_leave_the_memory_in_portions() {
    let mut world = World::new();
    for node in 0..100 {
        let path = format!("/{node}");
        assert!(world.create(&path, 0).is_ok());
        world.watch(1, OpCode::GetData, &path);
        world.watch(1, OpCode::GetChildren, &path);
        world.add_watch(1, &path, 1);
    }
    world.watch(2, OpCode::GetData, "/7");
    assert_eq!(world.db.watch_count(), 201);
    world.db.connection_closed(ConnId(1));
    assert_eq!(world.db.watch_count(), 1);
    assert_eq!(world.db.watch_breadth().0, 1);
    assert!(world.set("/7", -1).is_ok());
    assert!(world.set("/8", -1).is_ok());
    assert_eq!(world.take_events(), [event(2, NodeDataChanged, "/7")]);
    let mut portions = 0;
    while world.db.is_forgetting() {
        // A new watch of another connection may take the memory of one that ended.
        world.watch(3, OpCode::Exists, &format!("/new-{portions}"));
        world.db.forget_some(50);
        portions += 1;
    }
    assert_eq!(portions, 5);
    assert_eq!(world.db.watch_count(), portions);
    for node in 0..portions {
        assert!(world.create(&format!("/new-{node}"), 0).is_ok());
    }
    assert_eq!(world.take_events().len(), portions);
    assert_eq!(world.db.watch_breadth(), (0, 0));
    // The recursive watches are gone too: nothing below their paths fires.
    assert!(world.create("/7/child", 0).is_ok());
    assert_eq!(world.take_events(), []);
}

#[test]
fn recursive_watches_fire_at_any_depth() {
    let mut world = World::new();
    let mut path = String::new();
    for _ in 0..200 {
        path.push_str("/a");
        assert!(world.create(&path, 0).is_ok());
    }
    world.add_watch(1, "/", 1);
    world.add_watch(2, "/a/a/a", 1);
    world.add_watch(3, "/a/b", 1);
    assert!(world.set(&path, -1).is_ok());
    assert_eq!(
        world.take_events(),
        [
            event(1, NodeDataChanged, &path),
            event(2, NodeDataChanged, &path)
        ]
    );
}
