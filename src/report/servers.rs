//! The figures per server and per role, merged over all runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::{bytes_fraction, count, per_second};
use super::quota::percent;
use super::summary::{float, rate};
use crate::measure::{ServerRecord, ServerRun, Throttled};
use crate::result::RunResult;

/// Operations shown separately per server. With more operations, a server shows only their sum.
pub(crate) const OPS_MAX: usize = 6;

/// Roles in the order in which they are shown. Other roles follow.
const ROLES: [&str; 4] = ["leader", "follower", "observer", "standalone"];

/// The role of a server that did not report one.
const UNKNOWN: &str = "unknown";

/// The servers of a result.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    /// One per server, in the order of the target.
    pub servers: Vec<ServerFigures>,
    /// One per role. In each run, a server counts for the role that it had in that run.
    pub roles: Vec<ServerFigures>,
}

/// The figures of a server, or of all servers with a role.
#[derive(Debug, Default)]
pub(crate) struct ServerFigures {
    /// `host:port`, or the role.
    pub name: String,
    /// The roles of a server in the order of the runs; empty if it never reported one.
    pub modes: Vec<String>,
    /// The number of servers merged; of several runs, the largest number.
    pub servers: usize,
    /// Operations acknowledged per second, over the measured phases of all runs.
    pub throughput_per_s: Option<f64>,
    /// All operations merged.
    pub all: ServerRecord,
    /// One per operation of the plan.
    pub ops: Vec<ServerRecord>,
    /// Processor time in seconds. This and the following figures are `None` if any run lacks them.
    pub cpu_s: Option<f64>,
    /// Bytes written to the disk.
    pub disk_written_bytes: Option<u64>,
    /// Syncs of the log.
    pub syncs: Option<u64>,
    /// How a CPU quota stopped the server, or the servers together.
    pub throttled: Option<Throttled>,
}

impl Servers {
    /// Merges the runs of a result.
    pub(crate) fn of(result: &RunResult) -> Self {
        let measured_s = result.measured_s();
        let ops = result.plan.ops.len();
        let most = result.runs.iter().map(|run| run.servers.len()).max();
        let servers = (0..most.unwrap_or(0)).map(|index| {
            let runs: Vec<Option<&ServerRun>> = result
                .runs
                .iter()
                .map(|run| run.servers.get(index))
                .collect();
            let known = runs.iter().copied().flatten();
            let mut modes: Vec<String> = Vec::new();
            for mode in known.clone().filter_map(|server| server.mode.clone()) {
                if !modes.contains(&mode) {
                    modes.push(mode);
                }
            }
            let name = known.map(|server| server.address.clone()).next();
            ServerFigures {
                name: name.unwrap_or_default(),
                modes,
                servers: 1,
                ..ServerFigures::merged(&runs, ops, measured_s)
            }
        });
        let roles = roles(result).into_iter().map(|role| {
            let of_run = |run: &'_ crate::measure::Recording| {
                let servers = run.servers.iter();
                servers.filter(|server| role_of(server) == role).count()
            };
            let members: Vec<Option<&ServerRun>> = result
                .runs
                .iter()
                .flat_map(|run| run.servers.iter())
                .filter(|server| role_of(server) == role)
                .map(Some)
                .collect();
            ServerFigures {
                name: role.to_owned(),
                modes: Vec::new(),
                servers: result.runs.iter().map(of_run).max().unwrap_or(0),
                ..ServerFigures::merged(&members, ops, measured_s)
            }
        });
        Self {
            servers: servers.collect(),
            roles: roles.collect(),
        }
    }

    /// Processor time of all servers in seconds; `None` if it is unknown for any server.
    pub(crate) fn cpu_s(&self) -> Option<f64> {
        let times: Option<f64> = self.servers.iter().map(|server| server.cpu_s).sum();
        times.filter(|_| !self.servers.is_empty())
    }
}

impl ServerFigures {
    /// Merges the figures of `runs`. If a run is missing, the usage of the machine is unknown.
    fn merged(runs: &[Option<&ServerRun>], ops: usize, measured_s: f64) -> Self {
        let mut figures = Self {
            ops: vec![ServerRecord::default(); ops],
            cpu_s: total(runs, |server| server.cpu_s),
            disk_written_bytes: total(runs, |server| server.disk_written_bytes),
            syncs: total(runs, |server| server.syncs),
            throttled: throttled(runs),
            ..Self::default()
        };
        for server in runs.iter().copied().flatten() {
            for (own, record) in figures.ops.iter_mut().zip(&server.ops) {
                own.merge(record);
            }
        }
        for record in &figures.ops {
            figures.all.merge(record);
        }
        figures.throughput_per_s = rate(figures.all.acknowledged, measured_s);
        figures
    }

