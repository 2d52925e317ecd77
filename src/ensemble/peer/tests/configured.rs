//! Settings of `zoo.cfg` that the peer applies.

use super::*;

fn alone() -> Settings {
    settings(ME, &[ME.0], &[])
}

/// Completes the writes of both epochs, so that a single voter becomes the leader.
fn lead(world: &mut World) {
    let tickets = world.effects(|effect| match effect {
        Effect::WriteEpochs { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let last = tickets.last().expect("epochs to write");
    world.step(Input::EpochsWritten(*last));
}

#[test]
fn a_connection_with_a_waiting_request_is_not_read_above_the_outstanding_limit() {
    let settings = Settings {
        outstanding_limit: 2,
        ..alone()
    };
    let mut world = World::new(settings, recovered(Zxid::ZERO));
    world.open();
    let other = ConnId(2);
    world
        .hello(other, SessionId(0), 30_000)
        .expect("a second session");
    let writes = |xids| {
        frames(OpCode::SetData, xids, |out| {
            let data = Some(&[][..]);
            SetDataRequest {
                path: "/",
                data,
                version: -1,
            }
            .encode(out);
        })
    };
    let one = writes(1..2).len();
    assert_eq!(
        world.request(&writes(1..6)),
        3 * one,
        "one beyond the limit"
    );
    assert_eq!(world.request(&writes(4..6)), 0);
    assert!(
        !world.did(&Effect::ResumeClient(CLIENT)),
        "offering the same bytes again would not end"
    );
    let first = world.step(Input::ClientBytes(other, &writes(1..3)));
    assert_eq!(
        first, one,
        "a connection without a waiting request may have one"
    );
    world.sync_disk();
    for conn in [CLIENT, other] {
        assert!(world.did(&Effect::ResumeClient(conn)), "{conn:?}");
    }
    assert_eq!(world.request(&writes(4..6)), 2 * one);
}

#[test]
fn a_connection_with_too_many_waiting_bytes_is_offered_again_once_half_of_them_are_answered() {
    let mut world = World::new(alone(), recovered(Zxid::ZERO));
    world.open();
    let large = create("/large", &[0; 1_000_000]);
    let accepted = world.request(&large.repeat(6));
    assert_eq!(accepted, 5 * large.len(), "4 MiB and one request");
    for _ in 0..2 {
        assert_eq!(world.request(&large), 0);
        assert!(!world.did(&Effect::ResumeClient(CLIENT)));
    }
    world.sync_disk();
    assert!(world.did(&Effect::ResumeClient(CLIENT)));
    assert_eq!(world.request(&large), large.len());
}

#[test]
fn a_request_longer_than_jute_maxbuffer_ends_the_connection() {
    let settings = Settings {
        max_frame_bytes: 1_000,
        ..alone()
    };
    let mut world = World::new(settings, recovered(Zxid::ZERO));
    world.open();
    world.request(&create("/small", &[0; 900]));
    assert!(!world.did(&Effect::CloseClient(CLIENT)));
    world.request(&create("/large", &[0; 1_000]));
    assert!(world.did(&Effect::CloseClient(CLIENT)));
}

#[test]
fn a_single_voter_elects_itself_if_standalone_is_disabled() {
    let settings = Settings {
        quorum_of_one: true,
        ..alone()
    };
    let mut world = World::new(settings, recovered(Zxid::ZERO));
    lead(&mut world);
    assert_eq!(world.peer.mode(), Mode::Leader);
    assert_eq!(world.peer.serving_epoch(), Some(1));
}

#[test]
fn a_leader_that_does_not_serve_closes_clients_and_a_standalone_server_serves() {
    let settings = Settings {
        leader_serves: false,
        ..alone()
    };
    let mut world = World::new(settings.clone(), recovered(Zxid::ZERO));
    assert!(world.peer.is_serving(), "standalone");
    assert!(world.hello(CLIENT, SessionId(0), 30_000).is_some());
    let leader = Settings {
        quorum_of_one: true,
        ..settings
    };
    world = World::new(leader, recovered(Zxid::ZERO));
    lead(&mut world);
    assert_eq!(world.peer.serving_epoch(), Some(1));
    assert!(!world.peer.is_serving());
    assert_eq!(world.hello(CLIENT, SessionId(0), 30_000), None);
}

#[test]
fn with_skip_acl_every_client_has_all_rights() {
    let acl = vec![Acl {
        perms: crate::wire::jute::Perms::ALL,
        id: crate::wire::jute::Id::new("digest", "u:x"),
    }];
    for skip_acl in [false, true] {
        let settings = Settings {
            skip_acl,
            ..alone()
        };
        let mut world = World::new(settings, recovered(Zxid::ZERO));
        world.open();
        let owned = frames(OpCode::Create, 1..2, |out| {
            CreateRequest {
                path: "/owned",
                data: Some(b"x"),
                acl: acl.clone(),
                flags: 0,
                ttl_ms: None,
            }
            .encode(out);
        });
        world.request(&owned);
        world.sync_disk();
        let mut outcomes = Vec::new();
        for (op, is_write) in [
            (OpCode::GetData, false),
            (OpCode::SetData, true),
            (OpCode::GetAcl, false),
        ] {
            let frame = frames(op, 2..3, |out| {
                out.put_string("/owned");
                match op {
                    OpCode::GetData => out.put_bool(false),
                    OpCode::SetData => {
                        out.put_buffer(Some(b"y"));
                        out.put_i32(-1);
                    }
                    _ => {}
                }
            });
            world.request(&frame);
            if is_write {
                world.sync_disk();
            }
            let sent = world.sent_to(CLIENT);
            let header = ReplyHeader::decode(&mut Reader::new(&sent[4..])).expect("a header");
            outcomes.push(header.err);
            if op == OpCode::GetAcl && skip_acl {
                let text = String::from_utf8_lossy(&sent).into_owned();
                assert!(text.contains("u:x"), "the list is kept and returned");
            }
        }
        let expected = if skip_acl {
            ErrorCode::OK
        } else {
            ErrorCode::NO_AUTH
        };
        assert_eq!(outcomes, [expected; 3], "{skip_acl}");
    }
}

#[test]
fn a_learner_sends_the_version_of_its_configuration() {
    let sent_version = |version| {
        let settings = Settings {
            config_version: version,
            ..settings(PeerId(1), &[1, 2, 3], &[])
        };
        let mut world = World::new(settings, recovered(Zxid::ZERO));
        world.vote(2, PeerState::Following, ME.0, 1);
        world.vote(ME.0, PeerState::Leading, ME.0, 1);
        world.step(Input::LeaderUp);
        let sent = world.effects(|effect| match effect {
            Effect::ToLeader(range) => Some(world.fx.bytes[range.clone()].to_vec()),
            _ => None,
        });
        // The last field of the packet is the list of identities, which is null.
        let (info, null) = sent[0].split_last_chunk::<4>().expect("a packet");
        assert_eq!(null, &[0xff; 4]);
        i64::from_be_bytes(*info.last_chunk::<8>().expect("LearnerInfo"))
    };
    assert_eq!(
        [sent_version(0), sent_version(0x1_0000_0000)],
        [0, 0x1_0000_0000]
    );
}
