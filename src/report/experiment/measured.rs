//! What the runs of a cell measured, reduced to the values that a report shows. A result with its histograms is larger
//! by orders of magnitude, and an experiment has hundreds of them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::{OpRecord, Recording};
use crate::report::describe::{Row, environment_rows, target_line};
use crate::report::failover::{Failover, GapKind, Length};
use crate::report::figure::Figure;
use crate::report::summary::rate;
use crate::result::{Capacity, FsyncLatency, RunResult, judge};
use crate::workload::{OpPlan, Plan};

/// The kinds of operation that a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    All,
    Reads,
    Writes,
}

/// The values of one class of operations in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ClassValues {
    /// Acknowledged operations per second.
    pub throughput_per_s: Option<f64>,
    /// Percentiles of the response time in microseconds.
    pub p50_us: Option<f64>,
    pub p90_us: Option<f64>,
    pub p99_us: Option<f64>,
    /// `None` if fewer than ten operations lie beyond it.
    pub p999_us: Option<f64>,
}

/// One run of a cell.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// Number of the round, from 0.
    pub number: u32,
    /// Whether the generator did its part.
    pub valid: bool,
    pub all: ClassValues,
    /// `None` if the plan has no such operation.
    pub reads: Option<ClassValues>,
    pub writes: Option<ClassValues>,
    /// Acknowledged operations per second of processor time of all servers.
    pub per_cpu_s: Option<f64>,
}

impl Round {
    pub(super) fn class(&self, class: Class) -> Option<&ClassValues> {
        match class {
            Class::All => Some(&self.all),
            Class::Reads => self.reads.as_ref(),
            Class::Writes => self.writes.as_ref(),
        }
    }
}

/// What a fault did in one run.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Number of the round, from 0.
    pub round: u32,
    /// Number of the fault among those of the same kind in the run, from 0.
    pub part: u32,
    /// `kill of the leader`.
    pub what: String,
    pub valid: bool,
    /// One per kind of [`GapKind::ALL`].
    lengths: Vec<Option<Length>>,
    /// The distance of two operations of the load, in milliseconds.
    pub resolution_ms: Option<f64>,
}

impl Fault {
    pub(super) fn length(&self, kind: GapKind) -> Option<Length> {
        let place = GapKind::ALL.iter().position(|known| *known == kind)?;
        self.lengths.get(place).copied().flatten()
    }
}

/// A capacity search of a cell in one round.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// Number of the round, from 0.
    pub number: u32,
    pub capacity: Capacity,
}

/// Facts about a cell on a target, for notes and tables.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The target with its size and version.
    pub target: String,
    /// Voters and observers of the plan.
    pub servers: u32,
    /// The median and 99th percentile of a sync of the data directory; `None` if the servers do not sync or their disk is
    /// unknown.
    pub sync: Option<FsyncLatency>,
    pub reasons: Vec<String>,
    pub findings: Vec<String>,
    pub warnings: Vec<String>,
    /// The machine.
    pub environment: Vec<Row>,
    /// The smallest median response time that the machine can tell, in microseconds.
    pub resolution_us: Option<f64>,
}

/// All runs of one cell on one target.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Index into the cells of the index.
    pub cell: usize,
    /// Index into the targets of the index.
    pub target: usize,
    pub rounds: Vec<Round>,
    pub searches: Vec<Search>,
    pub faults: Vec<Fault>,
    /// What a reader should know before comparing the faults, one sentence each.
    pub fault_notes: Vec<String>,
    /// The time around each fault in the run whose gap is the median.
    pub timelines: Vec<Figure>,
    /// `None` for searches.
    pub facts: Option<Facts>,
}

impl Measured {
    pub(super) fn of_runs(cell: usize, target: usize, result: &RunResult) -> Self {
        let rounds: Vec<Round> = result.runs.iter().map(|run| round(result, run)).collect();
        let failover = Failover::of(result);
        let faults = faults(&failover, &rounds);
        let timelines = if faults.is_empty() {
            Vec::new()
        } else {
            let mut figures = failover.figures(result);
            // The distribution over the runs is a figure of the experiment.
            figures.retain(|figure| !figure.clock().is_empty());
            figures
        };
        Self {
            cell,
            target,
            rounds,
            searches: Vec::new(),
            faults,
            fault_notes: failover.notes,
            timelines,
            facts: Some(facts(result)),
        }
    }

