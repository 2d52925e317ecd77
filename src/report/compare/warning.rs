//! Warnings: sentences about what limits the figures of a comparison.

use super::judge::{Contrast, Outcome};
use super::metric::Role;
use super::words::{p_words, ratio_words};
use crate::measure::Recording;
use crate::report::human::counted;
use crate::report::statistics::{LEVEL, kendall};
use crate::result::RunResult;
use crate::result::thresholds::STOLEN_MAX;

/// One side, with the runs that were compared.
pub(super) struct Seen<'a> {
    /// `base` or `candidate`.
    pub name: &'static str,
    pub result: &'a RunResult,
    /// In the order of the rounds.
    pub runs: Vec<&'a Recording>,
}

impl Seen<'_> {
    /// `the base (bundled)`.
    fn words(&self) -> String {
        format!("the {} ({})", self.name, self.result.target.spec)
    }
}

/// Returns all warnings.
pub(super) fn warnings(sides: &[Seen<'_>; 2], contrasts: &[Contrast]) -> Vec<String> {
    let mut found = Vec::new();
    for side in sides {
        found.extend(left_out(side));
        found.extend(disk(side));
        found.extend(stolen(side));
    }
    found.extend(machines(sides));
    found.extend(tools(sides));
    for contrast in contrasts {
        if contrast.role == Role::Headline {
            found.extend(trends(sides, contrast));
        }
        found.extend(gaps(sides, contrast));
        found.extend(groups(contrast));
    }
    found
}

fn left_out(side: &Seen<'_>) -> Option<String> {
    let missing = side.result.runs.len() - side.runs.len();
    (missing > 0).then(|| {
        format!(
            "{} of {} left out: the other side has no run of the same round",
            counted(missing as u64, "run"),
            side.words()
        )
    })
}

fn disk(side: &Seen<'_>) -> Option<String> {
    let unsettled = |run: &&&Recording| run.disk.is_some_and(|disk| !disk.settled);
    let count = side.runs.iter().filter(unsettled).count();
    (count > 0).then(|| {
        format!(
            "the disk had not settled before {count} of {} of {}: a sync took longer than before any server was started, so what ran \
             before may have slowed it down",
            counted(side.runs.len() as u64, "run"),
            side.words()
        )
    })
}

fn stolen(side: &Seen<'_>) -> Option<String> {
    let much = |run: &&&Recording| run.stolen.is_some_and(|stolen| stolen > STOLEN_MAX);
    let count = side.runs.iter().filter(much).count();
    (count > 0).then(|| {
        format!(
            "the hypervisor took away more than {} % of the processors' time in {count} of {} of {}: its pauses are part of \
             the high percentiles",
            100.0 * STOLEN_MAX,
            counted(side.runs.len() as u64, "run"),
            side.words()
        )
    })
}

fn machines([base, candidate]: &[Seen<'_>; 2]) -> Option<String> {
    let machine = |side: &Seen<'_>| {
        let environment = &side.result.environment;
        (
            environment.hostname.clone(),
            environment.cpu_model.clone(),
            environment.cores,
        )
    };
    let (a, b) = (machine(base), machine(candidate));
    let name = |host: Option<String>| host.unwrap_or_else(|| "an unnamed machine".to_owned());
    (a != b).then(|| {
        format!(
            "the load was driven from different machines: {} for the base, {} for the candidate",
            name(a.0),
            name(b.0)
        )
    })
}

fn tools([base, candidate]: &[Seen<'_>; 2]) -> Option<String> {
    let tool = |side: &Seen<'_>| {
        let tool = &side.result.tool;
        let commit = tool.commit.as_ref().map(|commit| format!(" ({commit})"));
        format!("{}{}", tool.version, commit.unwrap_or_default())
    };
    let (a, b) = (tool(base), tool(candidate));
    (a != b)
        .then(|| format!("the sides were measured with different versions of quorate: {a} and {b}"))
}

/// Warns if a side became faster or slower from round to round.
fn trends(sides: &[Seen<'_>; 2], headline: &Contrast) -> Vec<String> {
    let values = [&headline.base_runs, &headline.candidate_runs];
    let mut found = Vec::new();
    for (side, values) in sides.iter().zip(values) {
        let values: Vec<f64> = values.iter().copied().flatten().collect();
        if let Some(trend) = kendall(&values)
            && trend.p < LEVEL
        {
            let faster = (trend.tau > 0.0) == headline.metric.figure.more_is_better();
            found.push(format!(
                "{} became {} from round to round in {} (Kendall's tau {:.2}, {}): a machine that drifts (heat, a \
                 disk that fills, another tenant) makes the figures depend on when they were measured",
                side.words(),
                if faster { "faster" } else { "slower" },
                headline.metric.name(),
                trend.tau,
                p_words(trend.p)
            ));
        }
    }
    found
}

/// Says which metric has no value in some runs.
fn gaps(sides: &[Seen<'_>; 2], contrast: &Contrast) -> Vec<String> {
    if contrast.outcome != Outcome::NotMeasured || contrast.role == Role::Listed {
        return Vec::new();
    }
    let values = [&contrast.base_runs, &contrast.candidate_runs];
    let mut found = Vec::new();
    for (side, values) in sides.iter().zip(values) {
        let empty = |value: &&Option<f64>| value.is_none_or(|value| value <= 0.0);
        let count = values.iter().filter(empty).count();
        if count > 0 {
            found.push(format!(
                "{} has no value in {count} of {} of {}, so it is not judged",
                contrast.metric.name(),
                counted(values.len() as u64, "run"),
                side.words()
            ));
        }
    }
    found
}

/// Warns if the median of the rounds contradicts their mean.
fn groups(contrast: &Contrast) -> Option<String> {
    let estimate = contrast.estimate?;
    let (low, high) = estimate.interval?;
    (estimate.ratio < low || estimate.ratio > high).then(|| {
        format!(
            "{}: the median of the runs ({}) lies outside the interval, which is about their mean; the runs fall into groups, \
             look at each of them",
            contrast.metric.name(),
            ratio_words(contrast.metric.figure, estimate.ratio)
        )
    })
}
