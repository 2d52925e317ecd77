//! Compares random operations with a naive model. The database lags behind the model, and fuzzy
//! snapshots and replays are checked.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::ensemble::database::{
    Database, DatabaseSettings, Preparer, SnapshotCursor, SnapshotDecoder,
};
use crate::wire::jute::{
    Acl, ErrorCode, Id, MultiOps, OpCode, Perms, Reader, SessionId, Stat, Zxid,
};

use super::world::{
    World, acl, create_body, delete_body, digest, encoded, path_body, set_acl_body, set_body,
};

#[derive(Clone, Debug)]
struct ModelNode {
    data: Vec<u8>,
    acl: Vec<Acl>,
    owner: i64,
    czxid: Zxid,
    mzxid: Zxid,
    pzxid: Zxid,
    version: i32,
    aversion: i32,
    creations: i32,
}

/// An operation that the model and the database both carry out.
#[derive(Clone, Debug)]
enum Operation {
    Create(String, i32, Vec<Acl>),
    Delete(String, i32),
    Set(String, Vec<u8>, i32),
    SetAcl(String, Vec<Acl>, i32),
    Check(String, i32),
    Multi(Vec<Operation>),
    Close(i64),
    Open(i64),
}

/// A naive tree that applies each operation at once, following the specification.
#[derive(Clone, Default)]
struct Model {
    nodes: BTreeMap<String, ModelNode>,
    sessions: BTreeSet<i64>,
}

fn parent_of(path: &str) -> String {
    let parent = &path[..path.rfind('/').expect("a path with a slash")];
    if parent.is_empty() { "/" } else { parent }.to_owned()
}

fn check_permission(list: &[Acl], perms: i32, auth: &[Id]) -> Result<(), ErrorCode> {
    let anyone = Id::new("world", "anyone");
    let granted = list
        .iter()
        .any(|acl| acl.perms & perms != 0 && (acl.id == anyone || auth.contains(&acl.id)));
    if granted {
        Ok(())
    } else {
        Err(ErrorCode::NO_AUTH)
    }
}

impl Model {
    fn new() -> Self {
        let mut model = Self::default();
        let root = ModelNode {
            data: vec![],
            acl: Acl::open(),
            owner: 0,
            czxid: Zxid::ZERO,
            mzxid: Zxid::ZERO,
            pzxid: Zxid::ZERO,
            version: 0,
            aversion: 0,
            creations: 0,
        };
        model.nodes.insert("/".to_owned(), root);
        model
    }

    fn children(&self, path: &str) -> Vec<String> {
        let children = self
            .nodes
            .keys()
            .filter(|other| *other != "/" && parent_of(other) == path);
        children.cloned().collect()
    }

    fn node(&mut self, path: &str) -> Result<&mut ModelNode, ErrorCode> {
        self.nodes.get_mut(path).ok_or(ErrorCode::NO_NODE)
    }

    fn apply(
        &mut self,
        operation: &Operation,
        session: i64,
        auth: &[Id],
        zxid: Zxid,
    ) -> Result<(), ErrorCode> {
        match operation {
            Operation::Create(path, flags, list) => {
                self.create((path, *flags, list), session, auth, zxid)
            }
            Operation::Delete(path, version) => {
                check_permission(&self.node(&parent_of(path))?.acl, Perms::DELETE, auth)?;
                if *version != -1 && *version != self.node(path)?.version {
                    return Err(ErrorCode::BAD_VERSION);
                }
                self.node(path)?;
                if !self.children(path).is_empty() {
                    return Err(ErrorCode::NOT_EMPTY);
                }
                self.remove(path, zxid);
                Ok(())
            }
            Operation::Set(path, data, version) => {
                let node = self.node(path)?;
                check_permission(&node.acl, Perms::WRITE, auth)?;
                if *version != -1 && *version != node.version {
                    return Err(ErrorCode::BAD_VERSION);
                }
                node.version += 1;
                node.mzxid = zxid;
                node.data.clone_from(data);
                Ok(())
            }
            Operation::SetAcl(path, list, version) => {
                let node = self.node(path)?;
                check_permission(&node.acl, Perms::ADMIN, auth)?;
                if *version != -1 && *version != node.aversion {
                    return Err(ErrorCode::BAD_VERSION);
                }
                node.aversion += 1;
                node.acl.clone_from(list);
                Ok(())
            }
            Operation::Check(path, version) => {
                let node = self.node(path)?;
                check_permission(&node.acl, Perms::READ, auth)?;
                if *version != -1 && *version != node.version {
                    return Err(ErrorCode::BAD_VERSION);
                }
                Ok(())
            }
            Operation::Multi(parts) => {
                let before = self.clone();
                let failed = parts
                    .iter()
                    .any(|part| self.apply(part, session, auth, zxid).is_err());
                if failed {
                    *self = before;
                }
                Ok(())
            }
            Operation::Close(session) => {
                self.sessions.remove(session);
                let owned = self.nodes.iter().filter(|(_, node)| node.owner == *session);
                let owned: Vec<String> = owned.map(|(path, _)| path.clone()).collect();
                for path in owned {
                    self.remove(&path, zxid);
                }
                Ok(())
            }
            Operation::Open(session) => {
                self.sessions.insert(*session);
                Ok(())
            }
        }
    }

