//! Interns ACL lists: nodes with equal lists share one numbered entry (specification 8.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::wire::jute::{Acl, ErrorCode, Id, JuteError, Perms, Reader, WriteJute};

use super::acl_list::AclList;
use super::path_hash::PathHasher;
use super::rights;

/// `world:anyone` with all permissions, encoded as a jute vector. Most create requests carry it.
const OPEN_ENCODED: &[u8] = b"\0\0\0\x01\0\0\0\x1f\0\0\0\x05world\0\0\0\x06anyone";

/// Number of an ACL list. Each server assigns its own numbers; snapshots contain them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AclId(pub(super) i64);

impl AclId {
    /// `world:anyone` with all permissions.
    pub(super) const OPEN: Self = Self(-1);
}

/// The ACL of a request or transaction. The common open list is recognised without decoding it.
#[derive(Clone, Debug)]
pub(super) enum AclSpec {
    Open,
    List(Vec<Acl>),
}

impl AclSpec {
    /// Reads a vector; null becomes the empty list.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        if reader.rest().starts_with(OPEN_ENCODED) {
            reader.bytes(OPEN_ENCODED.len())?;
            return Ok(Self::Open);
        }
        Ok(Self::new(Acl::decode_list(reader)?.unwrap_or_default()))
    }

    pub(super) fn new(list: Vec<Acl>) -> Self {
        if is_open(&list) {
            Self::Open
        } else {
            Self::List(list)
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open => out.put(OPEN_ENCODED),
            Self::List(list) => Acl::encode_list(list, out),
        }
    }

    /// Checks and expands the list that a client sets; see [`rights::normalise`].
    pub(super) fn normalise(self, auth: &[Id]) -> Result<Self, ErrorCode> {
        match self {
            Self::Open => Ok(Self::Open),
            Self::List(list) => rights::normalise(list, auth).map(Self::new),
        }
    }

    pub(super) fn rights(&self) -> Rights {
        match self {
            Self::Open => Rights::Open,
            Self::List(list) => Rights::List(Arc::new(AclList::new(list.as_slice().into()))),
        }
    }
}

fn is_open(list: &[Acl]) -> bool {
    match list {
        [acl] => acl.perms == Perms::ALL && acl.id.scheme == "world" && acl.id.id == "anyone",
        _ => false,
    }
}

/// The ACL of a node.
#[derive(Clone, Debug)]
pub(super) enum Rights {
    Open,
    List(Arc<AclList>),
    /// The snapshot did not contain the list (specification 15.4). It grants nothing until a
    /// transaction from the log supplies it.
    Unknown,
}

impl Rights {
    /// Succeeds if a caller with the identities `auth` holds any of `perms`.
    pub(super) fn check(&self, perms: i32, auth: &[Id]) -> Result<(), ErrorCode> {
        let allowed = match self {
            Self::Open => true,
            Self::List(list) => list.allows(perms, auth),
            Self::Unknown => rights::is_superuser(auth),
        };
        if allowed {
            Ok(())
        } else {
            Err(ErrorCode::NO_AUTH)
        }
    }
}

#[derive(Debug)]
struct Interned {
    list: Arc<AclList>,
    hash: u64,
    nodes: usize,
}

/// The ACL lists of all nodes, with reference counts.
#[derive(Debug)]
pub(super) struct AclTable {
    lists: BTreeMap<AclId, Interned>,
    /// (hash of the list, its number)
    ids: HashTable<(u64, AclId)>,
    hasher: PathHasher,
    last: i64,
    /// Whether every node grants everything, independent of its list (`skipACL`).
    pub(super) skip: bool,
}

impl AclTable {
    pub(super) fn new(hasher: PathHasher) -> Self {
        Self {
            lists: BTreeMap::new(),
            ids: HashTable::new(),
            hasher,
            last: 0,
            skip: false,
        }
    }

    fn hash(&self, list: &[Acl]) -> u64 {
        let mut encoded = Vec::new();
        Acl::encode_list(list, &mut encoded);
        self.hasher.wide(&encoded)
    }

    /// Returns the number of a list and counts one more node that uses it.
    pub(super) fn intern(&mut self, spec: &AclSpec) -> AclId {
        let AclSpec::List(list) = spec else {
            return AclId::OPEN;
        };
        let hash = self.hash(list);
        let known = self.ids.find(hash, |(other, id)| {
            *other == hash
                && self
                    .lists
                    .get(id)
                    .is_some_and(|interned| **interned.list == **list)
        });
        if let Some(&(_, id)) = known {
            self.retain(id);
            return id;
        }
        let id = AclId(self.last + 1);
        self.load(id, list);
        self.retain(id);
        id
    }

    /// Adds a list under the number that it has in a snapshot or in this table.
    pub(super) fn load(&mut self, id: AclId, list: &[Acl]) {
        let hash = self.hash(list);
        self.forget(id);
        self.ids.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        let interned = Interned {
            list: Arc::new(AclList::new(list.into())),
            hash,
            nodes: 0,
        };
        self.lists.insert(id, interned);
        self.last = self.last.max(id.0);
    }

    /// Counts one more node that uses the list.
    pub(super) fn retain(&mut self, id: AclId) {
        if id == AclId::OPEN {
            return;
        }
        // A fuzzy snapshot may hold a node whose list is missing from its table. Advance `last`, so
        // that this number is not assigned to another list.
        self.last = self.last.max(id.0);
        if let Some(interned) = self.lists.get_mut(&id) {
            interned.nodes += 1;
        }
    }

    /// Counts one node less that uses the list, and drops the list with its last node. Numbers are
    /// not reused.
    pub(super) fn release(&mut self, id: AclId) {
        if id == AclId::OPEN {
            return;
        }
        if let Some(interned) = self.lists.get_mut(&id) {
            interned.nodes = interned.nodes.saturating_sub(1);
            if interned.nodes == 0 {
                self.forget(id);
            }
        }
    }

    /// Drops the lists that no node uses.
    pub(super) fn purge(&mut self) {
        let unused: Vec<AclId> = self
            .lists
            .iter()
            .filter(|(_, interned)| interned.nodes == 0)
            .map(|(id, _)| *id)
            .collect();
        for id in unused {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: AclId) {
        if let Some(interned) = self.lists.remove(&id)
            && let Ok(entry) = self
                .ids
                .find_entry(interned.hash, |(_, other)| *other == id)
        {
            entry.remove();
        }
    }

    /// Returns what a node with this list grants.
    pub(super) fn rights(&self, id: AclId) -> Rights {
        if self.skip {
            return Rights::Open;
        }
        self.stored(id)
    }

    /// Returns the list itself, even with `skipACL`.
    pub(super) fn stored(&self, id: AclId) -> Rights {
        if id == AclId::OPEN {
            return Rights::Open;
        }
        self.lists.get(&id).map_or(Rights::Unknown, |interned| {
            Rights::List(Arc::clone(&interned.list))
        })
    }

    pub(super) fn contains(&self, id: AclId) -> bool {
        id == AclId::OPEN || self.lists.contains_key(&id)
    }

    /// Appends the table in the snapshot format.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_len(self.lists.len());
        for (id, interned) in &self.lists {
            out.put_i64(id.0);
            Acl::encode_list(&interned.list, out);
        }
    }
}
