//! Server processes. Each server has its own ports, and is killed when the test ends.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quorate::target::{Installation, Launch, Lifetime, MAIN_CLASS};

/// Longest time that a test waits for an event before it fails. It does not measure speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(15);

/// Calls `ready` until it returns a value. Polls, because a server does not announce changes of its state.
pub(crate) fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "timed out waiting for {what}");
        thread::sleep(POLL);
    }
}

/// Returns a loopback address that only this process uses, so that no other process takes the ports of a
/// server that is down.
pub(crate) fn own_ip() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 + (high & 0x7f), middle, low)
}

/// Returns a free port of [`own_ip`] that this process has not used yet. It lies below the kernel's
/// ephemeral range.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(11_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((own_ip(), port)).is_ok() {
            return port;
        }
    }
}

/// The implementation that a server runs.
#[derive(Clone, Debug)]
pub(crate) enum Software {
    Ours,
    #[allow(dead_code, reason = "used by the tests that need Java")]
    Java(Installation),
}

/// A server, which may be stopped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) id: usize,
    pub(crate) dir: PathBuf,
    pub(crate) client: SocketAddr,
    pub(crate) quorum: SocketAddr,
    pub(crate) election: SocketAddr,
    pub(crate) software: Software,
    child: Option<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("server {} ({}):\n{}", self.id, self.client, self.output());
        }
    }
}

impl Server {
    fn new(root: &Path, id: usize) -> Self {
        let address = || SocketAddr::from((own_ip(), free_port()));
        let dir = root.join(format!("server{id}"));
        fs::create_dir_all(dir.join("data")).unwrap();
        fs::write(dir.join("data/myid"), format!("{id}\n")).unwrap();
        Self {
            id,
            dir,
            client: address(),
            quorum: address(),
            election: address(),
            software: Software::Ours,
            child: None,
        }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("zoo.cfg")
    }

    /// Returns the directory of the logs and snapshots.
    pub(crate) fn version_dir(&self) -> PathBuf {
        self.dir.join("data/version-2")
    }

    /// Starts the process with a soft limit of `files` open files.
    #[allow(dead_code, reason = "used by the tests without Java")]
    pub(crate) fn start_with_open_files(&mut self, files: u32) {
        self.start_with_limit(&format!("-S -n {files}"));
    }

    /// Starts the process with a limit of `files` open files that it cannot raise.
    #[allow(dead_code, reason = "used by the tests without Java")]
    pub(crate) fn start_with_open_files_at_most(&mut self, files: u32) {
        self.start_with_limit(&format!("-n {files}"));
    }

    fn start_with_limit(&mut self, limit: &str) {
        let script = format!("ulimit {limit}; exec \"$0\" server start-foreground \"$1\"");
        let args = vec![
            "-c".into(),
            script.into(),
            env!("CARGO_BIN_EXE_quorate").into(),
            self.config().into_os_string(),
        ];
        self.launch("/bin/sh".into(), args);
    }

    /// Starts the process and does not wait until it serves.
    pub(crate) fn start(&mut self) {
        let quorate = Path::new(env!("CARGO_BIN_EXE_quorate"));
        let (program, args) = match &self.software {
            Software::Ours => (
                quorate.to_owned(),
                vec![
                    "server".into(),
                    "start-foreground".into(),
                    self.config().into_os_string(),
                ],
            ),
            Software::Java(installation) => {
                (installation.java.clone(), self.java_arguments(installation))
            }
        };
        self.launch(program, args);
    }

    fn launch(&mut self, program: PathBuf, args: Vec<OsString>) {
        assert!(
            self.child.is_none(),
            "server {} is already running",
            self.id
        );
        let launch = Launch {
            quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
            program,
            args,
            dir: &self.dir,
            output: &self.dir.join("output"),
            lifetime: Lifetime::WithParent,
            cores: &[],
        };
        self.child = Some(launch.start().unwrap());
    }

