//! Metrics of a comparison: a figure of one operation or of all operations.

use crate::measure::{OpRecord, Recording};
use crate::workload::{Arrival, OpPlan, Plan};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The operation; `None` for all operations of a workload that has several.
    pub op: Option<String>,
    pub figure: Figure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Acknowledged operations per second. More is better.
    Throughput,
    /// Median response time in microseconds. Less is better, also for the next ones.
    ResponseP50,
    /// 99th percentile of the response time.
    ResponseP99,
    /// 99.9th percentile of the response time, if at least ten operations lie beyond it.
    ResponseP999,
}

/// Whether a metric is judged. It follows from the plan, so it is fixed before anything is
/// measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The metric that decides the comparison. Judged at 5 %.
    Headline,
    /// Judged, and corrected for the number of such metrics.
    Further,
    /// Shown without a verdict.
    Listed,
}

impl Figure {
    /// All figures in the order of display.
    pub const ALL: [Self; 4] = [
        Self::Throughput,
        Self::ResponseP50,
        Self::ResponseP99,
        Self::ResponseP999,
    ];

    pub(super) fn of(self, record: &OpRecord, acknowledged: u64, run: &Recording) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
            Self::Throughput => {
                (run.measured_s > 0.0).then(|| acknowledged as f64 / run.measured_s)
            }
            Self::ResponseP50 => record.response.p50_us(),
            Self::ResponseP99 => record.response.p99_us(),
            Self::ResponseP999 => record.response.supported_p999_us(),
        }
    }

    #[must_use]
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::Throughput)
    }

    /// `throughput`, `response p99`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::ResponseP50 => "response p50",
            Self::ResponseP99 => "response p99",
            Self::ResponseP999 => "response p99.9",
        }
    }
}

impl Metric {
    /// `throughput`, `set: response p99`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.op {
            Some(op) => format!("{op}: {}", self.figure.word()),
            None => self.figure.word().to_owned(),
        }
    }
}

impl Role {
    /// `headline`, `further`, `listed`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Headline => "headline",
            Self::Further => "further",
            Self::Listed => "listed",
        }
    }
}

/// Returns every metric that both plans have: those of all operations first, then those of each
/// operation. With a single operation both would be equal, so only one set is returned.
pub(super) fn metrics(base: &Plan, candidate: &Plan) -> Vec<Metric> {
    let has = |op: &&OpPlan| candidate.ops.iter().any(|other| other.label == op.label);
    let common = base.ops.iter().filter(has).map(|op| Some(op.label.clone()));
    let mut subjects: Vec<Option<String>> = common.collect();
    if base.ops.len() != 1 || candidate.ops.len() != 1 || subjects.is_empty() {
        subjects.insert(0, None);
    }
    let of_subject = |op: Option<String>| {
        Figure::ALL.map(|figure| Metric {
            op: op.clone(),
            figure,
        })
    };
    subjects.into_iter().flat_map(of_subject).collect()
}

/// Returns the index of the headline if the user names none.
///
/// For a closed loop it is the throughput, which such a load measures. For an open loop it is the
/// median response time of the most frequent write: a write needs the quorum, and the median varies
/// least between runs. Without a write it is that of the most frequent operation.
pub(super) fn usual_headline(plan: &Plan, metrics: &[Metric]) -> usize {
    let figure = if is_closed(plan) {
        Figure::Throughput
    } else {
        Figure::ResponseP50
    };
    let explicit = plan.ops.iter().filter(|op| !op.is_implicit());
    let heaviest = explicit.fold(None, |best: Option<&OpPlan>, op| {
        let rank = |op: &OpPlan| (op.is_write(), op.weight);
        match best {
            Some(best) if rank(best) >= rank(op) => Some(best),
            _ => Some(op),
        }
    });
    let at = |op: Option<&str>| {
        metrics
            .iter()
            .position(|metric| metric.figure == figure && metric.op.as_deref() == op)
    };
    let all = at(None);
    let of_op = heaviest.and_then(|op| at(Some(&op.label)));
    let (first, second) = if is_closed(plan) {
        (all, of_op)
    } else {
        (of_op, all)
    };
    first.or(second).unwrap_or(0)
}

