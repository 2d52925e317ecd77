//! `quorate ensemble`: starts, shows and ends a local ensemble that stays up.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::interrupt;
use super::output::{print, tell};
use crate::target::{
    DetachedConfig, DetachedEnsemble, InstallationSearch, ServerStatus, Software, TargetSpec,
    cache_dir,
};
use crate::workload::TargetShape;

/// Maximum number of voters, and of observers.
const SERVERS_MAX: i64 = 100;

/// Starts, shows and ends a local ensemble that stays up
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  quorate ensemble up --voters 3 --observers 1
  quorate run mixed --target zk://127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183
  quorate ensemble down")]
pub(super) struct EnsembleArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Up(UpArgs),
    Down(DownArgs),
    Status(StatusArgs),
}

/// Starts an ensemble and prints its connect string
#[derive(Args, Debug)]
struct UpArgs {
    #[command(flatten)]
    place: Place,
    /// Number of voting servers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=SERVERS_MAX))]
    voters: u16,
    /// Number of observers
    #[arg(long, value_name = "M", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=SERVERS_MAX))]
    observers: u16,
    /// Client port of the first server. Each further server has the next port. The quorum and election ports are
    /// 100 and 200 higher
    #[arg(long, value_name = "PORT", default_value_t = 2181, value_parser = clap::value_parser!(u16).range(1..))]
    base_port: u16,
    /// `bundled`, or `zookeeper[:DIR]` for a local Apache ZooKeeper
    #[arg(long, value_name = "TARGET", default_value = "bundled")]
    target: String,
    /// Folder of an Apache ZooKeeper, or of its jars
    #[arg(long, value_name = "DIR")]
    zookeeper_home: Option<PathBuf>,
    /// Acknowledges writes before they are on the disk
    #[arg(long)]
    no_fsync: bool,
    /// ZooKeeper's tickTime
    #[arg(long, value_name = "TIME", default_value = "2s")]
    tick_time: humantime::Duration,
    /// Heap of each Java server, MiB
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..))]
    heap: u32,
}

/// Ends the ensemble and removes its data
#[derive(Args, Debug)]
struct DownArgs {
    #[command(flatten)]
    place: Place,
    /// Keeps the data. The next `up` in the same folder uses it
    #[arg(long)]
    keep_data: bool,
}

/// Shows the servers. The exit status is 0 if all of them serve, else 1
#[derive(Args, Debug)]
struct StatusArgs {
    #[command(flatten)]
    place: Place,
}

#[derive(Args, Debug)]
struct Place {
    /// Folder of the ensemble [default: `ensemble` in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Place {
    fn dir(&self) -> PathBuf {
        self.dir
            .clone()
            .unwrap_or_else(|| cache_dir().join("ensemble"))
    }
}

pub(super) fn run(args: &EnsembleArgs) -> Result<Status, Failure> {
    match &args.verb {
        Verb::Up(args) => up(args),
        Verb::Down(args) => down(args),
        Verb::Status(args) => status(args),
    }
}

fn up(args: &UpArgs) -> Result<Status, Failure> {
    let software = match args.target.parse::<TargetSpec>().bad_usage()? {
        TargetSpec::Bundled => Software::Bundled,
        TargetSpec::ZooKeeper { home } => {
            let home = home.as_deref().or(args.zookeeper_home.as_deref());
            Software::Java(InstallationSearch::from_env().find(home)?)
        }
        TargetSpec::Live { .. } => {
            return Err(bad_usage(format!(
                "`{}` is running already; `quorate ensemble up` starts `bundled` or `zookeeper`",
                args.target
            )));
        }
    };
    let tick_time_ms = u64::try_from(args.tick_time.as_millis())
        .ok()
        .filter(|ms| (1..=600_000).contains(ms))
        .ok_or_else(|| bad_usage("--tick-time must lie between 1ms and 10m"))?;
    let shape = TargetShape {
        voters: args.voters,
        observers: args.observers,
        fsync: !args.no_fsync,
        tick_time_ms,
        heap_mib: args.heap,
        ..TargetShape::default()
    };
    let stop = interrupt::flag()?;
    let quorate = std::env::current_exe()?;
    let dir = args.place.dir();
    let (ensemble, _members) = DetachedEnsemble::up(&DetachedConfig {
        software: &software,
        shape: &shape,
        quorate: &quorate,
        dir: &dir,
        base_port: args.base_port,
        stop: &stop,
    })?;
    tell(&format!(
        "{} servers serve, in {}; `quorate ensemble down` ends them",
        ensemble.servers().len(),
        ensemble.dir().display()
    ));
    print(&format!("zk://{}", ensemble.connect_string()))?;
    Ok(Status::SUCCESS)
}

fn down(args: &DownArgs) -> Result<Status, Failure> {
    let ensemble = DetachedEnsemble::load(&args.place.dir())?;
    let ended = ensemble.down(args.keep_data)?;
    print(&format!(
        "{ended} of {} servers were running and have ended",
        ensemble.servers().len()
    ))?;
    Ok(Status::SUCCESS)
}

fn status(args: &StatusArgs) -> Result<Status, Failure> {
    let ensemble = DetachedEnsemble::load(&args.place.dir())?;
    let statuses = ensemble.statuses();
    let mut text = format!("zk://{}\n", ensemble.connect_string());
    for (server, status) in ensemble.servers().iter().zip(&statuses) {
        let pid = server
            .process
            .map_or_else(|| "-".to_owned(), |process| process.pid.to_string());
        let words = match status {
            ServerStatus::Serving(role) => role.word().unwrap_or("serving"),
            ServerStatus::NotServing => "running, not serving",
            ServerStatus::Ended => "gone",
        };
        text.push_str(&format!(
            "server {:<3} {:<21} pid {pid:<8} {words}\n",
            server.id, server.address
        ));
    }
    print(&text)?;
    let all_serve = statuses
        .iter()
        .all(|status| matches!(status, ServerStatus::Serving(_)));
    Ok(if all_serve {
        Status::SUCCESS
    } else {
        Status::ERROR
    })
}
