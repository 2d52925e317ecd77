//! A small client that encodes and decodes its frames without the library (specification 2-5).

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::servers::PATIENCE;

pub(crate) const CREATE: i32 = 1;
pub(crate) const DELETE: i32 = 2;
pub(crate) const EXISTS: i32 = 3;
pub(crate) const GET: i32 = 4;
pub(crate) const SET: i32 = 5;
pub(crate) const CHILDREN: i32 = 8;
pub(crate) const SYNC: i32 = 9;
pub(crate) const PING: i32 = 11;
pub(crate) const CHECK: i32 = 13;
pub(crate) const MULTI: i32 = 14;
pub(crate) const ADD_WATCH: i32 = 106;
pub(crate) const CLOSE: i32 = -11;

/// Builds the bytes of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Bytes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn buffer(self, value: &[u8]) -> Self {
        let mut with_length = self.int(i32::try_from(value.len()).unwrap());
        with_length.0.extend(value);
        with_length
    }

    pub(crate) fn string(self, value: &str) -> Self {
        self.buffer(value.as_bytes())
    }

    pub(crate) fn raw(mut self, value: &[u8]) -> Self {
        self.0.extend(value);
        self
    }

    /// Appends an ACL that allows everything to everyone.
    pub(crate) fn open_acl(self) -> Self {
        self.int(1).int(31).string("world").string("anyone")
    }

    /// Returns the bytes with their length in front.
    pub(crate) fn framed(self) -> Vec<u8> {
        Self::new().buffer(&self.0).0
    }
}

/// Decodes the bytes of a message from the front.
#[derive(Debug)]
pub(crate) struct Taken<'a>(pub(crate) &'a [u8]);

impl<'a> Taken<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        head
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1)[0]
    }

    pub(crate) fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes(4).try_into().unwrap())
    }

    pub(crate) fn long(&mut self) -> i64 {
        i64::from_be_bytes(self.bytes(8).try_into().unwrap())
    }

    pub(crate) fn buffer(&mut self) -> &'a [u8] {
        let count = usize::try_from(self.int()).expect("neither null nor negative");
        self.bytes(count)
    }

    pub(crate) fn string(&mut self) -> String {
        String::from_utf8(self.buffer().to_vec()).unwrap()
    }

    pub(crate) fn stat(&mut self) -> Stat {
        Stat {
            czxid: self.long(),
            mzxid: self.long(),
            times_ms: (self.long(), self.long()),
            version: self.int(),
            cversion: self.int(),
            aversion: self.int(),
            owner: self.long(),
            data_length: self.int(),
            children: self.int(),
            pzxid: self.long(),
        }
    }

    pub(crate) fn end(&self) {
        assert!(self.0.is_empty(), "{} bytes too many", self.0.len());
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) czxid: i64,
    pub(crate) mzxid: i64,
    pub(crate) times_ms: (i64, i64),
    pub(crate) version: i32,
    pub(crate) cversion: i32,
    pub(crate) aversion: i32,
    pub(crate) owner: i64,
    pub(crate) data_length: i32,
    pub(crate) children: i32,
    pub(crate) pzxid: i64,
}

/// A reply, or a notification (xid -1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) xid: i32,
    pub(crate) zxid: i64,
    pub(crate) err: i32,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn body(&self) -> Taken<'_> {
        assert_eq!(self.err, 0, "{self:?}");
        Taken(&self.body)
    }

    /// Returns the kind and the path of a notification.
    pub(crate) fn event(&self) -> (i32, String) {
        assert_eq!((self.xid, self.err), (-1, 0), "{self:?}");
        let mut body = self.body();
        let kind = body.int();
        assert_eq!(body.int(), 3, "state SyncConnected");
        let path = body.string();
        body.end();
        (kind, path)
    }
}

#[derive(Debug)]
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    pub(crate) fn finish(&self) {
        let _already_closed = self.0.shutdown(Shutdown::Write);
    }

    #[allow(dead_code, reason = "used by the tests without Java")]
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Reads the next frame. Returns an error if the connection ends first.
    pub(crate) fn frame(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let mut frame = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
        self.0.read_exact(&mut frame)?;
        Ok(frame)
    }

    /// Reads until the other side closes the connection. Panics if it does not close it in time.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("not closed: {error}; received {rest:?}"),
        }
        rest
    }
}

/// The fields of a ConnectRequest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hello {
    pub(crate) last_zxid: i64,
    pub(crate) timeout_ms: i32,
    pub(crate) session: i64,
    pub(crate) password: [u8; 16],
}

impl Hello {
    /// Encodes the frame with the read-only byte.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.body().byte(0).framed()
    }

    /// Encodes the body without the read-only byte.
    pub(crate) fn body(&self) -> Bytes {
        Bytes::new()
            .int(0)
            .long(self.last_zxid)
            .int(self.timeout_ms)
            .long(self.session)
            .buffer(&self.password)
    }
}

/// A session on a connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) wire: Wire,
    pub(crate) session: i64,
    pub(crate) password: [u8; 16],
    /// The negotiated timeout, or 0 if the server refused the session.
    pub(crate) timeout_ms: i32,
    pub(crate) last_zxid: i64,
    /// Notifications that arrived while a reply was awaited, oldest first.
    pub(crate) events: Vec<(i32, String)>,
    xid: i32,
}

