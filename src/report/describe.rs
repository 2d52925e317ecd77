//! Plan, target and machine as rows of a name and a value, the same in every format.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::{bytes, duration_us, number, per_second, span_ms};
use crate::measure::{DiskState, DriverThread, Recording};
use crate::result::{Environment, GateOutcome, RunResult, Server};
use crate::workload::{
    Arrival, Attach, KeyChoice, OpPlan, Plan, Prepare, Reconnect, SizeChoice, Spacing, Value,
};

/// A name and what it is.
pub(crate) type Row = (&'static str, String);

/// `open loop, 1,000 operations/s, Poisson` or `closed loop, 64 in flight per session`.
pub(crate) fn arrival(plan: &Plan) -> String {
    match &plan.load.arrival {
        Arrival::Closed { in_flight } => format!("closed loop, {in_flight} in flight per session"),
        Arrival::Open {
            phases, spacing, ..
        } => {
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
            let spacing = match spacing {
                Spacing::Poisson => "Poisson",
                Spacing::Even => "evenly spaced",
            };
            format!(
                "open loop, {} operations/s, {spacing}",
                rates.join(", then ")
            )
        }
    }
}

/// `bundled, 3 voters + 1 observer`. For a live ensemble the spec alone: the plan does not decide its shape.
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

/// A warning about the figures of a closed loop; `None` for an open one.
pub(crate) fn closed_loop_note(plan: &Plan) -> Option<&'static str> {
    matches!(plan.load.arrival, Arrival::Closed { .. }).then_some(
        "Closed loop: response time restates throughput here (operations in flight = throughput x mean response time); \
         it is not what users at a fixed rate would see.",
    )
}

/// The plan, as rows.
pub(crate) fn plan_rows(result: &RunResult) -> Vec<Row> {
    let plan = &result.plan;
    let load = &plan.load;
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
                "{} warm-up, {} measured, {} drain",
                span_ms(load.warm_up_ms),
                span_ms(load.duration_ms),
                span_ms(load.drain_ms)
            ),
        ),
        ("Runs", runs(result)),
        (
            "Timeouts",
            format!(
                "session {}, operation {}",
                span_ms(load.session_timeout_ms),
                span_ms(load.operation_timeout_ms)
            ),
        ),
        ("Reconnect", reconnect(&load.reconnect)),
        ("Prepared", prepared(&plan.prepare)),
    ];
    rows.extend(plan.ops.iter().map(|op| ("Operation", operation(op, plan))));
    rows.push(("Seed", plan.seed.to_string()));
    rows
}

/// `2 asked; number 3 and 4`. The numbers are shown because they decide the random choices.
fn runs(result: &RunResult) -> String {
    let asked = format!("{} asked", result.plan.load.repeats);
    let numbers: Vec<u32> = result.runs.iter().map(|run| run.number).collect();
    let follow = numbers
        .windows(2)
        .all(|pair| pair[1] == pair[0].saturating_add(1));
    let made = match (numbers.as_slice(), follow) {
        ([], _) => return format!("{asked}, none made"),
        ([only], _) => format!("number {only}"),
        ([first, .., last], true) => format!("numbers {first} to {last}"),
        (several, false) => {
            let numbers: Vec<String> = several.iter().map(u32::to_string).collect();
            format!("numbers {}", numbers.join(", "))
        }
    };
    format!("{asked}; {made} (runs of the same number make the same random choices)")
}

fn reconnect(policy: &Reconnect) -> String {
    format!(
        "a lost session waits up to {}, each further wait {} times as long, up to {}; {} % of a wait is random",
        span_ms(policy.first_ms),
        number(policy.growth),
        span_ms(policy.max_ms),
        number(100.0 * policy.jitter)
    )
}

