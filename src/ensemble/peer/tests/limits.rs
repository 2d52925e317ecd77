//! What strangers and stalls do to a peer.

use super::*;
use crate::wire::jute::Zxid;

const FOLLOWER: LinkId = LinkId(1);

impl World {
    fn link_up(&mut self, link: LinkId) {
        self.step(Input::LinkUp(link, "127.0.0.1"));
    }

    fn link_says(&mut self, link: LinkId, packet: &QuorumPacket<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        assert_eq!(self.step(Input::LinkBytes(link, &bytes)), bytes.len());
    }

    /// Server 3 leads server 1, which is in sync.
    fn leading_a_follower() -> Self {
        let mut world = Self::leading(1_000);
        let info = LearnerInfo {
            server: Some(1),
            protocol_version: LearnerInfo::PROTOCOL,
            config_version: 0,
        };
        world.link_up(FOLLOWER);
        for packet in [
            QuorumPacket::new(PacketType::FollowerInfo, Zxid::ZERO, Some(&info.encode())),
            QuorumPacket::new(PacketType::AckEpoch, Zxid::ZERO, Some(&[0; 4])),
            QuorumPacket::new(PacketType::Ack, Zxid::new(1, 0), None),
        ] {
            world.link_says(FOLLOWER, &packet);
        }
        assert!(world.peer.is_serving());
        world
    }

    /// Lets the peer tick at each of its deadlines until `until_ms`. Returns all effects.
    fn tick_until(&mut self, until_ms: u64) -> Vec<Effect> {
        let mut all = Vec::new();
        loop {
            let due_ms = self.peer.deadline_ms(self.now.mono_ms);
            if due_ms > until_ms {
                break;
            }
            self.now.mono_ms = self.now.mono_ms.max(due_ms);
            self.step(Input::Tick);
            all.append(&mut self.fx.list);
        }
        self.now.mono_ms = until_ms;
        all
    }

    fn stop_until(&mut self, until_ms: u64) {
        let lost_ms = until_ms - self.now.mono_ms;
        self.now.mono_ms = until_ms;
        self.step(Input::Stalled(lost_ms));
    }
}

fn closes(effects: &[Effect]) -> bool {
    effects.contains(&Effect::CloseLearner(FOLLOWER))
}

fn appends(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Append(..)))
}

#[test]
fn a_leader_that_was_stopped_drops_nobody_for_its_own_silence() {
    let mut world = World::leading_a_follower();
    world.open_session(4_000);
    // Longer than syncLimit and the session's timeout.
    let stopped_ms = world.now.mono_ms + 20_000;
    world.stop_until(stopped_ms);
    let effects = world.tick_until(stopped_ms + 500);
    assert!(!closes(&effects), "{effects:?}");
    assert!(!appends(&effects), "a session has expired: {effects:?}");
    assert!(world.peer.is_serving());

    let effects = world.tick_until(stopped_ms + 30_000);
    assert!(appends(&effects), "a silent session expires in the end");
    assert!(closes(&effects), "so does a silent follower");
}

#[test]
fn a_leader_that_runs_expires_and_drops_in_time() {
    let mut world = World::leading_a_follower();
    world.open_session(4_000);
    let since_ms = world.now.mono_ms;
    let effects = world.tick_until(since_ms + 4_000);
    assert!(!appends(&effects) && !closes(&effects), "{effects:?}");
    let effects = world.tick_until(since_ms + 6_500);
    assert!(appends(&effects) && closes(&effects), "{effects:?}");
}

impl World {
    /// Opens a session with this timeout. The follower acknowledges it.
    fn open_session(&mut self, timeout_ms: i32) {
        self.hello(CLIENT, SessionId(0), timeout_ms);
        let zxid = self.peer.last_logged();
        self.sync_disk();
        self.link_says(FOLLOWER, &QuorumPacket::new(PacketType::Ack, zxid, None));
        assert!(!self.sent_to(CLIENT).is_empty(), "the session is open");
    }
}

/// Everything that strangers can cause is logged with a limited rate.
#[test]
fn strangers_cause_only_limited_lines() {
    let mut world = World::leading_a_follower();
    let mut lines = 0;
    let mut only_limited = |world: &World| {
        for effect in &world.fx.list {
            match effect {
                Effect::Log(line) => panic!("{line}"),
                Effect::LogLimited(..) => lines += 1,
                _ => {}
            }
        }
    };
    let stranger = LinkId(7);
    world.link_up(stranger);
    world.step(Input::LinkDown(stranger));
    only_limited(&world);
    world.link_up(stranger);
    let ack = QuorumPacket::new(PacketType::Ack, Zxid::ZERO, None);
    world.link_says(stranger, &ack);
    only_limited(&world);
    assert!(world.did(&Effect::CloseLearner(stranger)));

    world.step(Input::ClientUp(CLIENT, "127.0.0.1"));
    let mut frame = Vec::new();
    ConnectRequest {
        last_zxid_seen: Zxid(i64::MAX),
        timeout_ms: 10_000,
        session: SessionId(0),
        password: &[0; 16],
        read_only: None,
    }
    .encode_frame(&mut frame);
    world.request(&frame);
    only_limited(&world);
    assert!(world.did(&Effect::CloseClient(CLIENT)));
    assert_eq!(lines, 3);
}

#[test]
fn a_looking_server_without_a_database_learns_our_vote() {
    let mut world = World::new(settings(ME, &[1, 2, 3], &[]), recovered(Zxid::ZERO));
    let empty = Notification {
        zxid: Zxid(-1),
        ..message(PeerState::Looking, 1, 0)
    };
    world.step(Input::Vote(PeerId(1), empty));
    let answered = world.effects(|effect| match effect {
        Effect::Vote { to, message } => Some((*to, message.leader)),
        _ => None,
    });
    assert_eq!(answered, [(PeerId(1), ME)]);
}
