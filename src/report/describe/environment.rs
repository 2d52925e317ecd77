//! Describes the machine and the program that measured.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Row;
use super::machine_load::{disk, driver, processors, shared_cores, stolen};
use crate::report::human::{bytes, counted, duration_us, per_second};
use crate::result::{Environment, RunResult};

pub(crate) fn environment_rows(result: &RunResult) -> Vec<Row> {
    let environment = &result.environment;
    let tool = &result.tool;
    let measured_by = match &tool.commit {
        Some(commit) => format!("{} {} ({commit})", tool.name, tool.version),
        None => format!("{} {}", tool.name, tool.version),
    };
    let started = result.runs.first().map(|run| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(run.started_unix_ms);
        humantime::format_rfc3339_seconds(at)
            .to_string()
            .replace('T', " ")
            .replace('Z', " UTC")
    });
    let fsync = environment.fsync.map(|fsync| {
        format!(
            "p50 {}, p99 {} (1 KiB + fdatasync, {} times)",
            duration_us(fsync.p50_us),
            duration_us(fsync.p99_us),
            fsync.samples
        )
    });
    let data_on = environment.data_fs_type.as_ref().map(|name| {
        if environment.on_tmpfs == Some(true) {
            format!("{name} (memory)")
        } else {
            name.clone()
        }
    });
    let cpu = match (&environment.cpu_model, environment.cores) {
        (Some(model), Some(cores)) => {
            Some(format!("{model}, {}", counted(u64::from(cores), "core")))
        }
        (Some(model), None) => Some(model.clone()),
        (None, cores) => cores.map(|cores| counted(u64::from(cores), "core")),
    };
    let rows = [
        ("Started", started),
        ("Measured by", Some(measured_by)),
        ("Host", environment.hostname.clone()),
        ("CPU", cpu),
        ("Memory", environment.memory_bytes.map(bytes)),
        ("Kernel", environment.kernel.clone()),
        ("System", environment.os.clone()),
        ("Data on", data_on),
        ("Sync takes", fsync),
        ("Disk before the runs", disk(&result.runs)),
        ("Shared cores", shared_cores(result)),
        ("Driver threads", driver(&result.runs)),
        ("Processors", processors(result)),
        ("Taken by the hypervisor", stolen(result)),
        ("Resolution", resolution(environment)),
        ("Calibrated", calibrated(environment)),
    ];
    rows.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Returns the rates of the calibration. Missing rates are left out.
fn calibrated(environment: &Environment) -> Option<String> {
    let rates = environment.calibrated_rates_per_s()?;
    let parts: Vec<String> = rates
        .into_iter()
        .zip(["pipelined", "one at a time"])
        .filter_map(|(rate, what)| Some(format!("{}/s {what}", per_second(rate?))))
        .collect();
    Some(if parts.is_empty() {
        "yes, see result.json".to_owned()
    } else {
        format!("a driver thread does {}", parts.join(", "))
    })
}

/// Returns the response times of a server that does nothing, measured on this machine.
fn resolution(environment: &Environment) -> Option<String> {
    let found = environment.resolution()?;
    Some(format!(
        "a server that does nothing shows p50 {}, p99 {}",
        duration_us(found.response_p50_us),
        duration_us(found.response_p99_us)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::row;
    use super::*;
    use crate::measure::DiskState;
    use crate::result::example;

    #[test]
    fn the_environment_rows_have_shared_cores_driver_disk_and_resolution() {
        let mut result = example::result();
        let rows = environment_rows(&result);
        assert_eq!(
            row(&rows, "Shared cores").unwrap(),
            "3 servers and 1 driver thread share 8 cores"
        );
        assert_eq!(
            row(&rows, "Driver threads").unwrap(),
            "12 % of a core busy; 0.1 % of the time waiting for a core"
        );
        assert_eq!(row(&rows, "Disk before the runs"), None);
        assert_eq!(row(&rows, "Resolution"), None);
        assert!(
            !result
                .warnings
                .iter()
                .any(|warning| warning.contains("share")),
            "shared cores are not a warning"
        );

        result.target.spec = "zk://10.0.0.1:2181".into();
        result.target.servers[0].address = "10.0.0.1:2181".into();
        result.runs[0].driver[0].waiting = None;
        result.runs[0].driver[0].nice = -20;
        result.runs[0].disk = Some(DiskState {
            baseline_us: 100.0,
            before_us: 130.0,
            waited_s: 2.5,
            settled: true,
        });
        result.environment = example::calibrated(34.0, 90.0);
        let rows = environment_rows(&result);
        assert_eq!(
            row(&rows, "Shared cores"),
            None,
            "the servers have their own machines"
        );
        assert_eq!(
            row(&rows, "Driver threads").unwrap(),
            "12 % of a core busy; how long they waited for a core is not known; preferred to others (nice -20)"
        );
        assert_eq!(
            row(&rows, "Disk before the runs").unwrap(),
            "a sync took 130 µs, and 100 µs before any server was started; settled after 2.50 s"
        );
        assert_eq!(
            row(&rows, "Resolution").unwrap(),
            "a server that does nothing shows p50 34.0 µs, p99 90.0 µs"
        );
    }
}
