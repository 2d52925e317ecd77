//! Checks the rules for the source code: which module may import which, which module may use a library, which
//! files are pure, and what no file may contain. `docs/ARCHITECTURE.md` explains the rules.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of this crate with the modules that it may import.
const IMPORTS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("measure", &[]),
    ("workload", &[]),
    ("disk", &[]),
    ("fault", &[]),
    ("protocol", &["wire", "workload", "measure"]),
    ("load", &["workload", "measure", "protocol"]),
    ("result", &["workload", "measure"]),
    ("report", &["result", "measure", "workload"]),
    ("ensemble", &["wire", "disk"]),
    // `ensemble` is not in the list: the bundled servers are child processes like all others.
    ("target", &["protocol", "workload", "measure", "fault"]),
    ("import", &["ensemble", "wire"]),
    (
        "experiment",
        &[
            "workload", "load", "result", "measure", "protocol", "target",
        ],
    ),
    (
        "cli",
        &[
            "workload",
            "wire",
            "protocol",
            "target",
            "load",
            "measure",
            "result",
            "report",
            "ensemble",
            "import",
            "experiment",
            "fault",
        ],
    ),
];

/// Each part of `ensemble` with the parts that it may import. The pure parts must not import the shell.
const ENSEMBLE_IMPORTS: &[(&str, &[&str])] = &[
    ("database", &[]),
    ("peer", &["database"]),
    ("words", &[]),
    ("storage", &["database"]),
    ("config", &["storage"]),
    ("node", &["database", "peer", "words", "storage", "config"]),
];

/// Each library with the modules that may use it.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["report"]),
    ("csv", &["result"]),
    ("toml", &["workload"]),
    ("strsim", &["workload", "ensemble"]),
    ("rand_distr", &["protocol"]),
    ("hdrhistogram", &["measure"]),
    ("plotters", &["report"]),
    // `report` does not run during a measurement.
    ("rayon", &["report"]),
    ("maud", &["report"]),
    // `result` reads and writes JSON. `experiment` and `cli` pass the calibration on as a value. `report` embeds the
    // data of the figures in a page.
    ("serde_json", &["result", "experiment", "cli", "report"]),
    ("procfs", &["target", "load", "result"]),
    ("sha1", &["ensemble"]),
    ("simd_adler32", &["ensemble"]),
    ("flate2", &["ensemble"]),
    ("snap", &["ensemble"]),
    ("hashbrown", &["ensemble"]),
    ("libc", &["ensemble"]),
    ("rustc_hash", &["ensemble", "import"]),
    ("saphyr_parser", &["import"]),
    ("siphasher", &["ensemble"]),
    ("socket2", &["ensemble", "load", "protocol"]),
    ("signal_hook", &["cli", "ensemble"]),
    ("console", &["cli"]),
    ("vt100", &["cli"]),
    ("prometheus_client", &["cli"]),
    // Only for network code that is not timed. Driver threads and servers of the ensemble are epoll loops without an
    // async runtime.
    ("axum", &["cli"]),
    ("tokio", &["cli", "fault"]),
    ("futures", &[]),
];

