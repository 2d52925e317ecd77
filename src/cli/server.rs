//! `quorate server`: runs the bundled server, with the verbs and messages of ZooKeeper's `zkServer.sh`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};
use rustix::process::Signal;

use super::failure::{Failure, MeansStatus, Status};
use super::output::{self, print, tell};
use super::server_config::{ServerConfig, config_path};
use crate::protocol::zookeeper::four_letter;
use crate::target::{Launch, Lifetime, ProcessIdentity, await_any_end, describe_exit, log_tails};

/// A server that has run for this long counts as started, even if it does not answer yet.
const START_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time for a server to end after SIGTERM, and again after SIGKILL.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for an answer of the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval between requests to a starting server.
const ASK: Duration = Duration::from_millis(10);
/// How long a server that fails waits for its error to be read.
const ERROR_PRINTED_WITHIN: Duration = Duration::from_secs(1);
/// A process counts as a server only if its command line has this word.
const MARK: &str = "start-foreground";

/// Runs the bundled server, with the verbs of zkServer.sh
///
/// Reads a zoo.cfg of ZooKeeper. The default is $ZOOCFGDIR/$ZOOCFG, or conf/zoo.cfg if these are not set.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Runs the server in the foreground
    StartForeground(ConfigArg),
    /// Starts the server in the background
    Start(ConfigArg),
    /// Stops the server
    Stop(ConfigArg),
    /// Stops the server if it runs, and starts it
    Restart(ConfigArg),
    /// Prints the mode of the server: leader, follower, observer or standalone
    Status(ConfigArg),
    /// Prints the command that `start` runs
    PrintCmd(ConfigArg),
}

#[derive(Args, Debug)]
struct ConfigArg {
    /// Configuration [default: $ZOOCFGDIR/$ZOOCFG, or conf/zoo.cfg]
    #[arg(value_name = "zoo.cfg")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &ServerArgs) -> Result<Status, Failure> {
    match &args.verb {
        Verb::StartForeground(arg) => start_foreground(&config_path(arg.config.as_deref())),
        Verb::Start(arg) => start(&load(arg)?),
        Verb::Stop(arg) => stop(&load(arg)?),
        Verb::Restart(arg) => {
            let config = load(arg)?;
            stop(&config)?;
            start(&config)
        }
        Verb::Status(arg) => status(&load(arg)?),
        Verb::PrintCmd(arg) => {
            let config = load(arg)?;
            let (program, arguments) = command(&config)?;
            let words: Vec<String> = std::iter::once(program.into_os_string())
                .chain(arguments)
                .map(|word| quoted(&word.to_string_lossy()))
                .collect();
            print(&words.join(" "))?;
            Ok(Status::SUCCESS)
        }
    }
}

/// Runs the server in this process. The exit statuses are those of ZooKeeper.
fn start_foreground(path: &Path) -> Result<Status, Failure> {
    let config = crate::ensemble::config::Config::load(path).meaning(Status::BAD_USAGE)?;
    match crate::ensemble::node::run(&config) {
        Ok(()) => Ok(Status::SUCCESS),
        Err(error) => {
            let status = Status(error.exit_status());
            // Whatever supervises a server acts on its end, so a full pipe must not hold it up.
            output::error_within(&Failure::from(error).text(), ERROR_PRINTED_WITHIN);
            Ok(status)
        }
    }
}

fn load(arg: &ConfigArg) -> Result<ServerConfig, Failure> {
    let path = config_path(arg.config.as_deref());
    tell(&format!("Using config: {}", path.display()));
    ServerConfig::load(&path).bad_usage()
}

fn command(config: &ServerConfig) -> anyhow::Result<(PathBuf, Vec<OsString>)> {
    let path = fs::canonicalize(&config.path)
        .with_context(|| format!("cannot find {}", config.path.display()))?;
    Ok((
        env::current_exe()?,
        vec!["server".into(), MARK.into(), path.into_os_string()],
    ))
}

