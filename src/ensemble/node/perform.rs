//! Performs the peer's effects, and moves bytes between the sockets and the peer.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::inboxes::INBOX_MAX;
use super::poller::{Ready, Token};
use super::server_log::ServerLog;
use super::socket::{Ended, Socket, kept_bytes};
use super::{LINGER_MS, LeaderLink, Lingering, Node, NodeError, READ_BYTES, answers, dial};
use crate::ensemble::config::Config;
use crate::ensemble::database::{ConnId, DatabaseSettings};
use crate::ensemble::peer::{Effect, Input, LinkId, Now, Recovered};
use crate::ensemble::storage::{self, Disk, DiskEvent, RecoverOptions};
use crate::wire::jute::Zxid;

/// Memory of a watch with a short path.
const WATCH_BYTES: usize = 100;

/// Recovers the database from disk and starts the disk thread, which signals its events through `wake`.
pub(super) fn open_disk(
    config: &Config,
    database: DatabaseSettings,
    wake: &Arc<OwnedFd>,
    log: &mut ServerLog,
) -> Result<(Disk, Recovered), NodeError> {
    let dirs = config.data_dirs();
    let recovered = storage::recover(&dirs, &recover_options(config, database))?;
    for warning in &recovered.warnings {
        log.line(warning);
    }
    let wake = Arc::clone(wake);
    let signal = move || {
        // The write fails only if the counter is full, and then a wake-up is already pending.
        let _full = rustix::io::write(&*wake, &1u64.to_ne_bytes());
    };
    let disk = Disk::start(&dirs, &config.disk_options(), signal)?;
    Ok((disk, into_recovered(recovered)))
}

fn recover_options(config: &Config, database: DatabaseSettings) -> RecoverOptions {
    RecoverOptions {
        database,
        ..config.recover_options()
    }
}

fn into_recovered(found: storage::Recovered) -> Recovered {
    let storage::Recovered {
        database,
        accepted_epoch,
        current_epoch,
        last_logged,
        committed,
        ..
    } = found;
    Recovered {
        database,
        accepted_epoch,
        current_epoch,
        last_logged,
        committed,
    }
}

impl Node {
    /// Performs the effects of the last steps, in order.
    #[expect(clippy::too_many_lines, reason = "one short arm for each effect")]
    pub(super) fn perform(&mut self, now: Now) {
        let mut fx = std::mem::take(&mut self.fx);
        for effect in fx.list.drain(..) {
            match effect {
                Effect::ToClient(ConnId(id), range) => {
                    if let Some(client) = self.clients.get_mut(&id) {
                        self.unsent.add(range.len());
                        client.socket.queue(now.mono_ms, &fx.bytes[range]);
                        mark(&mut client.socket, &mut self.dirty, Token::Client(id));
                    }
                }
                Effect::ToLearner(LinkId(id), range) => {
                    if let Some(socket) = self.links.get_mut(&id) {
                        socket.queue(now.mono_ms, &fx.bytes[range]);
                        mark(socket, &mut self.dirty, Token::Link(id));
                    }
                }
                Effect::AwaitRoom(LinkId(id)) => {
                    if let Some(socket) = self.links.get_mut(&id) {
                        socket.awaits_room = true;
                        mark(socket, &mut self.dirty, Token::Link(id));
                    }
                }
                Effect::ToLeader(range) => {
                    if let Some(LeaderLink { id, socket, .. }) = &mut self.leader {
                        socket.queue(now.mono_ms, &fx.bytes[range]);
                        mark(socket, &mut self.dirty, Token::Leader(*id));
                    }
                }
                Effect::Append(zxid, range) => self.batch.push(zxid, &fx.bytes[range]),
                Effect::ResumeClient(ConnId(id)) => self.resume.push(Token::Client(id)),
                Effect::YieldClient(ConnId(id)) => {
                    if let Some(client) = self.clients.get_mut(&id)
                        && !client.waiting
                    {
                        client.waiting = true;
                        self.later.push_back(Token::Client(id));
                    }
                }
                Effect::ResumeLeader => {
                    if let Some(leader) = &self.leader {
                        self.resume.push(Token::Leader(leader.id));
                    }
                }
                Effect::CloseClient(ConnId(id)) => self.close(now, Token::Client(id)),
                Effect::CloseLearner(LinkId(id)) => self.close(now, Token::Link(id)),
                Effect::Vote { to, message } => {
                    if let Some(votes) = &mut self.votes {
                        votes.send(&self.poller, now.mono_ms, to, message);
                    }
                }
                Effect::DialLeader(leader) => self.dial_leader(now, leader),
                Effect::HangUpLeader => {
                    self.leader = None;
                    self.awaited_leader = None;
                }
                Effect::WriteEpochs {
                    ticket,
                    accepted,
                    current,
                } => {
                    self.submit(); // earlier entries must be durable before the epochs
                    self.epoch_tickets.push_back(ticket);
                    self.disk.write_epochs(accepted, current);
                }
                Effect::BeginSnapshot(zxid) => {
                    self.traffic.snapshot_begun(now.mono_ms);
                    self.submit();
                    self.disk.roll();
                    self.disk.begin_snapshot(zxid);
                }
                Effect::SnapshotSlice(range) => self.disk.write_snapshot(fx.bytes[range].to_vec()),
                Effect::EndSnapshot => self.disk.finish_snapshot(),
                Effect::AbortSnapshot => self.disk.abandon_snapshot(),
                Effect::Truncate(zxid) => {
                    self.submit();
                    let options = recover_options(&self.config, self.database);
                    self.disk.truncate(zxid, options);
                }
                Effect::Log(line) => self.log.line(&line),
                Effect::LogLimited(kind, line) => self.log.limited(now.mono_ms, kind, line),
                Effect::Fatal(status, reason) => {
                    self.fatal
                        .get_or_insert(NodeError::Fatal { status, reason });
                }
            }
        }
        fx.clear();
        if fx.bytes.capacity() > 8 << 20 {
            fx.bytes.shrink_to(1 << 20);
        }
        self.fx = fx;
        self.dial_voters(now);
    }

