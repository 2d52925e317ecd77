//! Renders a plan as a complete workload file with comments, which `quorate check` prints. It
//! contains every default. The text resolves to the same plan, and this is also how a plan is
//! validated.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::{Display, Write as _};

use super::error::{Place, WorkloadError};
use super::fault::{Between, Direction, Fault, FaultAction};
use super::file::{Source, format_duration, format_duration_us, resolve};
use super::network::{LOOPBACK, LinkShape, Network};
use super::plan::{
    Arrival, Gates, KeyChoice, LoadPlan, OpPlan, Plan, RatePhase, Reconnect, SizeChoice,
};
use super::values::{Value, Values};
use super::vocabulary::Vocabulary;

/// Column of the comments.
const COMMENT_COLUMN: usize = 36;

impl Plan {
    /// Returns this plan as a workload file with every key and a comment on each. `vocabulary`
    /// belongs to its protocol. The writer of the `toml` crate cannot write comments.
    #[must_use]
    pub fn render_toml(&self, vocabulary: &dyn Vocabulary) -> String {
        let mut page = Page::default();
        page.key("name", quoted(&self.name), "names the result folder");
        page.key("why", quoted(&self.why), "");
        page.key("protocol", quoted(&self.protocol), "protocol of the target");
        page.key("seed", self.seed, "seed of every random choice");
        render_target(&mut page, self);
        render_prepare(&mut page, self, vocabulary);
        render_load(&mut page, &self.load);
        for op in self.ops.iter().filter(|op| !op.is_implicit()) {
            render_op(&mut page, op, vocabulary);
        }
        for fault in &self.faults {
            render_fault(&mut page, fault);
        }
        render_gates(&mut page, &self.gates);
        page.text
    }

    /// Checks that this plan could come from a workload file: that every limit is kept and no value
    /// contradicts another. Use it for a plan that was read from a result file.
    ///
    /// # Errors
    /// If the plan is not valid. The lines in the error refer to the rendered plan
    /// ([`Plan::render_toml`]).
    pub fn validate(&self, vocabulary: &'static dyn Vocabulary) -> Result<(), WorkloadError> {
        let text = self.render_toml(vocabulary);
        let source = Source::from_text(format!("plan {}", self.name), text);
        let resolved = resolve(&source, &[], None, &[vocabulary])?;
        let mut complete = self.clone();
        for op in &mut complete.ops {
            op.writes = Some(op.is_write());
        }
        if resolved == complete {
            return Ok(());
        }
        Err(WorkloadError::Inconsistent {
            place: Place::Line {
                file: source.name,
                line: 1,
            },
            problem: "the plan differs from what its own workload file resolves to, so it was edited by hand; run the workload file instead".to_owned(),
        })
    }
}

/// The text of the file so far.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn header(&mut self, header: &str, comment: &str) {
        self.text.push('\n');
        self.line(header, comment);
    }

    fn key(&mut self, key: &str, value: impl Display, comment: &str) {
        self.line(&format!("{key} = {value}"), comment);
    }

    /// Writes a key of the protocol.
    fn own(&mut self, key: &str, values: &Values, comment: &str) {
        match values.get(key) {
            None | Some(Value::Unset) => self.line(&format!("# {key} is not set"), comment),
            Some(Value::Boolean(value)) => self.key(key, value, comment),
            Some(Value::Integer(value)) => self.key(key, value, comment),
            Some(Value::Text(text)) => self.key(key, quoted(text), comment),
            Some(Value::Size(choice)) => self.key(key, size(choice), comment),
        }
    }

    fn line(&mut self, left: &str, comment: &str) {
        // Writing to a String cannot fail.
        let _ = if comment.is_empty() {
            writeln!(self.text, "{left}")
        } else {
            writeln!(self.text, "{left:COMMENT_COLUMN$} # {comment}")
        };
    }
}

fn render_target(page: &mut Page, plan: &Plan) {
    let target = &plan.target;
    page.header(
        "[target]",
        "shape of a bundled or local ensemble; a live one is used as it is",
    );
    page.key("voters", target.voters, "servers that vote");
    page.key(
        "observers",
        target.observers,
        "servers that serve reads without a vote",
    );
    page.key("fsync", target.fsync, "sync the log before acknowledging");
    page.key("tick_time", duration(target.tick_time_ms), "");
    page.key("init_limit", target.init_limit, "ticks");
    page.key("sync_limit", target.sync_limit, "ticks");
    let heap = quoted(&format!("{}MiB", target.heap_mib));
    page.key("heap", heap, "heap of a local Java server");
    if let Some(flags) = &target.jvm_flags {
        page.key(
            "jvm_flags",
            quoted(flags),
            "further options of a local Java server",
        );
    }
    if let Some(cpu) = target.cpu {
        page.key("cpu", cpu, "share of one core for each server");
    }
    let comment = "delays of connections; loopback connects directly";
    page.key("network", network(target.network.as_ref()), comment);
}

