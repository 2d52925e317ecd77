//! A small blocking client for preparation, clean-up and probes.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::session::{Session, SessionEvent};
use super::{ClientError, ErrorCode, OpCode, ProtocolError, request};
use crate::protocol::{Inbox, Violation};
use crate::wire::jute::{JuteError, Reader, Stat};

const BUFFER_BYTES: usize = 64 << 10;
/// How many times in a row a znode may be "not empty" while its listing is empty. This happens when
/// another client creates and deletes children at the same time.
const RACES_MAX: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Empty if the data is null.
    pub data: Vec<u8>,
    pub stat: Stat,
}

/// One session over one blocking connection. It does not reconnect: a lost connection is an error
/// of the current call.
#[derive(Debug)]
pub struct AdminClient {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) session: Session<u64>,
    pub(super) inbox: Inbox,
    pub(super) out: Vec<u8>,
    /// Bytes written so far.
    pub(super) written: u64,
    pub(super) buffer: Vec<u8>,
    origin: Instant,
}

impl AdminClient {
    /// A timeout for preparation and clean-up. It is long because creating millions of znodes may
    /// keep a server's disk busy.
    pub const PATIENCE: Duration = Duration::from_secs(30);

    /// Opens a session with the first of `addresses` that grants one. `timeout` is the session
    /// timeout and the longest time of any single wait.
    ///
    /// # Errors
    /// If no server grants a session. The error names each address and the reason.
    pub fn connect(addresses: &[SocketAddr], timeout: Duration) -> Result<Self, ClientError> {
        let mut tried = Vec::new();
        for address in addresses {
            match Self::connect_to(*address, timeout) {
                Ok(client) => return Ok(client),
                Err(ClientError::Lost { source, .. }) => tried.push((*address, source.to_string())),
                Err(error) => tried.push((*address, error.to_string())),
            }
        }
        Err(ClientError::NoServer { tried })
    }

    fn connect_to(address: SocketAddr, timeout: Duration) -> Result<Self, ClientError> {
        let lost = |source| ClientError::Lost { address, source };
        let stream = TcpStream::connect_timeout(&address, timeout).map_err(lost)?;
        if stream.local_addr().ok() == Some(address) {
            // Without a listener, a port of the ephemeral range can be connected to itself.
            return Err(lost(io::Error::from(io::ErrorKind::ConnectionRefused)));
        }
        stream.set_nodelay(true).map_err(lost)?;
        stream.set_read_timeout(Some(timeout)).map_err(lost)?;
        stream.set_write_timeout(Some(timeout)).map_err(lost)?;
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let mut client = Self {
            stream,
            address,
            session: Session::new(timeout_ms),
            inbox: Inbox::default(),
            out: Vec::new(),
            written: 0,
            buffer: vec![0; BUFFER_BYTES],
            origin: Instant::now(),
        };
        client.session.attach(0, &mut client.out);
        client.flush()?;
        let mut refused = false;
        while !client.session.is_attached() && !refused {
            client.receive(|event| refused |= event == SessionEvent::Expired)?;
        }
        if refused {
            return Err(ClientError::Refused { address });
        }
        Ok(client)
    }

    /// Returns the server's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Creates a znode that everyone may access. `flags`: 1 = ephemeral, 2 = sequential. Returns
    /// the path that the server created.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses.
    pub fn create(&mut self, path: &str, data: &[u8], flags: i32) -> Result<String, ClientError> {
        let body = self.ask(OpCode::Create, "create", path, |out| {
            request::create(out, path, data, flags);
        })?;
        Ok(super::created_path(&body).unwrap_or(path).to_owned())
    }

    /// Overwrites a znode's data.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses.
    pub fn set(&mut self, path: &str, data: &[u8]) -> Result<(), ClientError> {
        self.ask(OpCode::SetData, "set", path, |out| {
            request::set(out, path, data);
        })
        .map(drop)
    }

    /// Deletes a znode that has no children.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses.
    pub fn delete(&mut self, path: &str) -> Result<(), ClientError> {
        self.ask(OpCode::Delete, "delete", path, |out| {
            request::delete(out, path);
        })
        .map(drop)
    }

