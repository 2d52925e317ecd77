//! The workload file: TOML to [`Plan`].
//!
//! A [`Source`] is text with a name. [`resolve`] applies the overrides to it, checks every key and
//! fills in every default. An error names the line or the override, the key and what to do. Reading
//! continues after an error, so that all errors are reported at once.

mod axes;
mod cases;
mod checks;
mod choices;
mod expand;
mod fault_table;
mod figures;
mod gates_table;
mod load_table;
mod nearest;
mod network_table;
mod op_table;
mod overrides;
mod problems;
mod read_ratio;
mod schema;
mod section;
mod tree;
mod units;

use std::io::Read as _;
use std::path::Path;

pub use expand::expand;
pub use nearest::nearest;
pub use op_table::OpDraft;
pub use problems::Read;
pub use schema::{Shape, known_keys};
pub use section::Section;

pub(super) use units::{format_duration, format_duration_us};

use super::error::{Place, WorkloadError};
use super::limits;
use super::plan::{DEFAULT_PROTOCOL, Plan, Prepare, TargetShape};
use super::vocabulary::Vocabulary;
use problems::Problems;
use tree::{Table, Value};

/// The text of a workload, and its name in error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path, or the name of a shipped workload.
    pub name: String,
    pub text: String,
}

impl Source {
    /// Makes a source from text in memory.
    #[must_use]
    pub fn from_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// Reads a workload file without parsing it.
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

/// Resolves `source` to a plan, with `overrides` (`load.rate=2000`) applied and every default
/// filled in. `seed` takes precedence over the file's. The workload's protocol must be one of
/// `vocabularies`.
///
/// # Errors
/// If the file or the overrides are wrong, with all problems. If the file is not valid TOML, with
/// its syntax errors only. If the file has more than one cell, because that is no single plan.
pub fn resolve(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
    vocabularies: &[&'static dyn Vocabulary],
) -> Result<Plan, WorkloadError> {
    let experiment = expand(source, overrides, seed, vocabularies)?;
    if let [cell] = experiment.cells.as_slice()
        && cell.search.is_none()
    {
        return Ok(cell.plan.clone());
    }
    let cells = experiment.cells.len();
    let axes = experiment.axes.iter().map(|axis| axis.key.as_str());
    Err(WorkloadError::Inconsistent {
        place: Place::Line {
            file: source.name.clone(),
            line: 1,
        },
        problem: format!(
            "this is an experiment with {cells} cells over {}; `quorate run` runs it, and --set with one value for each makes it a single workload",
            axes.collect::<Vec<_>>().join(", ")
        ),
    })
}

/// Resolves a file in which no list is left.
fn resolve_tree(
    file: &str,
    mut tree: Table,
    overrides: &[String],
    seed: Option<u64>,
    vocabularies: &[&'static dyn Vocabulary],
    problems: Problems,
) -> Result<Plan, WorkloadError> {
    // Without the protocol, no other key can be checked.
    let Some(vocabulary) = read_protocol(&tree, vocabularies, &problems) else {
        return problems.decide(None, file, overrides);
    };
    overrides::drop_meaningless(&mut tree, vocabulary);
    let root = Section::root(file, &tree, vocabulary, &problems);
    let plan = read_plan(&root, seed, vocabulary);
    drop(root);
    problems.decide(plan, file, overrides)
}

/// Returns the protocol that the file names, or the default.
fn read_protocol(
    root: &Table,
    vocabularies: &[&'static dyn Vocabulary],
    problems: &Problems,
) -> Read<&'static dyn Vocabulary> {
    let find = |name: &str| {
        let mut known = vocabularies.iter().copied();
        known.find(|vocabulary| vocabulary.protocol() == name)
    };
    let Some(node) = root.get("protocol") else {
        return find(DEFAULT_PROTOCOL).or_else(|| vocabularies.first().copied());
    };
    if let Value::Text(name) = &node.value
        && let Some(found) = find(name)
    {
        return Some(found);
    }
    let names = || vocabularies.iter().map(|vocabulary| vocabulary.protocol());
    let expected = format!("one of {}", names().collect::<Vec<_>>().join(", "));
    let key = "protocol".to_owned();
    let place = node.place.clone();
    problems.note(match &node.value {
        Value::Text(name) => {
            let hint = nearest(names(), name)
                .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
            let problem = format!("is {name:?}; it must be {expected}{hint}");
            WorkloadError::BadValue {
                place,
                key,
                problem,
            }
        }
        other => WorkloadError::WrongType {
            place,
            key,
            expected,
            found: other.in_words(),
        },
    })
}

/// Reads everything before it checks for errors, so that all problems are reported.
fn read_plan(root: &Section<'_>, seed: Option<u64>, vocabulary: &dyn Vocabulary) -> Read<Plan> {
    // All tables are read first: an unknown key in one table may be the missing key of another.
    let target = root.section("target", &schema::TARGET);
    let prepare = root.section("prepare", vocabulary.prepare());
    let load = root.section("load", &schema::LOAD);
    let ops = root.sections("op", vocabulary.op());
    let faults = root.sections("fault", &schema::FAULT);
    let gates = root.section("gates", &schema::GATES);
    let name = read_name(root);
    let why = read_why(root);
    let file_seed = root.integer("seed", 0..=u64::MAX, 1);
    let target = target.and_then(|table| read_target(&table));
    let has_faults = faults.as_ref().is_some_and(|tables| !tables.is_empty());
    let verify = load_table::VerifyDefault(has_faults);
    let load_table = load;
    let load = load_table
        .as_ref()
        .map(|table| load_table::read(table, target.as_ref(), verify));
    let sessions = load.as_ref().and_then(|load| load.sessions);
    let drafts = ops.and_then(|tables| op_table::read(root, tables, vocabulary));
    let prepare = prepare.and_then(|table| {
        let keep = table.boolean("keep", false);
        let own = vocabulary.read_prepare(&table, drafts.as_deref(), sessions);
        Some(Prepare {
            keep: keep?,
            own: own?,
        })
    });
    let ratio = load.as_ref().and_then(|load| load.read_ratio);
    let ops = drafts.and_then(|drafts| op_table::finish(drafts, vocabulary));
    let ops = ops.and_then(|ops| read_ratio::apply(load_table.as_ref()?, ops, ratio?));
    let load = load.and_then(|load| load.plan);
    let faults =
        faults.and_then(|tables| fault_table::read(root, &tables, target.as_ref(), load.as_ref()));
    let gates = gates.and_then(|table| {
        let gates = gates_table::read(&table, ops.as_deref())?;
        gates_table::check_verified(&table, &gates, load.as_ref())?;
        Some(gates)
    });
    Some(Plan {
        protocol: vocabulary.protocol().to_owned(),
        name: name?,
        why: why?,
        seed: seed.or(file_seed)?,
        target: target?,
        prepare: prepare?,
        load: load?,
        ops: ops?,
        faults: faults?,
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
    let jvm_flags = read_jvm_flags(table);
    let cpu = table.number("cpu", limits::CPU_SHARE);
    let network = network_table::read(table);
    Some(TargetShape {
        voters: voters?,
        observers: observers?,
        fsync: fsync?,
        tick_time_ms: tick_time_ms?.unwrap_or(default.tick_time_ms),
        init_limit: init_limit?,
        sync_limit: sync_limit?,
        heap_mib: heap_mib?,
        jvm_flags: jvm_flags?,
        cpu: cpu?,
        network: network?,
    })
}

/// Reads options such as `-XX:+UseSerialGC`. Other words would be taken for the class to start.
fn read_jvm_flags(table: &Section<'_>) -> Read<Option<String>> {
    let Some(text) = table.text("jvm_flags")? else {
        return Some(None);
    };
    if text.len() > limits::JVM_FLAGS_CHARS || text.chars().any(char::is_control) {
        let problem = format!(
            "must be one line of at most {} characters",
            limits::JVM_FLAGS_CHARS
        );
        return table.bad("jvm_flags", problem);
    }
    if let Some(word) = text.split_whitespace().find(|word| !word.starts_with('-')) {
        let problem = format!("contains {word:?}; every option begins with -");
        return table.bad("jvm_flags", problem);
    }
    Some((!text.trim().is_empty()).then(|| text.to_owned()))
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
