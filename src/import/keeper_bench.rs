//! The configuration of keeper-bench, the benchmark of ClickHouse Keeper (its README, "Configuration file").
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::draft::{Arrival, Draft, Op};
use super::sizes::Sizes;
use super::yaml::{Node, Value, parse};
use super::{ImportError, Imported};

/// Duration of the load if the file limits only the number of requests, in seconds.
const DURATION_S: f64 = 30.0;
/// Largest number of nodes of a setup. It is the limit of a workload file.
const NODES_MAX: u64 = 10_000_000;
/// Children of one parent that a workload file accepts.
const PER_PARENT_MAX: u64 = 50_000;
/// Operations in a transaction that a workload file accepts.
const BATCH_MAX: u64 = 1_000;

/// Converts a keeper-bench file in YAML. `name` is used in messages.
///
/// # Errors
/// If the text is not YAML, has no requests, or has a value that keeper-bench does not accept either.
pub fn keeper_bench(name: &str, text: &str) -> Result<Imported, ImportError> {
    let root = parse(name, text)?;
    let mut import = Import {
        name,
        notes: Vec::new(),
    };
    let no_requests = || ImportError::NoRequests {
        name: name.to_owned(),
    };
    let generator = root.get("generator").ok_or_else(no_requests)?;
    let requests = generator.get("requests").ok_or_else(no_requests)?;
    let tree = match generator.get("setup") {
        Some(setup) => import.tree(setup)?,
        None => Tree::default(),
    };
    let ops = import.ops(requests)?;
    if ops.is_empty() {
        return Err(no_requests());
    }
    let connections = import.connections(&root)?;
    let load = import.load_lines(&root, &connections)?;
    let concurrency = import.number(&root, "concurrency")?.map_or(1, whole);
    let pipeline = import.number(&root, "pipeline_depth")?.map_or(1, whole);
    let in_flight = (concurrency * pipeline)
        .div_ceil(connections.sessions)
        .max(1);
    if in_flight * connections.sessions != concurrency * pipeline {
        import.note(format!(
            "keeper-bench has {} requests in flight; here {} sessions have {in_flight} each",
            concurrency * pipeline,
            connections.sessions
        ));
    }
    if tree.count == 0 {
        import.note("the file creates no nodes beforehand; the workload prepares 1000".to_owned());
    }
    let draft = Draft {
        name: "keeper-bench",
        why: format!("The requests of {name}, as a closed loop."),
        znodes: if tree.count == 0 { 1_000 } else { tree.count },
        prepared: tree.sizes(),
        per_parent: tree.fan_out.clamp(1, PER_PARENT_MAX),
        sessions: connections.sessions,
        arrival: Arrival::Closed(in_flight),
        load,
        ops,
        notes: import.notes,
    };
    Ok(draft.render())
}

/// The state of an import.
struct Import<'a> {
    name: &'a str,
    notes: Vec<String>,
}

/// What the setup creates.
#[derive(Clone, Copy, Debug, Default)]
struct Tree {
    /// Nodes without children: those that requests choose among.
    count: u64,
    /// Largest number of children of one parent.
    fan_out: u64,
    /// Smallest and largest data of them, in bytes.
    data: Option<(u64, u64)>,
}

impl Tree {
    fn sizes(&self) -> Sizes {
        match self.data {
            None => Sizes::Fixed(0),
            Some((min, max)) if min == max => Sizes::Fixed(min),
            Some((min, max)) => Sizes::Range(min, max),
        }
    }

    fn add(&mut self, child: &Self, times: u64) {
        self.count = self.count.saturating_add(child.count.saturating_mul(times));
        self.fan_out = self.fan_out.max(child.fan_out);
        if let Some((min, max)) = child.data {
            let (low, high) = self.data.unwrap_or((min, max));
            self.data = Some((low.min(min), high.max(max)));
        }
    }
}

/// The sessions of a file.
struct Connections {
    sessions: u64,
    session_timeout_ms: Option<f64>,
    operation_timeout_ms: Option<f64>,
}

