//! A leader's preparer and its database, for tests.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::ensemble::database::{
    Applied, ApplyResult, Caller, ConnId, Database, DatabaseSettings, Preparer, WriteRequest,
};
use crate::wire::jute::{
    Acl, CreateRequest, DeleteRequest, ErrorCode, EventType, Id, OpCode, PathWatch, Reader,
    SessionId, SetAclRequest, SetDataRequest, Stat, WriteJute, Zxid,
};

/// Connection, type and path of a watch event.
pub(super) type Event = (u64, EventType, String);

pub(super) struct World {
    pub(super) db: Database,
    pub(super) preparer: Preparer,
    /// All entries, oldest first.
    pub(super) log: Vec<Vec<u8>>,
    pub(super) events: Vec<Event>,
    pub(super) session: i64,
    pub(super) auth: Vec<Id>,
}

pub(super) fn digest(user: &str) -> Id {
    Id::new("digest", user)
}

pub(super) fn acl(perms: i32, id: Id) -> Acl {
    Acl { perms, id }
}

pub(super) fn encoded(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    build(&mut out);
    out
}

pub(super) fn create_body(path: &str, data: &[u8], acl: Vec<Acl>, flags: i32) -> Vec<u8> {
    encoded(|out| {
        CreateRequest {
            path,
            data: Some(data),
            acl,
            flags,
            ttl_ms: None,
        }
        .encode(out);
    })
}

pub(super) fn delete_body(path: &str, version: i32) -> Vec<u8> {
    encoded(|out| DeleteRequest { path, version }.encode(out))
}

pub(super) fn set_body(path: &str, data: &[u8], version: i32) -> Vec<u8> {
    encoded(|out| {
        SetDataRequest {
            path,
            data: Some(data),
            version,
        }
        .encode(out);
    })
}

pub(super) fn set_acl_body(path: &str, acl: Vec<Acl>, version: i32) -> Vec<u8> {
    encoded(|out| SetAclRequest { path, acl, version }.encode(out))
}

pub(super) fn path_body(path: &str, watch: bool) -> Vec<u8> {
    encoded(|out| PathWatch { path, watch }.encode(out))
}

pub(super) fn number_body(path: &str, number: i32) -> Vec<u8> {
    encoded(|out| {
        out.put_string(path);
        out.put_i32(number);
    })
}

impl World {
    /// Creates a fresh database with session 1.
    pub(super) fn new() -> Self {
        let mut world = Self {
            db: Database::new(DatabaseSettings::default()),
            preparer: Preparer::new(),
            log: Vec::new(),
            events: Vec::new(),
            session: 1,
            auth: Vec::new(),
        };
        world.open_session(1);
        world
    }

    pub(super) fn open_session(&mut self, session: i64) {
        self.session = session;
        let applied = self.write(OpCode::CreateSession, &10_000i32.to_be_bytes());
        assert_eq!(applied.result, ApplyResult::Done);
    }

    pub(super) fn next_zxid(&self) -> Zxid {
        Zxid::new(1, u32::try_from(self.log.len()).expect("few entries") + 1)
    }

    /// Prepares a request and logs its entry without applying it.
    pub(super) fn propose(&mut self, op: OpCode, body: &[u8]) -> usize {
        let zxid = self.next_zxid();
        let request = WriteRequest {
            session: SessionId(self.session),
            cxid: 7,
            op: op.code(),
            body,
            auth: &self.auth,
            time_ms: 1000 + zxid.0,
        };
        let mut entry = Vec::new();
        self.preparer.prepare(&self.db, &request, zxid, &mut entry);
        self.log.push(entry);
        self.log.len() - 1
    }

    /// Applies the entry at index `at` of the log.
    pub(super) fn commit(&mut self, at: usize) -> Applied {
        let events = &mut self.events;
        let applied = self
            .db
            .apply(&self.log[at], &mut |event| {
                events.push((event.conn.0, event.kind, event.path.to_owned()));
            })
            .expect("a prepared entry is well formed");
        self.preparer.applied(applied.header.zxid);
        assert_eq!(self.db.last_processed(), applied.header.zxid);
        applied
    }

    pub(super) fn write(&mut self, op: OpCode, body: &[u8]) -> Applied {
        let at = self.propose(op, body);
        self.commit(at)
    }

    /// Creates a node with an open ACL and returns its path.
    pub(super) fn create(&mut self, path: &str, flags: i32) -> Result<String, ErrorCode> {
        self.create_with(path, Acl::open(), flags)
    }

    pub(super) fn create_with(
        &mut self,
        path: &str,
        acl: Vec<Acl>,
        flags: i32,
    ) -> Result<String, ErrorCode> {
        match self
            .write(OpCode::Create, &create_body(path, b"d", acl, flags))
            .result
        {
            ApplyResult::Created { path, .. } => Ok(path.to_string()),
            ApplyResult::Error(code) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn delete(&mut self, path: &str, version: i32) -> ErrorCode {
        self.write(OpCode::Delete, &delete_body(path, version))
            .error()
    }

    pub(super) fn set(&mut self, path: &str, version: i32) -> Result<Stat, ErrorCode> {
        match self
            .write(OpCode::SetData, &set_body(path, b"new", version))
            .result
        {
            ApplyResult::Changed(stat) => Ok(stat),
            ApplyResult::Error(code) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn set_acl(&mut self, path: &str, acl: Vec<Acl>, version: i32) -> ErrorCode {
        self.write(OpCode::SetAcl, &set_acl_body(path, acl, version))
            .error()
    }

    /// Reads as connection `conn`.
    pub(super) fn read_as(
        &mut self,
        conn: u64,
        op: OpCode,
        body: &[u8],
    ) -> Result<Vec<u8>, ErrorCode> {
        let caller = Caller {
            conn: ConnId(conn),
            session: SessionId(self.session),
            auth: &self.auth,
        };
        let mut out = b"kept".to_vec();
        let events = &mut self.events;
        let result = self.db.read(op, body, &caller, &mut out, &mut |event| {
            events.push((event.conn.0, event.kind, event.path.to_owned()));
        });
        assert_eq!(&out[..4], b"kept");
        if result.is_err() {
            assert_eq!(out.len(), 4, "a refused read appends nothing");
        }
        result.map(|()| out.split_off(4))
    }

    pub(super) fn read(&mut self, op: OpCode, body: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        self.read_as(1, op, body)
    }

    pub(super) fn stat(&mut self, path: &str) -> Result<Stat, ErrorCode> {
        let body = self.read(OpCode::Exists, &path_body(path, false))?;
        Ok(Stat::decode(&mut Reader::new(&body)).expect("a Stat"))
    }

    /// Returns the names of the children, sorted.
    pub(super) fn children(&mut self, path: &str) -> Vec<String> {
        let body = self
            .read(OpCode::GetChildren, &path_body(path, false))
            .expect("a list");
        let names = Reader::new(&body).strings().expect("strings");
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn snapshot(&self) -> Vec<u8> {
        encoded(|out| self.db.encode_snapshot(out))
    }
}
