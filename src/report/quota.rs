//! Says that the servers had a CPU quota, and how far they used it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::number;
use super::summary::Summary;
use crate::result::thresholds::QUOTA_USED_UP;

/// Returns the note that stands above the figures of a result with a quota; `None` without a quota.
pub(crate) fn quota_note(summary: &Summary<'_>) -> Option<String> {
    let quota = summary.result.target.cpu_quota?;
    let mut note = format!(
        "Equal machines by quota: every server had {} of one core, in periods of {} ms. This result is about throughput: \
         the quota's pauses are part of every response time.",
        percent(quota.share),
        number(quota.period_ms)
    );
    let servers = summary.servers.servers.iter();
    let used: Option<Vec<f64>> = servers
        .map(|server| server.quota_used(quota.share, summary.measured_s))
        .collect();
    let Some(used) = used.filter(|used| !used.is_empty()) else {
        return Some(note);
    };
    let least = used.iter().copied().fold(f64::INFINITY, f64::min);
    let most = used.iter().copied().fold(0.0, f64::max);
    let (least_text, most_text) = (percent(least), percent(most));
    if least_text == most_text {
        note += &format!(" The servers used {most_text} of their quota.");
    } else {
        note += &format!(" The servers used {least_text} to {most_text} of their quota.");
    }
    if most < QUOTA_USED_UP {
        note += " No server used its quota up, so something else limits the throughput.";
    }
    Some(note)
}

/// `3 %`, `0.5 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let rounded = if percent < 10.0 {
        (10.0 * percent).round() / 10.0
    } else {
        percent.round()
    };
    format!("{} %", number(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Throttled;
    use crate::result::{CpuQuota, RunResult, example};

    fn result(cpu_s: [f64; 3]) -> RunResult {
        let mut result = example::result();
        result.target.cpu_quota = Some(CpuQuota {
            share: 0.03,
            period_ms: 50.0,
        });
        let measured_s = result.runs[0].measured_s;
        for (server, used) in result.runs[0].servers.iter_mut().zip(cpu_s) {
            server.cpu_s = Some(used * 0.03 * measured_s);
            server.throttled = Some(Throttled {
                periods: 200,
                throttled_periods: 194,
                throttled_ns: 1,
            });
        }
        result
    }

    #[test]
    fn the_note_names_share_period_and_use_of_the_quota() {
        let result = result([0.99, 0.985, 0.97]);
        let summary = Summary::new(&result);
        assert_eq!(
            quota_note(&summary).unwrap(),
            "Equal machines by quota: every server had 3 % of one core, in periods of 50 ms. This result is about \
             throughput: the quota's pauses are part of every response time. The servers used 97 % to 99 % of their quota."
        );
        let usage = summary.servers.servers[0].usage();
        assert!(
            usage.ends_with("stopped by its quota in 97 % of the periods"),
            "{usage}"
        );
        assert_eq!(quota_note(&Summary::new(&example::result())), None);
    }

    #[test]
    fn the_note_says_if_no_server_used_its_quota_up() {
        let result = result([0.5, 0.004, 0.5]);
        let note = quota_note(&Summary::new(&result)).unwrap();
        assert!(
            note.ends_with(
                "used 0.4 % to 50 % of their quota. No server used its quota up, so something else limits the throughput."
            ),
            "{note}"
        );
    }
}