    /// Operations acknowledged per second of processor time.
    pub(crate) fn per_cpu_s(&self) -> Option<f64> {
        rate(self.all.acknowledged, self.cpu_s?)
    }

    /// The used share of a quota of `share` of one core, 0 to 1.
    pub(crate) fn quota_used(&self, share: f64, measured_s: f64) -> Option<f64> {
        let allowed_s = share * measured_s;
        (allowed_s > 0.0).then_some(self.cpu_s? / allowed_s)
    }

    /// The share of the quota's periods in which the server was stopped.
    pub(crate) fn throttled_share(&self) -> Option<f64> {
        self.throttled?.share()
    }

    /// Bytes written to the disk per acknowledged operation; `None` if unknown or if no operation was acknowledged.
    pub(crate) fn written_per_operation_bytes(&self) -> Option<f64> {
        let written = float(self.disk_written_bytes?);
        (self.all.acknowledged > 0).then(|| written / float(self.all.acknowledged))
    }

    /// `127.0.0.1:2181, follower`, `followers (2)`.
    pub(crate) fn title(&self) -> String {
        if !self.modes.is_empty() {
            format!("{}, {}", self.name, self.modes.join(", then "))
        } else if self.servers > 1 && ROLES.contains(&self.name.as_str()) {
            format!("{}s ({})", self.name, self.servers)
        } else if self.name == UNKNOWN {
            "role unknown".to_owned()
        } else {
            self.name.clone()
        }
    }

    /// Describes the processor time, the bytes written, the syncs and the effect of a quota, as far as they are known.
    pub(crate) fn usage(&self) -> String {
        let parts = [
            self.cpu_s.map(|cpu_s| format!("{cpu_s:.2} s of CPU")),
            self.per_cpu_s()
                .map(|rate| format!("{} operations per second of CPU", per_second(rate))),
            self.written_per_operation_bytes()
                .map(|size| format!("{} written per operation", bytes_fraction(size))),
            self.syncs.map(|syncs| match syncs {
                1 => "1 sync".to_owned(),
                _ => format!("{} syncs", count(syncs)),
            }),
            self.throttled_share()
                .map(|share| format!("stopped by its quota in {} of the periods", percent(share))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }

    /// The rows of its table, by label: one per operation that reached the server, if the plan has at most
    /// [`OPS_MAX`] operations, and one for all operations.
    pub(crate) fn rows<'a>(&'a self, result: &'a RunResult) -> Vec<(&'a str, &'a ServerRecord)> {
        let ops = &result.plan.ops;
        let mut rows = Vec::new();
        if (2..=OPS_MAX).contains(&ops.len()) {
            let labels = ops.iter().map(|op| op.label.as_str());
            let reached = labels
                .zip(&self.ops)
                .filter(|(_, record)| record.acknowledged > 0 || !record.response.is_empty());
            rows.extend(reached);
        }
        let label = if ops.len() == 1 {
            ops[0].label.as_str()
        } else {
            "all"
        };
        rows.push((label, &self.all));
        rows
    }
}

/// The roles of the servers of a result, in the order of [`ROLES`].
fn roles(result: &RunResult) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for server in result.runs.iter().flat_map(|run| run.servers.iter()) {
        let role = role_of(server);
        if !found.contains(&role) {
            found.push(role);
        }
    }
    let place = |role: &&str| ROLES.iter().position(|known| known == role);
    found.sort_by_key(|role| place(role).unwrap_or(ROLES.len()));
    found
}

fn role_of(server: &ServerRun) -> &str {
    server.mode.as_deref().unwrap_or(UNKNOWN)
}

/// The sum of a figure over all runs; `None` if any run lacks it.
fn total<T: std::iter::Sum>(
    runs: &[Option<&ServerRun>],
    figure: impl Fn(&ServerRun) -> Option<T>,
) -> Option<T> {
    runs.iter().map(|server| figure((*server)?)).sum()
}

