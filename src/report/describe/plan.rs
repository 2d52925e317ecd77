//! Describes the plan of a result.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Row;
use super::arrival::arrival;
use super::operation::{operation, own};
use crate::report::human::{counted, number, span_ms};
use crate::result::RunResult;
use crate::workload::{Attach, Prepare, Reconnect, Value};

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
                    Attach::Voters => "the leader and the followers in turn",
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

/// `2 planned; numbers 3 to 4`. The numbers are shown because they decide the random choices.
fn runs(result: &RunResult) -> String {
    let planned = format!("{} planned", result.plan.load.repeats);
    let numbers: Vec<u32> = result.runs.iter().map(|run| run.number).collect();
    let follow = numbers
        .windows(2)
        .all(|pair| pair[1] == pair[0].saturating_add(1));
    let made = match (numbers.as_slice(), follow) {
        ([], _) => return format!("{planned}, none made"),
        ([only], _) => format!("number {only}"),
        ([first, .., last], true) => format!("numbers {first} to {last}"),
        (several, false) => {
            let numbers: Vec<String> = several.iter().map(u32::to_string).collect();
            format!("numbers {}", numbers.join(", "))
        }
    };
    format!("{planned}; {made} (runs of the same number make the same random choices)")
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

/// `items 1,000, size 100 B, below /a`: counts come first, then sizes, then texts.
fn prepared(prepare: &Prepare) -> String {
    let mut values: Vec<(&str, &Value)> = prepare.own.iter().collect();
    values.sort_by_key(|(_, value)| match value {
        Value::Integer(_) => 0,
        Value::Size(_) => 1,
        Value::Text(_) => 2,
        Value::Boolean(_) | Value::Unset => 3,
    });
    let mut texts: Vec<String> = values
        .into_iter()
        .filter_map(|(key, value)| own(key, value))
        .collect();
    if texts.is_empty() {
        texts.push("nothing".to_owned());
    } else if prepare.keep {
        texts.push("kept".to_owned());
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::row;
    use super::*;
    use crate::measure::Recording;
    use crate::result::example;
    use crate::workload::{SizeChoice, Values};

    #[test]
    fn the_plan_rows_have_spacing_reconnecting_and_run_numbers() {
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
                .starts_with("1 planned; number 0 (")
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
    fn prepared_values_are_listed_with_counts_first() {
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
}
