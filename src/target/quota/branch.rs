//! Makes the CPU quota available below a control group of version 2.
//!
//! The kernel gives a group the files of a controller if the group above it hands the controller on
//! (`cgroup.subtree_control`), and a group that hands a controller on must not contain processes, except at the top.
//! Therefore this process moves into a group of its own below the one in which it was started, and moves back at the
//! end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::group::write;

/// Switches the controller on and off for the groups below.
const ON: &str = "+cpu";
const OFF: &str = "-cpu";

/// The own group of this process below the group in which it was started. Dropping it moves the process back.
#[derive(Debug)]
pub(super) struct Branch {
    top: PathBuf,
    own: PathBuf,
}

/// Hands the CPU controller on to the groups below `dir`. If it is necessary, this process moves into the group
/// `name` below `dir`, which is returned.
pub(super) fn hand_on(dir: &Path, name: &str) -> io::Result<Option<Branch>> {
    let has_cpu = |file: &str| -> io::Result<bool> {
        let text = fs::read_to_string(dir.join(file))?;
        Ok(text.split_whitespace().any(|word| word == "cpu"))
    };
    if !has_cpu("cgroup.controllers")? {
        let problem = format!("{} has no cpu controller", dir.display());
        return Err(io::Error::new(io::ErrorKind::Unsupported, problem));
    }
    let control = dir.join("cgroup.subtree_control");
    if has_cpu("cgroup.subtree_control")? {
        return Ok(None);
    }
    match write(&control, ON) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
        written => return written.map(|()| None),
    }
    let own = dir.join(name);
    fs::create_dir(&own)?;
    let branch = Branch {
        top: dir.to_owned(),
        own,
    };
    write(&branch.own.join("cgroup.procs"), &process())?;
    write(&control, ON)?;
    Ok(Some(branch))
}

fn process() -> String {
    std::process::id().to_string()
}

impl Drop for Branch {
    fn drop(&mut self) {
        // If a step fails, the group is left behind: it ends with the scope that the user started.
        let _ = write(&self.top.join("cgroup.subtree_control"), OFF);
        let _ = write(&self.top.join("cgroup.procs"), &process());
        let _ = fs::remove_dir(&self.own);
    }
}
