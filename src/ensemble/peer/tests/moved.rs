//! Sessions that move between servers, and sessions that expire.

use super::*;

const LINK: LinkId = LinkId(9);

impl World {
    /// Server 3 as the leader of three, in sync with server 1.
    fn serving_with_a_follower() -> Self {
        let mut world = Self::leading(1000);
        world.step(Input::LinkUp(LINK, "10.0.0.2"));
        let info = LearnerInfo {
            server: Some(1),
            protocol_version: LearnerInfo::PROTOCOL,
            config_version: 0,
        }
        .encode();
        let epoch = Zxid::new(1, 0);
        world.follower_says(&QuorumPacket::new(
            PacketType::FollowerInfo,
            Zxid::ZERO,
            Some(&info),
        ));
        let current = 0_i32.to_be_bytes();
        world.follower_says(&QuorumPacket::new(
            PacketType::AckEpoch,
            Zxid::ZERO,
            Some(&current),
        ));
        world.follower_says(&QuorumPacket::new(PacketType::Ack, epoch, None));
        assert!(world.peer.is_serving());
        world
    }

    fn follower_says(&mut self, packet: &QuorumPacket<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        assert_eq!(self.step(Input::LinkBytes(LINK, &bytes)), bytes.len());
    }

    /// Commits everything that is proposed.
    fn commit(&mut self) {
        let last = self.peer.last_logged();
        self.follower_says(&QuorumPacket::new(PacketType::Ack, last, None));
        self.step(Input::Synced(last));
    }

    /// Returns the operations that the last step appended to the log.
    fn logged(&self) -> Vec<OpCode> {
        self.effects(|effect| match effect {
            Effect::Append(_, range) => Some(range.clone()),
            _ => None,
        })
        .into_iter()
        .map(|range| {
            let mut reader = Reader::new(&self.fx.bytes[range]);
            TxnHeader::decode(&mut reader).expect("a header").op
        })
        .collect()
    }
}

/// A closeSession with cxid 0 is nothing special: a client may send it.
#[test]
fn a_close_that_is_refused_as_moved_leaves_the_session_open() {
    for xid in [0, 5] {
        let mut world = World::serving_with_a_follower();
        world.step(Input::ClientUp(CLIENT, "127.0.0.1"));
        let mut hello = Vec::new();
        ConnectRequest {
            last_zxid_seen: Zxid::ZERO,
            timeout_ms: 4000,
            session: SessionId(0),
            password: &[0; 16],
            read_only: None,
        }
        .encode_frame(&mut hello);
        world.request(&hello);
        world.commit();
        let session = world
            .peer
            .database()
            .sessions()
            .next()
            .expect("a session")
            .0;

        let mut data = session.0.to_be_bytes().to_vec();
        data.put_i32(4000);
        let revalidate = QuorumPacket::new(PacketType::Revalidate, Zxid(-1), Some(&data));
        world.follower_says(&revalidate);

        world.request(&frames(OpCode::CloseSession, xid..xid + 1, |_| {}));
        assert_eq!(world.logged(), [OpCode::Error], "xid {xid}");
        world.commit();
        assert!(world.did(&Effect::CloseClient(CLIENT)), "xid {xid}");

        let mut data = session.0.to_be_bytes().to_vec();
        data.put_i32(7);
        data.put_i32(OpCode::Create.code());
        data.extend_from_slice(&create("/from-the-new-server", b"")[12..]);
        let request = QuorumPacket::new(PacketType::Request, Zxid(-1), Some(&data));
        world.follower_says(&request);
        assert_eq!(world.logged(), [OpCode::Create], "xid {xid}");
        world.commit();

        world.now.mono_ms = 4_900;
        world.follower_says(&QuorumPacket::new(PacketType::Ping, Zxid::ZERO, None));
        world.now.mono_ms = 9_000;
        world.step(Input::Tick);
        assert_eq!(world.logged(), [OpCode::CloseSession], "it expires");
    }
}

#[test]
fn many_sessions_expire_in_portions() {
    let mut world = World::standalone();
    for conn in 0..2_500 {
        world
            .hello(ConnId(conn), SessionId(0), 4000)
            .expect("a session");
        world.step(Input::ClientDown(ConnId(conn)));
    }
    world.now.mono_ms = 60_000;
    let mut portions = Vec::new();
    while world.peer.deadline_ms(60_000) <= 60_000 && portions.len() < 10 {
        world.step(Input::Tick);
        portions.push(world.logged().len());
        let lines = world.effects(|effect| matches!(effect, Effect::LogLimited(..)).then_some(()));
        assert_eq!(lines.len(), 1, "one line tells of all");
    }
    assert_eq!(portions, [1000, 1000, 500]);
    world.sync_disk();
    assert_eq!(world.peer.database().sessions().count(), 0);
}