fn throttled(runs: &[Option<&ServerRun>]) -> Option<Throttled> {
    let sum = |part: fn(Throttled) -> u64| total(runs, |server| server.throttled.map(part));
    Some(Throttled {
        periods: sum(|one| one.periods)?,
        throttled_periods: sum(|one| one.throttled_periods)?,
        throttled_ns: sum(|one| one.throttled_ns)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    /// Two runs; another server leads in the second run.
    fn result() -> RunResult {
        let mut result = example::result();
        let mut second = example::recording();
        second.servers[0].mode = Some("leader".into());
        second.servers[2].mode = Some("follower".into());
        result.runs.push(second);
        result
    }

    #[test]
    fn servers_are_merged_by_index_and_roles_by_the_role_in_each_run() {
        let result = result();
        let merged = Servers::of(&result);
        let titles: Vec<String> = merged.servers.iter().map(ServerFigures::title).collect();
        assert_eq!(titles[0], "127.0.0.1:2181, follower, then leader");
        assert_eq!(titles[1], "127.0.0.1:2182, follower");
        let roles: Vec<String> = merged.roles.iter().map(ServerFigures::title).collect();
        assert_eq!(roles, ["leader", "followers (2)"]);
        let of = |run: usize, server: usize| result.runs[run].servers[server].all().acknowledged;
        assert_eq!(merged.roles[0].all.acknowledged, of(0, 2) + of(1, 0));
        assert_eq!(merged.servers[0].all.acknowledged, of(0, 0) + of(1, 0));
        let by_role: u64 = merged.roles.iter().map(|role| role.all.acknowledged).sum();
        assert_eq!(by_role, 4_000);
        assert_eq!(
            merged.roles[1].all.response.count(),
            of(0, 0) + of(0, 1) + of(1, 1) + of(1, 2)
        );
    }

    #[test]
    fn usage_is_summed_and_unknown_if_any_run_lacks_it() {
        let mut result = result();
        let merged = Servers::of(&result);
        assert!((merged.cpu_s().unwrap() - 0.6).abs() < 1e-9);
        assert_eq!(merged.servers[1].disk_written_bytes, Some(2 << 20));
        assert_eq!(merged.servers[1].syncs, None);
        assert!(
            merged.servers[1].usage().starts_with("0.20 s of CPU, 6,6"),
            "{}",
            merged.servers[1].usage()
        );
        result.runs[1].servers[1].cpu_s = None;
        let merged = Servers::of(&result);
        assert_eq!(merged.servers[1].cpu_s, None);
        assert_eq!(merged.servers[1].per_cpu_s(), None);
        assert!(merged.servers[0].cpu_s.is_some());
        assert_eq!(merged.cpu_s(), None);
        // A run without the server lacks its usage.
        result.runs[1].servers.truncate(1);
        let merged = Servers::of(&result);
        assert_eq!(merged.servers[2].disk_written_bytes, None);
        assert_eq!(merged.servers[2].all.acknowledged, 666);
    }

    #[test]
    fn unknown_usage_and_roles_are_left_out_or_marked() {
        assert_eq!(ServerFigures::default().usage(), "");
        let mut result = result();
        for server in &mut result.runs[0].servers {
            server.mode = None;
        }
        let merged = Servers::of(&result);
        assert_eq!(merged.roles.last().unwrap().title(), "role unknown");
        result.runs.iter_mut().for_each(|run| run.servers.clear());
        let none = Servers::of(&result);
        assert!(none.servers.is_empty() && none.roles.is_empty() && none.cpu_s().is_none());
    }

    #[test]
    fn a_server_has_a_row_per_operation_if_there_are_few() {
        let mut result = result();
        let of = |result: &RunResult| {
            let merged = Servers::of(result);
            let rows = merged.servers[0].rows(result);
            rows.iter()
                .map(|(label, _)| (*label).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&result), ["set"]);
        let mut get = result.plan.ops[0].clone();
        get.label = "get".into();
        result.plan.ops.push(get.clone());
        for server in result.runs.iter_mut().flat_map(|run| &mut run.servers) {
            let record = server.ops[0].clone();
            server.ops.push(record);
        }
        assert_eq!(of(&result), ["set", "get", "all"]);
        result.plan.ops.extend(vec![get; OPS_MAX]);
        assert_eq!(of(&result), ["all"]);
    }
}