    fn java_arguments(&self, installation: &Installation) -> Vec<OsString> {
        let log4j = "log4j.rootLogger=INFO, A\n\
             log4j.appender.A=org.apache.log4j.ConsoleAppender\n\
             log4j.appender.A.layout=org.apache.log4j.PatternLayout\n\
             log4j.appender.A.layout.ConversionPattern=%d %-5p %c{1} %m%n\n";
        let logback = "<configuration><appender name=\"A\" class=\"ch.qos.logback.core.ConsoleAppender\">\
             <encoder><pattern>%date %-5level %logger{0} %msg%n</pattern></encoder></appender>\
             <root level=\"INFO\"><appender-ref ref=\"A\"/></root></configuration>\n";
        fs::write(self.dir.join("log4j.properties"), log4j).unwrap();
        fs::write(self.dir.join("logback.xml"), logback).unwrap();
        vec![
            "-Xmx128m".into(),
            "-XX:TieredStopAtLevel=1".into(),
            "-Dzookeeper.jmx.log4j.disable=true".into(),
            "-Dzookeeper.admin.enableServer=false".into(),
            "-cp".into(),
            installation.class_path(&self.dir),
            MAIN_CLASS.into(),
            self.config().into_os_string(),
        ]
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _already_gone = child.kill();
            let _status = child.wait();
        }
    }

    /// Sends SIGKILL without waiting, so that several servers can be killed at the same time.
    pub(crate) fn strike(&mut self) {
        self.child.as_mut().unwrap().kill().unwrap();
    }

    /// Sends SIGSTOP and waits until every thread has stopped. The connections stay open. Without the wait, a
    /// running JVM thread could still handle a request after `kill` has returned.
    pub(crate) fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
        let tasks = format!("/proc/{}/task", self.child.as_ref().unwrap().id());
        wait_for("all threads to stop", || {
            let mut threads = fs::read_dir(&tasks).unwrap();
            let stopped = threads.all(|thread| {
                let stat = fs::read_to_string(thread.unwrap().path().join("stat"));
                // A thread that has ended counts as stopped.
                stat.map_or(true, |stat| {
                    stat.rsplit(") ").next().unwrap().starts_with('T')
                })
            });
            stopped.then_some(())
        });
    }

    pub(crate) fn resume(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let child = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(child, signal).unwrap();
    }

    /// Returns the most memory that the process has had so far.
    #[allow(dead_code, reason = "used by the tests without Java")]
    pub(crate) fn memory_bytes_max(&self) -> usize {
        self.status_bytes("VmHWM:")
    }

    /// Returns how much memory the process has.
    #[allow(dead_code, reason = "used by the tests without Java")]
    pub(crate) fn memory_bytes(&self) -> usize {
        self.status_bytes("VmRSS:")
    }

    fn status_bytes(&self, key: &str) -> usize {
        let path = format!("/proc/{}/status", self.child.as_ref().unwrap().id());
        let status = fs::read_to_string(path).unwrap();
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_suffix("kB"));
        kib.unwrap().trim().parse::<usize>().unwrap() << 10
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Waits until the process ends on its own.
    pub(crate) fn await_exit(&mut self) -> ExitStatus {
        let child = self.child.as_mut().unwrap();
        let status = wait_for("the server to end", || child.try_wait().unwrap());
        self.child = None;
        status
    }

    /// Returns everything that the server has written to standard output and standard error.
    pub(crate) fn output(&self) -> String {
        let bytes = fs::read(self.dir.join("output")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends a four-letter word. Returns `None` if no server answers.
    pub(crate) fn word(&self, word: &str) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.client, Duration::from_secs(5)).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream.write_all(word.as_bytes()).ok()?;
        let _already_closed = stream.shutdown(Shutdown::Write);
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Returns `leader`, `follower`, `observer` or `standalone`, or `None` while the server does not serve.
    pub(crate) fn mode(&self) -> Option<String> {
        let text = self.word("srvr")?;
        text.lines()
            .find_map(|line| line.strip_prefix("Mode: "))
            .map(str::to_owned)
    }

    /// Waits until the server serves. Returns its mode.
    pub(crate) fn await_serving(&mut self) -> String {
        wait_for(&format!("server {} to serve", self.id), || {
            assert!(self.is_running(), "server {} ended", self.id);
            self.mode()
        })
    }
}

