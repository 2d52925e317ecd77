//! The folders in which this process may be allowed to create control groups with a CPU quota.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::path::{Path, PathBuf};

use procfs::ProcessCGroup;
use procfs::process::MountInfo;

/// The version of the kernel's interface for control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// The folder of a control group, in which further groups can be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) dir: PathBuf,
}

/// Returns the places in the order in which they should be tried: the own group of this process in version 1,
/// then the top of version 2 (which root may use), then the own group in version 2 (which a user may use if it
/// was delegated).
pub(super) fn places(mounts: &[MountInfo], groups: &[ProcessCGroup]) -> Vec<Place> {
    let mut found = Vec::new();
    let mut add = |version, dir: PathBuf| {
        let place = Place { version, dir };
        if !found.contains(&place) {
            found.push(place);
        }
    };
    let has_cpu = |mount: &&MountInfo| mount.super_options.contains_key("cpu");
    let first = mounts.iter().filter(|mount| mount.fs_type == "cgroup");
    let own = groups
        .iter()
        .find(|group| group.controllers.iter().any(|name| name == "cpu"));
    if let (Some(mount), Some(own)) = (first.clone().find(has_cpu), own) {
        add(Version::V1, below(mount, &own.pathname));
    }
    let unified = mounts.iter().find(|mount| mount.fs_type == "cgroup2");
    let own = groups.iter().find(|group| group.hierarchy == 0);
    if let (Some(mount), Some(own)) = (unified, own) {
        add(Version::V2, mount.mount_point.clone());
        add(Version::V2, below(mount, &own.pathname));
    }
    found
}

/// Returns the folder of the group `path`. In a container the mount may begin at another group than the top.
fn below(mount: &MountInfo, path: &str) -> PathBuf {
    let path = Path::new(path);
    let inside = path
        .strip_prefix(&mount.root)
        .or_else(|_outside| path.strip_prefix("/"))
        .unwrap_or(Path::new(""));
    let inside_only = inside.components().all(|part| part.as_os_str() != "..");
    if inside_only && inside != Path::new("") {
        mount.mount_point.join(inside)
    } else {
        mount.mount_point.clone()
    }
}

#[cfg(test)]
mod tests {
    use procfs::process::MountInfos;
    use procfs::{FromBufRead as _, ProcessCGroups};

    use super::*;

    fn found(mounts: &str, groups: &str) -> Vec<(Version, String)> {
        let mounts = MountInfos::from_buf_read(mounts.as_bytes()).unwrap();
        let groups = ProcessCGroups::from_buf_read(groups.as_bytes()).unwrap();
        let places = places(&mounts.0, &groups.0).into_iter();
        places
            .map(|place| (place.version, place.dir.display().to_string()))
            .collect()
    }

    #[test]
    fn version_1_is_tried_first_and_in_version_2_the_top_before_the_own_group() {
        let mounts = "30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let groups = "9:memory:/m\n2:cpu,cpuacct:/user.slice\n0::/user.slice/session-1.scope\n";
        let expected = [
            (Version::V1, "/sys/fs/cgroup/cpu,cpuacct/user.slice"),
            (Version::V2, "/sys/fs/cgroup/unified"),
            (
                Version::V2,
                "/sys/fs/cgroup/unified/user.slice/session-1.scope",
            ),
        ];
        let expected = expected.map(|(version, dir)| (version, dir.to_owned()));
        assert_eq!(found(mounts, groups), expected);
    }

    #[test]
    fn in_a_container_the_path_is_taken_from_the_root_of_the_mount() {
        let mounts = "32 24 0:28 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let top = (Version::V2, "/sys/fs/cgroup".to_owned());
        let own = (Version::V2, "/sys/fs/cgroup/job".to_owned());
        assert_eq!(found(mounts, "0::/docker/abc/job\n"), [top.clone(), own]);
        assert_eq!(
            found(mounts, "0::/docker/abc\n"),
            std::slice::from_ref(&top)
        );
        assert_eq!(found(mounts, "0::/../other\n"), [top]);
        assert_eq!(found("", "0::/\n"), []);
    }
}
