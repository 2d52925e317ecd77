//! Tests of the leader's streams to learners that it brings up to date.

use std::collections::VecDeque;

use super::*;
use crate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder};
use crate::wire::jute::{
    Acl, LearnerInfo, OpCode, PacketType, QuorumPacket, Reader, SessionId, Txn, TxnHeader,
    encode_entry,
};

/// Large enough for many slices.
const NODES: u32 = 300;
const SLICE_BYTES: usize = 1000;
const FOLLOWER: LinkId = LinkId(1);

/// Server 3 as the leader, followed by server 1, with a tree that fills many slices.
struct Leading {
    peer: Peer,
    fx: Effects,
    now: Now,
    /// Bytes for each learner that the test has not looked at.
    sent: std::collections::BTreeMap<LinkId, Vec<u8>>,
    /// Learners that wait for room.
    waiting: Vec<LinkId>,
    closed: Vec<LinkId>,
}

fn create(zxid: Zxid, path: &str, data: &[u8]) -> Vec<u8> {
    let header = TxnHeader {
        session: SessionId(1),
        cxid: 1,
        zxid,
        time_ms: 5,
        op: OpCode::Create,
    };
    let txn = Txn::Create {
        path,
        data: Some(data),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: -1,
    };
    let mut entry = Vec::new();
    encode_entry(&header, &txn, &mut entry);
    entry
}

impl Leading {
    fn new() -> Self {
        let mut database = Database::new(DatabaseSettings::default());
        for counter in 1..=NODES {
            let entry = create(Zxid::new(1, counter), &format!("/n{counter}"), &[7; 50]);
            database.apply(&entry, &mut |_| {}).expect("applied");
        }
        let settings = Settings {
            me: PeerId(3),
            voters: [1, 2, 3].map(PeerId).into(),
            observers: [PeerId(9)].into(),
            tick_ms: 1000,
            init_limit: 10,
            sync_limit: 5,
            session_timeout_min_ms: 2000,
            session_timeout_max_ms: 60_000,
            snap_count: 1_000_000,
            slice_bytes: SLICE_BYTES,
            seed: 1,
            config_text: String::new(),
            super_digest: None,
            config_version: 0,
            quorum_of_one: false,
            extended_types: false,
            reaper: ReaperSettings::default(),
            hash_key: [1, 2],
            skip_acl: false,
            leader_serves: true,
            max_frame_bytes: 0xf_ffff,
            outstanding_limit: usize::MAX,
            start_ms: 1,
            finalize_wait_ms: 200,
        };
        let recovered = Recovered {
            database,
            accepted_epoch: 1,
            current_epoch: 1,
            last_logged: Zxid::new(1, NODES),
            committed: VecDeque::new(),
        };
        let mut leading = Self {
            peer: Peer::new(settings, recovered),
            fx: Effects::default(),
            now: Now::default(),
            sent: std::collections::BTreeMap::new(),
            waiting: Vec::new(),
            closed: Vec::new(),
        };
        leading.step(Input::Start);
        for voter in [1, 2] {
            let message = Notification {
                state: PeerState::Looking,
                leader: PeerId(3),
                zxid: Zxid::new(1, NODES),
                round: 1,
                peer_epoch: 1,
                version: 2,
                config: String::new(),
            };
            leading.step(Input::Vote(PeerId(voter), message));
        }
        leading.join(FOLLOWER, 1, PacketType::FollowerInfo, Zxid::new(1, NODES));
        leading.read_all(FOLLOWER);
        leading.acknowledge(FOLLOWER, Zxid::new(2, 0));
        assert!(leading.peer.is_serving());
        leading
    }

    fn step(&mut self, input: Input<'_>) {
        let mut tickets = Vec::new();
        self.peer.step(self.now, input, &mut self.fx);
        loop {
            let Effects { bytes, list, .. } = std::mem::take(&mut self.fx);
            for effect in list {
                match effect {
                    Effect::ToLearner(link, range) => {
                        self.sent
                            .entry(link)
                            .or_default()
                            .extend_from_slice(&bytes[range]);
                    }
                    Effect::AwaitRoom(link) => self.waiting.push(link),
                    Effect::CloseLearner(link) => self.closed.push(link),
                    Effect::WriteEpochs { ticket, .. } => tickets.push(ticket),
                    _ => {}
                }
            }
            let Some(ticket) = tickets.pop() else {
                break;
            };
            self.peer
                .step(self.now, Input::EpochsWritten(ticket), &mut self.fx);
        }
    }

    fn says(&mut self, link: LinkId, packet: &QuorumPacket<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        self.step(Input::LinkBytes(link, &bytes));
    }