/// Each pure folder or file with the files below it that are shell. Tests need not be pure.
const PURE: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("disk/group.rs", &[]),
    ("disk/tail.rs", &[]),
    ("fault/control.rs", &[]),
    ("fault/lane.rs", &[]),
    ("fault/shape.rs", &[]),
    ("measure", &[]),
    ("workload", &[]),
    ("ensemble/database", &[]),
    ("ensemble/peer", &[]),
    ("ensemble/words", &[]),
    // The shell reads the clock and writes to the terminal.
    ("cli/live", &["mod.rs"]),
    ("load/arrivals.rs", &[]),
    ("load/assign.rs", &[]),
    ("load/key.rs", &[]),
    ("load/backoff.rs", &[]),
    ("load/server_order.rs", &[]),
    ("load/latest.rs", &[]),
    ("load/pace.rs", &[]),
    ("load/schedule.rs", &[]),
    (
        "protocol",
        // A blocking client for preparation and probes, with its own socket.
        &[
            "mod.rs",
            "setup.rs",
            "zookeeper/mod.rs",
            "zookeeper/error.rs",
            "zookeeper/admin.rs",
            "zookeeper/four_letter.rs",
            "zookeeper/pipeline.rs",
            "zookeeper/prepare.rs",
            "zookeeper/clean_up.rs",
            "zookeeper/setup.rs",
            "zookeeper/tree.rs",
            "zookeeper/ledger/mod.rs",
            "zookeeper/ledger/verify.rs",
        ],
    ),
    ("experiment/capacity/search.rs", &[]),
    ("experiment/script/steps.rs", &[]),
    ("experiment/script/victims.rs", &[]),
    ("experiment/estimate.rs", &[]),
    ("experiment/matrix/failures.rs", &[]),
    ("cli/experiment_text.rs", &[]),
    ("cli/rough_time.rs", &[]),
    ("experiment/script/ways.rs", &[]),
    ("target/answers.rs", &[]),
    ("target/quota/limit.rs", &[]),
    ("target/quota/place.rs", &[]),
    ("target/spec.rs", &[]),
    ("target/zoo_cfg.rs", &[]),
    (
        "result",
        &[
            "mod.rs",
            "baseline.rs",
            "capacity.rs",
            "environment.rs",
            "experiment_folder.rs",
            "experiment_index.rs",
            "fsync.rs",
            "store.rs",
        ],
    ),
    (
        "report",
        // These write files or draw with the plotting library.
        &[
            "mod.rs",
            "canvas.rs",
            "capacity/mod.rs",
            "capacity/page.rs",
            "compare/forest.rs",
            "compare/page.rs",
            "experiment/mod.rs",
            "experiment/page.rs",
            "draw.rs",
            "html.rs",
            "plot.rs",
        ],
    ),
];

/// Modules that must not depend on a protocol.
const NEUTRAL: [&str; 5] = ["workload", "load", "measure", "result", "report"];
/// Words that belong to one protocol. A neutral module must not contain them, neither in code nor in comments. Its
/// tests may, because they use real workloads.
const OF_A_PROTOCOL: [&str; 9] = [
    "zookeeper",
    "znode",
    "znodes",
    "zxid",
    "jute",
    "chroot",
    "ephemeral",
    "mntr",
    "epoch",
];
/// The only exception. Plans from before the key `protocol` existed have this protocol.
const NOT_NEUTRAL: (&str, &str) = ("src/workload/plan.rs", "zookeeper");

/// The files with unsafe code: single calls of the C library that have no safe counterpart.
const UNSAFE: [&str; 1] = ["src/ensemble/node/heap.rs"];

/// Denies clocks, sleeping, threads, files and random iteration order. `clippy.toml` has the list.
const FENCE: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";

/// Each folder of source files with the maximum number of lines of a file.
const LINES_MAX: &[(&str, usize)] = &[("src", 900), ("tests", 1_000), ("benches", 900)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files below the folder `dir`, or the file `dir`, with their texts. Paths are relative to the root.
/// Binary files are left out.
fn files(dir: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(text) = fs::read_to_string(root().join(dir)) {
        found.push((dir.to_owned(), text));
    }
    let mut dirs = vec![root().join(dir)];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                dirs.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push((relative(&path), text));
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .expect("below the root")
        .display()
        .to_string()
}

fn sources(dir: &str) -> Vec<(String, String)> {
    let mut found = files(dir);
    found.retain(|(path, _)| path.ends_with(".rs"));
    assert!(!found.is_empty(), "no source file below {dir}");
    found
}

/// Removes the lines that are comments.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_start())
        .filter(|line| !line.starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    text.split(|c: char| !is_word(c)).next().unwrap_or_default()
}

/// Returns the names that directly follow `prefix`, which ends with `::`. For `crate::` these are `x` in
/// `crate::x::y`, and `x` and `y` in `crate::{x::z, y}`.
fn followers(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| is_word(c) || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => _ = names.insert(first_word(rest).to_owned()),
            Some(group) => {
                let mut depth = 0;
                let mut item = 0;
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        ',' | '}' if depth == 0 => {
                            names.insert(first_word(&group[item..index]).to_owned());
                            item = index + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
        }
    }
    names.remove("");
    names
}

/// Whether `code` has a path that begins with `library`.
fn uses(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path)
        .any(|(at, _)| !code[..at].ends_with(|c: char| is_word(c) || c == ':'))
}