/// `items 1,000, size 100 B, below /a`: counts first, then sizes, then texts.
fn prepared(prepare: &Prepare) -> String {
    let mut values: Vec<(&str, &Value)> = prepare.own.iter().collect();
    values.sort_by_key(|(_, value)| match value {
        Value::Integer(_) => 0,
        Value::Size(_) => 1,
        Value::Text(_) => 2,
        Value::Boolean(_) | Value::Unset => 3,
    });
    let mut told: Vec<String> = values
        .into_iter()
        .filter_map(|(key, value)| own(key, value))
        .collect();
    if told.is_empty() {
        told.push("nothing".to_owned());
    } else if prepare.keep {
        told.push("kept".to_owned());
    }
    told.join(", ")
}

/// A value of the protocol; `None` if there is nothing to tell.
fn own(key: &str, value: &Value) -> Option<String> {
    Some(match value {
        Value::Boolean(true) => key.to_owned(),
        Value::Boolean(false) | Value::Unset => return None,
        Value::Integer(value) => format!("{key} {}", super::count(*value)),
        Value::Text(text) => format!("{key} {text}"),
        Value::Size(choice) => format!("{key} {}", size(choice)),
    })
}

fn operation(op: &OpPlan, plan: &Plan) -> String {
    let mut text = if op.label == op.kind {
        op.label.clone()
    } else {
        format!("{} ({})", op.label, op.kind)
    };
    if let Some((by, _)) = op.label.split_once('.') {
        return format!("{text}, implied by {by}");
    }
    let weights: u64 = plan.ops.iter().map(|op| u64::from(op.weight)).sum();
    if plan.ops.len() > 1 {
        text += &format!(", weight {} of {weights}", op.weight);
    }
    if op.size.max_bytes() > 0 {
        text += &format!(", {}", size(&op.size));
    }
    text += match &op.keys {
        KeyChoice::Uniform => String::new(),
        KeyChoice::Zipf(exponent) => format!(", keys zipf {exponent}"),
        KeyChoice::Sequential => ", keys in sequence".to_owned(),
        KeyChoice::PerSession => ", keys of the session".to_owned(),
    }
    .as_str();
    for (key, value) in op.own.iter() {
        // One of something is what an operation is without the key.
        if let Some(told) = own(key, value).filter(|_| *value != Value::Integer(1)) {
            text += &format!(", {told}");
        }
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

/// The target, as rows.
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
    // The mode (`leader`) implies the role (`voter`), so only one of them is shown.
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
        ("Disk before the runs", disk(&result.runs)),
        ("Shared cores", shared_cores(result)),
        ("Driver threads", driver(&result.runs)),
        ("Taken by the hypervisor", stolen(result)),
        ("Resolution", resolution(environment)),
        ("Calibrated", calibrated(environment)),
    ];
    rows.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A calibration in one line, without the figures that it does not have.
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

/// The share of processor time that the hypervisor took in the worst run.
fn stolen(result: &RunResult) -> Option<String> {
    let shares = result.runs.iter().filter_map(|run| run.stolen);
    let worst = shares.max_by(f64::total_cmp)?;
    Some(format!("{:.1} % of the processors' time", 100.0 * worst))
}

/// Says that servers and driver share a machine: they slow each other down.
fn shared_cores(result: &RunResult) -> Option<String> {
    let servers = result.target.servers.len();
    let cores = result.environment.cores?;
    (result.target.shares_machine() && servers > 0).then(|| {
        format!(
            "{} and {} share {}",
            counted(servers as u64, "server"),
            counted(u64::from(result.plan.load.threads), "driver thread"),
            counted(u64::from(cores), "core")
        )
    })
}

/// How busy the driver's threads were, and how long they waited for a core; the worst run of each.
fn driver(runs: &[Recording]) -> Option<String> {
    let threads = runs.iter().map(|run| run.driver.len()).max()?;
    let of = |thread: usize| runs.iter().filter_map(move |run| run.driver.get(thread));
    let worst = |figure: fn(&DriverThread) -> Option<f64>| {
        let shares: Option<Vec<String>> = (0..threads)
            .map(|thread| {
                let share = of(thread).filter_map(figure).max_by(f64::total_cmp)?;
                Some(format!("{} %", number((1_000.0 * share).round() / 10.0)))
            })
            .collect();
        shares.filter(|shares| !shares.is_empty())
    };
    let mut text = format!(
        "{} of a core busy",
        worst(|thread| Some(thread.busy))?.join(", ")
    );
    text += &worst(|thread| thread.waiting).map_or_else(
        || "; how long they waited for a core is not known".to_owned(),
        |waiting| format!("; {} of the time waiting for a core", waiting.join(", ")),
    );
    let nice = runs
        .iter()
        .flat_map(|run| &run.driver)
        .map(|thread| thread.nice);
    match nice.max() {
        Some(nice) if nice < 0 => text += &format!("; preferred to others (nice {nice})"),
        _ => {}
    }
    Some(text)
}

/// The disk before the run for which it was slowest.
fn disk(runs: &[Recording]) -> Option<String> {
    let slowness = |disk: &DiskState| disk.before_us / disk.baseline_us.max(1.0);
    let disk = runs
        .iter()
        .filter_map(|run| run.disk)
        .max_by(|a, b| slowness(a).total_cmp(&slowness(b)))?;
    let settled = if disk.settled {
        format!("settled after {}", duration_us(disk.waited_s * 1e6))
    } else {
        format!("not settled after {}", duration_us(disk.waited_s * 1e6))
    };
    let which = if runs.len() > 1 {
        ", in the worst run"
    } else {
        ""
    };
    Some(format!(
        "a sync took {}{which}, and {} at the beginning of everything; {settled}",
        duration_us(disk.before_us),
        duration_us(disk.baseline_us)
    ))
}

/// The times that a server that does nothing shows on this machine.
fn resolution(environment: &Environment) -> Option<String> {
    let found = environment.resolution()?;
    Some(format!(
        "a server that does nothing shows p50 {}, p99 {}",
        duration_us(found.response_p50_us),
        duration_us(found.response_p99_us)
    ))
}

/// `p99_ms 1.9, at most 5 asked`.
pub(crate) fn gate_line(gate: &GateOutcome) -> String {
    let bound = if gate.name.ends_with("throughput_per_s") {
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
    use crate::result::example;
    use crate::workload::Values;

    fn row(rows: &[Row], name: &str) -> Option<String> {
        let found = rows.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    }

    #[test]
    fn the_plan_tells_spacing_reconnecting_and_run_numbers() {
        let mut result = example::result();
        let rows = plan_rows(&result);
        assert_eq!(
            row(&rows, "Arrival").unwrap(),
            "open loop, 1,000 operations/s, evenly spaced"
        );
        assert_eq!(
            row(&rows, "Reconnect").unwrap(),
            "a lost session waits up to 25 ms, each further wait 2 times as long, up to 1 s; 50 % of a wait is random"
        );
        assert!(
            row(&rows, "Runs")
                .unwrap()
                .starts_with("1 asked; number 0 (")
        );
        let numbered = |numbers: &[u32]| {
            result.runs = numbers
                .iter()
                .map(|number| Recording {
                    number: *number,
                    ..Recording::default()
                })
                .collect();
            row(&plan_rows(&result), "Runs").unwrap()
        };
        let mut numbered = numbered;
        assert!(numbered(&[0, 1, 2]).contains("numbers 0 to 2 "));
        assert!(numbered(&[0, 3]).contains("numbers 0, 3 "));
        assert!(numbered(&[]).ends_with("none made"));
    }

    #[test]
    fn the_environment_tells_shared_cores_driver_disk_and_resolution() {
        let mut result = example::result();
        let rows = environment_rows(&result);
        assert_eq!(
            row(&rows, "Shared cores").unwrap(),
            "3 servers and 1 driver thread share 8 cores"
        );
        assert_eq!(
            row(&rows, "Driver threads").unwrap(),
            "12 % of a core busy; 0.1 % of the time waiting for a core"
        );
        assert_eq!(row(&rows, "Disk before the runs"), None);
        assert_eq!(row(&rows, "Resolution"), None);
        assert!(
            !result
                .warnings
                .iter()
                .any(|warning| warning.contains("share")),
            "that is no warning"
        );

        result.target.spec = "zk://10.0.0.1:2181".into();
        result.target.servers[0].address = "10.0.0.1:2181".into();
        result.runs[0].driver[0].waiting = None;
        result.runs[0].driver[0].nice = -20;
        result.runs[0].disk = Some(DiskState {
            baseline_us: 100.0,
            before_us: 130.0,
            waited_s: 2.5,
            settled: true,
        });
        result.environment = example::calibrated(34.0, 90.0);
        let rows = environment_rows(&result);
        assert_eq!(row(&rows, "Shared cores"), None, "on machines of their own");
        assert_eq!(
            row(&rows, "Driver threads").unwrap(),
            "12 % of a core busy; how long they waited for a core is not known; preferred to others (nice -20)"
        );
        assert_eq!(
            row(&rows, "Disk before the runs").unwrap(),
            "a sync took 130 µs, and 100 µs at the beginning of everything; settled after 2.50 s"
        );
        assert_eq!(
            row(&rows, "Resolution").unwrap(),
            "a server that does nothing shows p50 34.0 µs, p99 90.0 µs"
        );
    }

    #[test]
    fn a_closed_loop_says_what_its_response_time_is() {
        let mut plan = example::plan();
        assert_eq!(closed_loop_note(&plan), None);
        plan.load.arrival = Arrival::Closed { in_flight: 4 };
        assert!(
            closed_loop_note(&plan)
                .unwrap()
                .contains("response time restates throughput")
        );
    }

    #[test]
    fn an_implied_operation_is_told_as_one() {
        let mut plan = example::plan();
        plan.ops.push(OpPlan {
            label: "set.trim".into(),
            kind: "delete".into(),
            weight: 0,
            ..plan.ops[0].clone()
        });
        assert_eq!(
            operation(&plan.ops[1], &plan),
            "set.trim (delete), implied by set"
        );
    }

    #[test]
    fn an_operation_tells_what_it_has_of_its_own() {
        let mut plan = example::plan();
        assert_eq!(operation(&plan.ops[0], &plan), "set, 100 B");
        plan.ops[0] = OpPlan {
            size: SizeChoice::Fixed(0),
            keys: KeyChoice::Sequential,
            own: Values::default()
                .with("batch", 1_u64)
                .with("credit", 2_000_u64)
                .with("limit", None::<u64>)
                .with("lasting", true)
                .with("ordered", false),
            ..plan.ops[0].clone()
        };
        assert_eq!(
            operation(&plan.ops[0], &plan),
            "set, keys in sequence, credit 2,000, lasting"
        );
    }

    #[test]
    fn what_is_prepared_is_told_with_counts_first() {
        let mut prepare = Prepare::default();
        assert_eq!(prepared(&prepare), "nothing");
        prepare.own = Values::default()
            .with("below", "/a")
            .with("items", 1_000_u64)
            .with("size", SizeChoice::Fixed(100));
        assert_eq!(prepared(&prepare), "items 1,000, size 100 B, below /a");
        prepare.keep = true;
        assert!(prepared(&prepare).ends_with(", kept"));
    }

    #[test]
    fn a_throughput_gate_is_a_lower_bound_of_one_operation_too() {
        let line = |name: &str| {
            gate_line(&GateOutcome {
                name: name.into(),
                limit: 5.0,
                actual: Some(7.0),
                passed: true,
            })
        };
        let get = "get.throughput_per_s";
        assert!(line(get).ends_with(", at least 5 asked"), "{}", line(get));
        let late = "get.late_p99_ms";
        assert!(line(late).ends_with(", at most 5 asked"), "{}", line(late));
    }
}