    fn remove(&mut self, path: &str, zxid: Zxid) {
        self.nodes.remove(path);
        if let Ok(parent) = self.node(&parent_of(path)) {
            parent.pzxid = zxid;
        }
    }

    fn create(
        &mut self,
        (path, flags, list): (&str, i32, &[Acl]),
        session: i64,
        auth: &[Id],
        zxid: Zxid,
    ) -> Result<(), ErrorCode> {
        let ephemeral = flags == 1 || flags == 3;
        if ephemeral && !self.sessions.contains(&session) {
            return Err(ErrorCode::SESSION_EXPIRED);
        }
        let parent_path = parent_of(path);
        let parent = self.node(&parent_path)?;
        check_permission(&parent.acl, Perms::CREATE, auth)?;
        let mut path = path.to_owned();
        if flags >= 2 {
            path.push_str(&format!("{:010}", parent.creations));
        }
        let parent_owner = parent.owner;
        if self.nodes.contains_key(&path) {
            return Err(ErrorCode::NODE_EXISTS);
        }
        if parent_owner != 0 {
            return Err(ErrorCode::NO_CHILDREN_FOR_EPHEMERALS);
        }
        let parent = self.node(&parent_path)?;
        parent.creations += 1;
        parent.pzxid = zxid;
        let node = ModelNode {
            data: b"d".to_vec(),
            acl: list.to_vec(),
            owner: if ephemeral { session } else { 0 },
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            version: 0,
            aversion: 0,
            creations: 0,
        };
        self.nodes.insert(path, node);
        Ok(())
    }
}

fn encode(operation: &Operation) -> (OpCode, Vec<u8>) {
    match operation {
        Operation::Create(path, flags, list) => (
            OpCode::Create,
            create_body(path, b"d", list.clone(), *flags),
        ),
        Operation::Delete(path, version) => (OpCode::Delete, delete_body(path, *version)),
        Operation::Set(path, data, version) => (OpCode::SetData, set_body(path, data, *version)),
        Operation::SetAcl(path, list, version) => {
            (OpCode::SetAcl, set_acl_body(path, list.clone(), *version))
        }
        Operation::Check(path, version) => (OpCode::Check, delete_body(path, *version)),
        Operation::Multi(parts) => {
            let body = encoded(|out| {
                for part in parts {
                    let (op, body) = encode(part);
                    MultiOps::encode_op_header(out, op);
                    out.extend_from_slice(&body);
                }
                MultiOps::encode_end(out);
            });
            (OpCode::Multi, body)
        }
        Operation::Close(_) => (OpCode::CloseSession, vec![]),
        Operation::Open(_) => (OpCode::CreateSession, 10_000i32.to_be_bytes().to_vec()),
    }
}

struct Source {
    rng: Xoshiro256PlusPlus,
}

impl Source {
    fn path(&mut self) -> String {
        let depth = self.rng.random_range(1..=3);
        (0..depth)
            .map(|_| format!("/{}", ["a", "b", "c"][self.rng.random_range(0..3)]))
            .collect()
    }

    fn version(&mut self) -> i32 {
        *[-1, -1, 0, 1, 2]
            .get(self.rng.random_range(0..5usize))
            .unwrap_or(&-1)
    }

    fn list(&mut self) -> Vec<Acl> {
        match self.rng.random_range(0..6) {
            0 => vec![acl(Perms::ALL, digest("u:h"))],
            1 => vec![
                acl(Perms::READ | Perms::CREATE, Id::new("world", "anyone")),
                acl(Perms::ALL, digest("v:h")),
            ],
            _ => Acl::open(),
        }
    }

