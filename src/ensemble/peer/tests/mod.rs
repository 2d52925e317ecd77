//! Tests of a single peer. The test plays the other servers and the clients, so it can send what
//! correct ones never send.

mod configured;
mod durability;
mod fairness;
mod identities;
mod limits;
mod moved;
mod strangers;

use std::collections::VecDeque;

use super::*;
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::{
    Acl, ConnectRequest, ConnectResponse, CreateRequest, ErrorCode, LearnerInfo, OpCode,
    PacketType, PathWatch, QuorumPacket, Reader, ReplyHeader, RequestHeader, SessionId,
    SetDataRequest, Txn, TxnHeader, WriteJute, encode_entry, session_password,
};

const ME: PeerId = PeerId(3);
const CLIENT: ConnId = ConnId(1);

fn settings(me: PeerId, voters: &[i64], observers: &[i64]) -> Settings {
    Settings {
        voters: voters.iter().copied().map(PeerId).collect(),
        observers: observers.iter().copied().map(PeerId).collect(),
        tick_ms: 1000,
        session_timeout_min_ms: 2000,
        session_timeout_max_ms: 60_000,
        snap_count: 1_000_000,
        ..Settings::standalone(me)
    }
}

fn recovered(last_logged: Zxid) -> Recovered {
    Recovered {
        database: Database::new(DatabaseSettings::default()),
        accepted_epoch: last_logged.epoch(),
        current_epoch: last_logged.epoch(),
        last_logged,
        committed: VecDeque::new(),
    }
}

/// A peer, the effects of its last step, and the time.
struct World {
    peer: Peer,
    fx: Effects,
    now: Now,
}

impl World {
    fn new(settings: Settings, recovered: Recovered) -> Self {
        let mut world = Self {
            peer: Peer::new(settings, recovered),
            fx: Effects::default(),
            now: Now::default(),
        };
        world.step(Input::Start);
        world
    }

    fn standalone() -> Self {
        Self::new(settings(ME, &[ME.0], &[]), recovered(Zxid::ZERO))
    }

    /// The client resumes a session of another server, which the leader confirms.
    fn resume_session(&mut self, session: SessionId) {
        self.hello(CLIENT, session, 4000);
        let mut data = session.0.to_be_bytes().to_vec();
        data.put_bool(true);
        self.leader_says(&QuorumPacket::new(
            PacketType::Revalidate,
            Zxid(-1),
            Some(&data),
        ));
    }

    /// Gives one input to the peer and confirms its epoch writes. Returns how many bytes were consumed.
    /// A tick is given twice: the first one only announces the second.
    fn step(&mut self, input: Input<'_>) -> usize {
        self.fx.clear();
        if matches!(input, Input::Tick) {
            self.peer.step(self.now, Input::Tick, &mut self.fx);
        }
        self.peer.step(self.now, input, &mut self.fx);
        let consumed = self.fx.consumed;
        let tickets: Vec<u64> = self.effects(|effect| match effect {
            Effect::WriteEpochs { ticket, .. } => Some(*ticket),
            _ => None,
        });
        for ticket in tickets {
            self.peer
                .step(self.now, Input::EpochsWritten(ticket), &mut self.fx);
        }
        consumed
    }

    fn effects<T>(&self, pick: impl Fn(&Effect) -> Option<T>) -> Vec<T> {
        self.fx.list.iter().filter_map(pick).collect()
    }

    fn did(&self, effect: &Effect) -> bool {
        self.fx.list.contains(effect)
    }

    /// Makes everything that was appended to the log durable.
    fn sync_disk(&mut self) {
        self.step(Input::Synced(self.peer.last_logged()));
    }

    /// Returns the bytes that the last step sent to this client.
    fn sent_to(&self, conn: ConnId) -> Vec<u8> {
        let ranges = self.effects(|effect| match effect {
            Effect::ToClient(to, range) if *to == conn => Some(range.clone()),
            _ => None,
        });
        ranges
            .into_iter()
            .flat_map(|range| self.fx.bytes[range].to_vec())
            .collect()
    }

    fn hello(&mut self, conn: ConnId, session: SessionId, timeout_ms: i32) -> Option<SessionId> {
        self.step(Input::ClientUp(conn, "127.0.0.1"));
        let mut frame = Vec::new();
        ConnectRequest {
            last_zxid_seen: Zxid::ZERO,
            timeout_ms,
            session,
            password: &session_password(session),
            read_only: Some(false),
        }
        .encode_frame(&mut frame);
        self.step(Input::ClientBytes(conn, &frame));
        if session == SessionId(0) {
            self.sync_disk();
        }
        let sent = self.sent_to(conn);
        let response = ConnectResponse::decode(sent.get(4..)?).expect("a ConnectResponse");
        (response.timeout_ms > 0).then_some(response.session)
    }

