//! Measures targets in rounds and compares the results.

use std::ops::ControlFlow;
use std::path::Path;

use super::announce::announcement;
use super::outcome::Ending;
use super::{CompareArgs, ROUNDS, compared, laid_out};
use crate::cli::calibration_store::Need;
use crate::cli::failure::{Failure, MeansStatus, Status, bad_usage};
use crate::cli::live::Screen;
use crate::cli::run::{writable_dir, write};
use crate::cli::workload_file::{Changes, Resolved, resolve};
use crate::cli::{calibration_store, interrupt, output};
use crate::experiment::{self, ProgressEvent, RoundReport, RunContext, expected_time};
use crate::report::{ROUNDS_MIN, check_headline, rounds_needed, write_comparison};
use crate::result::RunResult;
use crate::target::{TargetSpec, split_targets};
use crate::workload::Plan;

/// Measures the targets and compares them. All errors of the command line are found before anything starts.
pub(super) fn measure(args: &CompareArgs, targets: &str) -> Result<Status, Failure> {
    let Task {
        plan,
        note,
        targets,
        rounds,
    } = task(args, targets)?;
    let screen = Screen::new(args.quiet, args.prometheus.as_ref())?;
    let number = rounds.asked;
    let dir = writable_dir(args.out.as_deref(), &format!("compare-{}", plan.name))?;
    if !args.quiet {
        let expected = expected_time(&plan, &targets, number);
        let announced = announcement(&plan, &targets, rounds, expected);
        output::tell(&announced);
        if let Some(note) = note {
            output::tell(&note);
        }
    }
    let stop = interrupt::flag()?;
    let quorate = std::env::current_exe()?;
    let notify = |notice: &ProgressEvent<'_>| screen.show(notice);
    let calibration = calibration_store::for_runs(&Need {
        proxy: targets.iter().any(TargetSpec::is_local) && plan.needs_proxies(),
        quorate: &quorate,
        stop: &stop,
        notify: &notify,
    });
    let context = RunContext {
        quorate: &quorate,
        data_dir: args.places.data_dir.as_deref(),
        zookeeper_home: args.places.zookeeper_home.as_deref(),
        pin: args.pinning.pin,
        calibration: calibration.as_ref(),
        stop: &stop,
        notify: &notify,
    };
    let mut watch = Watch::new(&targets, number, args.stop_if_invalid);
    let measured = experiment::rounds(&plan, &targets, number, &context, &mut |report| {
        let (warning, flow) = watch.after(report);
        if let Some(warning) = warning {
            screen.show(&ProgressEvent::Warning(&warning));
        }
        flow
    });
    screen.clear();
    let mut results = match measured {
        Ok(results) => results,
        Err(error) => {
            // This fails if the folder is not empty, so that files of the user stay.
            let _ = std::fs::remove_dir(&dir);
            let mut failure = Failure::from(error);
            if watch.ended {
                failure.status = Status::INVALID;
            }
            return Err(failure);
        }
    };
    // If a result cannot be written, the comparison is still shown before the command fails.
    let mut unwritten = None;
    for (index, result) in results.iter_mut().enumerate() {
        let own = dir.join(format!("{}-{}", index + 1, kind(&result.target.spec)));
        if let Err(failure) = own_dir(&own).and_then(|()| write(&own, result)) {
            unwritten = Some(failure);
        }
    }
    let shown = show(args, &dir, &results);
    match unwritten {
        Some(failure) => Err(failure),
        None => shown,
    }
}

/// The comparison that the command line describes.
struct Task {
    plan: Plan,
    /// A message for the user about the changes to the workload.
    note: Option<String>,
    targets: Vec<TargetSpec>,
    rounds: Rounds,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    /// Number of rounds that will be run.
    pub(super) asked: u32,
    /// Number of rounds that a verdict on every metric needs.
    pub(super) needed: u32,
}

fn task(args: &CompareArgs, targets: &str) -> Result<Task, Failure> {
    let specs = split_targets(targets).bad_usage()?;
    if specs.len() < 2 {
        return Err(bad_usage(format!(
            "--targets {targets} names only one; name at least two, separated by a comma"
        )));
    }
    let workload = match args.items.as_slice() {
        [one] => one,
        [] => {
            return Err(bad_usage(
                "with --targets, `quorate compare` needs a workload: a file, or a name from `quorate workloads`",
            ));
        }
        more => {
            return Err(bad_usage(format!(
                "with --targets, `quorate compare` takes one workload, not {}",
                more.len()
            )));
        }
    };
    let changes = Changes {
        set: &args.overrides,
        load: &args.load,
        seed: args.seed,
    };
    let Resolved { plan, note } = resolve(workload, &changes)?;
    let headline = args.headline.as_deref();
    if let Some(headline) = headline {
        check_headline(&plan, headline).bad_usage()?;
    }
    let needed = u32::try_from(rounds_needed(&plan, headline)).unwrap_or(u32::MAX);
    let rounds = args.rounds.unwrap_or(ROUNDS.max(needed));
    if !args.fail_if.is_empty() && (rounds as usize) < ROUNDS_MIN {
        return Err(bad_usage(format!(
            "--fail-if needs a verdict, which {rounds} rounds cannot give: use --rounds {ROUNDS_MIN} or more"
        )));
    }
    Ok(Task {
        plan,
        note,
        targets: specs,
        rounds: Rounds {
            asked: rounds,
            needed,
        },
    })
}

