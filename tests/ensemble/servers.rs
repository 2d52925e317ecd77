//! Server processes: started on ports of their own, awaited, killed when the test ends.

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

/// How long anything awaited may take before the test fails; never a measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(15);

/// Asks until `ready` returns something: another process does not announce its changes of state.
pub(crate) fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(POLL);
    }
}

/// An address of the loopback network that only this process uses, so that a port stays free while
/// the server it belongs to is down.
pub(crate) fn own_ip() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 + (high & 0x7f), middle, low)
}

/// A port on [`own_ip`] that no test of this process has had; from below the kernel's ephemeral range.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(11_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((own_ip(), port)).is_ok() {
            return port;
        }
    }
}

/// What a server runs on.
#[derive(Clone, Debug)]
pub(crate) enum Software {
    Ours,
    #[allow(dead_code, reason = "of the tests that need Java")]
    Java(Installation),
}

/// One server, running or not.
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

    /// Where logs and snapshots lie.
    pub(crate) fn version_dir(&self) -> PathBuf {
        self.dir.join("data/version-2")
    }

    /// Starts the process under a soft limit of `files` open files.
    #[allow(dead_code, reason = "of the tests without Java")]
    pub(crate) fn start_with_open_files(&mut self, files: u32) {
        let script = format!("ulimit -S -n {files}; exec \"$0\" server start-foreground \"$1\"");
        let args = vec![
            "-c".into(),
            script.into(),
            env!("CARGO_BIN_EXE_quorate").into(),
            self.config().into_os_string(),
        ];
        self.launch("/bin/sh".into(), args);
    }

    /// Starts the process; it need not serve yet.
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
        assert!(self.child.is_none(), "server {} runs already", self.id);
        let launch = Launch {
            quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
            program,
            args,
            dir: &self.dir,
            output: &self.dir.join("output"),
            lifetime: Lifetime::WithParent,
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

    /// SIGKILL; returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _already_gone = child.kill();
            let _status = child.wait();
        }
    }

    /// SIGKILL without waiting, so that several go at the same moment.
    pub(crate) fn strike(&mut self) {
        self.child.as_mut().unwrap().kill().unwrap();
    }

    /// SIGSTOP: it neither reads nor answers, and its connections stand. The signal is only sent when `kill`
    /// returns: a thread of a JVM that is still at work can take in one more request.
    pub(crate) fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
        let tasks = format!("/proc/{}/task", self.child.as_ref().unwrap().id());
        wait_for("all threads to stop", || {
            let mut threads = fs::read_dir(&tasks).unwrap();
            let stopped = threads.all(|thread| {
                let stat = fs::read_to_string(thread.unwrap().path().join("stat"));
                // A thread that is gone takes in nothing either.
                stat.map_or(true, |stat| {
                    stat.rsplit(") ").next().unwrap().starts_with('T')
                })
            });
            stopped.then_some(())
        });
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let child = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(child, signal).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Waits until the process ends by itself.
    pub(crate) fn await_exit(&mut self) -> ExitStatus {
        let child = self.child.as_mut().unwrap();
        let status = wait_for("the server to end", || child.try_wait().unwrap());
        self.child = None;
        status
    }

    /// All it has written to standard output and error.
    pub(crate) fn output(&self) -> String {
        let bytes = fs::read(self.dir.join("output")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Asks a four-letter word; `None` if no server answers.
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

    /// `leader`, `follower`, `observer`, `standalone`; `None` while it does not serve.
    pub(crate) fn mode(&self) -> Option<String> {
        let text = self.word("srvr")?;
        text.lines()
            .find_map(|line| line.strip_prefix("Mode: "))
            .map(str::to_owned)
    }

    /// Waits until it serves; its mode.
    pub(crate) fn await_serving(&mut self) -> String {
        wait_for(&format!("server {} to serve", self.id), || {
            assert!(self.is_running(), "server {} ended", self.id);
            self.mode()
        })
    }
}

/// Servers that know each other.
#[derive(Debug)]
pub(crate) struct Ensemble {
    pub(crate) servers: Vec<Server>,
    // Behind the servers: dropped after them.
    _root: tempfile::TempDir,
}

impl Ensemble {
    /// Starts three voters so that the last one leads: of two, the higher number wins; the third joins.
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

    /// Writes the configuration of `voters` and, behind them, `observers`; starts nothing. `extra`
    /// lines go first and so before the defaults.
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

    /// Starts all and waits until all serve.
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

    /// Kills all at the same moment.
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

    /// Index of the one that leads.
    pub(crate) fn leader(&self) -> usize {
        wait_for("a leader", || {
            self.servers
                .iter()
                .position(|server| server.mode().as_deref() == Some("leader"))
        })
    }

    /// Index of one that follows.
    pub(crate) fn follower(&self) -> usize {
        wait_for("a follower", || {
            self.servers
                .iter()
                .position(|server| server.mode().as_deref() == Some("follower"))
        })
    }
}
