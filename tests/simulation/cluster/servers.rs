//! Starts, crashes and steps the simulated servers, and performs their effects.

use quorate::ensemble::peer::{Effect, Effects, Input, LinkId, Mode, Now, Peer, Settings};
use quorate::wire::jute::PeerId;
use rand::RngExt as _;

use super::disturb::{Disturbance, KillAt};
use super::stalls::Stall;
use super::{Cluster, Event, TICK_MS};
use crate::disk::{Disk, Kept, Op};

#[derive(Debug)]
pub(super) struct Server {
    pub(super) id: PeerId,
    pub(super) peer: Option<Peer>,
    pub(super) disk: Disk,
    pub(super) disk_busy: bool,
    pub(super) disk_slow_until: u64,
    /// Counts starts. Disk events from before the last start are ignored.
    pub(super) life: u64,
    pub(super) leader_wire: Option<u64>,
    pub(super) tick_at: u64,
    pub(super) stall: Stall,
    pub(super) disturbance: Disturbance,
}

impl Cluster {
    fn settings(&self, server: usize) -> Settings {
        Settings {
            voters: self.voters.clone(),
            observers: self.observers.clone(),
            tick_ms: TICK_MS,
            session_timeout_min_ms: 2 * 200,
            session_timeout_max_ms: 20 * 200,
            snap_count: self.snap_count,
            slice_bytes: self.slice_bytes,
            seed: self.now + 1000 * server as u64,
            outstanding_limit: 1_000,
            hash_key: [self.now, 0],
            start_ms: self.now + 1000 * self.servers[server].life,
            ..Settings::standalone(self.servers[server].id)
        }
    }

    pub(super) fn start(&mut self, server: usize) {
        let settings = self.settings(server);
        let state = &mut self.servers[server];
        state.life += 1;
        state.disk_busy = false;
        state.leader_wire = None;
        state.tick_at = u64::MAX;
        let recovered = state.disk.recover(self.committed_max);
        let found = format!("server {server} starts at {}", recovered.last_logged);
        state.peer = Some(Peer::new(settings, recovered));
        self.note(found);
        self.step(server, Input::Start);
    }

    pub(super) fn crash(&mut self, server: usize, kept: Kept) {
        let state = &mut self.servers[server];
        if state.peer.take().is_none() {
            return;
        }
        state.disk.crash(kept);
        state.disk_busy = false;
        state.leader_wire = None;
        state.life += 1;
        state.disturbance = Disturbance::default();
        self.forget_stall(server);
        let touching: Vec<u64> = self
            .wires
            .iter()
            .filter(|(_, wire)| wire.learner == server || wire.leader == server)
            .map(|(id, _)| *id)
            .collect();
        for wire in touching {
            self.break_wire(wire);
        }
        for client in &mut self.clients {
            if client.server == Some(server) {
                client.server = None;
            }
        }
    }

    /// Gives ticks to a server until its deadline lies in the future. A deadline that ticks do not advance
    /// would make the event loop of a real server spin.
    pub(super) fn tick(&mut self, server: usize) {
        for _ in 0..4 {
            self.step(server, Input::Tick);
            let peer = self.servers[server].peer.as_ref();
            if peer.is_none_or(|peer| peer.deadline_ms(self.now) > self.now) {
                return;
            }
        }
        panic!("ticks do not advance the deadline of server {server}");
    }

    pub(super) fn step(&mut self, server: usize, input: Input<'_>) -> usize {
        let now = self.clock();
        let Some(peer) = &mut self.servers[server].peer else {
            return usize::MAX;
        };
        let mut fx = Effects::default();
        peer.step(now, input, &mut fx);
        let consumed = fx.consumed;
        if peer.mode() == Mode::Leader
            && let Some(epoch) = peer.serving_epoch()
        {
            self.history.leader(epoch, server);
        }
        self.perform(server, fx);
        if let Some(peer) = &self.servers[server].peer {
            let snapshotting = peer.is_snapshotting();
            let due = peer.deadline_ms(self.now).max(self.now + 1);
            if due < self.servers[server].tick_at {
                self.servers[server].tick_at = due;
                self.after(due - self.now, Event::Tick(server, due));
            }
            if snapshotting && self.rng.random_bool(0.3) {
                self.step(server, Input::SnapshotContinue);
            }
        }
        consumed
    }

