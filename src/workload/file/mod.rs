//! The workload file: TOML to [`Plan`].
//!
//! A [`Source`] is text with a name; [`resolve`] lays the overrides over it, checks every key and fills
//! in every default. An error names the line (or the override), the key and what to do. Reading goes on
//! behind it, so that all of them are told at once.

mod choices;
mod load_table;
mod nearest;
mod op_table;
mod overrides;
mod problems;
mod schema;
mod section;
mod tree;
mod units;

use std::io::Read as _;
use std::path::Path;

pub(super) use nearest::nearest;
pub use schema::known_keys;

pub(super) use units::format_duration;

use super::error::WorkloadError;
use super::limits;
use super::plan::{Gates, Plan, Prepare, SizeChoice, TargetShape};
use choices::size_choice;
use problems::{Problems, Read};
use section::Section;

/// The text of a workload and the name that errors call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path, or name of a shipped workload.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Source {
    /// A workload that is in memory already.
    #[must_use]
    pub fn from_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// Reads a workload file; nothing is parsed yet.
///
/// # Errors
/// If the file cannot be read, is not UTF-8 or is longer than 1 MiB.
pub fn load(path: &Path) -> Result<Source, WorkloadError> {
    let name = path.display().to_string();
    let unreadable = |source| WorkloadError::Read {
        path: name.clone(),
        source,
    };
    let file = std::fs::OpenOptions::new()
        .read(true)
        .open(path)
        .map_err(unreadable)?;
    let mut text = String::new();
    let mut limited = file.take(limits::FILE_BYTES + 1);
    let read = limited.read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > limits::FILE_BYTES {
        return Err(WorkloadError::TooLong {
            path: name,
            limit_bytes: limits::FILE_BYTES,
        });
    }
    Ok(Source { name, text })
}

/// The plan that `source` describes, with `overrides` (`load.rate=2000`) laid over it and every default
/// filled in. `seed` goes before the file's.
///
/// # Errors
/// Whatever is wrong with the file or the overrides, all of it; of a file that is not TOML, what keeps
/// it from being so.
pub fn resolve(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
) -> Result<Plan, WorkloadError> {
    let mut tree = tree::parse(&source.name, &source.text)?;
    let problems = Problems::default();
    overrides::apply(&mut tree, overrides, &problems);
    let root = Section::root(&source.name, &tree, &problems);
    let plan = read_plan(&root, seed);
    drop(root);
    problems.decide(plan, &source.name, overrides)
}

/// Everything is read before anything wrong counts, so that all of it is told.
fn read_plan(root: &Section<'_>, seed: Option<u64>) -> Read<Plan> {
    // All tables first: an unknown key in one may be what is missing in another.
    let target = root.section("target", &schema::TARGET);
    let prepare = root.section("prepare", &schema::PREPARE);
    let load = root.section("load", &schema::LOAD);
    let ops = root.sections("op", &schema::OP);
    let gates = root.section("gates", &schema::GATES);
    let name = read_name(root);
    let why = read_why(root);
    let file_seed = root.integer("seed", 0..=u64::MAX, 1);
    let target = target.and_then(|table| read_target(&table));
    let load = load.map(|table| load_table::read(&table));
    let drafts = ops.and_then(|tables| op_table::read(root, tables));
    let uses_keys = drafts
        .as_ref()
        .and_then(|drafts| op_table::any_uses_keys(drafts));
    let prepare = prepare.map(|table| Prepared::read(&table, uses_keys));
    if let (Some(drafts), Some(prepare), Some(load)) = (&drafts, &prepare, &load) {
        op_table::check_keys(drafts, prepare.znodes, load.sessions);
    }
    let gates = gates.and_then(|table| read_gates(&table));
    Some(Plan {
        protocol: "zookeeper".to_owned(),
        name: name?,
        why: why?,
        seed: seed.or(file_seed)?,
        target: target?,
        prepare: prepare?.plan?,
        load: load?.plan?,
        ops: op_table::finish(drafts?)?,
        gates: gates?,
    })
}