fn render_prepare(page: &mut Page, plan: &Plan, vocabulary: &dyn Vocabulary) {
    let shape = vocabulary.prepare();
    if shape.keys.is_empty() {
        return;
    }
    page.header("[prepare]", "created before the load starts");
    for key in shape.keys.iter().copied() {
        let comment = vocabulary.comment(shape.path, key);
        match key {
            "keep" => page.key(key, plan.prepare.keep, comment),
            _ => page.own(key, &plan.prepare.own, comment),
        }
    }
}

fn render_load(page: &mut Page, load: &LoadPlan) {
    page.header("[load]", "sessions, arrivals and durations");
    page.key("sessions", load.sessions, "each has its own connection");
    page.key("threads", load.threads, "driver threads");
    render_arrival(page, load);
    page.key("warm_up", duration(load.warm_up_ms), "not measured");
    page.key("duration", duration(load.duration_ms), "measured");
    page.key(
        "drain",
        duration(load.drain_ms),
        "replies are awaited this long after the end",
    );
    page.key("repeats", load.repeats, "repetitions of the measured run");
    page.key(
        "interval",
        duration(load.interval_ms),
        "length of a recording interval",
    );
    page.key(
        "session_timeout",
        duration(load.session_timeout_ms),
        "requested from the server",
    );
    page.key(
        "operation_timeout",
        duration(load.operation_timeout_ms),
        "then recorded as timed out",
    );
    page.key(
        "attach",
        quoted(load.attach.name()),
        "spread, leader, followers, observers or voters",
    );
    let Reconnect {
        first_ms,
        max_ms,
        growth,
        jitter,
    } = load.reconnect;
    let reconnect = format!(
        "{{ first = {}, max = {}, growth = {growth}, jitter = {jitter} }}",
        duration(first_ms),
        duration(max_ms)
    );
    page.key(
        "reconnect",
        reconnect,
        "waits between attempts to reconnect",
    );
    page.key(
        "verify",
        load.verify,
        "read every acknowledged write back after the run",
    );
    match &load.arrival {
        Arrival::Open { phases, .. } if load.constant_rate_per_s().is_none() => {
            phases.iter().for_each(|phase| render_phase(page, phase));
        }
        Arrival::Open { .. } | Arrival::Closed { .. } => {}
    }
}

fn render_arrival(page: &mut Page, load: &LoadPlan) {
    match &load.arrival {
        Arrival::Closed { in_flight } => {
            page.key(
                "in_flight",
                in_flight,
                "operations per session, closed loop",
            );
        }
        Arrival::Open {
            phases,
            in_flight_cap,
            spacing,
        } => {
            page.key("spacing", quoted(spacing.name()), "poisson or even");
            if let Some(rate) = load.constant_rate_per_s() {
                page.key("rate", rate, "operations/s over all sessions, open loop");
            } else {
                let count = phases.len();
                page.line(&format!("# open loop, {count} [[load.phase]] below"), "");
            }
            page.key(
                "in_flight_cap",
                in_flight_cap,
                "per session; beyond it an operation waits",
            );
        }
    }
}

fn render_phase(page: &mut Page, phase: &RatePhase) {
    page.header("[[load.phase]]", "");
    page.key("duration", duration(phase.duration_ms), "");
    if phase.from_per_s == phase.to_per_s {
        page.key("rate", phase.from_per_s, "operations/s");
    } else {
        page.key(
            "from",
            phase.from_per_s,
            "operations/s at the start of the ramp",
        );
        page.key("to", phase.to_per_s, "operations/s at its end");
    }
}

impl LoadPlan {
    /// Returns the rate of an open loop whose rate does not change.
    #[must_use]
    pub fn constant_rate_per_s(&self) -> Option<f64> {
        let Arrival::Open { phases, .. } = &self.arrival else {
            return None;
        };
        let [phase] = phases.as_slice() else {
            return None;
        };
        let constant = phase.from_per_s == phase.to_per_s && phase.duration_ms == self.duration_ms;
        constant.then_some(phase.from_per_s)
    }
}

fn render_op(page: &mut Page, op: &OpPlan, vocabulary: &dyn Vocabulary) {
    page.header("[[op]]", "");
    page.key("kind", quoted(&op.kind), "");
    page.key("label", quoted(&op.label), "name in the results");
    page.key("weight", op.weight, "relative frequency");
    let shape = vocabulary.op();
    let kind = vocabulary.kinds().iter().find(|kind| kind.name == op.kind);
    for key in shape.keys.iter().copied() {
        if !kind.is_some_and(|kind| kind.has(key)) {
            continue;
        }
        let comment = vocabulary.comment(shape.path, key);
        match key {
            "size" => page.key(key, size(&op.size), comment),
            "keys" => page.key(key, keys(&op.keys), comment),
            _ => page.own(key, &op.own, comment),
        }
    }
}