    fn acknowledge(&mut self, link: LinkId, zxid: Zxid) {
        self.says(link, &QuorumPacket::new(PacketType::Ack, zxid, None));
    }

    /// A learner connects and acknowledges the epoch; its log ends at `last`.
    fn join(&mut self, link: LinkId, sid: i64, kind: PacketType, last: Zxid) {
        self.step(Input::LinkUp(link, "127.0.0.1"));
        let info = LearnerInfo {
            server: Some(sid),
            protocol_version: LearnerInfo::PROTOCOL,
            config_version: 0,
        }
        .encode();
        self.says(link, &QuorumPacket::new(kind, Zxid::new(1, 0), Some(&info)));
        let current = 1_i32.to_be_bytes();
        self.says(
            link,
            &QuorumPacket::new(PacketType::AckEpoch, last, Some(&current)),
        );
    }

    /// Makes room for one more slice, if the leader waits for it.
    fn read_slice(&mut self, link: LinkId) -> bool {
        let waits = self.waiting.iter().position(|waiting| *waiting == link);
        if let Some(at) = waits {
            self.waiting.remove(at);
            self.step(Input::LinkRoom(link));
        }
        waits.is_some()
    }

    fn read_all(&mut self, link: LinkId) {
        while self.read_slice(link) {}
    }

    fn unread(&self, link: LinkId) -> usize {
        self.sent.get(&link).map_or(0, Vec::len)
    }

    /// A session is created by the follower and acknowledged: one more committed transaction.
    fn commit(&mut self, counter: u32) {
        let mut data = i64::from(counter).to_be_bytes().to_vec();
        data.extend_from_slice(&0_i32.to_be_bytes());
        data.extend_from_slice(&OpCode::CreateSession.code().to_be_bytes());
        data.extend_from_slice(&30_000_i32.to_be_bytes());
        self.says(
            FOLLOWER,
            &QuorumPacket::new(PacketType::Request, Zxid(-1), Some(&data)),
        );
        let zxid = Zxid::new(2, counter);
        self.step(Input::Synced(zxid));
        self.acknowledge(FOLLOWER, zxid);
        assert_eq!(self.peer.database().last_processed(), zxid);
    }
}

/// What a learner makes of a stream that begins with SNAP.
struct Received {
    database: Database,
    packets: Vec<(PacketType, Zxid)>,
}

