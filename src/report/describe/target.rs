//! Describes the target of a result.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Row;
use super::network::{network_part, network_row};
use crate::report::human::{bytes, counted, duration_us, number, span_ms};
use crate::report::quota::percent;
use crate::result::{RunResult, Server};

/// `bundled, 3 voters + 1 observer`. Only the spec for a live ensemble, because the plan does not decide its size.
pub(crate) fn target_line(result: &RunResult) -> String {
    let mut line = result.target.spec.clone();
    if result.target.is_local() {
        let shape = &result.plan.target;
        line += &format!(", {}", counted(u64::from(shape.voters), "voter"));
        if shape.observers > 0 {
            line += &format!(" + {}", counted(u64::from(shape.observers), "observer"));
        }
    }
    if let Some(network) = network_part(result) {
        line += &format!(", {network}");
    }
    if let Some(version) = &result.target.server_version {
        line += &format!(", version {version}");
    }
    line
}

pub(crate) fn target_rows(result: &RunResult) -> Vec<Row> {
    let target = &result.target;
    let mut rows = vec![("Target", target.spec.clone())];
    let optional = [
        ("Version", target.server_version.clone()),
        ("Leader", target.leader.clone()),
        ("Data in", target.data_on.clone()),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    if target.is_local() {
        let shape = &result.plan.target;
        rows.push((
            "Shape",
            format!(
                "{} and {}, {}, tickTime {}",
                counted(u64::from(shape.voters), "voter"),
                counted(u64::from(shape.observers), "observer"),
                if shape.fsync {
                    "log synced before each acknowledgement"
                } else {
                    "log not synced"
                },
                span_ms(shape.tick_time_ms)
            ),
        ));
    }
    rows.extend(network_row(result).map(|network| ("Network", network)));
    if let Some(quota) = target.cpu_quota {
        rows.push((
            "CPU quota",
            format!(
                "{} of one core for each server during the load, in periods of {} ms",
                percent(quota.share),
                number(quota.period_ms)
            ),
        ));
    }
    if !target.driver_cores.is_empty() {
        let line = format!("the driver has {}", cores(&target.driver_cores));
        rows.push(("Pinned", line));
    }
    if let Some(start_ms) = target.start_ms {
        rows.push((
            "Start",
            format!(
                "{} from the first process until all served",
                duration_us(start_ms * 1_000.0)
            ),
        ));
    }
    rows.extend(
        target
            .servers
            .iter()
            .map(|server| ("Server", server_line(server))),
    );
    rows
}

fn server_line(server: &Server) -> String {
    let mut text = server.address.clone();
    // The mode (`leader`) implies the role (`voter`), so only one of them is shown.
    for part in [
        server.mode.as_ref().or(server.role.as_ref()),
        server.version.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        text += &format!(", {part}");
    }
    if !server.cores.is_empty() {
        text += &format!(", {}", cores(&server.cores));
    }
    match (server.rss_start_bytes, server.rss_end_bytes) {
        (Some(start), Some(end)) => {
            text += &format!(
                ", memory {} idle, {} after the load",
                bytes(start),
                bytes(end)
            );
        }
        (Some(start), None) => text += &format!(", memory {} idle", bytes(start)),
        _ => {}
    }
    text
}

/// `core 0`, `cores 0, 1`.
fn cores(numbers: &[u32]) -> String {
    let list: Vec<String> = numbers.iter().map(u32::to_string).collect();
    let noun = if numbers.len() == 1 { "core" } else { "cores" };
    format!("{noun} {}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::row;
    use super::*;
    use crate::result::{CpuQuota, example};

    #[test]
    fn the_target_rows_have_quota_and_cores() {
        let mut result = example::result();
        let rows = target_rows(&result);
        assert_eq!(
            (row(&rows, "CPU quota"), row(&rows, "Pinned")),
            (None, None)
        );
        result.target.cpu_quota = Some(CpuQuota {
            share: 0.03,
            period_ms: 50.0,
        });
        result.target.driver_cores = vec![2, 3];
        result.target.servers[0].cores = vec![0];
        let rows = target_rows(&result);
        assert_eq!(
            row(&rows, "CPU quota").unwrap(),
            "3 % of one core for each server during the load, in periods of 50 ms"
        );
        assert_eq!(row(&rows, "Pinned").unwrap(), "the driver has cores 2, 3");
        let server = row(&rows, "Server").unwrap();
        assert!(server.contains(", core 0"), "{server}");
    }
}