fn start(config: &ServerConfig) -> Result<Status, Failure> {
    if let Some(server) = running(config) {
        print(&format!(
            "Starting zookeeper ... already running as process {}.",
            server.pid
        ))?;
        return Ok(Status::ERROR);
    }
    // If another process listened on this port, its answers would be taken for those of the server.
    let client = config.client;
    if let Err(error) = TcpListener::bind(client) {
        print("Starting zookeeper ... FAILED TO START")?;
        return Err(anyhow::anyhow!("cannot listen on {client} (clientPort): {error}").into());
    }
    fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot create {}", config.data_dir.display()))?;
    let log_dir = env::var_os("ZOO_LOG_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| config.data_dir.clone(), PathBuf::from);
    fs::create_dir_all(&log_dir).with_context(|| format!("cannot create {}", log_dir.display()))?;
    let log = log_dir.join("zookeeper-server.out");
    let (program, args) = command(config)?;
    let quorate = program.clone();
    let mut child = Launch {
        quorate: &quorate,
        program,
        args,
        dir: Path::new("."),
        output: &log,
        lifetime: Lifetime::Detached,
        cores: &[],
    }
    .start()
    .with_context(|| {
        format!(
            "cannot start the server with its output in {}",
            log.display()
        )
    })?;
    let pid_file = config.pid_file();
    fs::write(&pid_file, child.id().to_string())
        .with_context(|| format!("cannot write {}", pid_file.display()))?;
    let began = Instant::now();
    while began.elapsed() < START_TIMEOUT {
        if let Some(status) = child.try_wait()? {
            let _ = fs::remove_file(&pid_file);
            print("Starting zookeeper ... FAILED TO START")?;
            return Err(anyhow::anyhow!(
                "the server ended with {}; {}",
                describe_exit(status),
                log_tails(&[log])
            )
            .into());
        }
        // The server listens before it has read its data, and answers after that.
        if four_letter(client, "ruok", ANSWER_TIMEOUT).is_ok() {
            break;
        }
        await_any_end([&child], ASK);
    }
    print("Starting zookeeper ... STARTED")?;
    Ok(Status::SUCCESS)
}

fn stop(config: &ServerConfig) -> Result<Status, Failure> {
    let pid_file = config.pid_file();
    let Some(server) = running(config) else {
        print(&format!(
            "Stopping zookeeper ... no zookeeper to stop (could not find file {})",
            pid_file.display()
        ))?;
        // The pid file may be left from a server that ended by itself.
        let _ = fs::remove_file(&pid_file);
        return Ok(Status::SUCCESS);
    };
    let ended = server
        .end(Signal::TERM, STOP_TIMEOUT)
        .and_then(|ended| Ok(ended || server.end(Signal::KILL, STOP_TIMEOUT)?))
        .with_context(|| format!("cannot stop process {}", server.pid))?;
    if !ended {
        return Err(anyhow::anyhow!("process {} does not end", server.pid).into());
    }
    let _ = fs::remove_file(&pid_file);
    print("Stopping zookeeper ... STOPPED")?;
    Ok(Status::SUCCESS)
}

fn status(config: &ServerConfig) -> Result<Status, Failure> {
    let client = config.client;
    print(&format!(
        "Client port found: {}. Client address: {}. Client SSL: false.",
        client.port(),
        client.ip()
    ))?;
    let answer = four_letter(client, "srvr", ANSWER_TIMEOUT).unwrap_or_default();
    if let Some(line) = answer.lines().find(|line| line.contains("Mode")) {
        print(line)?;
        return Ok(Status::SUCCESS);
    }
    match answer.lines().next() {
        Some(line) => print(&format!(
            "Error contacting service. It runs, but answered: {line}"
        ))?,
        None => print("Error contacting service. It is probably not running.")?,
    }
    Ok(Status::ERROR)
}

/// Returns the process of the pid file if it is a server.
fn running(config: &ServerConfig) -> Option<ProcessIdentity> {
    let pid: u32 = fs::read_to_string(config.pid_file())
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let identity = ProcessIdentity::of(pid)?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    // The pid may belong to another process by now.
    let is_server = command
        .split(|byte| *byte == 0)
        .any(|word| word == MARK.as_bytes());
    is_server.then_some(identity)
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_quoted_for_the_shell() {
        assert_eq!(quoted("/a/b-c"), "/a/b-c");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'b"), "'a'\\''b'");
        assert_eq!(quoted(""), "''");
    }
}
