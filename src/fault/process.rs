//! Quorate's side of the proxy process: starts it, sends requests, and ends it.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::control::{Flow, Reply, Request};
use super::shape::Shape;

/// Maximum time until the process answers.
const ANSWER_SECONDS: i64 = 10;

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("cannot start the proxy process: {0}")]
    Start(#[source] io::Error),
    #[error("the proxy process does not answer {request:?}: {source}")]
    Talk { request: String, source: io::Error },
    /// The process refuses a request.
    #[error("the proxy process cannot do {request:?}: {problem}")]
    Refused { request: String, problem: String },
}

/// A proxy process. It ends when this value is dropped, and when the thread that started it ends.
#[derive(Debug)]
pub struct Proxy {
    child: Mutex<Child>,
    pipes: Mutex<Pipes>,
    log: PathBuf,
}

#[derive(Debug)]
struct Pipes {
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

/// A link that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Number of the link, for [`Flow`].
    pub link: usize,
    /// Address that stands for the server.
    pub address: SocketAddr,
}

impl Proxy {
    /// Starts the process. `quorate` is the path of the Quorate binary, and `log` a file for the error messages of
    /// the process. Call it from a thread that lives as long as the proxy.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(quorate: &Path, log: &Path) -> Result<Self, ProxyError> {
        let start = || {
            let output = OpenOptions::new().create(true).append(true).open(log)?;
            let mut child = Command::new(quorate)
                .arg("guard")
                .arg("--parent")
                .arg(std::process::id().to_string())
                .arg("--")
                .arg(quorate)
                .arg("proxy")
                // A Ctrl-C at the terminal must not end the proxy before the load.
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(output)
                .spawn()?;
            let missing = || io::Error::other("it has no pipe");
            let requests = child.stdin.take().ok_or_else(missing)?;
            let replies = child.stdout.take().ok_or_else(missing)?;
            Ok(Self {
                child: Mutex::new(child),
                pipes: Mutex::new(Pipes {
                    requests,
                    replies: BufReader::new(replies),
                }),
                log: log.to_owned(),
            })
        };
        start().map_err(ProxyError::Start)
    }

    /// Listens on a free port for connections to `server`. `shape` applies to both ways.
    ///
    /// # Errors
    /// If the process has ended or has no port left.
    pub fn link(&self, server: SocketAddr, shape: Shape) -> Result<Listening, ProxyError> {
        let request = Request::Link { server, shape };
        match self.ask(&request)? {
            Reply::Link { id, address } => Ok(Listening { link: id, address }),
            other => Err(refused(&request, other)),
        }
    }

    /// Cuts `flows`: nothing arrives any more, nothing is reset, and new connections stay silent. Returns the
    /// time by `CLOCK_MONOTONIC`, in nanoseconds, right before it took effect.
    ///
    /// # Errors
    /// If the process has ended, or a link does not exist.
    pub fn cut(&self, flows: &[Flow]) -> Result<i64, ProxyError> {
        self.done(&Request::Cut(flows.to_vec()))
    }

    /// Sets the shape of `flows` for bytes that are sent from now on.
    ///
    /// # Errors
    /// As [`Proxy::cut`].
    pub fn shape(&self, flows: &[Flow], shape: Shape) -> Result<i64, ProxyError> {
        self.done(&Request::Shape {
            shape,
            flows: flows.to_vec(),
        })
    }

    /// Ends a cut of `flows` and restores the shape of their links.
    ///
    /// # Errors
    /// As [`Proxy::cut`].
    pub fn heal(&self, flows: &[Flow]) -> Result<i64, ProxyError> {
        self.done(&Request::Heal(flows.to_vec()))
    }

    /// Returns the id of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Returns a handle that becomes readable when the process ends. `None` if the kernel gives none.
    #[must_use]
    pub fn handle(&self) -> Option<OwnedFd> {
        pidfd_open(Pid::from_child(&self.child()), PidfdFlags::empty()).ok()
    }

    /// Describes how the process ended. `None` if it runs.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        let status = self.child().try_wait().ok()??;
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown status".to_owned(),
        };
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Some(match log.trim().lines().next_back() {
            Some(line) => format!("{how}; it said last: {line}"),
            None => how,
        })
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self, request: &Request) -> Result<i64, ProxyError> {
        match self.ask(request)? {
            Reply::Done { at_ns } => Ok(at_ns),
            other => Err(refused(request, other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, ProxyError> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        pipes.ask(request).map_err(|source| ProxyError::Talk {
            request: shortened(request),
            source,
        })
    }
}

impl Pipes {
    fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        writeln!(self.requests, "{request}")?;
        self.await_reply()?;
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            return Err(io::Error::other("it has ended"));
        }
        line.parse().map_err(io::Error::other)
    }

    fn await_reply(&self) -> io::Result<()> {
        let pipe = self.replies.get_ref().as_fd();
        let timeout = Timespec {
            tv_sec: ANSWER_SECONDS,
            tv_nsec: 0,
        };
        loop {
            match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => {
                    let problem = format!("no reply within {ANSWER_SECONDS} s");
                    return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
                }
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn refused(request: &Request, reply: Reply) -> ProxyError {
    let problem = match reply {
        Reply::Error(problem) => problem,
        other => format!("it answered {other}"),
    };
    ProxyError::Refused {
        request: shortened(request),
        problem,
    }
}

/// Returns the beginning of a request for a message. A request may name thousands of links.
fn shortened(request: &Request) -> String {
    const CHARS: usize = 60;
    let text = request.to_string();
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