    /// Returns the names of a znode's children, sorted.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses.
    pub fn list(&mut self, path: &str) -> Result<Vec<String>, ClientError> {
        let body = self.ask(OpCode::GetChildren, "list", path, |out| {
            request::read(out, path);
        })?;
        let names = Reader::new(&body).strings();
        let names = names.map_err(|error| self.malformed(error))?;
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Returns a znode's data and metadata.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses.
    pub fn get(&mut self, path: &str) -> Result<Node, ClientError> {
        let body = self.ask(OpCode::GetData, "read", path, |out| {
            request::read(out, path);
        })?;
        let mut reader = Reader::new(&body);
        let data = reader.buffer();
        let data = data.map_err(|error| self.malformed(error))?;
        let stat = Stat::decode(&mut reader);
        let stat = stat.map_err(|error| self.malformed(error))?;
        Ok(Node {
            data: data.unwrap_or_default().to_vec(),
            stat,
        })
    }

    /// Returns a znode's metadata, or `None` if the znode does not exist.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses for another reason.
    pub fn exists(&mut self, path: &str) -> Result<Option<Stat>, ClientError> {
        let answer = self.ask(OpCode::Exists, "stat", path, |out| {
            request::read(out, path);
        });
        match answer {
            Ok(body) => Stat::decode(&mut Reader::new(&body))
                .map(Some)
                .map_err(|error| self.malformed(error)),
            Err(ClientError::Server { code, .. }) if code == ErrorCode::NO_NODE => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a znode and everything below it. A znode that does not exist is not an error.
    /// Deletes are pipelined, and a znode is listed only after the server has refused to delete it,
    /// so each leaf costs one request.
    ///
    /// # Errors
    /// If the connection is lost or the server refuses. Znodes that were deleted stay deleted.
    pub fn delete_recursive(&mut self, path: &str) -> Result<(), ClientError> {
        let mut stack = vec![path.to_owned()];
        let mut races = 0;
        while let Some(top) = stack.pop() {
            let code = match self.delete(&top) {
                Ok(()) => continue,
                Err(ClientError::Server { code, .. }) if code == ErrorCode::NO_NODE => continue,
                Err(ClientError::Server { code, .. }) if code == ErrorCode::NOT_EMPTY => code,
                Err(error) => return Err(error),
            };
            let children = match self.list(&top) {
                Ok(names) => names,
                Err(ClientError::Server { code, .. }) if code == ErrorCode::NO_NODE => continue,
                Err(error) => return Err(error),
            };
            races = if children.is_empty() { races + 1 } else { 0 };
            if races > RACES_MAX {
                return Err(self.refused("delete", &top, code));
            }
            let slash = if top == "/" { "" } else { "/" };
            let children: Vec<String> = children
                .iter()
                .map(|name| format!("{top}{slash}{name}"))
                .collect();
            stack.push(top);
            self.delete_all(&children, &mut stack)?;
        }
        Ok(())
    }

    /// Deletes all `paths`. Paths of znodes with children are pushed on `full`.
    fn delete_all(&mut self, paths: &[String], full: &mut Vec<String>) -> Result<(), ClientError> {
        let path = |index: u64| {
            let index = usize::try_from(index).ok();
            index
                .and_then(|index| paths.get(index))
                .map_or("", String::as_str)
        };
        let mut refused = None;
        self.pipeline(
            paths.len() as u64,
            |index, out| {
                request::delete(out, path(index));
                OpCode::Delete
            },
            |answer| match answer.error {
                ErrorCode::OK | ErrorCode::NO_NODE => {}
                ErrorCode::NOT_EMPTY => full.push(path(answer.index).to_owned()),
                code => refused = refused.or(Some((answer.index, code))),
            },
        )?;
        match refused {
            None => Ok(()),
            Some((index, code)) => Err(self.refused("delete", path(index), code)),
        }
    }

    /// Closes the session properly, so that the server removes it at once.
    ///
    /// # Errors
    /// If the connection is lost before the server has confirmed.
    pub fn close(mut self) -> Result<(), ClientError> {
        self.session.close(&mut self.out);
        self.flush()?;
        while !self.session.is_closed() {
            self.receive(|_| {})?;
        }
        Ok(())
    }

    /// Sends one request and returns the body of its reply.
    fn ask(
        &mut self,
        op: OpCode,
        what: &'static str,
        path: &str,
        record: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Vec<u8>, ClientError> {
        let now_ns = self.now_ns();
        self.session.submit(op, 0, now_ns, &mut self.out, record);
        self.flush()?;
        let mut answer = None;
        while answer.is_none() {
            self.receive(|event| {
                if let SessionEvent::Reply(reply) = event {
                    answer = Some((reply.error, reply.body.to_vec()));
                }
            })?;
        }
        match answer {
            Some((ErrorCode::OK, body)) => Ok(body),
            Some((code, _)) => Err(self.refused(what, path, code)),
            None => unreachable!("the loop ends only with an answer"),
        }
    }

    pub(super) fn now_ns(&self) -> i64 {
        i64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    pub(super) fn lost(&self, source: io::Error) -> ClientError {
        ClientError::Lost {
            address: self.address,
            source,
        }
    }

    fn malformed(&self, error: JuteError) -> ClientError {
        self.violated(ProtocolError::from(error).into())
    }

    pub(super) fn violated(&self, source: Violation) -> ClientError {
        ClientError::Protocol {
            address: self.address,
            source,
        }
    }

    fn refused(&self, what: &'static str, path: &str, code: ErrorCode) -> ClientError {
        ClientError::Server {
            address: self.address,
            what,
            path: path.to_owned(),
            code,
        }
    }
}