/// The servers of one ensemble.
#[derive(Debug)]
pub(crate) struct Ensemble {
    pub(crate) servers: Vec<Server>,
    // Fields are dropped in order, so the directory outlives the servers.
    _root: tempfile::TempDir,
}

impl Ensemble {
    /// Starts three voters so that the last one leads: the first and the last elect the one with the higher
    /// id, and then the second joins.
    pub(crate) fn start_led_by_the_last(&mut self) {
        for index in [2, 0] {
            self.servers[index].start();
        }
        for index in [2, 0] {
            self.servers[index].await_serving();
        }
        self.servers[1].start();
        self.servers[1].await_serving();
        assert_eq!(self.leader(), 2, "{:?}", self.servers[2].software);
    }

    /// Writes the configuration of `voters` voters, followed by `observers` observers, without starting them.
    /// The `extra` lines precede the other lines.
    pub(crate) fn prepared(voters: usize, observers: usize, extra: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let count = voters + observers;
        let servers: Vec<Server> = (1..=count).map(|id| Server::new(root.path(), id)).collect();
        let mut lines = String::new();
        if count > 1 {
            for server in &servers {
                let kind = if server.id > voters { ":observer" } else { "" };
                let (quorum, election) = (server.quorum.port(), server.election.port());
                lines += &format!(
                    "server.{}={}:{quorum}:{election}{kind}\n",
                    server.id,
                    own_ip()
                );
            }
        }
        for server in &servers {
            let role = if server.id > voters {
                "peerType=observer\n"
            } else {
                ""
            };
            let text = format!(
                "{extra}{}initLimit=40\nsyncLimit=20\n{}admin.enableServer=false\n\
                 4lw.commands.whitelist=*\ndataDir={}\nclientPort={}\nclientPortAddress={}\n{}{role}{lines}",
                if extra.contains("tickTime") {
                    ""
                } else {
                    "tickTime=500\n"
                },
                if extra.contains("maxClientCnxns") {
                    ""
                } else {
                    "maxClientCnxns=0\n"
                },
                server.dir.join("data").display(),
                server.client.port(),
                own_ip(),
                if extra.contains("axSessionTimeout") {
                    ""
                } else {
                    "maxSessionTimeout=120000\n"
                },
            );
            fs::write(server.config(), text).unwrap();
        }
        Self {
            servers,
            _root: root,
        }
    }

    /// Starts all servers and waits until all serve.
    pub(crate) fn start(voters: usize, observers: usize) -> Self {
        Self::start_with(voters, observers, "")
    }

    pub(crate) fn start_with(voters: usize, observers: usize, extra: &str) -> Self {
        let mut ensemble = Self::prepared(voters, observers, extra);
        ensemble.start_all();
        ensemble
    }

    pub(crate) fn start_all(&mut self) {
        for server in &mut self.servers {
            server.start();
        }
        self.await_all();
    }

    pub(crate) fn await_all(&mut self) {
        for server in &mut self.servers {
            server.await_serving();
        }
    }

    /// Kills all servers at the same time.
    pub(crate) fn kill_all(&mut self) {
        for server in &mut self.servers {
            server.strike();
        }
        for server in &mut self.servers {
            server.kill();
        }
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.client).collect()
    }

    /// Waits for a leader and returns its index.
    pub(crate) fn leader(&self) -> usize {
        wait_for("a leader", || {
            self.servers
                .iter()
                .position(|server| server.mode().as_deref() == Some("leader"))
        })
    }

    /// Waits for a follower and returns its index.
    pub(crate) fn follower(&self) -> usize {
        wait_for("a follower", || {
            self.servers
                .iter()
                .position(|server| server.mode().as_deref() == Some("follower"))
        })
    }
}
