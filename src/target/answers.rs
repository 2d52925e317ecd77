//! Parses the answers of servers to `srvr` and `mntr` (specification 16.5). Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::workload::Role;

/// The used fields of a `srvr` answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srvr {
    /// The version without build and date, such as `3.8.0`.
    pub version: Option<String>,
    pub role: Role,
    /// The epoch of the newest transaction that the server knows. It grows with every new leader. 0 if the
    /// answer does not contain it.
    pub epoch: u64,
}

/// Parses an answer to `srvr`. Returns `None` if the server does not serve.
#[must_use]
pub fn parse_srvr(answer: &str) -> Option<Srvr> {
    let field = |name: &str| {
        answer
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let role = match field("Mode")? {
        "leader" => Role::Leader,
        "follower" => Role::Follower,
        "observer" => Role::Observer,
        "standalone" => Role::Standalone,
        // A server with mode "read-only" has lost its quorum and accepts no writes.
        _ => return None,
    };
    Some(Srvr {
        version: field("Zookeeper version").map(short_version),
        role,
        epoch: field("Zxid").and_then(epoch).unwrap_or(0),
    })
}

/// Returns the epoch of a zxid in the form `0x100000003`: its upper half.
fn epoch(zxid: &str) -> Option<u64> {
    let digits = zxid.strip_prefix("0x")?;
    Some(u64::from_str_radix(digits, 16).ok()? >> 32)
}

/// Removes the build and the date from a version:
/// `3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on 2022-02-25 08:49 UTC` becomes `3.8.0`. In
/// Debian's package the commit is an unreplaced variable: `3.8.0-${mvngit.commit.id}` becomes `3.8.0` too.
/// A name after the number (`3.9.5-quorate-0.1.0`) is kept.
fn short_version(text: &str) -> String {
    let text = text.split(',').next().unwrap_or(text).trim();
    let is_build = |part: &str| {
        part.starts_with("${") || part.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
    };
    match text.split_once('-') {
        Some((number, build)) if is_build(build) => number.to_owned(),
        _ => text.to_owned(),
    }
}

/// Parses the numbers of an answer to `mntr`, by name without the prefix `zk_`.
#[must_use]
pub fn parse_mntr(answer: &str) -> BTreeMap<String, f64> {
    answer
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once('\t')?;
            let value: f64 = value.trim().parse().ok()?;
            let name = name.strip_prefix("zk_").unwrap_or(name);
            value.is_finite().then(|| (name.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srvr_answers_of_several_releases_are_parsed() {
        let old = "Zookeeper version: 3.4.10-39d3a4f269333c922ed3db283be479f9deacaa0f, built on 03/23/2017 10:13 GMT\n\
                   Latency min/avg/max: 0/0/0\nReceived: 1\nMode: leader\nNode count: 4\n";
        let srvr = parse_srvr(old).unwrap();
        assert_eq!(srvr.version.as_deref(), Some("3.4.10"));
        assert_eq!(srvr.role, Role::Leader);
        let debian =
            "Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-06-16\nMode: observer\n";
        let debian = parse_srvr(debian).unwrap();
        assert_eq!(debian.role, Role::Observer);
        assert_eq!(debian.version.as_deref(), Some("3.8.0"));
        let ours = "Zookeeper version: 3.9.5-quorate-0.1.0, built on x\nMode: standalone\n";
        assert_eq!(
            parse_srvr(ours).unwrap().version.as_deref(),
            Some("3.9.5-quorate-0.1.0")
        );
    }

    #[test]
    fn the_answer_of_a_server_that_does_not_serve_is_rejected() {
        for answer in [
            "This ZooKeeper instance is not currently serving requests\n",
            "srvr is not executed because it is not in the whitelist.\n",
            "Zookeeper version: 3.8.0\nMode: read-only\n",
            "",
        ] {
            assert_eq!(parse_srvr(answer), None, "{answer}");
        }
    }

    #[test]
    fn only_the_numbers_of_mntr_are_kept() {
        let counters = parse_mntr(
            "zk_version\t3.8.0, built\nzk_packets_sent\t12\nzk_avg_latency\t0.5\nx\tNaN\n",
        );
        let names: Vec<&str> = counters.keys().map(String::as_str).collect();
        assert_eq!(names, ["avg_latency", "packets_sent"]);
        assert!((counters["packets_sent"] - 12.0).abs() < f64::EPSILON);
    }
}
