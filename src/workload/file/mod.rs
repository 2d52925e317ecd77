//! The workload file: TOML to [`Plan`].
//!
//! A [`Source`] is text with a name; [`resolve`] lays the overrides over it, checks every key and fills
//! in every default. An error names the line (or the override), the key and what to do.

mod choices;
mod load_table;
mod op_table;
mod overrides;
mod schema;
mod section;
mod tree;
mod units;

use std::io::Read as _;
use std::path::Path;

pub use schema::known_keys;
pub(super) use schema::nearest;
pub(super) use units::format_duration;

use super::error::WorkloadError;
use super::limits;
use super::plan::{Gates, OpPlan, Plan, Prepare, SizeChoice, TargetShape};
use choices::size_choice;
use section::Section;

type Read<T> = Result<T, WorkloadError>;

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
/// Whatever is wrong with the file or an override; the first problem found.
pub fn resolve(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
) -> Result<Plan, WorkloadError> {
    let mut tree = tree::parse(&source.name, &source.text)?;
    overrides::apply(&mut tree, overrides)?;
    let root = Section::root(&source.name, &tree)?;
    let name = read_name(&root)?;
    let why = read_why(&root)?;
    let file_seed = root.integer("seed", 0..=u64::MAX, 1)?;
    let target = read_target(&root.section("target", &schema::TARGET)?)?;
    let load_table = root.section("load", &schema::LOAD)?;
    let load = load_table::read(&load_table)?;
    let ops = op_table::read(&root)?;
    let prepare = read_prepare(&root.section("prepare", &schema::PREPARE)?, &ops)?;
    op_table::check_keys(&root, &ops, &prepare, &load)?;
    let gates = read_gates(&root.section("gates", &schema::GATES)?)?;
    Ok(Plan {
        name,
        why,
        seed: seed.unwrap_or(file_seed),
        target,
        prepare,
        load,
        ops: op_table::with_trims(ops),
        gates,
    })
}

fn read_name(root: &Section<'_>) -> Read<String> {
    let Some(name) = root.text("name")? else {
        let problem = "the workload has no name; add name = \"my-workload\" at the top";
        return Err(root.inconsistent("name", problem));
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > limits::NAME_CHARS || !name.chars().all(allowed) {
        let problem = format!(
            "is {name:?}; it names the result folder, so use 1 to {} of a-z, 0-9 and -",
            limits::NAME_CHARS
        );
        return Err(root.bad("name", problem));
    }
    Ok(name.to_owned())
}

fn read_why(root: &Section<'_>) -> Read<String> {
    let why = root.text("why")?.unwrap_or_default();
    if why.chars().count() > limits::WHY_CHARS {
        let problem = format!(
            "has more than {} characters; a sentence will do",
            limits::WHY_CHARS
        );
        return Err(root.bad("why", problem));
    }
    Ok(why.to_owned())
}

fn read_target(table: &Section<'_>) -> Read<TargetShape> {
    let default = TargetShape::default();
    let heap_mib = match table.node("heap") {
        None => default.heap_mib,
        Some(node) => {
            let bytes = table.size_bytes("heap", node, &limits::HEAP_BYTES)?;
            if bytes % (1 << 20) != 0 {
                return Err(table.bad(
                    "heap",
                    "is no whole number of MiB; write for instance \"512MiB\"",
                ));
            }
            u32::try_from(bytes >> 20).unwrap_or(u32::MAX)
        }
    };
    Ok(TargetShape {
        voters: table.integer("voters", limits::VOTERS, default.voters)?,
        observers: table.integer("observers", limits::OBSERVERS, default.observers)?,
        fsync: table.boolean("fsync", default.fsync)?,
        tick_time_ms: table
            .duration_ms("tick_time", limits::TICK_MS)?
            .unwrap_or(default.tick_time_ms),
        init_limit: table.integer("init_limit", limits::LIMIT_TICKS, default.init_limit)?,
        sync_limit: table.integer("sync_limit", limits::LIMIT_TICKS, default.sync_limit)?,
        heap_mib,
    })
}

fn read_prepare(table: &Section<'_>, ops: &[OpPlan]) -> Read<Prepare> {
    // A workload that touches no prepared znode should not have to wait for a thousand of them.
    let default_znodes = if ops.iter().any(|op| op.kind.uses_keys()) {
        1_000
    } else {
        0
    };
    let znodes: u64 = table.integer("znodes", limits::ZNODES, default_znodes)?;
    let size = size_choice(table, "size")?.unwrap_or(SizeChoice::Fixed(100));
    let per_parent: u64 = table.integer("per_parent", limits::PER_PARENT, 100)?;
    if znodes.div_ceil(per_parent) > limits::PARENTS {
        let problem = format!(
            "is {per_parent}, which spreads {znodes} znodes over more than {} parents; raise it",
            limits::PARENTS
        );
        return Err(table.bad("per_parent", problem));
    }
    if znodes.saturating_mul(u64::from(size.max_bytes())) > limits::PREPARED_BYTES {
        let problem = format!(
            "is {znodes}; with up to {} bytes each that is more than {} GiB in every server's memory: prepare fewer or smaller znodes",
            size.max_bytes(),
            limits::PREPARED_BYTES >> 30
        );
        return Err(table.bad("znodes", problem));
    }
    Ok(Prepare {
        znodes,
        size,
        per_parent,
        chroot: read_chroot(table)?,
        keep: table.boolean("keep", false)?,
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
        return Err(table.bad("chroot", problem));
    }
    if chroot.split('/').nth(1) == Some("zookeeper") {
        let problem = "lies under /zookeeper, which belongs to the servers; choose another";
        return Err(table.bad("chroot", problem));
    }
    Ok(chroot.to_owned())
}

fn read_gates(table: &Section<'_>) -> Read<Gates> {
    Ok(Gates {
        p50_ms: table.number("p50_ms", limits::GATE_MS)?,
        p99_ms: table.number("p99_ms", limits::GATE_MS)?,
        p999_ms: table.number("p999_ms", limits::GATE_MS)?,
        max_ms: table.number("max_ms", limits::GATE_MS)?,
        error_ratio: table.number("error_ratio", limits::GATE_RATIO)?,
        throughput_per_s: table.number("throughput_per_s", limits::GATE_PER_S)?,
    })
}

#[cfg(test)]
mod tests;
