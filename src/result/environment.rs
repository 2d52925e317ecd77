//! Describes the machine from `/proc`, `/etc` and the kernel. A fact that cannot be read is `None`;
//! it is never guessed and never an error.

use std::fs;
use std::path::Path;

use procfs::{Current as _, Meminfo, MountEntry};

use super::fsync::fsync_latency;
use super::machine::Environment;

/// Describes this machine. `data_dir` is the data directory of a local target; its file system and
/// sync time are measured. The caller adds the calibration.
#[must_use]
pub fn gather(data_dir: Option<&Path>) -> Environment {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let fs_type = data_dir.and_then(fs_type);
    Environment {
        hostname: Some(text(uname.nodename())).filter(|name| !name.is_empty()),
        cpu_model: read("/proc/cpuinfo").and_then(|cpuinfo| cpu_model(&cpuinfo)),
        cores: std::thread::available_parallelism()
            .ok()
            .and_then(|cores| u32::try_from(cores.get()).ok()),
        kernel: Some(format!(
            "{} {} {}",
            text(uname.sysname()),
            text(uname.release()),
            text(uname.machine())
        )),
        os: read("/etc/os-release").and_then(|release| os_name(&release)),
        memory_bytes: machine_memory_bytes(),
        on_tmpfs: fs_type
            .as_deref()
            .map(|name| matches!(name, "tmpfs" | "ramfs")),
        data_fs_type: fs_type,
        fsync: data_dir.and_then(|dir| fsync_latency(dir).ok()),
        calibration: None,
    }
}

/// Returns the memory of this machine in bytes.
#[must_use]
pub fn machine_memory_bytes() -> Option<u64> {
    Some(Meminfo::current().ok()?.mem_total)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Returns the CPU model. x86 has `model name`, some ARM boards have `Model` or `Hardware`, others
/// have none of them.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    ["model name", "Model", "Hardware", "cpu model"]
        .iter()
        .find_map(|key| {
            cpuinfo.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                (name.trim() == *key)
                    .then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
            })
        })
        .filter(|model| !model.is_empty())
}

fn os_name(release: &str) -> Option<String> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

/// Returns the type of the file system of `dir`.
fn fs_type(dir: &Path) -> Option<String> {
    let dir = fs::canonicalize(dir).ok()?;
    mount_of(&dir, &procfs::mounts().ok()?)
}

/// Returns the file system of the longest mount point that contains `dir`. Of equal mount points
/// the last one counts, because it hides the others.
fn mount_of(dir: &Path, mounts: &[MountEntry]) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for mount in mounts {
        // The kernel writes a blank as \040, and procfs does not decode it.
        let point = mount.fs_file.replace("\\040", " ");
        if dir.starts_with(&point) && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), &mount.fs_vfstype));
        }
    }
    best.map(|(_, fs_type)| fs_type.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use procfs::FromBufRead as _;

    #[test]
    fn cpu_model_and_os_name_are_parsed() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Example  CPU @ 2.0GHz\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("Example CPU @ 2.0GHz"));
        assert_eq!(cpu_model("processor : 0\n"), None);
        let release = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
        assert_eq!(os_name(release).as_deref(), Some("Debian GNU/Linux 12"));
    }

    #[test]
    fn the_longest_matching_mount_point_counts() {
        let mounts = "/dev/sda / ext4 rw 0 0\ntmpfs /data tmpfs rw 0 0\n/dev/sdb /data/my\\040disk xfs rw 0 0\n";
        let mounts = Vec::<MountEntry>::from_buf_read(mounts.as_bytes()).unwrap();
        let of = |path: &str| mount_of(Path::new(path), &mounts);
        assert_eq!(of("/var/lib").as_deref(), Some("ext4"));
        assert_eq!(of("/data/x").as_deref(), Some("tmpfs"));
        assert_eq!(of("/database").as_deref(), Some("ext4"));
        assert_eq!(of("/data/my disk/x").as_deref(), Some("xfs"));
    }

    #[test]
    fn this_machine_has_a_kernel_cores_and_memory() {
        let dir = tempfile::tempdir().unwrap();
        let environment = gather(Some(dir.path()));
        assert!(environment.kernel.unwrap().starts_with("Linux "));
        assert!(environment.cores.unwrap() >= 1);
        assert!(environment.memory_bytes.unwrap() > 0);
        assert!(environment.data_fs_type.is_some());
        assert!(environment.fsync.is_some());
        let nowhere = gather(None);
        assert_eq!((nowhere.fsync, nowhere.on_tmpfs), (None, None));
    }
}
