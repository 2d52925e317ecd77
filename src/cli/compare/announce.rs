//! Describes a comparison before it starts.

use std::time::Duration;

use super::measure::Rounds;
use crate::cli::rough_time::roughly;
use crate::report::ROUNDS_MIN;
use crate::target::TargetSpec;
use crate::workload::Plan;

/// Returns a text such as `write-saturation on bundled, zookeeper: 7 rounds, each with a fresh deployment, 5 s
/// warm-up and 30 s measured; about 10 min`. If the rounds are too few for a verdict on every metric, the text
/// ends with the number that is needed.
pub(super) fn announcement(
    plan: &Plan,
    targets: &[TargetSpec],
    Rounds { asked, needed }: Rounds,
    expected: Duration,
) -> String {
    let names: Vec<String> = targets.iter().map(TargetSpec::to_string).collect();
    let live = |target: &TargetSpec| matches!(target, TargetSpec::Live { .. });
    let deployment = if targets.iter().all(live) {
        ""
    } else if targets.iter().any(live) {
        "a fresh deployment of what is not running already, "
    } else {
        "a fresh deployment, "
    };
    let hint = if (asked as usize) < ROUNDS_MIN {
        format!("; a verdict takes --rounds {ROUNDS_MIN}")
    } else if asked < needed {
        format!("; enough for the headline, a verdict on every metric takes --rounds {needed}")
    } else {
        String::new()
    };
    format!(
        "{} on {}: {asked} round{}, each with {deployment}{} warm-up and {} measured; about {}{hint}",
        plan.name,
        names.join(", "),
        if asked == 1 { "" } else { "s" },
        exactly(plan.load.warm_up_ms),
        exactly(plan.load.duration_ms),
        roughly(expected)
    )
}

fn exactly(ms: u64) -> String {
    if ms.is_multiple_of(1_000) {
        format!("{} s", ms / 1_000)
    } else {
        format!("{ms} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{find_shipped, resolve};

    #[test]
    fn the_announcement_describes_the_rounds_and_their_duration() {
        let plan = resolve(
            &find_shipped("write-saturation").unwrap().source(),
            &[],
            None,
        )
        .unwrap();
        let announced_with = |targets: &[&str], rounds, needed| {
            let targets: Vec<TargetSpec> =
                targets.iter().map(|spec| spec.parse().unwrap()).collect();
            let rounds = Rounds {
                asked: rounds,
                needed,
            };
            announcement(&plan, &targets, rounds, Duration::from_secs(590))
        };
        let announced = |targets: &[&str]| announced_with(targets, 7, 6);
        assert_eq!(
            announced(&["bundled", "zookeeper"]),
            "write-saturation on bundled, zookeeper: 7 rounds, each with a fresh deployment, 5 s warm-up and 30 s measured; \
             about 10 min"
        );
        assert!(announced(&["zk://a:1", "zk://b:1"]).contains("each with 5 s warm-up"));
        assert!(announced(&["bundled", "zk://b:1"]).contains("of what is not running already"));
        let announced = |rounds, needed| announced_with(&["bundled", "zookeeper"], rounds, needed);
        assert!(announced(7, 8).ends_with("a verdict on every metric takes --rounds 8"));
        assert!(announced(5, 8).ends_with("about 10 min; a verdict takes --rounds 6"));
    }
}
