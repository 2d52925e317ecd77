//! The transaction logs of a server: the writes that its clients made. A log holds no reads.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::BuildHasherDefault;
use std::path::{Path, PathBuf};

use rustc_hash::FxHasher;

use super::draft::{Arrival, Draft, Op};
use super::sizes::{SizeCounter, Sizes};
use super::{ImportError, Imported};
use crate::ensemble::storage::LogReader;
use crate::wire::jute::{OpCode, Txn, decode_entry};

/// Limit of the paths and of the parents that are remembered. Beyond it the numbers of znodes and of children are
/// lower bounds.
const REMEMBERED_MAX: usize = 1_000_000;
/// Duration of the load, in seconds.
const DURATION_S: u32 = 30;
/// Operations per second that a workload file accepts.
const RATE_MAX_PER_S: f64 = 10_000_000.0;

type Hasher = BuildHasherDefault<FxHasher>;

/// Makes a workload with the operations, sizes, rate and fan-out of transaction logs. Each of `paths` is a log, or a
/// folder with logs, such as `dataLogDir` or its `version-2`.
///
/// # Errors
/// If a folder has no logs, a log cannot be read or is damaged, or no client wrote anything.
pub fn txn_log(paths: &[PathBuf]) -> Result<Imported, ImportError> {
    let mut seen = Seen::default();
    let mut files = Vec::new();
    for path in paths {
        files.extend(logs(path)?);
    }
    for file in &files {
        seen.read(file)?;
    }
    seen.draft(files.len()).map(Draft::render)
}

/// Returns the logs of a folder in the order of their first transactions, or the file itself.
fn logs(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let unreadable = |source| ImportError::Read {
        path: path.to_owned(),
        source,
    };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    for dir in [path.to_owned(), path.join("version-2")] {
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        let mut found: BTreeMap<u64, PathBuf> = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let zxid = name.to_str().and_then(|name| name.strip_prefix("log."));
            if let Some(zxid) = zxid.and_then(|zxid| u64::from_str_radix(zxid, 16).ok()) {
                found.insert(zxid, entry.path());
            }
        }
        if !found.is_empty() {
            return Ok(found.into_values().collect());
        }
    }
    Err(ImportError::NoLogs {
        dir: path.to_owned(),
    })
}

/// The operations of one kind.
#[derive(Debug, Default)]
struct Writes {
    count: u64,
    sizes: SizeCounter,
}

impl Writes {
    fn add(&mut self, data: Option<&[u8]>) {
        self.count += 1;
        self.sizes.add(data.map_or(0, <[u8]>::len));
    }

    fn size(&self) -> Option<Sizes> {
        (!self.sizes.is_empty()).then(|| self.sizes.sizes())
    }
}

/// Variants of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CreateMode {
    ephemeral: bool,
    sequential: bool,
}

/// What the logs contain.
#[derive(Debug, Default)]
struct Seen {
    creates: BTreeMap<CreateMode, Writes>,
    sets: Writes,
    deletes: u64,
    multis: Writes,
    /// Operations in all multis.
    parts: u64,
    /// Transactions that a workload cannot repeat, by name.
    others: BTreeMap<&'static str, u64>,
    refused: u64,
    sessions_created: u64,
    sessions: HashSet<i64, Hasher>,
    /// Hashes of the paths that were created or set.
    znodes: HashSet<u64, Hasher>,
    /// Number of distinct children by the hash of the parent's path.
    children: HashMap<u64, u64, Hasher>,
    /// Server time of the first and of the last transaction, Unix time in milliseconds.
    times: Option<(i64, i64)>,
}

impl Seen {
    fn read(&mut self, path: &Path) -> Result<(), ImportError> {
        let mut reader = LogReader::open(path)?;
        while let Some((offset, entry)) = reader.next_entry()? {
            let (header, txn) = decode_entry(entry.bytes).map_err(|error| ImportError::Entry {
                path: path.to_owned(),
                offset,
                problem: error.to_string(),
            })?;
            let (first, last) = self.times.unwrap_or((header.time_ms, header.time_ms));
            self.times = Some((first.min(header.time_ms), last.max(header.time_ms)));
            if self.sessions.len() < REMEMBERED_MAX {
                self.sessions.insert(header.session.0);
            }
            match txn {
                Txn::Multi(parts) => self.multi(&parts),
                txn => self.single(&txn),
            }
        }
        Ok(())
    }

    fn single(&mut self, txn: &Txn<'_>) {
        match txn {
            Txn::Create {
                path,
                data,
                ephemeral,
                ..
            } => {
                self.touch(path);
                let mode = CreateMode {
                    ephemeral: *ephemeral,
                    sequential: is_sequential(path),
                };
                self.creates.entry(mode).or_default().add(*data);
            }
            Txn::CreateContainer { path, data, .. } | Txn::CreateTtl { path, data, .. } => {
                self.touch(path);
                let mode = CreateMode {
                    ephemeral: false,
                    sequential: is_sequential(path),
                };
                self.creates.entry(mode).or_default().add(*data);
                *self
                    .others
                    .entry("container or TTL nodes, imported as plain creates")
                    .or_insert(0) += 1;
            }
            Txn::Delete { .. } => self.deletes += 1,
            Txn::SetData { path, data, .. } => {
                self.touch(path);
                self.sets.add(*data);
            }
            Txn::CreateSession { .. } => self.sessions_created += 1,
            Txn::Error(_) => self.refused += 1,
            Txn::SetAcl { .. } => {
                *self
                    .others
                    .entry("changes of an ACL, left out")
                    .or_insert(0) += 1;
            }
            // A session's end belongs to its beginning. A check occurs in transactions only.
            Txn::CloseSession { .. } | Txn::Check { .. } | Txn::Multi(_) => {}
        }
    }