    /// Hands the log entries of this round to the disk thread.
    pub(super) fn submit(&mut self) {
        if !self.batch.is_empty() {
            let next = self.disk.batch();
            self.disk.append(std::mem::replace(&mut self.batch, next));
        }
    }

    fn snapshot_written(&mut self, now: Now, zxid: Zxid) {
        self.log.line(&format!("snapshot {zxid} is written"));
        self.step(now, Input::SnapshotSaved);
        if let Some(retain) = self.config.purge_retains() {
            self.disk.purge(retain);
        }
    }

    /// The log is cut and read again.
    fn truncated(&mut self, now: Now, recovered: storage::Recovered) {
        for warning in &recovered.warnings {
            self.log.line(warning);
        }
        let recovered = Box::new(into_recovered(recovered));
        self.step(now, Input::Truncated(recovered));
    }

    /// Handles an event on the connection to the leader, which may be the end of the connect.
    pub(super) fn leader_ready(&mut self, now: Now, id: u64, event: Ready) {
        let Some(leader) = self.leader.as_mut().filter(|leader| leader.id == id) else {
            return;
        };
        if !leader.established {
            if !dial::finish(leader.socket.stream()) {
                self.leader = None;
                self.step(now, Input::LeaderDown);
                return;
            }
            leader.established = true;
            mark(&mut leader.socket, &mut self.dirty, Token::Leader(id));
            self.step(now, Input::LeaderUp);
            return;
        }
        if event.readable {
            self.read(now, Token::Leader(id));
        }
        if event.writable {
            self.flush(now, Token::Leader(id));
        }
    }

    fn socket(&mut self, token: Token) -> Option<&mut Socket> {
        match token {
            Token::Client(id) => self.clients.get_mut(&id).map(|client| &mut client.socket),
            Token::Link(id) => self.links.get_mut(&id),
            Token::Leader(id) => {
                let leader = self.leader.as_mut();
                leader
                    .filter(|leader| leader.id == id && leader.established)
                    .map(|leader| &mut leader.socket)
            }
            _ => None,
        }
    }

    /// Returns how much memory an empty buffer of a connection keeps.
    fn kept_bytes(&self) -> usize {
        kept_bytes(self.clients.len() + self.links.len())
    }

    /// Whether this is a client that may send the rest of its request although all clients hold too much.
    fn has_turn(&self, token: Token) -> bool {
        matches!(token, Token::Client(id) if self.turns.contains(id))
    }

