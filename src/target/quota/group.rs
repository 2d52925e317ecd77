//! A control group of one server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::limit::{Limit, throttled};
use super::place::{Place, Version};
use crate::measure::Throttled;

/// Maximum time between the end of a process and its leaving of the group.
const LEAVING: Duration = Duration::from_millis(200);

/// A control group. Dropping it removes it; its processes must have ended by then.
#[derive(Debug)]
pub(super) struct Group {
    version: Version,
    dir: PathBuf,
}

impl Group {
    /// Creates the group `name` in `place`.
    pub(super) fn create(place: &Place, name: &str) -> io::Result<Self> {
        let dir = place.dir.join(name);
        fs::create_dir(&dir)?;
        Ok(Self {
            version: place.version,
            dir,
        })
    }

    /// Moves the process, with all its threads, into the group. Processes that it starts later belong to the group.
    pub(super) fn add(&self, pid: u32) -> io::Result<()> {
        write(&self.dir.join("cgroup.procs"), &pid.to_string())
    }

    pub(super) fn limit(&self, limit: Limit) -> io::Result<()> {
        let Limit {
            quota_us,
            period_us,
        } = limit;
        match self.version {
            Version::V1 => {
                let period = self.dir.join("cpu.cfs_period_us");
                write(&period, &period_us.to_string())?;
                write(&self.quota_file(), &quota_us.to_string())
            }
            Version::V2 => write(&self.quota_file(), &format!("{quota_us} {period_us}")),
        }
    }

    /// Removes the limit.
    pub(super) fn lift(&self) -> io::Result<()> {
        match self.version {
            Version::V1 => write(&self.quota_file(), "-1"),
            Version::V2 => write(&self.quota_file(), "max"),
        }
    }

    /// Returns how often the quota stopped the group since its creation; `None` if the kernel does not report it.
    pub(super) fn throttled(&self) -> Option<Throttled> {
        throttled(&fs::read_to_string(self.dir.join("cpu.stat")).ok()?)
    }

    #[cfg(test)]
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn quota_file(&self) -> PathBuf {
        self.dir.join(match self.version {
            Version::V1 => "cpu.cfs_quota_us",
            Version::V2 => "cpu.max",
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // If the removal fails, the group is removed at the next start.
        let _ = remove(&self.dir);
    }
}

/// Removes the group `dir`, whose processes have ended.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    let until = Instant::now() + LEAVING;
    loop {
        match fs::remove_dir(dir) {
            // The kernel reports the end of a process before the process has left its processor and its group. There is
            // no event for that, and it takes microseconds.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until => {
                thread::yield_now();
            }
            removed => return removed,
        }
    }
}

/// Writes to a file of the kernel, which must exist.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