/// Returns the index of the metric with that name. `throughput` also names the throughput of a
/// single operation.
pub(super) fn named(name: &str, metrics: &[Metric]) -> Option<usize> {
    let exact = metrics.iter().position(|metric| metric.name() == name);
    exact.or_else(|| {
        let single = metrics.len() == Figure::ALL.len();
        let of_figure = |metric: &Metric| metric.figure.word() == name;
        single.then(|| metrics.iter().position(of_figure)).flatten()
    })
}

/// Returns the role of each metric.
pub(super) fn roles(plan: &Plan, metrics: &[Metric], headline: usize) -> Vec<Role> {
    let several = metrics.iter().any(|metric| metric.op.is_none());
    let role = |(index, metric): (usize, &Metric)| {
        let implicit = |op: &OpPlan| Some(&op.label) == metric.op.as_ref() && op.is_implicit();
        if index == headline {
            Role::Headline
        } else if is_closed(plan)
            || metric.figure == Figure::Throughput
            || (several && metric.op.is_none())
            || plan.ops.iter().any(implicit)
        {
            Role::Listed
        } else {
            Role::Further
        }
    };
    metrics.iter().enumerate().map(role).collect()
}

pub(super) fn is_closed(plan: &Plan) -> bool {
    matches!(plan.load.arrival, Arrival::Closed { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    fn mixed() -> Plan {
        let mut plan = example::plan();
        let op = |label: &str, kind: &str, weight| OpPlan {
            label: label.into(),
            kind: kind.into(),
            weight,
            ..plan.ops[0].clone()
        };
        plan.ops = vec![
            op("get", "get", 10),
            op("create", "create", 1),
            op("set", "set", 2),
            op("create.trim", "delete", 0),
        ];
        plan
    }

    fn close(mut plan: Plan) -> Plan {
        plan.load.arrival = Arrival::Closed { in_flight: 4 };
        plan
    }

    fn headline(plan: &Plan) -> String {
        let metrics = metrics(plan, plan);
        metrics[usual_headline(plan, &metrics)].name()
    }

    #[test]
    fn the_default_headline_follows_from_the_plan() {
        assert_eq!(headline(&example::plan()), "set: response p50");
        assert_eq!(headline(&close(example::plan())), "set: throughput");
        assert_eq!(headline(&mixed()), "set: response p50");
        assert_eq!(headline(&close(mixed())), "throughput");
        let mut reads = mixed();
        reads.ops.truncate(1);
        assert_eq!(headline(&reads), "get: response p50");
    }

    #[test]
    fn another_headline_is_chosen_by_its_displayed_name() {
        let (one, several) = (example::plan(), mixed());
        let (one, several) = (metrics(&one, &one), metrics(&several, &several));
        let name = |metrics: &[Metric], name| named(name, metrics).map(|at| metrics[at].name());
        let found = name(&several, "set: response p99.9");
        assert_eq!(found.as_deref(), Some("set: response p99.9"));
        let found = name(&several, "response p99");
        assert_eq!(found.as_deref(), Some("response p99"));
        let found = name(&one, "response p99");
        assert_eq!(found.as_deref(), Some("set: response p99"));
        assert_eq!(name(&several, "p99"), None);
    }

    #[test]
    fn a_figure_that_restates_another_one_is_not_judged() {
        let judged = |plan: &Plan, headline| {
            let metrics = metrics(plan, plan);
            let headline = named(headline, &metrics).unwrap();
            let roles = roles(plan, &metrics, headline);
            let further = metrics
                .iter()
                .zip(roles)
                .filter(|(_, role)| *role == Role::Further);
            further.map(|(metric, _)| metric.name()).collect::<Vec<_>>()
        };
        let closed = close(mixed());
        assert!(judged(&closed, "throughput").is_empty());
        assert!(judged(&closed, "get: response p99").is_empty());
        assert_eq!(
            judged(&example::plan(), "set: response p50"),
            ["set: response p99", "set: response p99.9"]
        );
        let open = judged(&mixed(), "set: response p50");
        assert_eq!(open.len(), 8, "{open:?}");
        assert!(
            open.iter().all(|name| !name.contains("throughput")),
            "{open:?}"
        );
        assert!(open.iter().all(|name| !name.contains("trim")), "{open:?}");
    }
}
