//! Notes on how to read a comparison, the same in every format.

use super::Comparison;
use super::judge::{Outcome, ROUNDS_MIN, RUNS_MIN, rounds_for};
use super::metric::{Figure, Role};
use crate::report::human::counted;

/// Returns the notes that apply, one sentence each.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(match &comparison.rounds {
        Some(rounds) => format!(
            "The two runs of a round are a pair. Of {} the estimate is the median ratio, p comes from the exact sign-flip test, \
             and the 95 % interval belongs to that test.",
            counted(rounds.len() as u64, "pair")
        ),
        None => "The runs were not paired in rounds, so whatever changed on the machine between them counts as a difference: \
                 trust this less. `quorate compare --targets` measures in rounds."
            .to_owned(),
    });
    if comparison.headline().outcome == Outcome::TooFew {
        notes.push(match comparison.rounds {
            Some(_) => format!("A verdict needs at least {ROUNDS_MIN} rounds."),
            None => format!("A verdict needs at least {RUNS_MIN} runs of each side."),
        });
    }
    let of_role = |role| comparison.contrasts.iter().filter(move |c| c.role == role);
    let listed =
        |figure: fn(Figure) -> bool| of_role(Role::Listed).any(|c| figure(c.metric.figure));
    if comparison.closed_loop {
        notes.push(
            "In a closed loop every reply starts the next operation, so the mean response time is the operations in flight divided \
             by the throughput (Little's law). Both are one fact, so only the throughput is judged."
                .to_owned(),
        );
    } else if listed(Figure::more_is_better) {
        notes.push(
            "In an open loop the schedule sets the throughput as long as the target keeps up; it is listed, not judged."
                .to_owned(),
        );
    }
    if !comparison.closed_loop && of_role(Role::Listed).any(|c| c.metric.op.is_none()) {
        notes.push(
            "The response times of all operations together mix fast and slow kinds; each operation is judged separately."
                .to_owned(),
        );
    }
    let further = of_role(Role::Further)
        .filter(|c| c.outcome != Outcome::NotMeasured)
        .count();
    if further > 0 {
        notes.push(correction(comparison, further));
    }
    notes
}

/// Explains the star beside a verdict.
fn correction(comparison: &Comparison, further: usize) -> String {
    let mut text = format!(
        "* The verdict is corrected for {} (Holm); the interval is not.",
        counted(further as u64, "further metric")
    );
    let mut of_role = comparison
        .contrasts
        .iter()
        .filter(|c| c.role == Role::Further);
    let too_few = of_role.any(|c| c.outcome == Outcome::TooFew);
    if too_few && comparison.headline().outcome != Outcome::TooFew {
        text += &match comparison.rounds {
            Some(_) => format!(
                " With this correction, so few rounds cannot show a difference; {} rounds can.",
                rounds_for(further)
            ),
            None => " With this correction, so few runs cannot show a difference.".to_owned(),
        };
    }
    text
}