    fn simple(&mut self) -> Operation {
        let path = self.path();
        match self.rng.random_range(0..12) {
            0..5 => {
                let flags = self.rng.random_range(0..4);
                Operation::Create(path, flags, self.list())
            }
            5..8 => Operation::Delete(path, self.version()),
            8..10 => {
                let size = self.rng.random_range(0..40);
                Operation::Set(path, vec![b'x'; size], self.version())
            }
            10 => Operation::SetAcl(path, self.list(), self.version()),
            _ => Operation::Check(path, self.version()),
        }
    }

    /// Returns a random part of a multi, which cannot be a setACL.
    fn part(&mut self) -> Operation {
        loop {
            let operation = self.simple();
            if !matches!(operation, Operation::SetAcl(..)) {
                return operation;
            }
        }
    }

    fn next(&mut self, session: i64) -> Operation {
        match self.rng.random_range(0..20) {
            0 => Operation::Close(session),
            1..3 => Operation::Open(session),
            3..7 => {
                let parts = self.rng.random_range(0..5);
                Operation::Multi((0..parts).map(|_| self.part()).collect())
            }
            _ => loop {
                let operation = self.simple();
                if !matches!(operation, Operation::Check(..)) {
                    break operation;
                }
            },
        }
    }
}

fn assert_same(world: &mut World, model: &Model, context: &str) {
    world.auth = vec![Id::new("super", "")];
    for (path, node) in &model.nodes {
        let body = world.read(OpCode::GetData, &path_body(path, false));
        let body = body.unwrap_or_else(|code| panic!("{context}: {path}: {code}"));
        let mut reader = Reader::new(&body);
        let data = reader.buffer().expect("data").unwrap_or_default();
        assert_eq!(data, node.data, "{context}: {path}");
        let stat = Stat::decode(&mut reader).expect("a Stat");
        let children = model.children(path);
        // The model does not contain `/zookeeper`.
        let count = i32::try_from(children.len()).expect("few") + i32::from(path == "/");
        let expected = Stat {
            czxid: node.czxid,
            mzxid: node.mzxid,
            ctime_ms: stat.ctime_ms,
            mtime_ms: stat.mtime_ms,
            version: node.version,
            cversion: 2 * node.creations - count,
            aversion: node.aversion,
            ephemeral_owner: node.owner,
            data_length: i32::try_from(node.data.len()).expect("short"),
            num_children: count,
            pzxid: node.pzxid,
        };
        assert_eq!(stat, expected, "{context}: {path}");
        let mut names = world.children(path);
        names.retain(|name| name != "zookeeper");
        let expected: Vec<&str> = children
            .iter()
            .map(|child| child.rsplit('/').next().unwrap_or_default())
            .collect();
        assert_eq!(names, expected, "{context}: {path}");
    }
    let expected = model.nodes.len() + 4;
    assert_eq!(world.db.node_count(), expected, "{context}");
    let sessions: BTreeSet<i64> = world.db.sessions().map(|(session, _)| session.0).collect();
    assert_eq!(sessions, model.sessions, "{context}");
    let owned = model.nodes.values().filter(|node| node.owner != 0).count();
    assert_eq!(world.db.ephemerals_count(), owned, "{context}");
}

/// Describes the database without what may differ between servers: the order of children and the
/// numbers of ACLs.
fn comparable(database: Database) -> Vec<String> {
    let mut world = World::new();
    world.db = database;
    world.auth = vec![Id::new("super", "")];
    let mut lines = vec![format!("{:?}", world.db.sessions().collect::<Vec<_>>())];
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        let data = world.read(OpCode::GetData, &path_body(&path, false));
        let acl = world.read(OpCode::GetAcl, &path_body(&path, false));
        lines.push(format!("{path} {data:?} {acl:?}"));
        let prefix = if path == "/" { "" } else { &path };
        open.extend(
            world
                .children(&path)
                .iter()
                .map(|name| format!("{prefix}/{name}")),
        );
    }
    for session in 1..=3 {
        lines.push(format!("{:?}", world.db.ephemerals(SessionId(session))));
    }
    lines.push(format!(
        "{} {}",
        world.db.node_count(),
        world.db.approximate_data_bytes()
    ));
    lines
}

fn reload(bytes: &[u8], zxid: Zxid) -> Database {
    let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
    decoder.feed(bytes).expect("a valid snapshot");
    let mut database = decoder.finish().expect("complete");
    database.set_last_processed(zxid);
    database
}

