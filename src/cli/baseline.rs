//! The options of `quorate run` that keep a result under a name, and compare with one that was kept.

use clap::Args;

use super::compare::Ending;
use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::output;
use crate::report::{
    Comparison, FailIf, RUNS_MIN, check_headline, compare_unpaired, render_comparison,
};
use crate::report::{Format, ReportError};
use crate::result::{BaselineName, Baselines, RunResult, SCHEMA_VERSION, plan_differences};
use crate::workload::Plan;

/// The options of `quorate run` that save a result under a name, or compare with one.
#[derive(Args, Debug)]
#[command(next_help_heading = "Baselines")]
pub(super) struct BaselineFlags {
    /// Keeps the result as results/baselines/NAME, to compare later runs with
    #[arg(long, value_name = "NAME")]
    save_baseline: Option<BaselineName>,
    /// Compares the result with the one that was kept as NAME, and writes comparison.html
    #[arg(long, value_name = "NAME")]
    baseline: Option<BaselineName>,
    /// The metric that this comparison is about, as for `quorate compare`
    #[arg(long, value_name = "METRIC", requires = "baseline")]
    headline: Option<String>,
    /// Ends with status 4 if the headline is shown to be slower than the baseline: `slower`, `slower=5%`
    #[arg(long, value_name = "CONDITION", requires = "baseline")]
    fail_if: Vec<FailIf>,
    /// Compares with a baseline of another plan or of an invalid run, too
    #[arg(long, requires = "baseline")]
    force: bool,
}

impl BaselineFlags {
    /// Reads the baseline to compare with, and checks what would keep `plans` from being compared with it: a run
    /// takes too long to find out afterwards.
    ///
    /// # Errors
    /// Bad usage.
    pub(super) fn read(&self, plans: &[Plan]) -> Result<Option<RunResult>, Failure> {
        if self.save_baseline.is_none() && self.baseline.is_none() {
            return Ok(None);
        }
        let [plan] = plans else {
            return Err(bad_usage(format!(
                "a baseline is the result of one workload, not of {}",
                plans.len()
            )));
        };
        let Some(name) = &self.baseline else {
            return Ok(None);
        };
        let base = Baselines::default().read(name).bad_usage()?;
        if !self.force {
            refuse_others(name, &base, plan)?;
        }
        if let Some(headline) = &self.headline {
            check_headline(plan, headline).bad_usage()?;
        }
        if !self.fail_if.is_empty() {
            self.check_runs(name, &base, plan)?;
        }
        Ok(Some(base))
    }

    fn check_runs(
        &self,
        name: &BaselineName,
        base: &RunResult,
        plan: &Plan,
    ) -> Result<(), Failure> {
        let runs = (plan.load.repeats as usize, base.runs.len());
        if runs.0.min(runs.1) < RUNS_MIN {
            return Err(bad_usage(format!(
                "--fail-if needs a verdict, which takes {RUNS_MIN} runs of each side; there will be {} here, and the \
                 baseline `{name}` has {}: use --repeats {RUNS_MIN} or more for both",
                runs.0, runs.1
            )));
        }
        Ok(())
    }

    /// Compares `result` with `base`.
    ///
    /// # Errors
    /// If a side has no run.
    pub(super) fn compare(
        &self,
        base: &RunResult,
        result: &RunResult,
    ) -> Result<Comparison, Failure> {
        // They were not measured in turns, whatever their times look like.
        compare_unpaired(base, result, self.headline.as_deref()).bad_usage()
    }

    /// What the comparison means for the exit status.
    ///
    /// # Errors
    /// If something speaks against it, or a condition of `--fail-if` holds.
    pub(super) fn ending(&self, comparison: &Comparison) -> Result<Status, Failure> {
        Ending::of(self.force, &self.fail_if, std::slice::from_ref(comparison)).into_status()
    }

    /// Keeps the result as a baseline, if that is asked and the result is worth it. Says what became of it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn save(&self, result: &RunResult, interrupted: bool) -> Result<(), Failure> {
        let Some(name) = &self.save_baseline else {
            return Ok(());
        };
        let reason = if interrupted {
            Some("was interrupted")
        } else if !result.verdict.is_valid() {
            Some("is invalid")
        } else {
            None
        };
        if let Some(reason) = reason {
            output::tell(&format!("not kept as baseline `{name}`: the run {reason}"));
            return Ok(());
        }
        let baselines = Baselines::default();
        let replaces = baselines.has(name);
        let dir = baselines.save(name, result)?;
        let how = if replaces {
            ", in place of the one before"
        } else {
            ""
        };
        output::tell(&format!(
            "kept as baseline `{name}`{how}: {}",
            dir.display()
        ));
        Ok(())
    }
}

/// Refuses a baseline of another load.
fn refuse_others(name: &BaselineName, base: &RunResult, plan: &Plan) -> Result<(), Failure> {
    if base.schema != SCHEMA_VERSION {
        return Err(bad_usage(format!(
            "the baseline `{name}` was recorded under schema {}, and its figures are defined differently from those of today \
             ({SCHEMA_VERSION}): measure it again",
            base.schema
        )));
    }
    let keys = plan_differences(&base.plan, plan);
    if keys.is_empty() {
        return Ok(());
    }
    Err(bad_usage(format!(
        "the baseline `{name}` asks for another load, so a difference may come from the load: {} (baseline and now). Use the same \
         workload and seed, or --force",
        keys.join("; ")
    )))
}

/// The comparison for a terminal.
///
/// # Errors
/// As for [`render_comparison`].
pub(super) fn text(comparison: &Comparison) -> Result<String, ReportError> {
    render_comparison(comparison, Format::Text)
}

/// `summary`, the object of `--json`, with the comparison under `comparison`.
///
/// # Errors
/// As for [`render_comparison`].
pub(super) fn in_summary(summary: &str, comparison: &Comparison) -> Result<String, Failure> {
    let compared = render_comparison(comparison, Format::Json)?;
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(summary)?;
    object.insert("comparison".to_owned(), serde_json::from_str(&compared)?);
    Ok(serde_json::to_string_pretty(&object)?)
}
