//! Every key of a workload file, and the hints for unknown keys.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::nearest::nearest;
use crate::workload::vocabulary::Vocabulary;

/// A table of the file and its keys. The paths of lists of tables (`op`, `load.phase`) have no
/// index.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    pub path: &'static str,
    /// Its keys in the order of a rendered file.
    pub keys: &'static [&'static str],
}

pub(super) const ROOT: Shape = Shape {
    path: "",
    keys: &[
        "name",
        "why",
        "protocol",
        "seed",
        "experiment",
        "case",
        "figure",
        "target",
        "prepare",
        "load",
        "op",
        "fault",
        "gates",
    ],
};
pub(super) const EXPERIMENT: Shape = Shape {
    path: "experiment",
    keys: &["rounds"],
};
pub(super) const CASE: Shape = Shape {
    path: "case",
    keys: &["name", "set", "search"],
};
pub(super) const SEARCH: Shape = Shape {
    path: "case.search",
    keys: &[
        "p50",
        "p90",
        "p99",
        "p999",
        "errors",
        "from",
        "up_to",
        "precision",
        "max_runs",
    ],
};
pub(super) const FIGURE: Shape = Shape {
    path: "figure",
    keys: &["kind", "x", "series", "only", "title"],
};
pub(super) const TARGET: Shape = Shape {
    path: "target",
    keys: &[
        "voters",
        "observers",
        "fsync",
        "tick_time",
        "init_limit",
        "sync_limit",
        "heap",
        "jvm_flags",
        "cpu",
        "network",
    ],
};
pub(super) const NETWORK: Shape = Shape {
    path: "target.network",
    keys: &["delay", "jitter", "rate", "clients"],
};
pub(super) const LOAD: Shape = Shape {
    path: "load",
    keys: &[
        "sessions",
        "sessions_per_server",
        "threads",
        "rate",
        "phase",
        "in_flight",
        "in_flight_cap",
        "read_ratio",
        "warm_up",
        "duration",
        "drain",
        "repeats",
        "interval",
        "session_timeout",
        "operation_timeout",
        "attach",
        "spacing",
        "reconnect",
        "verify",
    ],
};
pub(super) const RECONNECT: Shape = Shape {
    path: "load.reconnect",
    keys: &["first", "max", "growth", "jitter"],
};
pub(super) const PHASE: Shape = Shape {
    path: "load.phase",
    keys: &["duration", "rate", "from", "to"],
};
pub(super) const FAULT: Shape = Shape {
    path: "fault",
    keys: &[
        "at",
        "kind",
        "victim",
        "for",
        "between",
        "direction",
        "delay",
        "jitter",
        "rate",
    ],
};
pub(super) const GATES: Shape = Shape {
    path: "gates",
    keys: &[
        "p50_ms",
        "p90_ms",
        "p95_ms",
        "p99_ms",
        "p999_ms",
        "max_ms",
        "late_p99_ms",
        "error_ratio",
        "throughput_per_s",
        "lost",
    ],
};
/// The gates of one operation. `LABEL` stands for its label.
pub(super) const OP_GATES: Shape = Shape {
    path: "gates.LABEL",
    keys: &[
        "p50_ms",
        "p90_ms",
        "p95_ms",
        "p99_ms",
        "p999_ms",
        "max_ms",
        "late_p99_ms",
        "error_ratio",
        "throughput_per_s",
    ],
};
pub(super) const SIZE: Shape = Shape {
    path: "size",
    keys: &["min", "max", "one_of"],
};
pub(super) const KEYS: Shape = Shape {
    path: "keys",
    keys: &["zipf"],
};

/// The path of the operations. Their keys depend on the protocol.
const OP: &str = "op";

fn shapes(vocabulary: &dyn Vocabulary) -> [&'static Shape; 13] {
    [
        &ROOT,
        &EXPERIMENT,
        &TARGET,
        vocabulary.prepare(),
        &LOAD,
        &PHASE,
        &RECONNECT,
        vocabulary.op(),
        &FAULT,
        &GATES,
        &SIZE,
        &KEYS,
        &NETWORK,
    ]
}

/// Tables whose keys have short names. They are not suggested for unknown keys of other tables.
const SHORT: [&Shape; 3] = [&CASE, &SEARCH, &FIGURE];

/// Names of our keys in other load generators.
const SYNONYMS: &[(&str, &str)] = &[
    ("clients", "load.sessions"),
    ("concurrency", "load.sessions"),
    ("connections", "load.sessions"),
    ("connection_timeout_ms", "load.session_timeout"),
    ("chaos", "fault"),
    ("data_size", "op.size"),
    ("distribution", "op.keys"),
    ("faults", "fault"),
    ("max_pending", "load.in_flight_cap"),
    ("max_value", "size.max"),
    ("min_value", "size.min"),
    ("java_opts", "target.jvm_flags"),
    ("jvmflags", "target.jvm_flags"),
    ("operation_timeout_ms", "load.operation_timeout"),
    ("operations", "op"),
    ("ops", "op"),
    ("arrival", "load.spacing"),
    ("arrivals", "load.spacing"),
    ("outstanding", "load.in_flight"),
    ("phases", "load.phase"),
    ("pipeline_depth", "load.in_flight"),
    ("report_delay", "load.interval"),
    ("report_interval", "load.interval"),
    ("requests", "op"),
    ("session_timeout_ms", "load.session_timeout"),
    ("server_jvmflags", "target.jvm_flags"),
    ("servers", "target.voters"),
    ("setup", "prepare"),
    ("ticktime", "target.tick_time"),
    ("time_limit", "load.duration"),
    ("timelimit", "load.duration"),
    ("type", "op.kind"),
    ("warmup_seconds", "load.warm_up"),
];

