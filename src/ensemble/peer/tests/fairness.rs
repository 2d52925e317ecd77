//! Requests that make much work: they are put off while other clients wait.

use super::*;

const BYSTANDER: ConnId = ConnId(77);
const CHILDREN: i32 = 5_000;

impl World {
    /// A standalone server with a node of [`CHILDREN`] children, and a second client.
    fn with_children() -> Self {
        let mut world = Self::standalone();
        world.open();
        world.request(&create("/big", b""));
        world.sync_disk();
        for batch in 0..CHILDREN / 1000 {
            let mut bytes = Vec::new();
            for child in 0..1000 {
                let path = format!("/big/child-{}", batch * 1000 + child);
                bytes.extend(create(&path, b""));
            }
            assert_eq!(world.request(&bytes), bytes.len());
            world.sync_disk();
        }
        world
            .hello(BYSTANDER, SessionId(0), 30_000)
            .expect("a session");
        world.now.mono_ms += 1;
        world
    }

    /// Offers `bytes` in one round after the other, until all are answered. Returns how many requests
    /// each round answered. In every round the other client's ping is answered.
    fn rounds(&mut self, bytes: &[u8]) -> Vec<usize> {
        let ping = frames(OpCode::Ping, -2..-1, |_| {});
        let mut at = 0;
        let mut rounds = Vec::new();
        loop {
            at += self.request(&bytes[at..]);
            rounds.push(replies(&self.sent_to(CLIENT)).len());
            let yields = self.did(&Effect::YieldClient(CLIENT));
            assert!(
                !self.did(&Effect::ResumeClient(CLIENT)),
                "that is the same round"
            );
            assert_eq!(yields, at < bytes.len());
            self.step(Input::ClientBytes(BYSTANDER, &ping));
            assert_eq!(replies(&self.sent_to(BYSTANDER)), [-2]);
            if !yields {
                return rounds;
            }
            assert!(!self.peer.has_room(self.now));
            self.now.mono_ms += 1;
            assert!(self.peer.has_room(self.now));
        }
    }
}

fn list(xids: std::ops::Range<i32>) -> Vec<u8> {
    frames(OpCode::GetChildren, xids, |out| {
        PathWatch {
            path: "/big",
            watch: false,
        }
        .encode(out);
    })
}

#[test]
fn lists_of_a_large_node_take_turns_with_other_clients() {
    let mut world = World::with_children();
    let rounds = world.rounds(&list(1..101));
    assert_eq!(rounds.iter().sum::<usize>(), 100);
    assert_eq!(rounds.iter().max(), Some(&4), "{rounds:?}");
}

#[test]
fn several_clients_share_the_work_of_a_round() {
    let mut world = World::with_children();
    world.request(&list(1..101));
    let lists = list(1..3);
    let ping = frames(OpCode::Ping, -2..-1, |_| {});
    let consumed = world.step(Input::ClientBytes(BYSTANDER, &[ping, lists].concat()));
    assert_eq!(replies(&world.sent_to(BYSTANDER)), [-2], "its lists wait");
    assert!(world.did(&Effect::YieldClient(BYSTANDER)));
    world.now.mono_ms += 1;
    let rest = &list(1..3)[..];
    assert_eq!(consumed, 12, "the ping alone");
    world.step(Input::ClientBytes(BYSTANDER, rest));
    assert_eq!(replies(&world.sent_to(BYSTANDER)), [1, 2]);
}

#[test]
fn lists_that_wait_for_a_write_take_turns_too() {
    let mut world = World::with_children();
    let mut write = create("/write", b"");
    write.extend(list(2..102));
    assert_eq!(world.request(&write), write.len());
    world.sync_disk();
    let mut answered = replies(&world.sent_to(CLIENT));
    let mut rounds = 1;
    while world.did(&Effect::YieldClient(CLIENT)) {
        world.now.mono_ms += 1;
        world.request(&[]);
        let more = replies(&world.sent_to(CLIENT));
        assert!(more.len() <= 4, "{}", more.len());
        answered.extend(more);
        rounds += 1;
    }
    assert_eq!(answered, (1..102).collect::<Vec<i32>>());
    assert!(rounds >= 25);
}