impl Import<'_> {
    fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn wrong(&self, node: &Node, key: &str, problem: impl Into<String>) -> ImportError {
        ImportError::Value {
            name: self.name.to_owned(),
            line: node.line,
            key: key.to_owned(),
            problem: problem.into(),
        }
    }

    /// Returns the number at `key` of a mapping.
    fn number(&self, map: &Node, key: &str) -> Result<Option<f64>, ImportError> {
        let Some(node) = map.get(key) else {
            return Ok(None);
        };
        let number = node.scalar().and_then(|text| text.parse::<f64>().ok());
        match number {
            Some(number) if number.is_finite() && (0.0..=1e12).contains(&number) => {
                Ok(Some(number))
            }
            _ => Err(self.wrong(node, key, "is not a number from 0 to 10^12")),
        }
    }

    /// Reads an integer or `{ min_value, max_value }`.
    fn range(&self, node: &Node, key: &str) -> Result<(u64, u64), ImportError> {
        let integer = |node: &Node| node.scalar().and_then(|text| text.parse::<u64>().ok());
        let ends = match (integer(node), node.get("min_value"), node.get("max_value")) {
            (Some(value), ..) => Some((value, value)),
            (None, Some(min), Some(max)) => integer(min).zip(integer(max)),
            _ => None,
        };
        ends.filter(|(min, max)| min <= max && *max <= 1 << 40)
            .ok_or_else(|| {
                self.wrong(
                    node,
                    key,
                    "is neither an integer nor min_value and max_value in this order",
                )
            })
    }

    /// Returns the sizes of the strings that a string or `{ random_string: { size } }` makes.
    fn string_sizes(&self, node: &Node, key: &str) -> Result<(u64, u64), ImportError> {
        if let Some(text) = node.scalar() {
            return Ok((text.len() as u64, text.len() as u64));
        }
        let size = node
            .get("random_string")
            .and_then(|random| random.get("size"));
        let problem = "is neither a string nor random_string with a size";
        self.range(size.ok_or_else(|| self.wrong(node, key, problem))?, key)
    }

    /// Reads all `node` keys of a setup or of a node.
    fn tree(&self, parent: &Node) -> Result<Tree, ImportError> {
        let mut tree = Tree::default();
        let mut children: u64 = 0;
        for node in parent.all("node") {
            let times = self.number(node, "repeat")?.map_or(1, whole);
            children = children.saturating_add(times);
            let below = self.tree(node)?;
            if below.count > 0 {
                tree.add(&below, times);
                continue;
            }
            let data = match node.get("data") {
                Some(data) => self.string_sizes(data, "data")?,
                None => (0, 0),
            };
            let leaf = Tree {
                count: 1,
                fan_out: 0,
                data: Some(data),
            };
            tree.add(&leaf, times);
        }
        tree.fan_out = tree.fan_out.max(children);
        if tree.count > NODES_MAX {
            let problem = format!("makes more than {NODES_MAX} nodes");
            return Err(self.wrong(parent, "setup", problem));
        }
        Ok(tree)
    }

    fn connections(&mut self, root: &Node) -> Result<Connections, ImportError> {
        let empty = Node {
            line: 1,
            value: Value::Map(Vec::new()),
        };
        let all = root.get("connections").unwrap_or(&empty);
        let mut hosts: Vec<String> = Vec::new();
        let mut sessions: u64 = 0;
        let mut secure = all.get("secure").and_then(Node::scalar) == Some("true");
        let mut session_timeout_ms = self.number(all, "session_timeout_ms")?;
        let mut operation_timeout_ms = self.number(all, "operation_timeout_ms")?;
        for (key, node) in all.entries() {
            if key != "host" && key != "connection" {
                continue;
            }
            let host = node
                .scalar()
                .or_else(|| node.get("host").and_then(Node::scalar));
            let host = host.ok_or_else(|| self.wrong(node, key, "has no host"))?;
            hosts.push(host.to_owned());
            sessions += self.number(node, "sessions")?.map_or(1, whole);
            secure |= node.get("secure").and_then(Node::scalar) == Some("true");
            session_timeout_ms = self
                .number(node, "session_timeout_ms")?
                .or(session_timeout_ms);
            operation_timeout_ms = self
                .number(node, "operation_timeout_ms")?
                .or(operation_timeout_ms);
        }
        if hosts.is_empty() {
            self.note("the file names no host; one session is assumed".to_owned());
        } else {
            hosts.dedup();
            self.note(format!(
                "to use the servers of the file: --target zk://{}",
                hosts.join(",")
            ));
        }
        if secure {
            self.note("the file asks for TLS (`secure`), which is an option of the target and not of the workload".to_owned());
        }
        Ok(Connections {
            sessions: sessions.clamp(1, 100_000),
            session_timeout_ms,
            operation_timeout_ms,
        })
    }

    /// Returns the lines of `[load]` below the arrival.
    fn load_lines(
        &mut self,
        root: &Node,
        connections: &Connections,
    ) -> Result<Vec<String>, ImportError> {
        let limit_s = self.number(root, "timelimit")?.filter(|limit| *limit > 0.0);
        let iterations = self
            .number(root, "iterations")?
            .filter(|count| *count > 0.0);
        if let Some(count) = iterations {
            self.note(format!(
                "the file ends after {count} requests; the workload ends after its duration"
            ));
        }
        if limit_s.is_none() {
            self.note(format!(
                "the file has no time limit; the workload takes {DURATION_S} s"
            ));
        }
        let mut lines = Vec::new();
        let warm_up_s = self.number(root, "warmup_seconds")?.unwrap_or(0.0);
        lines.push(format!("warm_up = \"{}ms\"", milliseconds(warm_up_s)));
        let duration_s = limit_s.unwrap_or(DURATION_S);
        lines.push(format!(
            "duration = \"{}ms\"",
            milliseconds(duration_s).max(100)
        ));
        let delay = self
            .number(root, "report_delay")?
            .or(self.number(root, "delay")?);
        if let Some(delay_s) = delay.filter(|delay| *delay > 0.0 && *delay <= duration_s) {
            lines.push(format!(
                "interval = \"{}ms\"",
                milliseconds(delay_s).max(10)
            ));
        }
        for (key, timeout_ms, least_ms) in [
            ("session_timeout", connections.session_timeout_ms, 100),
            ("operation_timeout", connections.operation_timeout_ms, 10),
        ] {
            if let Some(timeout_ms) = timeout_ms {
                lines.push(format!("{key} = \"{}ms\"", whole(timeout_ms).max(least_ms)));
            }
        }
        Ok(lines)
    }

    fn ops(&mut self, requests: &Node) -> Result<Vec<Op>, ImportError> {
        let mut ops = Vec::new();
        for (kind, request) in requests.entries() {
            let weight = self.number(request, "weight")?.unwrap_or(1.0);
            if weight <= 0.0 {
                continue;
            }
            match kind.as_str() {
                "multi" => self.multi(request, weight, &mut ops)?,
                other => self.single(other, request, weight, &mut ops)?,
            }
        }
        Ok(ops)
    }

    /// Adds the operations of a request other than a multi.
    fn single(
        &mut self,
        kind: &str,
        request: &Node,
        weight: f64,
        ops: &mut Vec<Op>,
    ) -> Result<(), ImportError> {
        let kind = match kind {
            "create" => "create",
            "set" => "set",
            "get" => "get",
            "list" => "list",
            other => {
                self.note(format!(
                    "the request `{other}` (line {}) has no counterpart and is left out",
                    request.line
                ));
                return Ok(());
            }
        };
        if request.get("watch_probability").is_some() {
            self.note(format!(
                "`watch_probability` of `{kind}` (line {}) is left out",
                request.line
            ));
        }
        if kind == "get" || kind == "list" || kind == "set" {
            self.note(
                "set, get and list choose among all prepared znodes; the file's `path` is not used"
                    .to_owned(),
            );
        }
        let writes = kind == "create" || kind == "set";
        let size = if writes {
            Some(self.data(request)?)
        } else {
            None
        };
        let mut op = Op {
            kind,
            weight,
            size,
            more: Vec::new(),
        };
        if kind == "create" {
            if let Some(keep) = self.number(request, "keep_count")? {
                op.more
                    .push(format!("keep_count = {}", whole(keep).clamp(1, 50_000)));
            }
            let removed = self.number(request, "remove_factor")?.unwrap_or(0.0);
            if removed >= 1.0 {
                return Err(self.wrong(request, "remove_factor", "is not below 1"));
            }
            if removed > 0.0 {
                let delete = Op {
                    kind: "delete",
                    weight: weight * removed,
                    size: None,
                    more: Vec::new(),
                };
                op.weight = weight * (1.0 - removed);
                ops.push(op);
                ops.push(delete);
                return Ok(());
            }
        }
        ops.push(op);
        Ok(())
    }

    fn data(&self, request: &Node) -> Result<Sizes, ImportError> {
        let Some(data) = request.get("data") else {
            return Ok(Sizes::Fixed(0));
        };
        let (min, max) = self.string_sizes(data, "data")?;
        Ok(if min == max {
            Sizes::Fixed(min)
        } else {
            Sizes::Range(min, max)
        })
    }

    /// Adds a multi: transactions of sets if it writes, and its single reads if it only reads.
    fn multi(&mut self, request: &Node, weight: f64, ops: &mut Vec<Op>) -> Result<(), ImportError> {
        let parts: Vec<&(String, Node)> = request
            .entries()
            .iter()
            .filter(|(key, _)| key != "weight" && key != "size")
            .collect();
        let (min, max) = match request.get("size") {
            Some(size) => self.range(size, "size")?,
            None => (parts.len() as u64, parts.len() as u64),
        };
        let batch = u64::midpoint(min, max).clamp(1, BATCH_MAX);
        if min != max {
            self.note(format!(
                "a multi has {min} to {max} operations in the file and {batch} here"
            ));
        }
        let mut total = 0.0;
        for (_, part) in &parts {
            total += self.number(part, "weight")?.unwrap_or(1.0);
        }
        let writes = |kind: &str| kind == "create" || kind == "set";
        if parts.iter().any(|(kind, _)| writes(kind)) {
            let mut largest = Sizes::Fixed(0);
            for (kind, part) in parts.iter().filter(|(kind, _)| writes(kind)) {
                let size = self.data(part)?;
                if size.max() >= largest.max() {
                    largest = size;
                }
                if kind == "create" {
                    self.note(
                        "a multi consists of sets here; those of the file also create".to_owned(),
                    );
                }
            }
            ops.push(Op {
                kind: "multi",
                weight,
                size: Some(largest),
                more: vec![format!("batch = {batch}")],
            });
            return Ok(());
        }
        self.note("a multi of reads is replaced by its single reads".to_owned());
        for (kind, part) in parts {
            let share = self.number(part, "weight")?.unwrap_or(1.0) / total.max(f64::MIN_POSITIVE);
            #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
            let weight = weight * share * batch as f64;
            self.single(kind, part, weight, ops)?;
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`Import::number` returns numbers from 0 to 10^12"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn milliseconds(seconds: f64) -> u64 {
    whole((seconds * 1_000.0).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(text: &str) -> Imported {
        keeper_bench("bench.yaml", text).unwrap()
    }

    fn problem(text: &str) -> String {
        keeper_bench("bench.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn weights_sizes_and_sessions_are_taken_over() {
        let text = "\
concurrency: 16
timelimit: 20
warmup_seconds: 2
connections:
  session_timeout_ms: 3000
  connection: { host: 'h1:9181', sessions: 4 }
generator:
  setup:
    node:
      name: 'bench'
      node:
        name: { random_string: { size: 10 } }
        data: { random_string: { size: { min_value: 10, max_value: 20 } } }
        repeat: 500
  requests:
    get: { weight: 9, path: { children_of: '/bench' } }
    set: { path: { children_of: '/bench' }, data: 'hello' }
";
        let imported = imported(text);
        for line in [
            "znodes = 500",
            "size = { min = 10, max = 20 }",
            "per_parent = 500",
            "sessions = 4",
            "in_flight = 4",
            "warm_up = \"2000ms\"",
            "duration = \"20000ms\"",
            "session_timeout = \"3000ms\"",
            "kind = \"get\"\nweight = 9",
            "kind = \"set\"\nweight = 1\nsize = 5",
        ] {
            assert!(imported.text.contains(line), "{line} in\n{}", imported.text);
        }
        assert!(
            imported
                .text
                .contains("# to use the servers of the file: --target zk://h1:9181")
        );
    }

    #[test]
    fn removals_multis_and_repeated_requests_become_operations() {
        let text = "\
generator:
  requests:
    create: { path: '/a', remove_factor: 0.5, data: 'x' }
    multi:
      weight: 4
      size: 10
      set: { path: '/a', data: { random_string: { size: 30 } } }
    multi:
      weight: 2
      size: 5
      get: { path: '/a' }
    watch_all: { path: '/a' }
";
        let imported = imported(text);
        for line in [
            "kind = \"create\"\nweight = 1\nsize = 1",
            "kind = \"delete\"\nweight = 1",
            "kind = \"multi\"\nweight = 8\nsize = 30\nbatch = 10",
            "kind = \"get\"\nweight = 20",
            "`watch_all` (line 12) has no counterpart",
        ] {
            assert!(imported.text.contains(line), "{line} in\n{}", imported.text);
        }
    }

    #[test]
    fn errors_name_the_line_and_the_key() {
        assert!(problem("concurrency: 4\n").contains("no `generator.requests`"));
        let text = "generator:\n  requests:\n    set: { path: '/a', data: { random_string: { size: x } } }\n";
        let problem = problem(text);
        assert!(
            problem.contains("line 3") && problem.contains("`data`"),
            "{problem}"
        );
    }
}
