//! The operations that manage watches (specification 7.2, 7.3, 7.6).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{ErrorCode, EventType, OpCode, PathNumber, Reader, SetWatches, WriteJute};

use super::path;
use super::read::malformed;
use super::state::Database;
use super::watched::Mode;
use super::watches::Events;
use super::{Caller, WatchEvent};

/// Watcher types of checkWatches and removeWatches (specification 3.4).
const CHILDREN: i32 = 1;
const DATA: i32 = 2;
const ANY: i32 = 3;
const PERSISTENT: i32 = 4;
const RECURSIVE: i32 = 5;

impl Database {
    /// Restores the watches of a reconnected client, or sends the event where one was missed.
    pub(super) fn set_watches(
        &mut self,
        op: OpCode,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        events: Events<'_>,
    ) -> Result<(), ErrorCode> {
        let lists = SetWatches::decode(reader, op).map_err(malformed)?;
        let seen = lists.relative_zxid;
        self.work += lists.len();
        let mut tell = |kind, path| {
            events(WatchEvent {
                conn: caller.conn,
                kind,
                path,
            });
        };
        self.watches.store_identities(caller);
        for path in lists.data {
            match self.tree.find(path).map(|id| self.tree.nodes.node(id)) {
                None => tell(EventType::NodeDeleted, path),
                Some(node) if node.stat.mzxid > seen => tell(EventType::NodeDataChanged, path),
                Some(node) => self
                    .watches
                    .data
                    .add(node.path(), caller.conn, Mode::STANDARD),
            }
        }
        for path in lists.exist {
            if self.tree.find(path).is_some() {
                tell(EventType::NodeCreated, path);
            } else {
                self.watches.data.add(path, caller.conn, Mode::STANDARD);
            }
        }
        for path in lists.child {
            match self.tree.find(path).map(|id| self.tree.nodes.node(id)) {
                None => tell(EventType::NodeDeleted, path),
                Some(node) if node.stat.pzxid > seen => tell(EventType::NodeChildrenChanged, path),
                Some(node) => self
                    .watches
                    .child
                    .add(node.path(), caller.conn, Mode::STANDARD),
            }
        }
        for path in lists.persistent {
            self.watches.add_persistent(path, caller.conn, false);
        }
        for path in lists.persistent_recursive {
            self.watches.add_persistent(path, caller.conn, true);
        }
        Ok(())
    }

    /// Requires neither an existing node nor a permission.
    pub(super) fn add_watch(
        &mut self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let request = PathNumber::decode(reader).map_err(malformed)?;
        let recursive = match request.number {
            0 => false,
            1 => true,
            _ => return Err(ErrorCode::MARSHALLING),
        };
        self.watches.store_identities(caller);
        let path = path::canonical(request.path);
        self.watches.add_persistent(path, caller.conn, recursive);
        out.put_i32(0);
        Ok(())
    }

    pub(super) fn check_watches(
        &self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
    ) -> Result<(), ErrorCode> {
        let request = PathNumber::decode(reader).map_err(malformed)?;
        let (path, conn) = (path::canonical(request.path), caller.conn);
        let data = |mode| self.watches.data.contains(path, conn, mode);
        let child = |mode| self.watches.child.contains(path, conn, mode);
        let found = match request.number {
            CHILDREN => child(Mode::STANDARD),
            DATA => data(Mode::STANDARD),
            ANY => data(Mode::ANY) || child(Mode::ANY),
            PERSISTENT => data(Mode::PERSISTENT),
            RECURSIVE => data(Mode::RECURSIVE),
            _ => return Err(ErrorCode::MARSHALLING),
        };
        if found {
            Ok(())
        } else {
            Err(ErrorCode::NO_WATCHER)
        }
    }

    pub(super) fn remove_watches(
        &mut self,
        reader: &mut Reader<'_>,
        caller: &Caller<'_>,
    ) -> Result<(), ErrorCode> {
        let request = PathNumber::decode(reader).map_err(malformed)?;
        let (path, conn) = (path::canonical(request.path), caller.conn);
        let (data, child) = match request.number {
            CHILDREN => (None, Some(Mode::STANDARD)),
            DATA => (Some(Mode::STANDARD), None),
            ANY => (Some(Mode::ANY), Some(Mode::ANY)),
            PERSISTENT => (Some(Mode::PERSISTENT), Some(Mode::PERSISTENT)),
            RECURSIVE => (Some(Mode::RECURSIVE), None),
            _ => return Err(ErrorCode::MARSHALLING),
        };
        let watches = &mut self.watches;
        let from_data = data.is_some_and(|mode| watches.data.remove(path, conn, mode));
        let from_child = child.is_some_and(|mode| watches.child.remove(path, conn, mode));
        if from_data || from_child {
            Ok(())
        } else {
            Err(ErrorCode::NO_WATCHER)
        }
    }
}
