//! Plan, target and machine as rows of a name and a value, the same in every format.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::{bytes, duration_us, number, per_second, span_ms};
use crate::result::{Environment, GateOutcome, RunResult, Server};
use crate::workload::{Arrival, Attach, KeyChoice, OpPlan, Plan, SizeChoice};

/// A name and what it is.
pub(crate) type Row = (&'static str, String);

/// The kinds of time with the sentence that defines each.
pub(crate) const DEFINITIONS: &[(&str, &str)] = &[
    (
        "Response time",
        "From the moment the schedule says an operation should start until its reply was decoded: the headline.",
    ),
    (
        "Service time",
        "From the moment its last byte was handed to the socket until its reply was decoded.",
    ),
    (
        "Send delay",
        "From the intended start until its last byte was handed to the socket: how late the generator itself was.",
    ),
    (
        "Throughput",
        "Operations acknowledged per second of the measured phase; warm-up and drain are excluded.",
    ),
    (
        "Open loop",
        "Operations start on a fixed schedule whatever the replies do, so a stall makes all that follow late.",
    ),
    (
        "Closed loop",
        "Each session keeps a fixed number of operations in flight, so a stall slows the load itself down.",
    ),
    (
        "Failed",
        "Every operation not acknowledged: error replies, time-outs, never sent, and those of unknown outcome because \
      the connection ended first; all count at their full age in the response time.",
    ),
    (
        "Percentile",
        "p99 is the time that 99 % of the operations did not exceed; percentiles come from merged histograms and are never averaged.",
    ),
    (
        "Invalid",
        "The figures do not describe the target: under 95 % of the asked rate achieved, a driver thread over 80 % busy, send \
      delay p99 over 10 % of response p99, interrupted, or nothing acknowledged.",
    ),
];

/// `open loop, 1,000 operations/s` or `closed loop, 64 in flight per session`.
pub(crate) fn arrival(plan: &Plan) -> String {
    match &plan.load.arrival {
        Arrival::Closed { in_flight } => format!("closed loop, {in_flight} in flight per session"),
        Arrival::Open { phases, .. } => {
            let rates: Vec<String> = phases
                .iter()
                .map(|phase| {
                    let (from, to) = (number(phase.from_per_s), number(phase.to_per_s));
                    if from == to {
                        from
                    } else {
                        format!("{from} to {to}")
                    }
                })
                .collect();
            format!("open loop, {} operations/s", rates.join(", then "))
        }
    }
}

/// `bundled, 3 voters + 1 observer`, or the spec alone where the shape is not ours.
pub(crate) fn target_line(result: &RunResult) -> String {
    let mut line = result.target.spec.clone();
    if result.target.is_local() {
        let shape = &result.plan.target;
        line += &format!(", {}", counted(u64::from(shape.voters), "voter"));
        if shape.observers > 0 {
            line += &format!(" + {}", counted(u64::from(shape.observers), "observer"));
        }
    }
    if let Some(version) = &result.target.server_version {
        line += &format!(", version {version}");
    }
    line
}

/// What was asked.
pub(crate) fn plan_rows(plan: &Plan) -> Vec<Row> {
    let load = &plan.load;
    let prepare = &plan.prepare;
    let mut rows = vec![
        ("Arrival", arrival(plan)),
        (
            "Sessions",
            format!(
                "{} on {}, attached to {}",
                load.sessions,
                counted(u64::from(load.threads), "driver thread"),
                match load.attach {
                    Attach::Spread => "all servers in turn",
                    Attach::Leader => "the leader",
                    Attach::Followers => "the followers in turn",
                    Attach::Observers => "the observers in turn",
                }
            ),
        ),
        (
            "Phases",
            format!(
                "{} warm-up, {} measured, {} drain; {}",
                span_ms(load.warm_up_ms),
                span_ms(load.duration_ms),
                span_ms(load.drain_ms),
                counted(u64::from(load.repeats), "run")
            ),
        ),
        (
            "Timeouts",
            format!(
                "session {}, operation {}",
                span_ms(load.session_timeout_ms),
                span_ms(load.operation_timeout_ms)
            ),
        ),
        (
            "Prepared",
            format!(
                "{} of {} below {}{}",
                counted(prepare.znodes, "znode"),
                size(&prepare.size),
                prepare.chroot,
                if prepare.keep { ", kept" } else { "" }
            ),
        ),
    ];
    rows.extend(plan.ops.iter().map(|op| ("Operation", operation(op, plan))));
    rows.push(("Seed", plan.seed.to_string()));
    rows
}

fn operation(op: &OpPlan, plan: &Plan) -> String {
    use crate::workload::OpKind::{Create, Delete, Exists, Get, List, Multi, Session, Set, Sync};
    let kind = format!("{:?}", op.kind).to_lowercase();
    let mut text = if op.label == kind {
        op.label.clone()
    } else {
        format!("{} ({kind})", op.label)
    };
    let weights: u64 = plan.ops.iter().map(|op| u64::from(op.weight)).sum();
    if plan.ops.len() > 1 {
        text += &format!(", weight {} of {weights}", op.weight);
    }
    match op.kind {
        Create | Set => text += &format!(", {}", size(&op.size)),
        Multi => text += &format!(", {} sets of {}", op.batch, size(&op.size)),
        Get | Exists | List | Delete | Sync | Session => {}
    }
    if op.kind.uses_keys() {
        text += match &op.keys {
            KeyChoice::Uniform => ", keys uniform".to_owned(),
            KeyChoice::Zipf(exponent) => format!(", keys zipf {exponent}"),
            KeyChoice::Sequential => ", keys in sequence".to_owned(),
            KeyChoice::PerSession => ", keys of the session".to_owned(),
        }
        .as_str();
    }
    if op.ephemeral {
        text += ", ephemeral";
    }
    if op.sequential {
        text += ", sequential";
    }
    if let Some(keep) = op.keep_count {
        text += &format!(", {keep} kept per session");
    }
    text
}

fn size(choice: &SizeChoice) -> String {
    match choice {
        SizeChoice::Fixed(size) => bytes(u64::from(*size)),
        SizeChoice::Uniform(low, high) => {
            format!("{} to {}", bytes(u64::from(*low)), bytes(u64::from(*high)))
        }
        SizeChoice::OneOf(sizes) => sizes
            .iter()
            .map(|size| bytes(u64::from(*size)))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

/// What was measured.
pub(crate) fn target_rows(result: &RunResult) -> Vec<Row> {
    let target = &result.target;
    let mut rows = vec![("Target", target.spec.clone())];
    let optional = [
        ("Version", target.server_version.clone()),
        ("Leader", target.leader.clone()),
        ("Data in", target.data_on.clone()),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    if target.is_local() {
        let shape = &result.plan.target;
        rows.push((
            "Shape",
            format!(
                "{} and {}, {}, tickTime {}",
                counted(u64::from(shape.voters), "voter"),
                counted(u64::from(shape.observers), "observer"),
                if shape.fsync {
                    "log synced before each acknowledgement"
                } else {
                    "log not synced"
                },
                span_ms(shape.tick_time_ms)
            ),
        ));
    }
    if let Some(start_ms) = target.start_ms {
        rows.push((
            "Start",
            format!(
                "{} from the first process until all served",
                duration_us(start_ms * 1_000.0)
            ),
        ));
    }
    rows.extend(
        target
            .servers
            .iter()
            .map(|server| ("Server", server_line(server))),
    );
    rows
}

fn server_line(server: &Server) -> String {
    let mut text = server.address.clone();
    // A voter that says it leads or follows need not be called a voter as well.
    for part in [
        server.mode.as_ref().or(server.role.as_ref()),
        server.version.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        text += &format!(", {part}");
    }
    match (server.rss_start_bytes, server.rss_end_bytes) {
        (Some(start), Some(end)) => {
            text += &format!(
                ", memory {} idle, {} after the load",
                bytes(start),
                bytes(end)
            );
        }
        (Some(start), None) => text += &format!(", memory {} idle", bytes(start)),
        _ => {}
    }
    text
}

/// The machine, and the tool that measured.
pub(crate) fn environment_rows(result: &RunResult) -> Vec<Row> {
    let environment = &result.environment;
    let tool = &result.tool;
    let measured_by = match &tool.commit {
        Some(commit) => format!("{} {} ({commit})", tool.name, tool.version),
        None => format!("{} {}", tool.name, tool.version),
    };
    let started = result.runs.first().map(|run| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(run.started_unix_ms);
        humantime::format_rfc3339_seconds(at)
            .to_string()
            .replace('T', " ")
            .replace('Z', " UTC")
    });
    let fsync = environment.fsync.map(|fsync| {
        format!(
            "p50 {}, p99 {} (1 KiB + fdatasync, {} times)",
            duration_us(fsync.p50_us),
            duration_us(fsync.p99_us),
            fsync.samples
        )
    });
    let data_on = environment.data_fs_type.as_ref().map(|name| {
        if environment.on_tmpfs == Some(true) {
            format!("{name} (memory)")
        } else {
            name.clone()
        }
    });
    let cpu = match (&environment.cpu_model, environment.cores) {
        (Some(model), Some(cores)) => {
            Some(format!("{model}, {}", counted(u64::from(cores), "core")))
        }
        (Some(model), None) => Some(model.clone()),
        (None, cores) => cores.map(|cores| counted(u64::from(cores), "core")),
    };
    let rows = [
        ("Started", started),
        ("Measured by", Some(measured_by)),
        ("Host", environment.hostname.clone()),
        ("CPU", cpu),
        ("Memory", environment.memory_bytes.map(bytes)),
        ("Kernel", environment.kernel.clone()),
        ("System", environment.os.clone()),
        ("Data on", data_on),
        ("Sync takes", fsync),
        ("Driver threads", driver_cpu(result)),
        ("Taken by the hypervisor", stolen(result)),
        ("Calibrated", calibrated(environment)),
    ];
    rows.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// What a calibration says in a line; what it does not have is left out.
fn calibrated(environment: &Environment) -> Option<String> {
    let rates = environment.calibrated_rates_per_s()?;
    let parts: Vec<String> = rates
        .into_iter()
        .zip(["pipelined", "one at a time"])
        .filter_map(|(rate, what)| Some(format!("{}/s {what}", per_second(rate?))))
        .collect();
    Some(if parts.is_empty() {
        "yes, see result.json".to_owned()
    } else {
        format!("a driver thread does {}", parts.join(", "))
    })
}

/// What the hypervisor took, in the worst run.
fn stolen(result: &RunResult) -> Option<String> {
    let shares = result.runs.iter().filter_map(|run| run.stolen);
    let worst = shares.max_by(f64::total_cmp)?;
    Some(format!("{:.1} % of the processors' time", 100.0 * worst))
}

/// How busy the driver's threads were, the busiest run of each.
fn driver_cpu(result: &RunResult) -> Option<String> {
    let threads = result.runs.iter().map(|run| run.driver.len()).max()?;
    let busiest: Vec<String> = (0..threads)
        .map(|thread| {
            let share = result
                .runs
                .iter()
                .filter_map(|run| run.driver.get(thread))
                .map(|thread| thread.busy)
                .fold(0.0, f64::max);
            format!("{:.0} %", 100.0 * share)
        })
        .collect();
    (!busiest.is_empty()).then(|| format!("{} of a core busy", busiest.join(", ")))
}

/// `p99_ms 1.9, at most 5 asked`.
pub(crate) fn gate_line(gate: &GateOutcome) -> String {
    let bound = if gate.name == "throughput_per_s" {
        "at least"
    } else {
        "at most"
    };
    let actual = gate
        .actual
        .map_or_else(|| "not measured".to_owned(), number);
    format!(
        "{} {actual}, {bound} {} asked",
        gate.name,
        number(gate.limit)
    )
}

/// `1 voter`, `3 voters`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", super::count(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{OpKind, Source, resolve};

    /// A list chooses its parent by the key of a child.
    #[test]
    fn an_operation_tells_its_choice_of_keys_if_it_has_one() {
        for kind in OpKind::ALL {
            let name = kind.name();
            let keys = if kind.uses_keys() {
                "keys = \"sequential\"\n"
            } else {
                ""
            };
            let text = format!(
                "name = \"t\"\n[load]\nrate = 1\n[[op]]\nkind = \"{name}\"\n{keys}[[op]]\nkind = \"create\"\nlabel = \"c\"\n"
            );
            let plan = resolve(&Source::from_text("t", text), &[], None).unwrap();
            let told = operation(&plan.ops[0], &plan);
            assert!(told.starts_with(name), "{told}");
            assert_eq!(
                told.contains(", keys in sequence"),
                kind.uses_keys(),
                "{told}"
            );
        }
    }
}