/// Returns the full paths of all keys, such as `load.rate`. `size.min`, `size.max` and `keys.zipf`
/// are the keys of inline tables.
#[must_use]
pub fn known_keys(vocabularies: &[&dyn Vocabulary]) -> Vec<String> {
    let mut paths = Vec::new();
    let of_all = vocabularies.iter().flat_map(|known| shapes(*known));
    for shape in of_all.chain(SHORT) {
        for path in shape.keys.iter().map(|key| join(shape.path, key)) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

/// Joins `load` and `rate` to `load.rate`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The hint for a key that `shape` does not have.
pub(super) struct Advice {
    pub(super) text: String,
    /// The key that the user probably meant, and its table.
    pub(super) meant: Option<(&'static Shape, &'static str)>,
}

pub(super) fn advice(shape: &'static Shape, unknown: &str, vocabulary: &dyn Vocabulary) -> Advice {
    let lower = unknown.to_lowercase();
    let about = |words: [&str; 2], shape: &'static Shape, key: &'static str| {
        let [before, after] = words;
        Advice {
            text: format!("{before} `{}`{after}", join(shape.path, key)),
            meant: Some((shape, key)),
        }
    };
    let known = match shape.keys {
        [] => format!("protocol {} has no keys here", vocabulary.protocol()),
        keys => format!("known here: {}", keys.join(", ")),
    };
    if shape.path == OP && vocabulary.not_offered().contains(&lower.as_str()) {
        return Advice {
            text: format!("not offered; {known}"),
            meant: None,
        };
    }
    let mut synonyms = SYNONYMS.iter().chain(vocabulary.synonyms());
    let synonym = synonyms.find(|(theirs, _)| *theirs == lower);
    if let Some((shape, key)) = synonym.and_then(|(_, ours)| find(ours, vocabulary)) {
        return about(["here it is called", ""], shape, key);
    }
    // The same word in another table is a better hint than a similar one in this table.
    let elsewhere = shapes(vocabulary).into_iter().find_map(|other| {
        let key = other.keys.iter().find(|key| **key == lower)?;
        Some((other, *key))
    });
    let similar = || Some((shape, nearest(shape.keys.iter().copied(), &lower)?));
    if let Some((shape, key)) = elsewhere.or_else(similar) {
        return about(["did you mean", "?"], shape, key);
    }
    Advice {
        text: known,
        meant: None,
    }
}

/// Returns the table and the name of the key with the full path `path`.
fn find(path: &str, vocabulary: &dyn Vocabulary) -> Option<(&'static Shape, &'static str)> {
    shapes(vocabulary).into_iter().find_map(|shape| {
        let key = shape
            .keys
            .iter()
            .find(|key| join(shape.path, key) == path)?;
        Some((shape, *key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::vocabulary::example::Example;

    fn hint(shape: &'static Shape, unknown: &str) -> String {
        advice(shape, unknown, &Example).text
    }

    #[test]
    fn misspelt_foreign_and_misplaced_keys_get_a_hint() {
        assert_eq!(hint(&LOAD, "sesions"), "did you mean `load.sessions`?");
        assert_eq!(hint(&LOAD, "warmup"), "did you mean `load.warm_up`?");
        assert_eq!(
            hint(&LOAD, "pipeline_depth"),
            "here it is called `load.in_flight`"
        );
        assert_eq!(hint(&ROOT, "sessions"), "did you mean `load.sessions`?");
        assert_eq!(hint(&ROOT, "rate"), "did you mean `load.rate`?");
        assert_eq!(hint(Example.op(), "items"), "did you mean `prepare.items`?");
        assert_eq!(hint(&KEYS, "q"), "known here: zipf");
        assert_eq!(
            hint(&LOAD, "watch"),
            format!("known here: {}", LOAD.keys.join(", "))
        );
    }

    #[test]
    fn an_unsupported_key_of_an_operation_gets_no_wrong_hint() {
        assert_eq!(
            hint(Example.op(), "Weighing"),
            "not offered; known here: kind, label, weight, size, keys"
        );
    }

    #[test]
    fn every_synonym_leads_to_a_known_key() {
        let known = known_keys(&[&Example]);
        for (theirs, ours) in SYNONYMS {
            assert!(known.iter().any(|key| key == ours), "{theirs} -> {ours}");
            assert!(find(ours, &Example).is_some(), "{theirs} -> {ours}");
        }
    }
}
