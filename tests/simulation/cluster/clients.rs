//! Simulated clients, which create znodes and record the acknowledged ones.

use std::collections::VecDeque;

use quorate::ensemble::database::ConnId;
use quorate::wire::jute::{
    Acl, ConnectRequest, ConnectResponse, CreateRequest, ErrorCode, OpCode, Reader, ReplyHeader,
    RequestHeader, SessionId, Zxid,
};
use rand::RngExt as _;

use super::{Cluster, Event, changes};

#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) server: Option<usize>,
    pub(super) conn: u64,
    pub(super) session: SessionId,
    pub(super) connected: bool,
    pub(super) inbox: Vec<u8>,
    /// The xid of each request, and the path if it creates a znode that must not be lost.
    pub(super) sent: VecDeque<(i32, String)>,
    pub(super) xid: i32,
    pub(super) counter: u64,
}

impl Cluster {
    pub(super) fn client_turn(&mut self, client: usize) {
        let pause = self.rng.random_range(2..40);
        self.after(pause, Event::Client(client));
        let Some(server) = self.clients[client].server else {
            return self.client_connect(client);
        };
        let state = &mut self.clients[client];
        if !state.connected {
            return;
        }
        if state.sent.len() > 20 {
            let mut frame = Vec::new();
            RequestHeader::encode_frame(&mut frame, RequestHeader::PING_XID, OpCode::Ping, |_| {});
            let conn = ConnId(state.conn);
            return self.handle(Event::ClientBytes(server, conn, frame));
        }
        state.xid += 1;
        state.counter += 1;
        let (xid, conn) = (state.xid, ConnId(state.conn));
        if self.rng.random_bool(0.5) {
            let change = changes::draw(&mut self.rng);
            let mut frame = Vec::new();
            RequestHeader::encode_frame(&mut frame, xid, change.op, |out| {
                out.extend_from_slice(&change.body);
            });
            self.clients[client].sent.push_back((xid, String::new()));
            return self.handle(Event::ClientBytes(server, conn, frame));
        }
        let state = &mut self.clients[client];
        let path = format!("/c{client}-{}", state.counter);
        state.sent.push_back((xid, path.clone()));
        let mut frame = Vec::new();
        RequestHeader::encode_frame(&mut frame, xid, OpCode::Create, |out| {
            let data = Some(path.as_bytes());
            CreateRequest {
                path: &path,
                data,
                acl: Acl::open(),
                flags: 0,
                ttl_ms: None,
            }
            .encode(out);
        });
        self.handle(Event::ClientBytes(server, conn, frame));
    }

    fn client_connect(&mut self, client: usize) {
        let server = self.rng.random_range(0..self.servers.len());
        if self.servers[server].peer.is_none() {
            return;
        }
        let conn = self.next_id;
        self.next_id += 1;
        let state = &mut self.clients[client];
        let counter = state.counter;
        *state = Client {
            server: Some(server),
            conn,
            counter,
            ..Client::default()
        };
        self.handle(Event::ClientUp(server, ConnId(conn)));
        let timeout_ms = [600, 1500, 4000][self.rng.random_range(0..3)];
        let mut frame = Vec::new();
        ConnectRequest {
            last_zxid_seen: Zxid::ZERO,
            timeout_ms,
            session: SessionId(0),
            password: &[0; 16],
            read_only: Some(false),
        }
        .encode_frame(&mut frame);
        self.handle(Event::ClientBytes(server, ConnId(conn), frame));
    }

    pub(super) fn client_bytes(&mut self, server: usize, conn: ConnId, bytes: &[u8]) {
        let Some(client) = self
            .clients
            .iter_mut()
            .find(|c| c.conn == conn.0 && c.server == Some(server))
        else {
            return;
        };
        client.inbox.extend_from_slice(bytes);
        while let Some(prefix) = client.inbox.first_chunk::<4>() {
            let length = usize::try_from(i32::from_be_bytes(*prefix)).expect("a length");
            if client.inbox.len() < 4 + length {
                break;
            }
            let frame: Vec<u8> = client.inbox.drain(..4 + length).skip(4).collect();
            if !client.connected {
                let response = ConnectResponse::decode(&frame).expect("a ConnectResponse");
                client.connected = response.timeout_ms > 0;
                client.session = response.session;
                continue;
            }
            let header = ReplyHeader::decode(&mut Reader::new(&frame)).expect("a header");
            if header.xid == RequestHeader::PING_XID {
                continue;
            }
            let (xid, path) = client.sent.pop_front().expect("a request for each reply");
            assert_eq!(header.xid, xid, "the replies are out of order");
            if header.err == ErrorCode::OK && !path.is_empty() {
                self.history.acknowledge(header.zxid, &path);
            }
        }
    }

    pub(super) fn client_closed(&mut self, server: usize, conn: ConnId) {
        for client in &mut self.clients {
            if client.conn == conn.0 && client.server == Some(server) {
                client.server = None;
            }
        }
        self.handle(Event::ClientDown(server, conn));
    }
}
