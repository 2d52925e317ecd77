//! The machine that measured.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

/// Facts about the machine that measured. A fact that the machine does not report is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub hostname: Option<String>,
    pub cpu_model: Option<String>,
    /// Logical CPUs that this process may use.
    pub cores: Option<u32>,
    /// Kernel name, release and architecture.
    pub kernel: Option<String>,
    /// Pretty name of the operating system.
    pub os: Option<String>,
    pub memory_bytes: Option<u64>,
    /// File system of the data directory of a local target: `ext4`.
    pub data_fs_type: Option<String>,
    /// Whether the data directory is in memory, where a sync costs nothing.
    pub on_tmpfs: Option<bool>,
    /// Sync time in the data directory.
    pub fsync: Option<FsyncLatency>,
    /// The last calibration of this machine, in the format of `quorate calibrate`.
    pub calibration: Option<serde_json::Value>,
}

/// Time for writing 1 KiB and syncing it with `fdatasync`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FsyncLatency {
    /// Number of writes.
    pub samples: u32,
    /// Median in microseconds.
    pub p50_us: f64,
    /// 99th percentile in microseconds.
    pub p99_us: f64,
}

/// The response times of a server that does nothing, measured on this machine. Smaller figures
/// cannot be measured here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Median response time in microseconds.
    pub response_p50_us: f64,
    /// 99th percentile of the response time in microseconds.
    pub response_p99_us: f64,
}

/// What a proxy without delay adds to a round trip, measured on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProxyCost {
    /// Difference of the medians in microseconds.
    pub adds_p50_us: f64,
    /// Difference of the 99th percentiles in microseconds.
    pub adds_p99_us: f64,
}

impl Environment {
    /// Returns what a proxy adds, from the last calibration of this machine.
    #[must_use]
    pub fn proxy_cost(&self) -> Option<ProxyCost> {
        let found = self.calibration.as_ref()?.get("proxy")?;
        let figure = |key| found.get(key)?.as_f64();
        Some(ProxyCost {
            adds_p50_us: figure("adds_p50_us")?,
            adds_p99_us: figure("adds_p99_us")?,
        })
    }

    /// Returns the resolution from the last calibration of this machine.
    #[must_use]
    pub fn resolution(&self) -> Option<Resolution> {
        let found = self.calibration.as_ref()?.get("resolution")?;
        let figure = |key| found.get(key)?.as_f64();
        Some(Resolution {
            response_p50_us: figure("response_p50_us")?,
            response_p99_us: figure("response_p99_us")?,
        })
    }

    /// Returns the operations per second of one driver thread in the last calibration of this
    /// machine: pipelined, and one at a time. `None` if there is no calibration.
    #[must_use]
    pub fn calibrated_rates_per_s(&self) -> Option<[Option<f64>; 2]> {
        let calibration = self.calibration.as_ref()?;
        let rate = |key| calibration.get(key)?.as_f64();
        Some([rate("pipelined_per_s"), rate("single_per_s")])
    }
}
