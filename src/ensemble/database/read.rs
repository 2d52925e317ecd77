//! Reads: all client operations that change no node (specification 4, 6.6).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{
    Acl, ErrorCode, Id, JuteError, MultiOp, MultiOps, OpCode, PathWatch, Perms, Reader, WriteJute,
};

use super::acl::{AclId, Rights};
use super::path;
use super::state::Database;
use super::watched::Mode;
use super::znode::NodeId;
use super::{Caller, WatchEvent};

/// A multiRead whose response would be longer is refused: its parts may name one large node many
/// times.
const MULTI_READ_BYTES_MAX: usize = 16 << 20;

/// How many bytes of a request or reply count as one unit of work.
const BYTES_PER_WORK: usize = 1024;

/// The error code of a request that cannot be decoded.
pub(super) fn malformed(_reason: JuteError) -> ErrorCode {
    ErrorCode::MARSHALLING
}

impl Database {
    /// Answers a read: appends the response record without its header, and sets the requested
    /// watches.
    ///
    /// `events` receives the events that setWatches finds missed.
    ///
    /// # Errors
    /// The code for the reply header. Nothing is then appended and no watch is set.
    pub fn read(
        &mut self,
        op: OpCode,
        body: &[u8],
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
        events: &mut dyn FnMut(WatchEvent<'_>),
    ) -> Result<(), ErrorCode> {
        let mark = out.len();
        let mut reader = Reader::new(body);
        self.work += 1 + caller.auth.len() + body.len() / BYTES_PER_WORK;
        let result = match op {
            OpCode::GetData => self.get_data(&mut reader, caller, out),
            OpCode::Exists => self.exists(&mut reader, caller, out),
            OpCode::GetChildren | OpCode::GetChildren2 => {
                self.get_children(op, &mut reader, caller, out)
            }
            OpCode::GetAcl => self.get_acl(&mut reader, caller, out),
            OpCode::GetEphemerals => self.get_ephemerals(&mut reader, caller, out),
            OpCode::GetAllChildrenNumber => self.get_all_children_number(&mut reader, caller, out),
            OpCode::MultiRead => self.multi_read(&mut reader, caller, out),
            OpCode::SetWatches | OpCode::SetWatches2 => {
                self.set_watches(op, &mut reader, caller, events)
            }
            OpCode::AddWatch => self.add_watch(&mut reader, caller, out),
            OpCode::CheckWatches => self.check_watches(&mut reader, caller),
            OpCode::RemoveWatches => self.remove_watches(&mut reader, caller),
            OpCode::WhoAmI => {
                who_am_i(caller.auth, out);
                Ok(())
            }
            _ => Err(ErrorCode::UNIMPLEMENTED),
        };
        self.work += (out.len() - mark) / BYTES_PER_WORK;
        if result.is_err() {
            out.truncate(mark);
        }
        result
    }

    /// Returns the node if the caller holds any of `perms` on it.
    fn permitted(&self, wanted: &str, perms: i32, auth: &[Id]) -> Result<NodeId, ErrorCode> {
        let id = self.tree.find(wanted).ok_or(ErrorCode::NO_NODE)?;
        if self.tree.nodes.node(id).acl != AclId::OPEN {
            self.tree.rights(id).check(perms, auth)?;
        }
        Ok(id)
    }

    fn get_data(
        &mut self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let request = PathWatch::decode(reader).map_err(malformed)?;
        let id = self.permitted(request.path, Perms::READ, caller.auth)?;
        self.content(id, out);
        if request.watch {
            let node = self.tree.nodes.node(id);
            self.watches.store_identities(caller);
            self.watches
                .data
                .add(node.path(), caller.conn, Mode::STANDARD);
        }
        Ok(())
    }

    fn exists(
        &mut self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let request = PathWatch::decode(reader).map_err(malformed)?;
        if request.path.contains('\0') {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let found = self.permitted(request.path, Perms::READ, caller.auth);
        if found == Err(ErrorCode::NO_AUTH) {
            return Err(ErrorCode::NO_AUTH);
        }
        if request.watch {
            // exists sets a watch on a missing node too; it fires when the node is created.
            let path = path::canonical(request.path);
            self.watches.store_identities(caller);
            self.watches.data.add(path, caller.conn, Mode::STANDARD);
        }
        self.tree.stat(found?).encode(out);
        Ok(())
    }

    fn get_children(
        &mut self,
        op: OpCode,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let request = PathWatch::decode(reader).map_err(malformed)?;
        let id = self.permitted(request.path, Perms::READ, caller.auth)?;
        self.list(id, out);
        if op == OpCode::GetChildren2 {
            self.tree.stat(id).encode(out);
        }
        if request.watch {
            let node = self.tree.nodes.node(id);
            self.watches.store_identities(caller);
            self.watches
                .child
                .add(node.path(), caller.conn, Mode::STANDARD);
        }
        Ok(())
    }

    /// Appends the node's data and stat.
    fn content(&self, id: NodeId, out: &mut Vec<u8>) {
        let node = self.tree.nodes.node(id);
        out.put_buffer(node.data());
        self.tree.stat(id).encode(out);
    }

    /// Appends the names of the node's children, in no particular order (as Java does).
    fn list(&mut self, id: NodeId, out: &mut Vec<u8>) {
        let parent = self.tree.nodes.node(id);
        let children = &parent.children;
        self.work += children.len();
        out.put_len(children.len());
        // A list can have millions of names. To search each path for its last component would take most of
        // the time.
        let parent_bytes = match parent.raw_path() {
            b"/" => 1,
            path => path.len() + 1,
        };
        for child in children.iter() {
            let path = self.tree.nodes.node(*child).raw_path();
            out.put_buffer(path.get(parent_bytes..));
        }
    }

    fn get_acl(
        &self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let path = reader.required_string().map_err(malformed)?;
        let id = self.permitted(path, Perms::READ | Perms::ADMIN, caller.auth)?;
        let hide = self
            .tree
            .rights(id)
            .check(Perms::ADMIN, caller.auth)
            .is_err();
        match self.tree.acls.stored(self.tree.nodes.node(id).acl) {
            Rights::Open => Acl::encode_list(&Acl::open(), out),
            Rights::Unknown => Acl::encode_list(&[], out),
            Rights::List(list) if hide => {
                let list: Vec<Acl> = list.iter().map(masked).collect();
                Acl::encode_list(&list, out);
            }
            Rights::List(list) => Acl::encode_list(&list, out),
        }
        self.tree.stat(id).encode(out);
        Ok(())
    }

    fn get_ephemerals(
        &mut self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let prefix = reader.string().map_err(malformed)?.unwrap_or_default();
        let mut paths: Vec<&str> = self.tree.ephemerals(caller.session).collect();
        self.work += paths.len();
        paths.retain(|path| path.starts_with(prefix));
        paths.sort_unstable();
        out.put_len(paths.len());
        for path in paths {
            out.put_string(path);
        }
        Ok(())
    }

    fn get_all_children_number(
        &self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let path = reader.required_string().map_err(malformed)?;
        let id = self.permitted(path, Perms::READ, caller.auth)?;
        out.put_len(self.tree.descendants(id));
        Ok(())
    }

    /// Each part succeeds or fails on its own. A multiRead sets no watches (specification 5).
    fn multi_read(
        &mut self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let MultiOps(parts) = MultiOps::decode(reader, OpCode::MultiRead).map_err(malformed)?;
        let mark = out.len();
        for part in parts {
            self.work += 1;
            if out.len() - mark > MULTI_READ_BYTES_MAX {
                return Err(ErrorCode::MARSHALLING);
            }
            let (op, path) = match part {
                MultiOp::GetData(request) => (OpCode::GetData, request.path),
                MultiOp::GetChildren(request) => (OpCode::GetChildren, request.path),
                // The decoder rejects all other operations.
                _ => return Err(ErrorCode::MARSHALLING),
            };
            match self.permitted(path, Perms::READ, caller.auth) {
                Err(code) => {
                    encode_part_header(out, OpCode::Error, code);
                    out.put_i32(code.0);
                }
                Ok(id) if op == OpCode::GetChildren => {
                    encode_part_header(out, op, ErrorCode::OK);
                    self.list(id, out);
                }
                Ok(id) => {
                    encode_part_header(out, op, ErrorCode::OK);
                    self.content(id, out);
                }
            }
        }
        MultiOps::encode_end(out);
        Ok(())
    }
}

fn encode_part_header(out: &mut Vec<u8>, op: OpCode, code: ErrorCode) {
    out.put_i32(op.code());
    out.put_bool(false);
    out.put_i32(code.0);
}

/// Hides the password hash of a digest identity. Only a caller with ADMIN may see it.
fn masked(acl: &Acl) -> Acl {
    let mut acl = acl.clone();
    if acl.id.scheme == "digest"
        && let Some(at) = acl.id.id.find(':')
    {
        acl.id.id.truncate(at + 1);
        acl.id.id.push('x');
    }
    acl
}

fn who_am_i(auth: &[Id], out: &mut Vec<u8>) {
    out.put_len(auth.len());
    for id in auth {
        out.put_string(&id.scheme);
        out.put_string(match id.scheme.as_str() {
            "digest" => id.id.split(':').next().unwrap_or_default(),
            _ => &id.id,
        });
    }
}