    pub(super) fn of_search(cell: usize, target: usize, search: Search) -> Self {
        Self {
            cell,
            target,
            rounds: Vec::new(),
            searches: vec![search],
            faults: Vec::new(),
            fault_notes: Vec::new(),
            timelines: Vec::new(),
            facts: None,
        }
    }

    /// The invalid runs.
    pub(super) fn invalid(&self) -> usize {
        self.rounds.iter().filter(|round| !round.valid).count()
    }
}

/// The beginnings of faults. What their end does is in the report of the cell.
fn faults(failover: &Failover, rounds: &[Round]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for group in failover.groups.iter().filter(|group| !group.ended) {
        for impact in &group.impacts {
            let Some(round) = rounds.get(impact.run) else {
                continue;
            };
            let same = |fault: &&Fault| fault.round == round.number && fault.what == group.what;
            let part = faults.iter().filter(same).count();
            let classes = [impact.writes, impact.reads];
            faults.push(Fault {
                round: round.number,
                part: u32::try_from(part).unwrap_or(u32::MAX),
                what: group.what.clone(),
                valid: round.valid,
                lengths: GapKind::ALL.map(|kind| kind.of(impact)).into(),
                resolution_ms: classes
                    .into_iter()
                    .flatten()
                    .find_map(|of| of.resolution_ms),
            });
        }
    }
    faults
}

fn round(result: &RunResult, run: &Recording) -> Round {
    let one = std::slice::from_ref(run);
    let judgement = judge(&result.plan, one, &result.environment, &result.target);
    let totals = run.totals();
    let acknowledged = run.acknowledged_per_op();
    let part = Part {
        plan: &result.plan,
        run,
        totals: &totals,
        acknowledged: &acknowledged,
    };
    let cpu_s: Option<f64> = run.servers.iter().map(|server| server.cpu_s).sum();
    let cpu_s = cpu_s.filter(|_| !run.servers.is_empty());
    Round {
        number: run.number,
        valid: judgement.verdict.is_valid(),
        all: part.values(|_| true).unwrap_or_default(),
        reads: part.values(|op| !op.is_write()),
        writes: part.values(OpPlan::is_write),
        per_cpu_s: cpu_s.and_then(|cpu_s| rate(run.acknowledged(), cpu_s)),
    }
}

/// A run with its sums per operation.
struct Part<'a> {
    plan: &'a Plan,
    run: &'a Recording,
    totals: &'a [OpRecord],
    acknowledged: &'a [u64],
}

impl Part<'_> {
    /// The values of the operations that `belongs` chooses; `None` if there is none.
    fn values(&self, belongs: impl Fn(&OpPlan) -> bool) -> Option<ClassValues> {
        let chosen: Vec<usize> = (0..self.plan.ops.len())
            .filter(|index| belongs(&self.plan.ops[*index]))
            .collect();
        if chosen.is_empty() {
            return None;
        }
        let mut merged = OpRecord::default();
        let mut acknowledged = 0;
        for index in chosen {
            if let Some(record) = self.totals.get(index) {
                merged.merge(record);
            }
            acknowledged += self.acknowledged.get(index).copied().unwrap_or(0);
        }
        Some(ClassValues {
            throughput_per_s: rate(acknowledged, self.run.measured_s),
            p50_us: merged.response.p50_us(),
            p90_us: merged.response.p90_us(),
            p99_us: merged.response.p99_us(),
            p999_us: merged.response.supported_p999_us(),
        })
    }
}

fn facts(result: &RunResult) -> Facts {
    /// Rows about the machine. The others are about the runs of one cell.
    const OF_THE_MACHINE: [&str; 9] = [
        "Measured by",
        "Host",
        "CPU",
        "Memory",
        "Kernel",
        "System",
        "Data on",
        "Sync takes",
        "Resolution",
    ];
    let shape = &result.plan.target;
    let local = result.target.is_local();
    let mut environment = environment_rows(result);
    environment.retain(|(name, _)| OF_THE_MACHINE.contains(name));
    let sync = result.environment.fsync;
    let resolution = result.environment.resolution();
    Facts {
        target: target_line(result),
        servers: u32::from(shape.voters) + u32::from(shape.observers),
        sync: sync.filter(|_| local && shape.fsync),
        reasons: result.verdict.reasons().to_vec(),
        findings: result.findings.clone(),
        warnings: result.warnings.clone(),
        environment,
        resolution_us: resolution.map(|found| found.response_p50_us),
    }
}
