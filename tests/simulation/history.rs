//! The acknowledged writes and the leaders of a run, and the properties that are checked against them.

use std::collections::BTreeMap;

use quorate::ensemble::database::{Caller, ConnId, Database};
use quorate::wire::jute::{OpCode, PathWatch, SessionId, Zxid};

#[derive(Debug, Default)]
pub(crate) struct History {
    /// Paths of acknowledged creates by zxid.
    acknowledged: BTreeMap<Zxid, String>,
    /// The server that led each epoch.
    leaders: BTreeMap<i64, usize>,
}

impl History {
    /// Records an acknowledged create. Two writes must not have the same zxid.
    pub(crate) fn acknowledge(&mut self, zxid: Zxid, path: &str) {
        if let Some(other) = self.acknowledged.insert(zxid, path.to_owned()) {
            assert_eq!(other, path, "two writes acknowledged with {zxid}");
        }
    }

    /// Records a serving leader. An epoch must have only one (Junqueira et al. 2011, section III: primary
    /// uniqueness).
    pub(crate) fn leader(&mut self, epoch: i64, server: usize) {
        let first = *self.leaders.entry(epoch).or_insert(server);
        assert_eq!(
            first, server,
            "servers {first} and {server} both lead epoch {epoch}"
        );
    }

    pub(crate) fn len(&self) -> usize {
        self.acknowledged.len()
    }

    /// Checks that the tree contains every acknowledged write.
    pub(crate) fn check(&self, server: usize, database: &mut Database) {
        for (zxid, path) in &self.acknowledged {
            let mut body = Vec::new();
            PathWatch { path, watch: false }.encode(&mut body);
            let caller = Caller {
                conn: ConnId(0),
                session: SessionId(0),
                auth: &[],
            };
            let mut out = Vec::new();
            let found = database.read(OpCode::GetData, &body, &caller, &mut out, &mut |_| {});
            assert!(
                found.is_ok(),
                "server {server} lost {path}, acknowledged with {zxid}: {found:?}"
            );
            assert!(
                out.ends_with(&[0; 0]) && out.len() > 68,
                "{path} lacks its data or stat"
            );
        }
    }
}