    /// Counts a transaction as one operation, with the data of all its parts.
    fn multi(&mut self, parts: &[(OpCode, Txn<'_>)]) {
        if parts.iter().any(|(_, part)| matches!(part, Txn::Error(_))) {
            self.refused += 1;
            return;
        }
        self.multis.count += 1;
        self.parts += parts.len() as u64;
        for (_, part) in parts {
            match part {
                Txn::Create { path, data, .. } | Txn::SetData { path, data, .. } => {
                    self.touch(path);
                    self.multis.sizes.add(data.map_or(0, <[u8]>::len));
                }
                _ => self.multis.sizes.add(0),
            }
        }
    }

    /// Remembers a znode and counts it for its parent.
    fn touch(&mut self, path: &str) {
        if self.znodes.len() >= REMEMBERED_MAX || !self.znodes.insert(hash(path)) {
            return;
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        *self.children.entry(hash(parent)).or_insert(0) += 1;
    }

    fn draft(self, files: usize) -> Result<Draft, ImportError> {
        let ops = self.ops();
        if ops.is_empty() {
            return Err(ImportError::Empty);
        }
        let total: f64 = ops.iter().map(|op| op.weight).sum();
        let notes = self.notes();
        let span_s = self
            .times
            .map_or(0.0, |(first, last)| as_f64(last.abs_diff(first)) / 1_000.0);
        let arrival = if span_s > 0.0 {
            Arrival::Open((total / span_s).clamp(0.01, RATE_MAX_PER_S))
        } else {
            Arrival::Closed(1)
        };
        let znodes = self.znodes.len().max(1) as u64;
        let parents = self.children.len().max(1) as u64;
        let sizes = self.sets.size().or_else(|| {
            let creates = self.creates.values();
            creates
                .max_by_key(|writes| writes.count)
                .and_then(Writes::size)
        });
        let s = if files == 1 { "" } else { "s" };
        Ok(Draft {
            name: "txn-log",
            why: format!(
                "The writes of {files} transaction log{s}: {total} operations in {span_s:.0} s."
            ),
            znodes,
            prepared: sizes.unwrap_or(Sizes::Fixed(0)),
            per_parent: znodes.div_ceil(parents).clamp(1, 50_000),
            sessions: (self.sessions.len() as u64).clamp(1, 100_000),
            arrival,
            load: vec![format!("duration = \"{DURATION_S}s\"")],
            ops,
            notes,
        })
    }

    fn ops(&self) -> Vec<Op> {
        let op = |kind, count: u64, size| Op {
            kind,
            weight: as_f64(count),
            size,
            more: Vec::new(),
        };
        let mut ops = Vec::new();
        for (mode, writes) in &self.creates {
            let mut create = op("create", writes.count, writes.size());
            if mode.ephemeral {
                create.more.push("ephemeral = true".to_owned());
            }
            if mode.sequential {
                create.more.push("sequential = true".to_owned());
            }
            ops.push(create);
        }
        ops.push(op("set", self.sets.count, self.sets.size()));
        if !self.creates.is_empty() {
            ops.push(op("delete", self.deletes, None));
        }
        let mut multi = op("multi", self.multis.count, self.multis.size());
        let batch = self.parts.checked_div(self.multis.count).unwrap_or(1);
        multi
            .more
            .push(format!("batch = {}", batch.clamp(1, 1_000)));
        ops.push(multi);
        ops.push(op("session", self.sessions_created, None));
        ops.retain(|op| op.weight > 0.0);
        ops
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "A transaction log holds no reads. Add operations such as kind = \"get\", with a weight from the servers' counters of packets.".to_owned(),
        ];
        if self.multis.count > 0 {
            notes
                .push("A multi consists of sets here, with the sizes of all its parts.".to_owned());
        }
        if self.deletes > 0 && self.creates.is_empty() {
            notes.push(format!(
                "{} deletes are left out: a workload deletes what it created, and the logs hold no create.",
                self.deletes
            ));
        }
        if self.refused > 0 {
            notes.push(format!("{} refused requests are left out.", self.refused));
        }
        for (what, count) in &self.others {
            notes.push(format!("{count} {what}."));
        }
        if self.znodes.len() >= REMEMBERED_MAX {
            notes.push(format!(
                "Only the first {REMEMBERED_MAX} znodes were counted."
            ));
        }
        notes
    }
}

/// Whether a path ends with the ten digits that the server appends to a sequential znode.
fn is_sequential(path: &str) -> bool {
    let digits = path.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits >= 10
}

fn hash(path: &str) -> u64 {
    use std::hash::BuildHasher as _;
    Hasher::default().hash_one(path)
}

#[expect(clippy::cast_precision_loss, reason = "counts and times below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}