/// Returns the module of a file: `a` for `src/a/b.rs`, `src/a.rs` and `src/a/b/c.rs`.
fn module(path: &str) -> &str {
    first_word(path.strip_prefix("src/").expect("below src"))
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let known: BTreeSet<&str> = IMPORTS.iter().map(|(module, _)| *module).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let own = module(&path);
        if ["lib", "main"].contains(&own) {
            continue;
        }
        let Some((_, allowed)) = IMPORTS.iter().find(|(module, _)| *module == own) else {
            wrong.push(format!("{path}: module {own} is not in the table"));
            continue;
        };
        for name in followers(&code(&text), "crate::") {
            if known.contains(name.as_str()) && name != own && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{path}: {own} may not import {name}"));
            }
        }
    }
    assert_none(&wrong);
}

/// Returns the text of a file before its test modules, which are at the end.
fn without_tests(text: &str) -> &str {
    let mut tests = text.match_indices("#[cfg(test)]");
    let module = tests.find(|(at, mark)| {
        let next = text[at + mark.len()..].trim_start().lines().next();
        next.is_some_and(|line| line.split(' ').any(|word| word == "mod"))
    });
    module.map_or(text, |(at, _)| &text[..at])
}

/// Returns the words of [`OF_A_PROTOCOL`] that `text` contains.
fn words_of_a_protocol(text: &str) -> BTreeSet<&'static str> {
    let words = text.split(|c: char| !is_word(c)).map(str::to_lowercase);
    let known = |word: String| OF_A_PROTOCOL.into_iter().find(|known| *known == word);
    words.filter_map(known).collect()
}