impl Client {
    /// Sends `hello` and reads the ConnectResponse, which may refuse the session.
    pub(crate) fn greet(address: SocketAddr, hello: &Hello) -> io::Result<Self> {
        let mut wire = Wire::open(address)?;
        wire.send(&hello.bytes())?;
        let answer = wire.frame()?;
        let mut taken = Taken(&answer);
        assert_eq!(taken.int(), 0, "protocol version");
        let timeout_ms = taken.int();
        let session = taken.long();
        let password = taken.buffer().try_into().unwrap();
        assert_eq!(taken.byte(), 0, "read-only");
        taken.end();
        let last_zxid = hello.last_zxid;
        Ok(Self {
            wire,
            session,
            password,
            timeout_ms,
            last_zxid,
            events: Vec::new(),
            xid: 0,
        })
    }

    pub(crate) fn try_new(address: SocketAddr, timeout_ms: i32) -> io::Result<Self> {
        let client = Self::greet(
            address,
            &Hello {
                timeout_ms,
                ..Hello::default()
            },
        )?;
        if client.timeout_ms == 0 {
            return Err(io::Error::other("no session"));
        }
        Ok(client)
    }

    /// Opens a new session with a timeout that no test reaches.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::try_new(address, 60_000).unwrap()
    }

    /// Returns the ConnectRequest that resumes this session on a new connection.
    pub(crate) fn hello(&self) -> Hello {
        Hello {
            last_zxid: self.last_zxid,
            timeout_ms: self.timeout_ms,
            session: self.session,
            password: self.password,
        }
    }

    /// Sends a request without waiting for the reply. Returns its xid.
    pub(crate) fn request(&mut self, op: i32, body: &Bytes) -> io::Result<i32> {
        self.xid += 1;
        let frame = Bytes::new().int(self.xid).int(op).raw(&body.0).framed();
        self.wire.send(&frame)?;
        Ok(self.xid)
    }

    /// Reads the next reply or notification.
    pub(crate) fn next(&mut self) -> io::Result<Reply> {
        let frame = self.wire.frame()?;
        let mut taken = Taken(&frame);
        let reply = Reply {
            xid: taken.int(),
            zxid: taken.long(),
            err: taken.int(),
            body: taken.0.to_vec(),
        };
        if reply.xid > 0 {
            self.last_zxid = self.last_zxid.max(reply.zxid);
        }
        Ok(reply)
    }

    /// Returns the next notification. Reads one if none has arrived yet.
    pub(crate) fn event(&mut self) -> (i32, String) {
        if self.events.is_empty() {
            return self.next().unwrap().event();
        }
        self.events.remove(0)
    }

    pub(crate) fn try_call(&mut self, op: i32, body: &Bytes) -> io::Result<Reply> {
        let xid = self.request(op, body)?;
        loop {
            let reply = self.next()?;
            if reply.xid == -1 {
                self.events.push(reply.event());
                continue;
            }
            assert_eq!(reply.xid, xid, "replies come in the order of the requests");
            return Ok(reply);
        }
    }

    pub(crate) fn call(&mut self, op: i32, body: &Bytes) -> Reply {
        self.try_call(op, body).unwrap()
    }

    /// Creates a znode. Returns its path.
    pub(crate) fn create(&mut self, path: &str, data: &[u8], flags: i32) -> Result<String, i32> {
        let reply = self.call(CREATE, &create(path, data, flags));
        if reply.err != 0 {
            return Err(reply.err);
        }
        let mut body = reply.body();
        let path = body.string();
        body.end();
        Ok(path)
    }

    pub(crate) fn set(&mut self, path: &str, data: &[u8], version: i32) -> Result<Stat, i32> {
        let reply = self.call(SET, &Bytes::new().string(path).buffer(data).int(version));
        if reply.err == 0 {
            Ok(reply.body().stat())
        } else {
            Err(reply.err)
        }
    }

    pub(crate) fn get(&mut self, path: &str, watch: bool) -> Result<(Vec<u8>, Stat), i32> {
        let reply = self.call(GET, &read(path, watch));
        if reply.err != 0 {
            return Err(reply.err);
        }
        let mut body = reply.body();
        let node = (body.buffer().to_vec(), body.stat());
        body.end();
        Ok(node)
    }

    pub(crate) fn exists(&mut self, path: &str, watch: bool) -> Result<Stat, i32> {
        let reply = self.call(EXISTS, &read(path, watch));
        if reply.err == 0 {
            Ok(reply.body().stat())
        } else {
            Err(reply.err)
        }
    }

    pub(crate) fn delete(&mut self, path: &str, version: i32) -> Result<(), i32> {
        let reply = self.call(DELETE, &Bytes::new().string(path).int(version));
        if reply.err == 0 {
            Ok(())
        } else {
            Err(reply.err)
        }
    }

    /// Returns the sorted names of the children of a znode.
    pub(crate) fn children(&mut self, path: &str, watch: bool) -> Result<Vec<String>, i32> {
        let reply = self.call(CHILDREN, &read(path, watch));
        if reply.err != 0 {
            return Err(reply.err);
        }
        let mut body = reply.body();
        let mut names: Vec<String> = (0..body.int()).map(|_| body.string()).collect();
        body.end();
        names.sort();
        Ok(names)
    }

    /// Waits until the server has applied everything that was committed before.
    pub(crate) fn sync(&mut self) {
        let reply = self.call(SYNC, &Bytes::new().string("/"));
        assert_eq!(reply.body().string(), "/");
    }

    /// Closes the session. The server closes the connection after the reply.
    pub(crate) fn close(mut self) {
        let reply = self.call(CLOSE, &Bytes::new());
        assert_eq!((reply.err, reply.body.len()), (0, 0));
        assert_eq!(self.wire.until_closed(), b"");
    }
}

pub(crate) fn read(path: &str, watch: bool) -> Bytes {
    Bytes::new().string(path).byte(u8::from(watch))
}

pub(crate) fn create(path: &str, data: &[u8], flags: i32) -> Bytes {
    Bytes::new().string(path).buffer(data).open_acl().int(flags)
}