    fn open(&mut self) {
        self.hello(CLIENT, SessionId(0), 30_000).expect("a session");
    }

    fn request(&mut self, frame: &[u8]) -> usize {
        self.step(Input::ClientBytes(CLIENT, frame))
    }

    fn vote(&mut self, from: i64, state: PeerState, leader: i64, round: i64) {
        let message = message(state, leader, round);
        self.step(Input::Vote(PeerId(from), message));
    }

    fn leader_says(&mut self, packet: &QuorumPacket<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        assert_eq!(self.step(Input::LeaderBytes(&bytes)), bytes.len());
    }

    /// Server 3 of three servers, after it has won the election.
    fn leading(tick_ms: u64) -> Self {
        let settings = Settings {
            tick_ms,
            ..settings(ME, &[1, 2, 3], &[])
        };
        let mut world = Self::new(settings, recovered(Zxid::ZERO));
        for voter in [1, 2] {
            world.vote(voter, PeerState::Looking, ME.0, 1);
        }
        assert_eq!(world.peer.mode(), Mode::Leader);
        world
    }

    /// Server 1, after it has connected to the elected server 3.
    fn learning() -> Self {
        Self::learning_from(recovered(Zxid::ZERO))
    }

    fn learning_from(recovered: Recovered) -> Self {
        let settings = Settings {
            snap_count: 2,
            ..settings(PeerId(1), &[1, 2, 3], &[])
        };
        let mut world = Self::new(settings, recovered);
        world.vote(2, PeerState::Following, ME.0, 1);
        world.vote(ME.0, PeerState::Leading, ME.0, 1);
        assert!(world.did(&Effect::DialLeader(ME)));
        world.step(Input::LeaderUp);
        world
    }

    /// Server 1 as a follower of server 3.
    fn following() -> Self {
        let mut world = Self::learning();
        let epoch = Zxid::new(1, 0);
        let version = LearnerInfo::PROTOCOL.to_be_bytes();
        for packet in [
            QuorumPacket::new(PacketType::LeaderInfo, epoch, Some(&version)),
            QuorumPacket::new(PacketType::Diff, Zxid::ZERO, None),
            QuorumPacket::new(PacketType::NewLeader, epoch, None),
            QuorumPacket::new(PacketType::UpToDate, Zxid(-1), None),
        ] {
            world.leader_says(&packet);
        }
        assert!(world.peer.is_serving());
        world
    }
}

fn message(state: PeerState, leader: i64, round: i64) -> Notification {
    Notification {
        state,
        leader: PeerId(leader),
        zxid: Zxid::ZERO,
        round,
        peer_epoch: 0,
        version: 2,
        config: String::new(),
    }
}

fn frames(op: OpCode, xids: std::ops::Range<i32>, body: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    for xid in xids {
        RequestHeader::encode_frame(&mut out, xid, op, |out| body(out));
    }
    out
}

fn create(path: &str, data: &[u8]) -> Vec<u8> {
    frames(OpCode::Create, 1..2, |out| {
        CreateRequest {
            path,
            data: Some(data),
            acl: Acl::open(),
            flags: 0,
            ttl_ms: None,
        }
        .encode(out);
    })
}

fn identify(xids: std::ops::Range<i32>, secret: impl Fn(i32) -> String) -> Vec<u8> {
    xids.flat_map(|xid| {
        let secret = secret(xid);
        frames(OpCode::Auth, xid..xid + 1, |out| {
            out.put_i32(0);
            out.put_string("digest");
            out.put_buffer(Some(secret.as_bytes()));
        })
    })
    .collect()
}

/// Returns the xids of the replies in `bytes`.
fn replies(mut bytes: &[u8]) -> Vec<i32> {
    let mut xids = Vec::new();
    while let Some(prefix) = bytes.first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*prefix)).expect("a length");
        let header = ReplyHeader::decode(&mut Reader::new(&bytes[4..])).expect("a header");
        assert_eq!(header.err, ErrorCode::OK);
        xids.push(header.xid);
        bytes = &bytes[4 + length..];
    }
    xids
}

#[test]
fn an_idle_standalone_server_sleeps() {
    let mut world = World::standalone();
    world.step(Input::Tick);
    assert_eq!(
        world.peer.deadline_ms(0),
        1000,
        "only the check for connections without a session is due"
    );
}

#[test]
fn a_leader_with_the_shortest_tick_sleeps_between_pings() {
    let mut world = World::leading(1);
    world.step(Input::Tick);
    assert!(world.peer.deadline_ms(0) > 0);
}

#[test]
fn a_learner_sleeps_until_init_limit_while_it_waits_for_the_leader() {
    let mut world = World::learning();
    world.now.mono_ms = 6000; // longer than syncLimit, shorter than initLimit
    world.step(Input::Tick);
    assert!(world.peer.deadline_ms(6000) > 6000);
    world.now.mono_ms = 10_000;
    world.step(Input::Tick);
    assert!(world.did(&Effect::HangUpLeader));
}