#[test]
fn neutral_modules_contain_no_words_of_a_protocol() {
    let mut wrong = Vec::new();
    for module in NEUTRAL {
        for (path, text) in sources(&format!("src/{module}")) {
            if is_test(&path) || path.ends_with("/fixture.rs") {
                continue;
            }
            for word in words_of_a_protocol(without_tests(&text)) {
                if NOT_NEUTRAL != (path.as_str(), word) {
                    wrong.push(format!(
                        "{path}: contains {word}, which belongs to a protocol"
                    ));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn words_of_a_protocol_are_found_in_comments_and_in_any_case() {
    let text = "/// A ZNode.\nlet epochs = Zxid;\n#[cfg(test)]\nmod tests { jute }\n";
    let found = words_of_a_protocol(without_tests(text));
    assert_eq!(found, BTreeSet::from(["znode", "zxid"]));
    assert!(without_tests("#[cfg(test)]\nuse a;\njute").contains("jute"));
}

#[test]
fn parts_of_the_ensemble_import_only_what_the_table_allows() {
    let parts: BTreeSet<&str> = ENSEMBLE_IMPORTS.iter().map(|(part, _)| *part).collect();
    let mut wrong = Vec::new();
    for (part, allowed) in ENSEMBLE_IMPORTS.iter().copied() {
        for (path, text) in sources(&format!("src/ensemble/{part}")) {
            let code = code(&text);
            let mut names = followers(&code, "crate::ensemble::");
            // From `src/ensemble/part/file.rs` and from `mod.rs` beside it.
            names.extend(followers(&code, "super::super::"));
            if path.ends_with(&format!("ensemble/{part}/mod.rs")) {
                names.extend(followers(&code, "super::"));
            }
            for name in names {
                let name = name.as_str();
                if parts.contains(name) && name != part && !allowed.contains(&name) {
                    wrong.push(format!("{path}: {part} may not import {name}"));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn unsafe_code_is_only_in_the_files_of_the_list() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let code = code(&text);
        let mut words = code.split(|c: char| !is_word(c));
        if words.any(|word| word == "unsafe") && !UNSAFE.contains(&path.as_str()) {
            wrong.push(format!("{path}: only {UNSAFE:?} may contain unsafe code"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn libraries_are_used_only_in_the_modules_of_the_table() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let own = module(&path);
        let code = code(&text);
        for (library, homes) in LIBRARIES.iter().copied() {
            // The file may have a module of its own with the name of the library.
            let is_own_module = code.contains(&format!("\nmod {library};\n"));
            if !homes.contains(&own) && !is_own_module && uses(&code, library) {
                wrong.push(format!("{path}: only {homes:?} may use {library}"));
            }
        }
    }
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        if uses(&code(&text), "criterion") {
            wrong.push(format!("{path}: only benches may use criterion"));
        }
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for line in manifest.lines() {
        if line.starts_with("async-") || line.starts_with("smol") {
            wrong.push(format!("Cargo.toml: {line}: the only runtime is tokio"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn pure_files_deny_impure_functions() {
    let fenced = |path: &Path| {
        fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line == FENCE))
    };
    let mut wrong = Vec::new();
    for (dir, shell) in PURE.iter().copied() {
        let dir = format!("src/{dir}");
        for name in shell {
            if !root().join(&dir).join(name).is_file() {
                wrong.push(format!("{dir}/{name} is in the table, but does not exist"));
            }
        }
        for (path, _) in sources(&dir) {
            let below = path.strip_prefix(&dir).unwrap().trim_start_matches('/');
            if shell.contains(&below) || is_test(below) {
                continue;
            }
            // A lint level also applies to the modules below.
            let mut place: PathBuf = root().join(&path);
            let mut covered = fenced(&place);
            while !covered && place.pop() && place.starts_with(root().join(&dir)) {
                covered = fenced(&place.join("mod.rs"));
            }
            if !covered {
                wrong.push(format!("{path}: is pure, but has no {FENCE}"));
            }
        }
    }
    assert_none(&wrong);
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.split('/').any(|part| part == "tests")
}

#[test]
fn every_source_file_has_a_module_comment_and_a_limited_length() {
    let mut wrong = Vec::new();
    for (dir, lines_max) in LINES_MAX.iter().copied() {
        for (path, text) in sources(dir) {
            if !text.starts_with("//! ") {
                wrong.push(format!("{path}: does not begin with a //! paragraph"));
            }
            let lines = text.lines().count();
            if lines > lines_max {
                wrong.push(format!("{path}: {lines} lines, at most {lines_max}"));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn no_source_file_contains_unfinished_work_or_sleeps() {
    // The words are assembled here, so that this file does not contain them.
    let banned = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    let marks = [["FIX", "ME"].concat(), "X".repeat(3)];
    let mut wrong = Vec::new();
    for dir in ["src", "tests", "benches"] {
        for (path, text) in sources(dir) {
            for word in banned.iter().chain(&marks) {
                if text.contains(word) {
                    wrong.push(format!("{path}: contains {word}"));
                }
            }
            let sleeps = code(&text).contains(&["thread::", "sleep"].concat());
            if sleeps && dir == "src" {
                wrong.push(format!("{path}: sleeps; wait for an event instead"));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn no_file_contains_a_path_of_a_developers_machine() {
    let places = ["work", "home", "root", "tmp"].map(|dir| format!("/{dir}/"));
    let mut texts: Vec<(String, String)> = [
        "src",
        "tests",
        "benches",
        "docs",
        "workloads",
        "assets",
        ".ci",
        "results",
    ]
    .into_iter()
    .flat_map(files)
    .collect();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        // In a work tree, `.git` is a file.
        if path.is_file() && !path.ends_with(".git") {
            texts.push((relative(&path), fs::read_to_string(&path).unwrap()));
        }
    }
    let mut wrong = Vec::new();
    for (path, text) in texts {
        // Recorded results name the machine they come from.
        if path.starts_with("results/") && path != "results/README.md" {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            for place in &places {
                let absolute = line.match_indices(place.as_str()).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| is_word(c) || "}./-:".contains(c))
                });
                if absolute {
                    wrong.push(format!("{path}:{number}: contains {place}"));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_change_log_has_a_section_for_this_version() {
    let log = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        log.lines()
            .any(|line| line.starts_with("## ") && line.split(' ').any(|word| word == version)),
        "CHANGELOG.md has no section {version}"
    );
}

#[test]
fn links_between_documents_lead_to_existing_files() {
    let mut wrong = Vec::new();
    let mut documents = vec![
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "results/README.md",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    documents.extend(
        files("docs")
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| path.ends_with(".md")),
    );
    for document in documents {
        let path = root().join(&document);
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("](") {
            let link = text[at + 2..].split(')').next().unwrap_or_default();
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty()
                && !target.contains("://")
                && !path.with_file_name(target).exists()
            {
                wrong.push(format!(
                    "{document}: the target of the link {link} does not exist"
                ));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_scanner_finds_names_in_groups_and_ignores_longer_names() {
    let names = followers(
        "use crate::{wire::{a, b}, load};\ncrate::measure::X; mycrate::y",
        "crate::",
    );
    let expected = ["load", "measure", "wire"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(expected));
    assert!(uses("let x = toml::from_str(y)", "toml"));
    assert!(!uses("let x = self::toml::from_str(y); my_toml::z", "toml"));
}
