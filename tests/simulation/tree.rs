//! What a database contains, in a form in which replicas can be compared.

use std::collections::BTreeMap;

use quorate::ensemble::database::Database;
use quorate::wire::jute::{Acl, Reader, SessionId, StatPersisted};

/// Replicas order siblings differently and give different numbers to their ACL lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    sessions: BTreeMap<SessionId, i32>,
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, PartialEq, Eq)]
struct Node {
    data: Option<Vec<u8>>,
    /// `None` for the open list.
    acl: Option<Vec<Acl>>,
    stat: StatPersisted,
}

impl Tree {
    pub(crate) fn of(database: &Database) -> Self {
        let mut body = Vec::new();
        database.encode_snapshot(&mut body);
        let mut reader = Reader::new(&body);
        let mut tree = Self::default();
        for _ in 0..reader.i32().expect("a count") {
            let session = SessionId(reader.i64().expect("a session"));
            tree.sessions
                .insert(session, reader.i32().expect("a timeout"));
        }
        let mut acls = BTreeMap::new();
        for _ in 0..reader.i32().expect("a count") {
            let id = reader.i64().expect("an id");
            let list = Acl::decode_list(&mut reader).expect("a list");
            acls.insert(id, list.unwrap_or_default());
        }
        loop {
            let path = reader.required_string().expect("a path");
            if path == "/" {
                return tree;
            }
            let data = reader.buffer().expect("data").map(<[u8]>::to_vec);
            let id = reader.i64().expect("an ACL id");
            let acl = (id != -1).then(|| acls.get(&id).expect("a known ACL").clone());
            let stat = StatPersisted::decode(&mut reader).expect("a stat");
            tree.nodes.insert(path.to_owned(), Node { data, acl, stat });
        }
    }

    /// Describes the first difference.
    pub(crate) fn difference(&self, other: &Self) -> String {
        if self.sessions != other.sessions {
            return format!("sessions {:?} and {:?}", self.sessions, other.sessions);
        }
        let paths = self.nodes.keys().chain(other.nodes.keys());
        for path in paths {
            let (ours, theirs) = (self.nodes.get(path), other.nodes.get(path));
            if ours != theirs {
                return format!("{path}: {ours:?} and {theirs:?}");
            }
        }
        String::from("none")
    }
}