#[test]
fn a_standalone_server_continues_when_the_zxid_counter_overflows() {
    let last = Zxid::new(0, u32::MAX - 1);
    let mut world = World::new(settings(ME, &[ME.0], &[]), recovered(last));
    world.open();
    world.request(&create("/a", b""));
    world.sync_disk();
    assert_eq!(replies(&world.sent_to(CLIENT)), [1]);
    assert_eq!(world.peer.last_logged(), Zxid::new(1, 0));
}

#[test]
fn the_identities_of_a_client_are_limited_in_number_and_length() {
    let mut world = World::standalone();
    world.open();
    world.request(&identify(0..1000, |_| "same:secret".to_owned()));
    assert_eq!(replies(&world.sent_to(CLIENT)).len(), 1000);
    world.request(&identify(0..1000, |xid| format!("user{xid}:secret")));
    assert!(world.did(&Effect::CloseClient(CLIENT)));

    let mut world = World::standalone();
    world.open();
    world.request(&identify(0..1, |_| "u".repeat(100_000)));
    assert!(world.did(&Effect::CloseClient(CLIENT)));
}

#[test]
fn parked_requests_are_limited_in_bytes() {
    let large = vec![7; 900_000];
    let sets = frames(OpCode::SetData, 0..100, |out| {
        SetDataRequest {
            path: "/zookeeper",
            data: Some(&large),
            version: -1,
        }
        .encode(out);
    });
    let path = "p".repeat(900_000);
    let syncs = frames(OpCode::Sync, 1..101, |out| out.put_string(&path));
    for ahead in [Vec::new(), create("/a", b"")] {
        for requests in [&sets, &syncs] {
            let mut world = World::standalone();
            world.open();
            world.request(&ahead);
            if ahead.is_empty() && requests == &syncs {
                continue; // syncs without a write ahead are answered immediately
            }
            let consumed = world.request(requests);
            assert!(consumed < 6_000_000, "the peer keeps {consumed} bytes");
            world.sync_disk();
            assert!(world.did(&Effect::ResumeClient(CLIENT)));
        }
    }
}

#[test]
fn the_replies_of_one_step_are_limited_in_bytes() {
    let reads = frames(OpCode::GetData, 2..102, |out| {
        PathWatch {
            path: "/large",
            watch: false,
        }
        .encode(out);
    });
    // The reads are sent after the znode exists, or while the write that creates it is pending.
    for waits in [false, true] {
        let mut world = World::standalone();
        world.open();
        world.request(&create("/large", &vec![7; 900_000]));
        let mut at = 0;
        if waits {
            at = world.request(&reads);
            assert_eq!(at, reads.len());
        }
        world.sync_disk();
        let mut answered = replies(&world.sent_to(CLIENT));
        while answered.len() < 101 {
            assert!(!waits || world.did(&Effect::YieldClient(CLIENT)));
            at += world.request(&reads[at..]);
            assert!(
                world.fx.bytes.len() < 6_000_000,
                "one step produced too many bytes"
            );
            answered.extend(replies(&world.sent_to(CLIENT)));
        }
        assert_eq!(answered, (1..102).collect::<Vec<i32>>());
    }
}

#[test]
fn an_election_continues_after_the_largest_round_number() {
    let mut world = World::new(settings(ME, &[1, 2, 3], &[]), recovered(Zxid::ZERO));
    for voter in [1, 2] {
        world.vote(voter, PeerState::Looking, ME.0, i64::MAX);
    }
    assert_eq!(world.peer.mode(), Mode::Leader);
    world.now.mono_ms = 10_000;
    world.step(Input::Tick);
    assert_eq!(
        world.peer.mode(),
        Mode::Looking,
        "no follower has connected"
    );
}

#[test]
fn an_observer_and_a_voter_stop_exchanging_votes() {
    let voter = || settings(PeerId(1), &[1, 2, 3], &[4]);
    let observer = || settings(PeerId(4), &[1, 2, 3], &[4]);
    for decided in [false, true] {
        let mut voter = World::new(voter(), recovered(Zxid::ZERO));
        let mut observer = World::new(observer(), recovered(Zxid::ZERO));
        for _ in 0..5 {
            observer.step(Input::Start); // raises the observer's round above the voter's
        }
        if decided {
            observer.vote(2, PeerState::Following, ME.0, 7);
            observer.vote(ME.0, PeerState::Leading, ME.0, 7);
            assert_eq!(observer.peer.mode(), Mode::Observer);
        }
        let mut to_observer = vec![message(PeerState::Looking, 1, 1)];
        let mut sent = 0;
        while let Some(message) = to_observer.pop() {
            observer.step(Input::Vote(PeerId(1), message));
            let answers = observer.effects(|effect| match effect {
                Effect::Vote {
                    to: PeerId(1),
                    message,
                } => Some(message.clone()),
                _ => None,
            });
            for message in answers {
                voter.step(Input::Vote(PeerId(4), message));
                to_observer.extend(voter.effects(|effect| match effect {
                    Effect::Vote {
                        to: PeerId(4),
                        message,
                    } => Some(message.clone()),
                    _ => None,
                }));
            }
            sent += 1;
            assert!(sent < 10, "observer and voter answer each other endlessly");
        }
    }
}