/// A snapshot that is written while transactions are applied.
struct FuzzySnapshot {
    cursor: SnapshotCursor,
    bytes: Vec<u8>,
    /// Number of log entries applied before the snapshot began.
    from: usize,
    done: bool,
}

/// One random run: the model applies each operation at once, the database later, with occasional
/// snapshots.
struct Run {
    source: Source,
    world: World,
    model: Model,
    /// For each log entry, the model's result and a description of the operation.
    expected: Vec<(ErrorCode, String)>,
    committed: usize,
    snapshots: Vec<FuzzySnapshot>,
    context: String,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut world = World::new();
        world.preparer = Preparer::new();
        world.db = Database::new(DatabaseSettings::default());
        world.log.clear();
        Self {
            source: Source {
                rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            },
            world,
            model: Model::new(),
            expected: Vec::new(),
            committed: 0,
            snapshots: Vec::new(),
            context: format!("seed {seed}"),
        }
    }

    fn propose(&mut self) {
        let session = self.source.rng.random_range(1..=3);
        let auth = match self.source.rng.random_range(0..3) {
            0 => vec![],
            1 => vec![digest("u:h")],
            _ => vec![digest("v:h"), digest("u:h")],
        };
        let operation = self.source.next(session);
        // Requests of an unknown session never reach the preparer: the session tracker refuses
        // them.
        if !matches!(operation, Operation::Open(_)) && !self.model.sessions.contains(&session) {
            return;
        }
        let result = self
            .model
            .apply(&operation, session, &auth, self.world.next_zxid());
        let code = result.err().unwrap_or_default();
        self.expected.push((code, format!("{operation:?}")));
        self.world.session = session;
        self.world.auth = auth;
        let (op, body) = encode(&operation);
        self.world.propose(op, &body);
    }

    fn commit(&mut self) {
        let applied = self.world.commit(self.committed);
        let (code, operation) = &self.expected[self.committed];
        assert_eq!(applied.error(), *code, "{}: {operation}", self.context);
        self.committed += 1;
        let in_progress = self.snapshots.last().is_some_and(|snapshot| !snapshot.done);
        if !in_progress && self.source.rng.random_range(0..20) == 0 {
            self.snapshots.push(FuzzySnapshot {
                cursor: self.world.db.snapshot_cursor(),
                bytes: Vec::new(),
                from: self.committed,
                done: false,
            });
        }
        if let Some(snapshot) = self.snapshots.last_mut().filter(|snapshot| !snapshot.done) {
            let bytes_max = self.source.rng.random_range(1..400);
            snapshot.done = snapshot
                .cursor
                .step(&self.world.db, &mut snapshot.bytes, bytes_max);
        }
    }

    fn check(mut self) {
        let context = &self.context;
        assert_same(&mut self.world, &self.model, context);
        assert!(self.world.preparer.outstanding.is_empty(), "{context}");
        let last = self.world.db.last_processed();
        let bytes = self.world.snapshot();
        let expected = comparable(self.world.db);
        let again = comparable(reload(&bytes, last));
        assert_eq!(again, expected, "{context}: after encoding and decoding");
        for snapshot in self.snapshots.iter().filter(|snapshot| snapshot.done) {
            let zxid = snapshot.cursor.zxid();
            let mut database = reload(&snapshot.bytes, zxid);
            for round in 0..2 {
                for entry in &self.world.log[snapshot.from..] {
                    database
                        .apply(entry, &mut |_| {})
                        .expect("the entry was applied before");
                }
                assert_eq!(database.last_processed(), last);
                let bytes = encoded(|out| database.encode_snapshot(out));
                let got = comparable(reload(&bytes, last));
                assert_eq!(got, expected, "{context}: from {zxid}, round {round}");
            }
        }
    }
}

fn run(seed: u64) {
    let mut run = Run::new(seed);
    for _ in 0..120 {
        run.propose();
        // The database lags about a dozen transactions behind.
        while run.committed < run.world.log.len() && run.source.rng.random_range(0..12) > 0 {
            run.commit();
        }
    }
    while run.committed < run.world.log.len() {
        run.commit();
    }
    run.check();
}

/// `SEED=n` runs only the seed `n`.
#[test]
fn random_operations_agree_with_the_model_and_every_fuzzy_snapshot_recovers() {
    if let Some(seed) = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        return run(seed);
    }
    for seed in 0..300 {
        run(seed);
    }
}
