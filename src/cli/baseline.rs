//! The options of `quorate run` that save a result as a baseline, and compare a result with a baseline.

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

#[derive(Args, Debug)]
#[command(next_help_heading = "Baselines")]
pub(super) struct BaselineFlags {
    /// Saves the result as results/baselines/NAME, so that later runs can be compared with it
    #[arg(long, value_name = "NAME")]
    save_baseline: Option<BaselineName>,
    /// Compares the result with the baseline NAME and writes comparison.html
    #[arg(long, value_name = "NAME")]
    baseline: Option<BaselineName>,
    /// The metric that the verdict of this comparison is about, as for `quorate compare`
    #[arg(long, value_name = "METRIC", requires = "baseline")]
    headline: Option<String>,
    /// Ends with status 4 if the headline is shown to be slower than the baseline: `slower`, `slower=5%`
    #[arg(long, value_name = "CONDITION", requires = "baseline")]
    fail_if: Vec<FailIf>,
    /// Also compares with a baseline of another plan or of an invalid run
    #[arg(long, requires = "baseline")]
    force: bool,
}

impl BaselineFlags {
    /// Whether a baseline is to be saved or compared with.
    pub(super) fn is_given(&self) -> bool {
        self.save_baseline.is_some() || self.baseline.is_some()
    }

    /// Reads the baseline of `--baseline`. Checks before the run that the result can be compared with it.
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
        let new = plan.load.repeats as usize;
        let old = base.runs.len();
        if new.min(old) < RUNS_MIN {
            return Err(bad_usage(format!(
                "--fail-if needs a verdict, which takes {RUNS_MIN} runs of each side; there will be {new} here, and the \
                 baseline `{name}` has {old}: use --repeats {RUNS_MIN} or more for both"
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
        // The sides were measured separately, so their runs must not be paired.
        compare_unpaired(base, result, self.headline.as_deref()).bad_usage()
    }

    /// Returns the exit status of the comparison.
    ///
    /// # Errors
    /// If there is an objection to the comparison, or a condition of `--fail-if` holds.
    pub(super) fn ending(&self, comparison: &Comparison) -> Result<Status, Failure> {
        Ending::of(self.force, &self.fail_if, std::slice::from_ref(comparison)).into_status()
    }

    /// Saves the result as the baseline of `--save-baseline`, unless it is interrupted or invalid. Prints
    /// whether it was saved.
    ///
    /// # Errors
    /// If the baseline cannot be written.
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
            output::tell(&format!("not saved as baseline `{name}`: the run {reason}"));
            return Ok(());
        }
        let baselines = Baselines::default();
        let replaces = baselines.has(name);
        let dir = baselines.save(name, result)?;
        let how = if replaces {
            ", replacing the previous one"
        } else {
            ""
        };
        output::tell(&format!(
            "saved as baseline `{name}`{how}: {}",
            dir.display()
        ));
        Ok(())
    }
}

/// Refuses a baseline with another schema or another load.
fn refuse_others(name: &BaselineName, base: &RunResult, plan: &Plan) -> Result<(), Failure> {
    if base.schema != SCHEMA_VERSION {
        return Err(bad_usage(format!(
            "the baseline `{name}` has schema {}, whose figures are defined differently from those of the current schema \
             ({SCHEMA_VERSION}): measure it again",
            base.schema
        )));
    }
    let keys = plan_differences(&base.plan, plan);
    if keys.is_empty() {
        return Ok(());
    }
    Err(bad_usage(format!(
        "the baseline `{name}` has another load, so a difference may come from the load: {} (baseline and now). Use the same \
         workload and seed, or --force",
        keys.join("; ")
    )))
}

/// Formats the comparison for a terminal.
///
/// # Errors
/// Like [`render_comparison`].
pub(super) fn text(comparison: &Comparison) -> Result<String, ReportError> {
    render_comparison(comparison, Format::Text)
}

/// Adds the comparison to `summary`, the object of `--json`, as its member `comparison`.
///
/// # Errors
/// Like [`render_comparison`].
pub(super) fn in_summary(summary: &str, comparison: &Comparison) -> Result<String, Failure> {
    let compared = render_comparison(comparison, Format::Json)?;
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(summary)?;
    object.insert("comparison".to_owned(), serde_json::from_str(&compared)?);
    Ok(serde_json::to_string_pretty(&object)?)
}
