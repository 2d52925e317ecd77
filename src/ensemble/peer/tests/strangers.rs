//! What others may send to the quorum port, and what comes of it.

use super::*;

impl World {
    /// Connects a learner from this address and sends what it introduces itself with.
    fn introduce(&mut self, link: LinkId, address: &str, sid: i64, epoch: i64) {
        self.step(Input::LinkUp(link, address));
        let info = LearnerInfo {
            server: Some(sid),
            protocol_version: LearnerInfo::PROTOCOL,
            config_version: 0,
        }
        .encode();
        let zxid = Zxid::new(epoch, 0);
        self.says(
            link,
            &QuorumPacket::new(PacketType::FollowerInfo, zxid, Some(&info)),
        );
    }

    fn says(&mut self, link: LinkId, packet: &QuorumPacket<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        self.step(Input::LinkBytes(link, &bytes));
    }

    /// Server 3 leads epoch 1, and server 1 follows it on link 1.
    fn serving() -> Self {
        let mut world = Self::leading(1000);
        let link = LinkId(1);
        world.introduce(link, "10.0.0.1", 1, 0);
        let current = 0_i32.to_be_bytes();
        world.says(
            link,
            &QuorumPacket::new(PacketType::AckEpoch, Zxid::ZERO, Some(&current)),
        );
        world.says(
            link,
            &QuorumPacket::new(PacketType::Ack, Zxid::new(1, 0), None),
        );
        assert!(world.peer.is_serving());
        world
    }

    /// As a learner, is told the leader's epoch.
    fn is_offered(&mut self, epoch: i64) {
        let version = LearnerInfo::PROTOCOL.to_be_bytes();
        let zxid = Zxid::new(epoch, 0);
        let packet = QuorumPacket::new(PacketType::LeaderInfo, zxid, Some(&version));
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        self.step(Input::LeaderBytes(&bytes));
    }

    fn lines(&self) -> Vec<String> {
        self.effects(|effect| match effect {
            Effect::Log(line) => Some(line.clone()),
            _ => None,
        })
    }
}

#[test]
fn an_epoch_near_the_last_one_is_not_taken_from_a_follower() {
    for epoch in [0x7fff_ffff, 0x7fff_fffe, -5] {
        let mut world = World::leading(1000);
        world.introduce(LinkId(9), "10.0.0.9", 1, epoch);
        assert!(world.did(&Effect::CloseLearner(LinkId(9))), "{epoch}");
        assert!(world.lines()[0].contains("too few epochs"), "{epoch}");
        world.introduce(LinkId(1), "10.0.0.1", 1, 0);
        let accepted = world.effects(|effect| match effect {
            Effect::WriteEpochs { accepted, .. } => *accepted,
            _ => None,
        });
        assert_eq!(accepted, [1], "{epoch}");
    }
}

#[test]
fn an_epoch_near_the_last_one_is_not_taken_from_a_leader() {
    let mut world = World::learning();
    world.is_offered(0x7fff_ffff);
    assert!(world.did(&Effect::HangUpLeader));
    let writes = |effect: &Effect| matches!(effect, Effect::WriteEpochs { .. }).then_some(());
    assert_eq!(world.effects(writes), []);
}

#[test]
fn a_server_whose_epochs_are_used_up_says_so() {
    let mut last = recovered(Zxid::ZERO);
    last.accepted_epoch = 0x7fff_ffff;
    let mut world = World::new(settings(ME, &[1, 2, 3], &[]), last);
    for voter in [1, 2] {
        world.vote(voter, PeerState::Looking, ME.0, 1);
    }
    world.introduce(LinkId(1), "10.0.0.1", 1, 0);
    let fatal = |effect: &Effect| matches!(effect, Effect::Fatal(..)).then_some(());
    assert_eq!(world.effects(fatal).len(), 1, "{:?}", world.fx.list);
}

#[test]
fn a_learner_that_is_connected_is_not_replaced_while_it_is_alive() {
    let old = LinkId(1);
    // Address of the newcomer, time since the last bytes of the old one, and whether it is taken.
    for (address, silent_ms, taken) in [
        ("10.0.0.9", 0, false),
        ("10.0.0.9", 2000, false),
        ("10.0.0.1", 0, false),
        ("10.0.0.1", 2000, true),
    ] {
        let mut world = World::serving();
        world.now.mono_ms += silent_ms;
        let new = LinkId(2);
        world.introduce(new, address, 1, 1);
        let closed = if taken { old } else { new };
        let kept = if taken { new } else { old };
        let case = format!("{address} after {silent_ms} ms");
        assert!(world.did(&Effect::CloseLearner(closed)), "{case}");
        assert!(!world.did(&Effect::CloseLearner(kept)), "{case}");
    }
}

#[test]
fn an_ack_of_what_was_not_sent_closes_the_connection() {
    let link = LinkId(1);
    for (zxid, closes) in [
        (Zxid::new(1, 1), false),
        (Zxid::new(1, 2), true),
        (Zxid::new(1, 5), true),
        (Zxid::new(2, 0), true),
        (Zxid::new(7, 1), true),
    ] {
        let mut world = World::serving();
        world.step(Input::ClientUp(CLIENT, "127.0.0.1"));
        let mut frame = Vec::new();
        ConnectRequest {
            last_zxid_seen: Zxid::ZERO,
            timeout_ms: 4000,
            session: SessionId(0),
            password: &[0; 16],
            read_only: Some(false),
        }
        .encode_frame(&mut frame);
        world.step(Input::ClientBytes(CLIENT, &frame)); // proposes 1,1
        world.says(link, &QuorumPacket::new(PacketType::Ack, zxid, None));
        assert_eq!(world.did(&Effect::CloseLearner(link)), closes, "{zxid}");
    }
}

/// The accepted epoch of this server is ahead of the leader's, and other servers follow that leader.
#[test]
fn a_server_that_cannot_follow_a_leader_waits_before_it_tries_again() {
    let mut ahead = recovered(Zxid::ZERO);
    ahead.accepted_epoch = 9;
    let mut world = World::new(settings(PeerId(1), &[1, 2, 3], &[]), ahead);
    let mut lines = 0;
    let mut attempts = 0;
    let mut round = 1;
    for now_ms in (0..30_000).step_by(10) {
        world.now.mono_ms = now_ms;
        if world.peer.deadline_ms(now_ms) <= now_ms {
            world.step(Input::Tick);
            lines += world.lines().len();
        }
        // The others answer at once.
        for (from, state) in [(2, PeerState::Following), (3, PeerState::Leading)] {
            world.vote(from, state, ME.0, round);
            lines += world.lines().len();
            if world.did(&Effect::DialLeader(ME)) {
                attempts += 1;
                world.step(Input::LeaderUp);
                world.is_offered(5);
                lines += world.lines().len();
                round += 1;
            }
        }
    }
    assert!((3..=15).contains(&attempts), "{attempts} attempts in 30 s");
    assert!(lines <= 30, "{lines} lines in 30 s");
}

#[test]
fn a_server_that_could_not_follow_a_leader_still_elects_one() {
    let mut ahead = recovered(Zxid::ZERO);
    ahead.accepted_epoch = 9;
    let mut world = World::learning_from(ahead);
    world.is_offered(5);
    world.vote(ME.0, PeerState::Leading, ME.0, 1);
    world.vote(2, PeerState::Following, ME.0, 1);
    assert_eq!(world.peer.mode(), Mode::Looking);
    for voter in [2, 3] {
        world.vote(voter, PeerState::Looking, ME.0, 5);
    }
    assert_eq!(world.peer.mode(), Mode::Follower);
}