    fn clock(&self) -> Now {
        Now {
            mono_ms: self.now,
            wall_ms: 1_700_000_000_000 + self.now.cast_signed(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one short arm for each effect")]
    fn perform(&mut self, server: usize, fx: Effects) {
        let mut is_silence = false;
        for effect in fx.list {
            match effect {
                Effect::Vote { to, message } => self.send_vote(server, to, message),
                Effect::DialLeader(leader) => {
                    let to = self.index(leader);
                    let wire = self.next_id;
                    self.next_id += 1;
                    self.servers[server].leader_wire = Some(wire);
                    let delay = self.delay();
                    self.after(
                        delay,
                        Event::Dial {
                            from: server,
                            to,
                            wire,
                        },
                    );
                }
                Effect::HangUpLeader => {
                    if let Some(wire) = self.servers[server].leader_wire.take() {
                        self.break_wire(wire);
                    }
                }
                Effect::ToLeader(range) => {
                    if let Some(wire) = self.servers[server].leader_wire {
                        self.send(wire, true, fx.bytes[range].to_vec());
                    }
                }
                Effect::ToLearner(LinkId(wire), range) => {
                    self.send(wire, false, fx.bytes[range].to_vec());
                }
                Effect::AwaitRoom(LinkId(wire)) => {
                    let delay = self.delay();
                    self.after(delay, Event::Room(wire));
                }
                Effect::CloseLearner(LinkId(wire)) => {
                    if std::mem::take(&mut is_silence) {
                        self.check_closed(server, wire);
                    }
                    self.break_wire(wire);
                }
                Effect::ToClient(conn, range) => {
                    self.client_bytes(server, conn, &fx.bytes[range]);
                }
                Effect::CloseClient(conn) => self.client_closed(server, conn),
                Effect::ResumeClient(_) | Effect::YieldClient(_) => {}
                Effect::AbortSnapshot => self.servers[server].disk.slices = None,
                Effect::ResumeLeader => {
                    if let Some(wire) = self.servers[server].leader_wire {
                        self.after(
                            0,
                            Event::Wire {
                                wire,
                                to_leader: false,
                            },
                        );
                    }
                }
                Effect::Append(zxid, range) => {
                    self.queue(server, Op::Append(zxid, fx.bytes[range].into()));
                }
                Effect::WriteEpochs {
                    ticket,
                    accepted,
                    current,
                } => {
                    if let Some(epoch) = accepted {
                        self.queue(server, Op::AcceptedEpoch(epoch));
                    }
                    if let Some(epoch) = current {
                        self.reached(server, KillAt::Epoch);
                        self.queue(server, Op::CurrentEpoch(epoch));
                    }
                    self.queue(server, Op::EpochsWritten(ticket));
                }
                Effect::BeginSnapshot(zxid) => {
                    self.servers[server].disk.slices = Some((zxid, Vec::new()));
                }
                Effect::SnapshotSlice(range) => {
                    if let Some((_, body)) = &mut self.servers[server].disk.slices {
                        body.extend_from_slice(&fx.bytes[range]);
                    }
                }
                Effect::EndSnapshot => {
                    self.reached(server, KillAt::Snapshot);
                    self.end_snapshot(server);
                }
                Effect::Truncate(zxid) => self.queue(server, Op::Truncate(zxid)),
                Effect::Log(line) | Effect::LogLimited(_, line) => {
                    self.check_silence(server, &line);
                    is_silence = line.contains("it was silent");
                    self.disturb(server, &line);
                    self.note(format!("server {server}: {line}"));
                }
                Effect::Fatal(status, why) => panic!("server {server} gave up ({status}): {why}"),
            }
        }
    }

    pub(super) fn index(&self, id: PeerId) -> usize {
        self.servers
            .iter()
            .position(|server| server.id == id)
            .expect("a known server")
    }

    pub(super) fn leader(&self) -> Option<usize> {
        self.servers.iter().position(|server| {
            server
                .peer
                .as_ref()
                .is_some_and(|peer| peer.mode() == Mode::Leader)
        })
    }
}