fn render_fault(page: &mut Page, fault: &Fault) {
    page.header("[[fault]]", "");
    page.key(
        "at",
        duration(fault.at_ms),
        "since the start of the measured phase",
    );
    page.key("kind", quoted(fault.action.name()), "");
    page.key("victim", quoted(&fault.victim.to_string()), "");
    if let Some(for_ms) = fault.for_ms {
        page.key("for", duration(for_ms), "then it is undone");
    }
    match fault.action {
        FaultAction::Kill | FaultAction::Pause | FaultAction::Restart => {}
        FaultAction::Cut { direction, between } => render_ways(page, direction, between),
        FaultAction::Slow {
            direction,
            between,
            link,
        } => {
            render_ways(page, direction, between);
            let [delay, jitter] = [link.delay_us, link.jitter_us].map(format_duration_us);
            page.key("delay", quoted(&delay), "of one way");
            page.key("jitter", quoted(&jitter), "the delay varies by this much");
            if let Some(rate) = link.rate_bytes_per_s {
                page.key("rate", rate, "bytes/s");
            }
        }
    }
}

fn render_ways(page: &mut Page, direction: Direction, between: Between) {
    page.key(
        "between",
        quoted(between.name()),
        "the victim and: servers, clients or all",
    );
    page.key(
        "direction",
        quoted(direction.name()),
        "both, to the victim or from it",
    );
}

fn render_gates(page: &mut Page, gates: &Gates) {
    page.header("[gates]", "conditions that decide the exit status");
    render_conditions(page, gates);
    if let Some(lost) = gates.lost {
        page.key("lost", lost, "lost acknowledged writes, maximum");
    }
    for (label, own) in &gates.ops {
        // The label of an implied operation has a dot.
        let key = if label.contains('.') {
            quoted(label)
        } else {
            label.clone()
        };
        page.header(&format!("[gates.{key}]"), "for this operation only");
        render_conditions(page, own);
    }
}

fn render_conditions(page: &mut Page, gates: &Gates) {
    let values = [
        ("p50_ms", gates.p50_ms, "response time, maximum"),
        ("p90_ms", gates.p90_ms, "response time, maximum"),
        ("p95_ms", gates.p95_ms, "response time, maximum"),
        ("p99_ms", gates.p99_ms, "response time, maximum"),
        ("p999_ms", gates.p999_ms, "response time, maximum"),
        ("max_ms", gates.max_ms, "response time, maximum"),
        (
            "late_p99_ms",
            gates.late_p99_ms,
            "lateness of the generator, maximum",
        ),
        (
            "error_ratio",
            gates.error_ratio,
            "share of failed, timed out and unknown operations, maximum",
        ),
        (
            "throughput_per_s",
            gates.throughput_per_s,
            "acknowledged operations/s, minimum",
        ),
    ];
    for (key, value, comment) in values {
        if let Some(value) = value {
            page.key(key, value, comment);
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn duration(ms: u64) -> String {
    quoted(&format_duration(ms))
}

/// Returns the word of a network, or its values.
fn network(network: Option<&Network>) -> String {
    let Some(network) = network else {
        return quoted(LOOPBACK);
    };
    if let Some(name) = network.name() {
        return quoted(name);
    }
    let LinkShape {
        delay_us,
        jitter_us,
        rate_bytes_per_s,
    } = network.link;
    let [delay, jitter] = [delay_us, jitter_us].map(|us| quoted(&format_duration_us(us)));
    let rate = rate_bytes_per_s.map_or_else(String::new, |rate| format!(", rate = {rate}"));
    let clients = network.clients;
    format!("{{ delay = {delay}, jitter = {jitter}{rate}, clients = {clients} }}")
}

fn size(choice: &SizeChoice) -> String {
    match choice {
        SizeChoice::Fixed(size) => size.to_string(),
        SizeChoice::Uniform(min, max) => format!("{{ min = {min}, max = {max} }}"),
        SizeChoice::OneOf(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(u32::to_string).collect();
            format!("{{ one_of = [{}] }}", sizes.join(", "))
        }
    }
}

fn keys(choice: &KeyChoice) -> String {
    match choice {
        KeyChoice::Uniform => quoted("uniform"),
        KeyChoice::Sequential => quoted("sequential"),
        KeyChoice::PerSession => quoted("per_session"),
        KeyChoice::Zipf(exponent) => format!("{{ zipf = {exponent} }}"),
    }
}