    /// Reads once and offers the bytes to the peer.
    pub(super) fn read(&mut self, now: Now, token: Token) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let inboxes = self.inboxes;
        let has_turn = self.has_turn(token);
        if let Some(socket) = self.socket(token) {
            let closing = socket.closing;
            let is_client = matches!(token, Token::Client(_));
            let most = if is_client && !has_turn {
                inboxes.read_max(socket.inbox.len()).min(READ_BYTES)
            } else {
                READ_BYTES
            };
            match socket.read(&mut buffer[..most]) {
                Ok(0) => {}
                Ok(count) => {
                    if is_client {
                        self.traffic.received_bytes += count as u64;
                    }
                    self.received(now, token, &buffer[..count]);
                }
                Err(Ended::Closed | Ended::Stuck) => {
                    if is_client && !closing {
                        self.traffic.dropped += 1;
                    }
                    self.disconnected(now, token);
                }
            }
        }
        self.buffer = buffer;
    }

    fn received(&mut self, now: Now, token: Token, bytes: &[u8]) {
        if let Token::Client(id) = token
            && self.greeting(now, id, bytes)
        {
            return;
        }
        // A client that left requests to the next round must not jump the queue with new bytes.
        let waiting = self.is_waiting(token);
        let Some(socket) = self.socket(token) else {
            return;
        };
        if waiting {
            socket.inbox.extend_from_slice(bytes);
            self.hold_back(token);
        } else if socket.inbox.is_empty() {
            let consumed = self.offer(now, token, bytes);
            if let Some(socket) = self.socket(token) {
                socket.inbox.extend_from_slice(&bytes[consumed..]);
            }
            self.hold_back(token);
        } else {
            socket.inbox.extend_from_slice(bytes);
            self.offer_again(now, token);
        }
        if let Token::Link(id) = token {
            self.judge_link(now, id);
        }
    }

    fn is_waiting(&self, token: Token) -> bool {
        match token {
            Token::Client(id) => self.clients.get(&id).is_some_and(|client| client.waiting),
            _ => false,
        }
    }

    /// Offers again, in order, the inboxes that earlier rounds left, while the peer has room for requests
    /// that can make much work.
    pub(super) fn offer_waiting(&mut self, now: Now) {
        for _ in 0..self.later.len() {
            if !self.peer.has_room(now) {
                return;
            }
            let Some(token) = self.later.pop_front() else {
                return;
            };
            if let Token::Client(id) = token
                && let Some(client) = self.clients.get_mut(&id)
            {
                client.waiting = false;
            }
            self.offer_again(now, token);
        }
    }

    /// Handles the first bytes of a client, which may be a four-letter word. Returns `true` if the
    /// caller must not handle them.
    fn greeting(&mut self, now: Now, id: u64, bytes: &[u8]) -> bool {
        let Some(client) = self.clients.get_mut(&id).filter(|client| client.fresh) else {
            return false;
        };
        client.socket.inbox.extend_from_slice(bytes);
        let Some(word) = client.socket.inbox.first_chunk::<4>().copied() else {
            return true;
        };
        client.fresh = false;
        match answers::answer(self, now, ConnId(id), word) {
            Some(text) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.socket.inbox.clear();
                    self.unsent.add(text.len());
                    client.socket.queue(now.mono_ms, text.as_bytes());
                }
                self.close(now, Token::Client(id));
            }
            None => self.offer_again(now, Token::Client(id)),
        }
        true
    }

    /// Hands bytes to the peer. Returns how many it has consumed.
    fn offer(&mut self, now: Now, token: Token, bytes: &[u8]) -> usize {
        let input = match token {
            Token::Client(id) => Input::ClientBytes(ConnId(id), bytes),
            Token::Link(id) => Input::LinkBytes(LinkId(id), bytes),
            Token::Leader(_) => Input::LeaderBytes(bytes),
            _ => return bytes.len(),
        };
        self.step(now, input)
    }

    /// Offers the inbox of a connection to the peer.
    pub(super) fn offer_again(&mut self, now: Now, token: Token) {
        if let (Token::Leader(_), None) = (token, &self.leader) {
            if self.awaited_leader.is_none() {
                self.step(now, Input::LeaderDown); // the dial has failed
            }
            return;
        }
        let unsent = self.unsent;
        let Some(socket) = self.socket(token) else {
            return;
        };
        if let Token::Client(_) = token {
            if unsent.pauses(socket) {
                socket.postponed = true;
                self.hold_back(token);
                self.set_interest(token);
                return;
            }
        } else if socket.inbox.is_empty() {
            return; // only clients have parked requests that an empty input can resume
        }
        let inbox = std::mem::take(&mut socket.inbox);
        let consumed = self.offer(now, token, &inbox);
        let kept = self.kept_bytes();
        if let Some(socket) = self.socket(token) {
            socket.inbox = inbox;
            socket.consume(consumed, kept);
        }
        if let (true, Token::Client(id)) = (consumed > 0, token) {
            self.turns.end(id);
        }
        self.hold_back(token);
    }

    /// Reads again from the clients that were paused because all clients held too many bytes.
    pub(super) fn read_paused_clients(&mut self) {
        if self.inboxes.take_room() {
            let all: Vec<u64> = self.clients.keys().copied().collect();
            for id in all {
                self.hold_back(Token::Client(id));
            }
        }
    }

    /// Suspends reading from a connection while its inbox exceeds the limit.
    pub(super) fn hold_back(&mut self, token: Token) {
        // A snapshot from the leader is not read faster than the disk takes it.
        let disk_is_behind = matches!(token, Token::Leader(_))
            && self.peer.is_receiving_snapshot()
            && !self.disk.has_snapshot_room();
        let mut inboxes = self.inboxes;
        let has_turn = self.has_turn(token);
        let Some(socket) = self.socket(token) else {
            return;
        };
        let held = socket.inbox.len();
        let starved = if let Token::Client(_) = token {
            socket.counted = inboxes.count(socket.counted, socket.inbox.capacity());
            inboxes.pauses(held) && !(has_turn && held <= INBOX_MAX)
        } else {
            held > INBOX_MAX || disk_is_behind
        };
        let changed = starved != socket.starved;
        socket.starved = starved;
        self.inboxes = inboxes;
        if changed {
            self.set_interest(token);
        }
    }

    fn set_interest(&mut self, token: Token) {
        let unsent = self.unsent;
        let Some(socket) = self.socket(token) else {
            return;
        };
        let mut wanted = socket.wanted_interest();
        // The server stops reading from a client that does not read its replies. It never stops reading
        // from a server for this reason: two backed-up servers would wait for each other forever.
        if matches!(token, Token::Client(_)) && unsent.pauses(socket) {
            wanted.read = false;
        }
        if socket.interest == wanted {
            return;
        }
        socket.interest = wanted;
        let result = match token {
            Token::Client(id) => self
                .clients
                .get(&id)
                .map(|c| self.poller.modify(&c.socket, token, wanted)),
            Token::Link(id) => self
                .links
                .get(&id)
                .map(|s| self.poller.modify(s, token, wanted)),
            _ => self
                .leader
                .as_ref()
                .map(|leader| self.poller.modify(&leader.socket, token, wanted)),
        };
        if let Some(Err(error)) = result {
            self.fatal.get_or_insert(error.into());
        }
    }

    /// Sends as much as the socket takes. Drops the connection if it is broken, or if it was closing and
    /// everything is sent.
    pub(super) fn flush(&mut self, now: Now, token: Token) {
        let kept = self.kept_bytes();
        let Some(socket) = self.socket(token) else {
            return;
        };
        socket.dirty = false;
        let before = socket.unsent();
        let outcome = socket.flush(now.mono_ms, kept);
        let sent = before - socket.unsent();
        let ends = outcome.is_err() || (socket.closing && socket.is_flushed());
        if let Token::Client(id) = token {
            self.unsent.remove(sent);
            if outcome == Err(Ended::Stuck) {
                self.log_slow_client(now, id);
            }
        }
        if ends {
            self.disconnected(now, token);
            return;
        }
        let unsent = self.unsent;
        let Some(socket) = self.socket(token) else {
            return;
        };
        let offer = socket.postponed && !unsent.pauses(socket);
        let continue_stream = socket.awaits_room && socket.has_room();
        socket.postponed &= !offer;
        socket.awaits_room &= !continue_stream;
        if offer {
            self.later.push_back(token);
        }
        if let (true, Token::Link(id)) = (continue_stream, token) {
            self.roomy.push_back(LinkId(id));
        }
        self.set_interest(token);
    }

    /// Closes a connection once its bytes are sent, or after [`LINGER_MS`] if the client does not read
    /// them.
    fn close(&mut self, now: Now, token: Token) {
        let socket = match token {
            Token::Client(id) => self.clients.get_mut(&id).map(|client| &mut client.socket),
            Token::Link(id) => self.links.get_mut(&id),
            _ => None,
        };
        if let Some(socket) = socket.filter(|socket| !socket.closing) {
            socket.closing = true;
            mark(socket, &mut self.dirty, token);
            self.lingering.push_back(Lingering {
                due_ms: now.mono_ms + LINGER_MS,
                token,
            });
        }
    }

    /// Drops the connections whose last bytes are not read in time.
    pub(super) fn end_lingering(&mut self, now: Now) {
        while let Some(&Lingering { due_ms, token }) = self.lingering.front()
            && due_ms <= now.mono_ms
        {
            self.lingering.pop_front();
            self.disconnected(now, token);
        }
    }

    /// Drops a connection and reports that to the peer.
    pub(super) fn disconnected(&mut self, now: Now, token: Token) {
        match token {
            Token::Client(id) => {
                if let Some(client) = self.clients.remove(&id) {
                    self.unsent.remove(client.socket.unsent());
                    self.inboxes.count(client.socket.counted, 0);
                    self.heap.count_freed(client.socket.memory_bytes());
                    let host = client.address.ip();
                    if let Some(count) = self.per_host.get_mut(&host) {
                        *count -= 1;
                        if *count == 0 {
                            self.per_host.remove(&host);
                        }
                    }
                    let before = self.peer.database().watch_count();
                    self.step(now, Input::ClientDown(ConnId(id)));
                    let ended = before - self.peer.database().watch_count();
                    self.heap.count_freed(ended * WATCH_BYTES);
                }
            }
            Token::Link(id) => {
                if let Some(socket) = self.links.remove(&id) {
                    self.heap.count_freed(socket.memory_bytes());
                    self.newcomers.remove(id);
                    self.step(now, Input::LinkDown(LinkId(id)));
                }
            }
            Token::Leader(_) if self.leader.take().is_some() => {
                self.step(now, Input::LeaderDown);
            }
            _ => {}
        }
    }

    /// Passes the disk thread's events to the peer.
    pub(super) fn disk_events(&mut self, now: Now) {
        let mut drained = [0; 8];
        let _empty = rustix::io::read(&*self.wake, &mut drained);
        let mut events = std::mem::take(&mut self.disk_events);
        self.disk.poll(&mut events);
        for event in events.drain(..) {
            match event {
                DiskEvent::Synced { last, .. } => {
                    self.step(now, Input::Synced(last));
                }
                DiskEvent::EpochsWritten { .. } => {
                    if let Some(ticket) = self.epoch_tickets.pop_front() {
                        self.step(now, Input::EpochsWritten(ticket));
                    }
                }
                DiskEvent::SnapshotWritten { zxid } => {
                    self.traffic.snapshot_written(now.mono_ms);
                    self.snapshot_written(now, zxid);
                }
                // The loop goes on with the snapshot by itself.
                DiskEvent::SnapshotRoom => {}
                DiskEvent::Truncated(recovered) => self.truncated(now, *recovered),
                DiskEvent::TruncateFailed { zxid, error } => {
                    let reason = format!("cannot cut the log to {zxid}: {error}");
                    self.fatal
                        .get_or_insert(NodeError::Fatal { status: 13, reason });
                }
                DiskEvent::SnapshotFailed { zxid, error } => {
                    self.step(now, Input::SnapshotFailed(format!("{zxid}: {error}")));
                }
                DiskEvent::PurgeFailed(error) => {
                    self.log
                        .line(&format!("old files are not removed: {error}"));
                }
                DiskEvent::Failed(error) => {
                    let reason = format!("the log can no longer be written: {error}");
                    self.fatal
                        .get_or_insert(NodeError::Fatal { status: 10, reason });
                }
            }
        }
        self.disk_events = events;
    }
}

/// Puts a connection on the list of connections to flush.
fn mark(socket: &mut Socket, dirty: &mut Vec<Token>, token: Token) {
    if !socket.dirty {
        socket.dirty = true;
        dirty.push(token);
    }
}