fn read_name(root: &Section<'_>) -> Read<String> {
    let Some(name) = root.text("name")? else {
        let problem = "the workload has no name; add name = \"my-workload\" at the top";
        return root.inconsistent("name", problem);
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > limits::NAME_CHARS || !name.chars().all(allowed) {
        let problem = format!(
            "is {name:?}; it names the result folder, so use 1 to {} of a-z, 0-9 and -",
            limits::NAME_CHARS
        );
        return root.bad("name", problem);
    }
    Some(name.to_owned())
}

fn read_why(root: &Section<'_>) -> Read<String> {
    let why = root.text("why")?.unwrap_or_default();
    if why.chars().count() > limits::WHY_CHARS {
        let problem = format!(
            "has more than {} characters; a sentence will do",
            limits::WHY_CHARS
        );
        return root.bad("why", problem);
    }
    Some(why.to_owned())
}

fn read_target(table: &Section<'_>) -> Read<TargetShape> {
    let default = TargetShape::default();
    let voters = table.integer("voters", limits::VOTERS, default.voters);
    let observers = table.integer("observers", limits::OBSERVERS, default.observers);
    let fsync = table.boolean("fsync", default.fsync);
    let tick_time_ms = table.duration_ms("tick_time", limits::TICK_MS);
    let init_limit = table.integer("init_limit", limits::LIMIT_TICKS, default.init_limit);
    let sync_limit = table.integer("sync_limit", limits::LIMIT_TICKS, default.sync_limit);
    let heap_mib = read_heap_mib(table, default.heap_mib);
    Some(TargetShape {
        voters: voters?,
        observers: observers?,
        fsync: fsync?,
        tick_time_ms: tick_time_ms?.unwrap_or(default.tick_time_ms),
        init_limit: init_limit?,
        sync_limit: sync_limit?,
        heap_mib: heap_mib?,
    })
}

fn read_heap_mib(table: &Section<'_>, default_mib: u32) -> Read<u32> {
    let Some(node) = table.find("heap")? else {
        return Some(default_mib);
    };
    let bytes = table.size_bytes("heap", node, &limits::HEAP_BYTES)?;
    if bytes % (1 << 20) != 0 {
        let problem = "is no whole number of MiB; write for instance \"512MiB\"";
        return table.bad("heap", problem);
    }
    Some(u32::try_from(bytes >> 20).unwrap_or(u32::MAX))
}

/// The `[prepare]` table as read: what others depend on, and the whole if all of it is right.
struct Prepared {
    znodes: Read<u64>,
    plan: Read<Prepare>,
}

impl Prepared {
    fn read(table: &Section<'_>, uses_keys: Read<bool>) -> Self {
        let znodes = read_znodes(table, uses_keys);
        Self {
            znodes,
            plan: read_prepare(table, znodes),
        }
    }
}

fn read_znodes(table: &Section<'_>, uses_keys: Read<bool>) -> Read<u64> {
    if let Some(znodes) = table.optional_integer("znodes", limits::ZNODES)? {
        return Some(znodes);
    }
    // A workload that touches no prepared znode should not have to wait for a thousand of them.
    Some(if uses_keys? { 1_000 } else { 0 })
}

fn read_prepare(table: &Section<'_>, znodes: Read<u64>) -> Read<Prepare> {
    let size = size_choice(table, "size").map(|size| size.unwrap_or(SizeChoice::Fixed(100)));
    let per_parent = table.integer("per_parent", limits::PER_PARENT, 100);
    if let (Some(znodes), Some(per_parent)) = (znodes, per_parent)
        && znodes.div_ceil(per_parent) > limits::PARENTS
    {
        let problem = format!(
            "is {per_parent}, which spreads {znodes} znodes over more than {} parents; raise it",
            limits::PARENTS
        );
        table.bad::<()>("per_parent", problem);
    }
    if let (Some(znodes), Some(size)) = (znodes, &size)
        && znodes.saturating_mul(u64::from(size.max_bytes())) > limits::PREPARED_BYTES
    {
        let problem = format!(
            "is {znodes}; with up to {} bytes each that is more than {} GiB in every server's memory: prepare fewer or smaller znodes",
            size.max_bytes(),
            limits::PREPARED_BYTES >> 30
        );
        table.bad::<()>("znodes", problem);
    }
    let chroot = read_chroot(table);
    let keep = table.boolean("keep", false);
    Some(Prepare {
        znodes: znodes?,
        size: size?,
        per_parent: per_parent?,
        chroot: chroot?,
        keep: keep?,
    })
}

fn read_chroot(table: &Section<'_>) -> Read<String> {
    let chroot = table.text("chroot")?.unwrap_or("/quorate");
    let part_is_good =
        |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(|c| c.is_ascii_graphic());
    let good = chroot.len() <= limits::CHROOT_CHARS
        && chroot
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(part_is_good));
    if !good {
        let problem = format!(
            "is {chroot:?}; it must be an absolute path below the root such as \"/quorate\", of at most {} printable ASCII characters, for everything under it is removed after the run",
            limits::CHROOT_CHARS
        );
        return table.bad("chroot", problem);
    }
    if chroot.split('/').nth(1) == Some("zookeeper") {
        let problem = "lies under /zookeeper, which belongs to the servers; choose another";
        return table.bad("chroot", problem);
    }
    Some(chroot.to_owned())
}

fn read_gates(table: &Section<'_>) -> Read<Gates> {
    let p50_ms = table.number("p50_ms", limits::GATE_MS);
    let p90_ms = table.number("p90_ms", limits::GATE_MS);
    let p95_ms = table.number("p95_ms", limits::GATE_MS);
    let p99_ms = table.number("p99_ms", limits::GATE_MS);
    let p999_ms = table.number("p999_ms", limits::GATE_MS);
    let max_ms = table.number("max_ms", limits::GATE_MS);
    let error_ratio = table.number("error_ratio", limits::GATE_RATIO);
    let throughput_per_s = table.number("throughput_per_s", limits::GATE_PER_S);
    Some(Gates {
        p50_ms: p50_ms?,
        p90_ms: p90_ms?,
        p95_ms: p95_ms?,
        p99_ms: p99_ms?,
        p999_ms: p999_ms?,
        max_ms: max_ms?,
        error_ratio: error_ratio?,
        throughput_per_s: throughput_per_s?,
    })
}

#[cfg(test)]
mod problem_tests;
#[cfg(test)]
mod tests;
