//! Reads the counters and the memory of the servers, and describes the target for the result.

use std::collections::BTreeMap;

use crate::result::{self, CounterChange, Proxied};
use crate::target::{Deployment, Member, Target, with_tilde};
use crate::workload::Role;

/// Figures of the servers, by the index of the server. A list is empty if its figures are unknown.
#[derive(Debug, Default)]
pub(super) struct ServerFigures {
    rss_start: Vec<Option<u64>>,
    rss_end: Vec<Option<u64>>,
    /// Counters before the first run.
    before: Vec<BTreeMap<String, f64>>,
    /// Counters after the last run.
    after: Vec<BTreeMap<String, f64>>,
}

impl ServerFigures {
    /// Reads the memory of the servers after their start.
    pub(super) fn at_start(target: &Target) -> Self {
        Self {
            rss_start: target.resident_bytes(),
            ..Self::default()
        }
    }

    /// Reads the counters. Only the first call has an effect.
    pub(super) fn first_counters(&mut self, target: &Target) {
        if self.before.is_empty() {
            self.before = target.counters();
        }
    }

    /// Reads the counters and the memory after a run.
    pub(super) fn last(&mut self, target: &Target) {
        self.after = target.counters();
        if target.deployment().is_some() {
            self.rss_end = target.resident_bytes();
        }
    }

    /// Describes the target for the result.
    pub(super) fn describe(&self, target: &Target) -> result::Target {
        let members = target.members();
        let mut versions: Vec<&str> = members
            .iter()
            .filter_map(|member| member.version.as_deref())
            .collect();
        versions.sort_unstable();
        versions.dedup();
        let leader = members.iter().find(|member| member.role == Role::Leader);
        let deployment = target.deployment();
        let cores = deployment.and_then(Deployment::cores);
        let of_server = |index: usize| {
            let cores = cores.and_then(|cores| cores.servers.get(index));
            cores.cloned().unwrap_or_default()
        };
        result::Target {
            spec: target.spec().to_string(),
            server_version: (!versions.is_empty()).then(|| versions.join(", ")),
            leader: leader.map(|member| member.name.clone()),
            data_on: deployment.and_then(|one| Some(with_tilde(one.dir().parent()?))),
            start_ms: deployment.map(|one| one.start_time().as_secs_f64() * 1_000.0),
            proxied: deployment
                .and_then(Deployment::proxied)
                .map(|links| Proxied {
                    servers: links.servers,
                    clients: links.clients,
                }),
            servers: members
                .iter()
                .enumerate()
                .map(|(index, member)| result::Server {
                    cores: of_server(index),
                    ..self.server(index, member)
                })
                .collect(),
            cpu_quota: deployment.and_then(cpu_quota),
            driver_cores: cores.map_or_else(Vec::new, |cores| cores.driver.clone()),
        }
    }

    fn server(&self, index: usize, member: &Member) -> result::Server {
        let vote = |observer| if observer { "observer" } else { "voter" };
        result::Server {
            address: member.name.clone(),
            role: member.observer.map(|observer| vote(observer).to_owned()),
            version: member.version.clone(),
            mode: member.role.word().map(str::to_owned),
            rss_start_bytes: self.rss_start.get(index).copied().flatten(),
            rss_end_bytes: self.rss_end.get(index).copied().flatten(),
            counters: match (self.before.get(index), self.after.get(index)) {
                (Some(before), Some(after)) => changes(before, after),
                _ => BTreeMap::new(),
            },
            cores: Vec::new(),
        }
    }
}

fn cpu_quota(deployment: &Deployment) -> Option<result::CpuQuota> {
    let quota = deployment.quota()?;
    Some(result::CpuQuota {
        share: quota.share(),
        period_ms: quota.period_ms(),
    })
}

fn changes(
    before: &BTreeMap<String, f64>,
    after: &BTreeMap<String, f64>,
) -> BTreeMap<String, CounterChange> {
    after
        .iter()
        .filter_map(|(name, &after)| {
            let before = *before.get(name)?;
            let changed = before.total_cmp(&after).is_ne();
            changed.then(|| (name.clone(), CounterChange { before, after }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_that_changed_are_kept() {
        let map = |pairs: &[(&str, f64)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect::<BTreeMap<_, _>>()
        };
        let changed = changes(
            &map(&[("a", 1.0), ("b", 2.0)]),
            &map(&[("a", 1.0), ("b", 3.0), ("new", 4.0)]),
        );
        assert_eq!(changed.len(), 1);
        assert_eq!(
            changed["b"],
            CounterChange {
                before: 2.0,
                after: 3.0
            }
        );
    }
}
