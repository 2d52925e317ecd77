//! What the servers themselves say about elections, where they count them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::human::{counted, duration_us};
use crate::result::{RunResult, Server};

/// A mean over the elections that the servers counted in the runs of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Account {
    pub mean_ms: f64,
    /// Number of times, summed over the servers.
    pub times: u64,
}

/// The mean of the summary `name` over all servers; `None` if no server counts it. A server that was
/// started again has counted anew, so its counters are only used if they grew.
fn mean(result: &RunResult, name: &str) -> Option<Account> {
    let grown = |server: &Server, kind: &str| {
        let ending = format!("{kind}_{name}");
        let counter = server
            .counters
            .iter()
            .find(|(counter, _)| counter.ends_with(&ending));
        counter
            .map(|(_, change)| change.after - change.before)
            .filter(|grown| *grown > 0.0)
    };
    let (mut sum, mut times) = (0.0, 0.0);
    for server in &result.target.servers {
        if let Some(count) = grown(server, "cnt") {
            times += count;
            sum += grown(server, "sum").unwrap_or(0.0);
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count"
    )]
    let counted = times.round() as u64;
    (counted > 0).then(|| Account {
        mean_ms: sum / times,
        times: counted,
    })
}

/// How long elections took.
pub(crate) fn election(result: &RunResult) -> Option<Account> {
    mean(result, "election_time")
}

/// For how long a server knew no leader that serves.
pub(crate) fn unavailable(result: &RunResult) -> Option<Account> {
    mean(result, "leader_unavailable_time")
}

/// The account in a sentence; `None` if the servers count nothing.
pub(super) fn words(result: &RunResult) -> Option<String> {
    let part = |account: Option<Account>, what: &str| {
        account.map(|account| {
            format!(
                "{what} {} (mean of {} on servers that kept running)",
                duration_us(account.mean_ms * 1_000.0),
                counted(account.times, "time")
            )
        })
    };
    let parts = [
        part(election(result), "an election took"),
        part(unavailable(result), "no leader was available for"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("by the servers' own account {}", parts.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{CounterChange, example};

    #[test]
    fn the_mean_is_over_the_servers_whose_counters_grew() {
        let mut result = example::result();
        assert_eq!(words(&result), None);
        let mut count = |server: usize, name: &str, before: f64, after: f64| {
            let change = CounterChange { before, after };
            let counters = &mut result.target.servers[server].counters;
            counters.insert(name.to_owned(), change);
        };
        count(0, "x_sum_election_time", 30.0, 75.0);
        count(0, "x_cnt_election_time", 1.0, 2.0);
        count(1, "x_sum_election_time", 28.0, 83.0);
        count(1, "x_cnt_election_time", 1.0, 2.0);
        // This server was started again: it has counted one election anew.
        count(2, "x_sum_election_time", 30.0, 900.0);
        assert_eq!(
            election(&result),
            Some(Account {
                mean_ms: 50.0,
                times: 2
            })
        );
        assert_eq!(unavailable(&result), None);
        assert_eq!(
            words(&result).unwrap(),
            "by the servers' own account an election took 50.0 ms (mean of 2 times on servers that kept running)"
        );
    }
}
