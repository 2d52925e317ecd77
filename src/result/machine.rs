//! The machine that measured, as a result describes it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

/// The machine that measured; a field is missing where the machine does not tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Host name.
    pub hostname: Option<String>,
    /// Model name of the CPU.
    pub cpu_model: Option<String>,
    /// Logical CPUs that this process may use.
    pub cores: Option<u32>,
    /// Kernel name, release and machine.
    pub kernel: Option<String>,
    /// Pretty name of the operating system.
    pub os: Option<String>,
    /// Memory of the machine.
    pub memory_bytes: Option<u64>,
    /// File system of the data directory of a local target: `ext4`.
    pub data_fs_type: Option<String>,
    /// Whether that directory lies in memory, where a sync costs nothing.
    pub on_tmpfs: Option<bool>,
    /// How long a sync takes in that directory.
    pub fsync: Option<FsyncLatency>,
    /// The last calibration of this machine, as `quorate calibrate` wrote it.
    pub calibration: Option<serde_json::Value>,
}

/// Time for writing 1 KiB and syncing it with `fdatasync`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FsyncLatency {
    /// Writes measured.
    pub samples: u32,
    /// Median, microseconds.
    pub p50_us: f64,
    /// 99th percentile, microseconds.
    pub p99_us: f64,
}

/// What this machine can tell of a server at the least: the figures of one that does nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Median response time, microseconds.
    pub response_p50_us: f64,
    /// 99th percentile of the response time.
    pub response_p99_us: f64,
}

impl Environment {
    /// The resolution that the last calibration of this machine found.
    #[must_use]
    pub fn resolution(&self) -> Option<Resolution> {
        let found = self.calibration.as_ref()?.get("resolution")?;
        let figure = |key| found.get(key)?.as_f64();
        Some(Resolution {
            response_p50_us: figure("response_p50_us")?,
            response_p99_us: figure("response_p99_us")?,
        })
    }

    /// Operations per second that one driver thread did in the last calibration of this machine,
    /// pipelined and one at a time; `None` if there is no calibration.
    #[must_use]
    pub fn calibrated_rates_per_s(&self) -> Option<[Option<f64>; 2]> {
        let calibration = self.calibration.as_ref()?;
        let rate = |key| calibration.get(key)?.as_f64();
        Some([rate("pipelined_per_s"), rate("single_per_s")])
    }
}