#[test]
fn a_learner_that_claims_the_id_of_the_leader_is_refused() {
    let mut world = World::leading(1000);
    let link = LinkId(9);
    world.step(Input::LinkUp(link, "10.0.0.9"));
    let info = LearnerInfo {
        server: Some(ME.0),
        protocol_version: LearnerInfo::PROTOCOL,
        config_version: 0,
    }
    .encode();
    let mut bytes = Vec::new();
    QuorumPacket::new(PacketType::FollowerInfo, Zxid::ZERO, Some(&info)).encode(&mut bytes);
    world.step(Input::LinkBytes(link, &bytes));
    assert!(world.did(&Effect::CloseLearner(link)));
}

#[test]
fn cutting_the_log_aborts_the_background_snapshot() {
    let mut world = World::new(
        Settings {
            snap_count: 2,
            ..settings(ME, &[ME.0], &[])
        },
        recovered(Zxid::ZERO),
    );
    world.open();
    world.request(&create("/a", b""));
    assert!(world.peer.is_snapshotting());
    world.step(Input::Truncated(Box::new(recovered(Zxid::ZERO))));
    assert!(!world.peer.is_snapshotting());
}

#[test]
fn entries_that_were_not_committed_abort_the_background_snapshot() {
    let mut world = World::following();
    for counter in [1, 2] {
        let zxid = Zxid::new(1, counter);
        let header = TxnHeader {
            session: SessionId(1),
            cxid: 1,
            zxid,
            time_ms: 0,
            op: OpCode::Error,
        };
        let mut entry = Vec::new();
        encode_entry(&header, &Txn::Error(ErrorCode::NO_NODE), &mut entry);
        world.leader_says(&QuorumPacket::new(PacketType::Proposal, zxid, Some(&entry)));
    }
    assert!(world.peer.is_snapshotting());
    world.step(Input::LeaderDown);
    assert_eq!(world.peer.database().last_processed(), Zxid::new(1, 2));
    assert!(world.did(&Effect::AbortSnapshot) && !world.peer.is_snapshotting());
}

#[test]
fn a_session_that_moved_opens_only_its_newest_connection() {
    let mut world = World::following();
    let session = SessionId(0x0100_0000_0000_0001);
    let (first, second) = (ConnId(1), ConnId(2));
    assert_eq!(world.hello(first, session, 4000), None);
    world.hello(second, session, 4000);
    assert!(world.did(&Effect::CloseClient(first)));
    let mut data = session.0.to_be_bytes().to_vec();
    data.put_bool(true);
    let revalidated = QuorumPacket::new(PacketType::Revalidate, Zxid(-1), Some(&data));
    world.leader_says(&revalidated);
    assert_eq!(world.sent_to(first), b"");
    world.leader_says(&revalidated);
    assert_eq!(world.sent_to(second).len(), 4 + 37);
}

#[test]
fn a_commit_answers_only_the_connection_that_sent_the_write() {
    let mut world = World::standalone();
    let session = world.hello(CLIENT, SessionId(0), 4000).expect("a session");
    world.request(&create("/first", b""));
    world.step(Input::ClientDown(CLIENT));
    let second = ConnId(2);
    world.hello(second, session, 4000).expect("the session");
    world.step(Input::ClientBytes(second, &create("/second", b"")));
    world.sync_disk();
    let sent = world.sent_to(second);
    assert_eq!(replies(&sent), [1]);
    assert!(
        sent.ends_with(b"/second"),
        "the reply is for the second request with this xid"
    );
}

#[test]
fn a_reconnect_sets_the_timeout_of_the_session() {
    let mut world = World::standalone();
    let session = world.hello(CLIENT, SessionId(0), 4000);
    world.step(Input::ClientDown(CLIENT));
    let again = world.hello(ConnId(2), session.expect("a session"), 40_000);
    assert_eq!(again, session);
    let closes = |effect: &Effect| matches!(effect, Effect::Append(..)).then_some(());
    for (at_ms, expected) in [(30_000, 0), (60_000, 1)] {
        world.now.mono_ms = at_ms;
        world.step(Input::Tick);
        assert_eq!(world.effects(closes).len(), expected, "at {at_ms} ms");
    }
}
