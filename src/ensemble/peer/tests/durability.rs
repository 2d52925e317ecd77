//! What a server claims is on its disk, and clients learn only of what is committed.

use super::*;
use crate::ensemble::peer::leader::SNAPSHOT_SIGNATURE;

/// The leader's zxid when it sends its snapshot.
const SNAPSHOT: Zxid = Zxid::new(1, 7);

fn bytes(packets: &[QuorumPacket<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for packet in packets {
        packet.encode(&mut out);
    }
    out
}

/// A snapshot stream without its signature.
fn snapshot_body() -> Vec<u8> {
    let mut out = Vec::new();
    Database::new(DatabaseSettings::default()).encode_snapshot(&mut out);
    out
}

fn signature() -> Vec<u8> {
    let mut out = Vec::new();
    out.put_string(SNAPSHOT_SIGNATURE);
    out
}

fn new_leader(epoch: i64) -> Vec<u8> {
    bytes(&[QuorumPacket::new(
        PacketType::NewLeader,
        Zxid::new(epoch, 0),
        None,
    )])
}

fn entry(zxid: Zxid, txn: &Txn<'_>, op: OpCode) -> Vec<u8> {
    let header = TxnHeader {
        session: SessionId(1),
        cxid: 1,
        zxid,
        time_ms: 0,
        op,
    };
    let mut out = Vec::new();
    encode_entry(&header, txn, &mut out);
    out
}

impl World {
    /// A learner whose leader of this epoch synchronises it by a snapshot.
    fn receiving(epoch: i64) -> Self {
        let mut world = Self::learning();
        world.promise(epoch);
        world.leader_says(&QuorumPacket::new(PacketType::Snap, SNAPSHOT, None));
        assert!(world.did(&Effect::BeginSnapshot(SNAPSHOT)));
        world
    }

    fn promise(&mut self, epoch: i64) {
        let version = LearnerInfo::PROTOCOL.to_be_bytes();
        self.leader_says(&QuorumPacket::new(
            PacketType::LeaderInfo,
            Zxid::new(epoch, 0),
            Some(&version),
        ));
    }

    /// The last logged zxids that the votes of the last step report.
    fn votes(&self) -> Vec<Zxid> {
        self.effects(|effect| match effect {
            Effect::Vote { message, .. } => Some(message.zxid),
            _ => None,
        })
    }

    fn sent_to_leader(&self) -> Vec<u8> {
        self.effects(|effect| match effect {
            Effect::ToLeader(range) => Some(self.fx.bytes[range.clone()].to_vec()),
            _ => None,
        })
        .concat()
    }

    fn epoch_writes(&self) -> Vec<(Option<i64>, Option<i64>)> {
        self.effects(|effect| match effect {
            Effect::WriteEpochs {
                accepted, current, ..
            } => Some((*accepted, *current)),
            _ => None,
        })
    }
}

#[test]
fn a_received_snapshot_is_adopted_once_the_disk_has_saved_it() {
    let mut world = World::receiving(2);
    let body = snapshot_body();
    let stream = [body.clone(), signature(), new_leader(2)].concat();
    let unread = new_leader(2).len();
    assert_eq!(
        world.step(Input::LeaderBytes(&stream)),
        stream.len() - unread
    );
    let saved: Vec<u8> = world
        .effects(|effect| match effect {
            Effect::SnapshotSlice(range) => Some(world.fx.bytes[range.clone()].to_vec()),
            _ => None,
        })
        .concat();
    assert_eq!(saved, body);
    assert!(world.did(&Effect::EndSnapshot));
    assert_eq!(world.peer.last_logged(), Zxid::ZERO);
    assert_eq!(world.step(Input::LeaderBytes(&new_leader(2))), 0);
    assert_eq!(world.epoch_writes(), [], "the epoch waits for the snapshot");

    world.step(Input::SnapshotSaved);
    assert_eq!(world.peer.last_logged(), SNAPSHOT);
    assert!(world.did(&Effect::ResumeLeader));
    world.step(Input::LeaderBytes(&new_leader(2)));
    assert_eq!(world.epoch_writes(), [(None, Some(2))]);
}

#[test]
fn a_snapshot_stream_that_breaks_changes_nothing() {
    for signed in [false, true] {
        let mut world = World::receiving(2);
        let mut stream = snapshot_body();
        if signed {
            stream.extend(&signature()[..3]);
        } else {
            stream.pop();
        }
        world.step(Input::LeaderBytes(&stream));
        world.step(Input::LeaderDown);
        assert!(world.did(&Effect::AbortSnapshot));
        assert_eq!(world.votes(), [Zxid::ZERO; 2]);
    }
}

#[test]
fn a_server_votes_again_when_it_knows_whether_the_snapshot_is_on_disk() {
    let mut world = World::receiving(2);
    let stream = [snapshot_body(), signature()].concat();
    world.step(Input::LeaderBytes(&stream));
    world.step(Input::LeaderDown);
    assert_eq!(world.votes(), [], "neither database is certain");
    assert!(!world.did(&Effect::AbortSnapshot));
    world.step(Input::SnapshotSaved);
    assert_eq!(world.votes(), [SNAPSHOT; 2]);
}

#[test]
fn reports_of_earlier_snapshots_are_not_taken_for_the_leaders() {
    let mut world = World::following(); // takes a snapshot every 2 entries
    for counter in [1, 2] {
        let zxid = Zxid::new(1, counter);
        let entry = entry(zxid, &Txn::Error(ErrorCode::NO_NODE), OpCode::Error);
        world.leader_says(&QuorumPacket::new(PacketType::Proposal, zxid, Some(&entry)));
        world.leader_says(&QuorumPacket::new(PacketType::Commit, zxid, None));
    }
    while world.peer.is_snapshotting() {
        world.step(Input::SnapshotContinue);
    }
    assert!(world.did(&Effect::EndSnapshot));
    world.step(Input::LeaderDown);
    world.vote(2, PeerState::Following, ME.0, 2);
    world.vote(ME.0, PeerState::Leading, ME.0, 2);
    world.step(Input::LeaderUp);
    world.promise(2);
    world.leader_says(&QuorumPacket::new(PacketType::Snap, SNAPSHOT, None));
    world.step(Input::LeaderBytes(&[snapshot_body(), signature()].concat()));
    world.step(Input::SnapshotSaved);
    assert_eq!(world.peer.last_logged(), Zxid::new(1, 2));
    world.step(Input::SnapshotSaved);
    assert_eq!(world.peer.last_logged(), SNAPSHOT);
}

#[test]
fn a_snapshot_older_than_our_log_also_cuts_the_log() {
    let mut recovered = recovered(Zxid::new(1, 9));
    recovered.accepted_epoch = 1;
    let mut world = World::learning_from(recovered);
    world.promise(2);
    world.leader_says(&QuorumPacket::new(PacketType::Snap, SNAPSHOT, None));
    world.step(Input::LeaderBytes(&[snapshot_body(), signature()].concat()));
    world.step(Input::SnapshotSaved);
    assert!(world.did(&Effect::Truncate(SNAPSHOT)));
    assert_eq!(world.step(Input::LeaderBytes(&new_leader(2))), 0);
    world.step(Input::Truncated(Box::new(super::recovered(SNAPSHOT))));
    assert_eq!(world.peer.last_logged(), SNAPSHOT);
    world.step(Input::LeaderBytes(&new_leader(2)));
    assert_eq!(world.epoch_writes(), [(None, Some(2))]);
}

#[test]
fn a_leader_that_is_lost_while_the_log_is_cut_is_replaced_afterwards() {
    let mut world = World::learning_from(recovered(Zxid::new(1, 9)));
    world.promise(2);
    world.leader_says(&QuorumPacket::new(PacketType::Trunc, SNAPSHOT, None));
    world.step(Input::LeaderDown);
    assert_eq!(world.votes(), []);
    world.step(Input::Truncated(Box::new(recovered(SNAPSHOT))));
    assert_eq!(world.votes(), [SNAPSHOT; 2]);
}

/// The transaction is only within a snapshot that the server has adopted.
#[test]
fn a_server_that_cannot_cut_its_log_asks_for_a_snapshot() {
    let last = Zxid::new(1, 9);
    let mut world = World::learning_from(recovered(last));
    world.promise(2);
    world.leader_says(&QuorumPacket::new(PacketType::Trunc, SNAPSHOT, None));
    world.step(Input::Truncated(Box::new(recovered(last))));
    assert_eq!(world.votes(), [last; 2]);
    world.vote(2, PeerState::Following, ME.0, 1);
    world.vote(ME.0, PeerState::Leading, ME.0, 1);
    world.step(Input::LeaderUp);
    world.promise(2);
    let mut epoch_ack = Vec::new();
    let data = (-1_i32).to_be_bytes();
    let nowhere = Zxid::new(0, u32::MAX);
    QuorumPacket::new(PacketType::AckEpoch, nowhere, Some(&data)).encode(&mut epoch_ack);
    assert_eq!(world.sent_to_leader(), epoch_ack);
    world.leader_says(&QuorumPacket::new(PacketType::Trunc, SNAPSHOT, None));
    world.step(Input::Truncated(Box::new(recovered(last))));
    let fatal = |effect: &Effect| matches!(effect, Effect::Fatal(13, _)).then_some(());
    assert_eq!(world.effects(fatal).len(), 1, "it does not try for ever");
}

/// Its leader may turn out not to have a quorum. The next one cuts what was applied.
#[test]
fn a_server_takes_no_snapshot_while_it_is_synchronised() {
    let mut world = World::learning(); // takes a snapshot every 2 entries
    world.promise(2);
    world.leader_says(&QuorumPacket::new(PacketType::Diff, Zxid::new(1, 5), None));
    for counter in 1..=5 {
        let zxid = Zxid::new(1, counter);
        let entry = entry(zxid, &Txn::Error(ErrorCode::NO_NODE), OpCode::Error);
        world.leader_says(&QuorumPacket::new(PacketType::Proposal, zxid, Some(&entry)));
        world.leader_says(&QuorumPacket::new(PacketType::Commit, zxid, None));
    }
    world.step(Input::LeaderBytes(&new_leader(2)));
    assert_eq!(world.peer.database().last_processed(), Zxid::new(1, 5));
    assert!(!world.peer.is_snapshotting());
}

#[test]
fn a_snapshot_of_the_leader_that_is_not_saved_ends_the_server() {
    let mut world = World::receiving(2);
    world.step(Input::LeaderBytes(&[snapshot_body(), signature()].concat()));
    world.step(Input::SnapshotFailed("no space".to_owned()));
    let why = "the leader's snapshot is not saved: no space".to_owned();
    assert!(world.did(&Effect::Fatal(10, why)));
}

#[test]
fn an_epoch_file_is_written_only_when_its_epoch_changes() {
    let mut world = World::learning();
    world.promise(2);
    assert_eq!(world.epoch_writes(), [(Some(2), None)]);
    world.leader_says(&QuorumPacket::new(PacketType::Diff, Zxid::ZERO, None));
    world.step(Input::LeaderBytes(&new_leader(2)));
    assert_eq!(world.epoch_writes(), [(None, Some(2))]);
    // The connection breaks, and the leader goes on.
    world.step(Input::LeaderDown);
    world.vote(2, PeerState::Following, ME.0, 1);
    world.vote(ME.0, PeerState::Leading, ME.0, 1);
    world.step(Input::LeaderUp);
    world.promise(2);
    assert_eq!(world.epoch_writes(), []);
    world.leader_says(&QuorumPacket::new(PacketType::Diff, Zxid::ZERO, None));
    world.step(Input::LeaderBytes(&new_leader(2)));
    assert_eq!(
        world.epoch_writes(),
        [(None, None)],
        "it only waits for the log"
    );
}

#[test]
fn watchers_are_not_told_of_transactions_that_were_not_committed() {
    for committed in [true, false] {
        let mut world = World::following();
        let session = SessionId(0x0100_0000_0000_0001);
        world.resume_session(session);
        let exists = frames(OpCode::Exists, 1..2, |out| {
            PathWatch {
                path: "/lock",
                watch: true,
            }
            .encode(out);
        });
        world.request(&exists);
        let zxid = Zxid::new(1, 1);
        let create = Txn::Create {
            path: "/lock",
            data: None,
            acl: Acl::open(),
            ephemeral: false,
            parent_cversion: 1,
        };
        let entry = entry(zxid, &create, OpCode::Create);
        world.leader_says(&QuorumPacket::new(PacketType::Proposal, zxid, Some(&entry)));
        if committed {
            world.leader_says(&QuorumPacket::new(PacketType::Commit, zxid, None));
        } else {
            world.step(Input::LeaderDown);
            assert_eq!(world.peer.database().last_processed(), zxid);
        }
        let told = !world.sent_to(CLIENT).is_empty();
        assert_eq!(told, committed, "{:?}", world.fx.list);
    }
}

#[test]
fn deadlines_are_judged_after_the_inputs_that_waited() {
    let mut world = World::standalone();
    let session = world.hello(CLIENT, SessionId(0), 4000).expect("a session");
    world.now.mono_ms = 60_000; // the process was stopped
    let mut fx = Effects::default();
    world.peer.step(world.now, Input::Tick, &mut fx);
    assert!(
        world.peer.deadline_ms(60_000) <= 60_000,
        "it is due at once"
    );
    let ping = frames(OpCode::Ping, -2..-1, |_| {});
    world.request(&ping);
    world.peer.step(world.now, Input::Tick, &mut fx);
    assert!(
        !fx.list
            .iter()
            .any(|effect| matches!(effect, Effect::Append(..))),
        "session {session} has expired although its ping waited: {:?}",
        fx.list
    );
}
