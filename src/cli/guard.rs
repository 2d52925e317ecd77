//! `quorate guard` (hidden): ties this process to its parent, then becomes a server.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use rustix::process::{Signal, getppid, set_parent_process_death_signal, setsid};

use super::failure::{Failure, Status};

/// Runs a program that ends when its parent does
#[derive(Args, Debug)]
pub(super) struct GuardArgs {
    /// End with the process of this id, which must be the parent
    #[arg(long, value_name = "PID", required_unless_present = "detach")]
    parent: Option<i32>,
    /// Begin a session of its own instead
    #[arg(long, conflicts_with = "parent")]
    detach: bool,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: &GuardArgs) -> Result<Status, Failure> {
    if args.detach {
        setsid().map_err(io::Error::from)?;
    }
    if let Some(parent) = args.parent {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
        // If the parent ended before the call above, the kernel sends no signal.
        if getppid().map(rustix::process::Pid::as_raw_pid) != Some(parent) {
            return Err(io::Error::other("the process that wanted this server is gone").into());
        }
    }
    let (program, arguments) = args
        .command
        .split_first()
        .ok_or_else(|| io::Error::other("no program given"))?;
    let error = Command::new(program).args(arguments).exec();
    Err(anyhow::anyhow!("cannot run {}: {error}", program.to_string_lossy()).into())
}