#[test]
fn the_number_of_all_descendants_is_cheap_to_answer() {
    let mut world = World::with_children();
    let counts = frames(OpCode::GetAllChildrenNumber, 1..15_001, |out| {
        out.put_string("/");
    });
    let rounds = world.rounds(&counts);
    assert_eq!(rounds.iter().sum::<usize>(), 15_000);
    assert!(rounds.len() <= 3, "{} rounds", rounds.len());
}

#[test]
fn work_counts_what_a_request_makes_the_server_look_at() {
    // Reads of many parts, watches on many paths and lists of many ephemerals.
    let parts = frames(OpCode::MultiRead, 1..31, |out| {
        for _ in 0..4 {
            crate::wire::jute::MultiOps::encode_op_header(out, OpCode::GetChildren);
            PathWatch {
                path: "/big",
                watch: false,
            }
            .encode(out);
        }
        crate::wire::jute::MultiOps::encode_end(out);
    });
    let watches = frames(OpCode::SetWatches, -8..-7, |out| {
        out.put_i64(i64::MAX);
        out.put_len(10_000);
        for path in 0..10_000 {
            out.put_string(&format!("/big/child-{}", path % CHILDREN));
        }
        out.put_len(0);
        out.put_len(0);
    });
    for (requests, count) in [(parts, 30), (watches.repeat(20), 20)] {
        let mut world = World::with_children();
        let rounds = world.rounds(&requests);
        assert_eq!(rounds.iter().sum::<usize>(), count);
        assert!(rounds.len() >= 10, "{rounds:?}");
    }
}

#[test]
fn the_watches_of_a_closed_connection_leave_the_memory_in_portions() {
    let mut world = World::with_children();
    let watches = frames(OpCode::SetWatches, -8..-7, |out| {
        out.put_i64(i64::MAX);
        out.put_len(CHILDREN as usize);
        for path in 0..CHILDREN {
            out.put_string(&format!("/big/child-{path}"));
        }
        out.put_len(0);
        out.put_len(0);
    });
    world.request(&watches);
    assert_eq!(world.peer.database().watch_count(), CHILDREN as usize);
    world.step(Input::ClientDown(CLIENT));
    assert_eq!(world.peer.database().watch_count(), 0);
    let mut ticks = 0;
    while world.peer.database().is_forgetting() {
        assert_eq!(world.peer.deadline_ms(5), 5, "the next tick is due at once");
        world.step(Input::Tick);
        ticks += 1;
    }
    assert_eq!(ticks, 2, "the first portion leaves at once");
}

#[test]
fn writes_with_many_parts_take_turns_too() {
    let multi = frames(OpCode::Multi, 1..4, |out| {
        for _ in 0..20_000 {
            crate::wire::jute::MultiOps::encode_op_header(out, OpCode::Check);
            crate::wire::jute::CheckVersion {
                path: "/big",
                version: -1,
            }
            .encode(out);
        }
        crate::wire::jute::MultiOps::encode_end(out);
    });
    let acl = frames(OpCode::Create, 1..4, |out| {
        CreateRequest {
            path: "/acl",
            data: None,
            acl: (0..25_000)
                .map(|user| Acl {
                    perms: 31,
                    id: crate::wire::jute::Id::new("digest", &format!("{user}:h")),
                })
                .collect(),
            flags: 0,
            ttl_ms: None,
        }
        .encode(out);
    });
    for requests in [multi, acl] {
        let mut world = World::with_children();
        let mut at = 0;
        let mut logged = Vec::new();
        while at < requests.len() {
            at += world.request(&requests[at..]);
            let entries =
                world.effects(|effect| matches!(effect, Effect::Append(..)).then_some(()));
            logged.push(entries.len());
            world.now.mono_ms += 1;
        }
        assert_eq!(logged, [1, 1, 1]);
    }
}