/// Checks each run after its end.
struct Watch<'a> {
    targets: &'a [TargetSpec],
    rounds: u32,
    /// Whether the first invalid run ends the rounds.
    stop: bool,
    /// Whether an invalid run was reported.
    warned: bool,
    /// Whether an invalid run has ended the rounds.
    ended: bool,
}

impl<'a> Watch<'a> {
    fn new(targets: &'a [TargetSpec], rounds: u32, stop: bool) -> Self {
        Self {
            targets,
            rounds,
            stop,
            warned: false,
            ended: false,
        }
    }

    /// Returns a warning at the first invalid run, and whether the rounds continue.
    fn after(&mut self, report: &RoundReport<'_>) -> (Option<String>, ControlFlow<()>) {
        if report.invalid.is_empty() {
            return (None, ControlFlow::Continue(()));
        }
        let flow = if self.stop {
            self.ended = true;
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        };
        if self.warned {
            return (None, flow);
        }
        self.warned = true;
        let consequence = if self.stop {
            "the comparison ends because of --stop-if-invalid"
        } else {
            "the comparison continues and will end with status 3; Ctrl-C ends it and keeps the complete rounds"
        };
        let target = self.targets.get(report.target);
        let warning = format!(
            "round {} of {}: the run of {} (target {} of {}) is invalid: {}; {consequence}",
            report.round + 1,
            self.rounds,
            target.map_or_else(|| "a target".to_owned(), TargetSpec::to_string),
            report.target + 1,
            self.targets.len(),
            report.invalid.join("; ")
        );
        (Some(warning), flow)
    }
}

fn own_dir(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    Ok(())
}

/// Compares each candidate with the first result. A comparison with objections is shown too.
fn show(args: &CompareArgs, dir: &Path, results: &[RunResult]) -> Result<Status, Failure> {
    let Some((base, candidates)) = results.split_first() else {
        return Ok(Status::SUCCESS);
    };
    let comparisons = candidates
        .iter()
        .map(|candidate| compared(args, base, candidate))
        .collect::<Result<Vec<_>, _>>()?;
    args.layout.deliver(&laid_out(args, &comparisons)?)?;
    let several = comparisons.len() > 1;
    for (index, comparison) in comparisons.iter().enumerate() {
        let own = if several {
            dir.join(format!("comparison-{}", index + 2))
        } else {
            dir.to_owned()
        };
        let written = write_comparison(&own, comparison)?;
        if let Some(page) = written.first().filter(|_| !args.quiet) {
            output::tell(&page.display().to_string());
        }
    }
    Ending::of(args.force, &args.fail_if, &comparisons).into_status()
}

/// Returns the part of a target's spec that can be used in the name of a folder.
fn kind(spec: &str) -> &str {
    spec.split(':').next().unwrap_or(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Recording;

    #[test]
    fn the_first_invalid_run_causes_a_warning_and_ends_the_rounds_if_requested() {
        let targets = split_targets("bundled,zookeeper").unwrap();
        let recording = Recording::default();
        let reasons = ["a driver thread was 93 % busy: lower load.rate".to_owned()];
        let report = |invalid| RoundReport {
            round: 1,
            target: 1,
            recording: &recording,
            invalid,
        };
        for stop in [false, true] {
            let mut watch = Watch::new(&targets, 7, stop);
            let (warning, flow) = watch.after(&report(&[]));
            assert!(warning.is_none() && flow.is_continue());
            let (warning, flow) = watch.after(&report(&reasons));
            let warning = warning.unwrap();
            assert!(
                warning.starts_with(
                    "round 2 of 7: the run of zookeeper (target 2 of 2) is invalid: a driver thread"
                ),
                "{warning}"
            );
            assert_eq!(flow.is_break(), stop);
            let (again, _) = watch.after(&report(&reasons));
            assert!(again.is_none(), "a second warning: {again:?}");
        }
    }
}