fn receive(stream: &[u8]) -> Received {
    // LEADERINFO comes first.
    let (info, length) = QuorumPacket::decode(stream)
        .expect("readable")
        .expect("whole");
    assert_eq!(info.kind, PacketType::LeaderInfo);
    let stream = &stream[length..];
    let (snap, length) = QuorumPacket::decode(stream)
        .expect("readable")
        .expect("whole");
    assert_eq!(snap.kind, PacketType::Snap);
    let mut rest = &stream[length..];
    let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
    let (used, done) = decoder.feed(rest).expect("a snapshot");
    assert!(done, "the whole snapshot comes before anything else");
    rest = &rest[used..];
    let mut reader = Reader::new(rest);
    assert_eq!(reader.string(), Ok(Some(leader::SNAPSHOT_SIGNATURE)));
    rest = &rest[reader.position()..];
    let mut database = decoder.finish().expect("complete");
    database.set_last_processed(snap.zxid);
    let mut packets = Vec::new();
    let mut proposed = VecDeque::new();
    while let Some((packet, length)) = QuorumPacket::decode(rest).expect("readable") {
        packets.push((packet.kind, packet.zxid));
        match packet.kind {
            PacketType::Proposal => proposed.push_back(packet.data.unwrap_or_default()),
            PacketType::Commit => {
                let entry = proposed.pop_front().expect("proposed before");
                database.apply(entry, &mut |_| {}).expect("applied");
            }
            _ => {}
        }
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
    Received { database, packets }
}

#[test]
fn a_snapshot_is_sent_in_slices_as_the_learner_reads() {
    let mut leading = Leading::new();
    let link = LinkId(2);
    leading.join(link, 2, PacketType::FollowerInfo, Zxid::ZERO);
    let mut slices = 1;
    let mut before = 0;
    loop {
        let unread = leading.unread(link);
        assert!(unread - before < SLICE_BYTES + 500, "{}", unread - before);
        before = unread;
        if !leading.read_slice(link) {
            break;
        }
        slices += 1;
    }
    assert!(slices > 20, "{slices} slices");
    let received = receive(&leading.sent[&link]);
    assert_eq!(
        received.packets,
        [(PacketType::NewLeader, Zxid::new(2, 0))],
        "nothing happened meanwhile"
    );
}

#[test]
fn the_transactions_that_were_committed_meanwhile_follow_the_snapshot() {
    let mut leading = Leading::new();
    let link = LinkId(2);
    leading.join(link, 2, PacketType::FollowerInfo, Zxid::ZERO);
    let mut counter = 0;
    while leading.read_slice(link) {
        if counter < 30 {
            counter += 1;
            leading.commit(counter);
        }
    }
    assert_eq!(counter, 30);
    let received = receive(&leading.sent[&link]);
    let expected: Vec<_> = (1..=30)
        .flat_map(|counter| {
            let zxid = Zxid::new(2, counter);
            [(PacketType::Proposal, zxid), (PacketType::Commit, zxid)]
        })
        .chain([(PacketType::NewLeader, Zxid::new(2, 0))])
        .collect();
    assert_eq!(received.packets, expected);
    let body = |database: &Database| {
        let mut body = Vec::new();
        database.encode_snapshot(&mut body);
        body
    };
    assert!(body(&received.database) == body(leading.peer.database()));
    // From here on, the learner takes part in the broadcast.
    leading.commit(31);
    let packets = receive(&leading.sent[&link]).packets;
    let zxid = Zxid::new(2, 31);
    assert_eq!(
        packets[61..],
        [(PacketType::Proposal, zxid), (PacketType::Commit, zxid)]
    );
}

#[test]
fn observers_that_never_read_cost_one_slice_each_and_are_few() {
    let mut leading = Leading::new();
    for id in 0..50 {
        let link = LinkId(100 + id);
        let sid = 100 + id.cast_signed();
        leading.join(link, sid, PacketType::ObserverInfo, Zxid::ZERO);
    }
    let streams = |leading: &Leading| {
        (0..50)
            .filter(|id| leading.unread(LinkId(100 + id)) > 100)
            .count()
    };
    assert_eq!(streams(&leading), 10);
    let all: usize = (0..50).map(|id| leading.unread(LinkId(100 + id))).sum();
    assert!(all < 10 * (SLICE_BYTES + 500) + 50 * 100, "{all} bytes");
    // A voter does not wait for them.
    let voter = LinkId(2);
    leading.join(voter, 2, PacketType::FollowerInfo, Zxid::ZERO);
    leading.read_all(voter);
    assert_eq!(receive(&leading.sent[&voter]).packets.len(), 1);
    // One that reads makes room for one that waits.
    leading.read_all(LinkId(100));
    leading.now.mono_ms += 500;
    for _ in 0..2 {
        leading.step(Input::Tick); // the first one only announces that a deadline has passed
    }
    assert_eq!(streams(&leading), 11);
}

#[test]
fn an_observer_that_stops_reading_is_dropped_and_one_that_reads_slowly_is_not() {
    let mut leading = Leading::new();
    let (stopped, slow) = (LinkId(100), LinkId(101));
    leading.join(stopped, 100, PacketType::ObserverInfo, Zxid::ZERO);
    leading.join(slow, 101, PacketType::ObserverInfo, Zxid::ZERO);
    for _ in 0..20 {
        leading.now.mono_ms += 1000;
        leading.says(
            FOLLOWER,
            &QuorumPacket::new(PacketType::Ping, Zxid::ZERO, None),
        );
        assert!(leading.read_slice(slow));
        leading.step(Input::Tick);
    }
    assert_eq!(leading.closed, [stopped]);
}

#[test]
fn replicas_do_not_all_snapshot_at_the_same_transaction() {
    let begins_after = |seed| {
        let settings = Settings {
            snap_count: 1000,
            seed,
            ..Leading::new().peer.core.settings
        };
        let recovered = Recovered {
            database: Database::new(DatabaseSettings::default()),
            accepted_epoch: 0,
            current_epoch: 0,
            last_logged: Zxid::ZERO,
            committed: VecDeque::new(),
        };
        let mut core = Core::new(settings, recovered);
        core.begin_serving();
        let mut fx = Effects::default();
        let mut begins = Vec::new();
        for counter in 1..=5000 {
            core.append(Zxid::new(1, counter), 0..0, &mut fx);
            if core.is_snapshotting() {
                begins.push(counter);
                while core.is_snapshotting() {
                    core.snapshot_slice(&mut fx);
                }
            }
        }
        begins
    };
    let runs: Vec<Vec<u32>> = (0..5).map(begins_after).collect();
    for run in &runs {
        let pauses = run.windows(2).map(|two| two[1] - two[0]);
        assert!(
            pauses
                .chain([run[0]])
                .all(|pause| (500..=1000).contains(&pause)),
            "{run:?}"
        );
    }
    let firsts: std::collections::BTreeSet<u32> = runs.iter().map(|run| run[0]).collect();
    assert!(firsts.len() >= 3, "{firsts:?}");
    assert_eq!(begins_after(7), begins_after(7), "a seed repeats");
}
