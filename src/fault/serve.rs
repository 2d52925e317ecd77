//! The proxy process: reads requests, listens, and carries the bytes of all links in one thread.

use std::future::poll_fn;
use std::io::{self, BufRead, Read as _, Write};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{Semaphore, mpsc};

use super::control::{Flow, Reply, Request};
use super::link::{Link, WayState};
use super::timer::{Timer, now_ns};

/// Maximum length of a request. The longest names every way of 10,000 links.
const REQUEST_BYTES_MAX: u64 = 1 << 20;
/// File descriptors for everything but connections.
const FILES_OWN: u64 = 64;
/// Limit of open files that is assumed if there is none.
const FILES_UNLIMITED: u64 = 1 << 20;

/// The proxy process cannot work.
#[derive(Debug, thiserror::Error)]
#[error("the proxy cannot {action}: {source}")]
pub struct ServeError {
    action: &'static str,
    source: io::Error,
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> ServeError {
    move |source| ServeError { action, source }
}

/// Carries bytes and serves `requests` until they end.
///
/// # Errors
/// If the system refuses the runtime or the timer, or `replies` cannot be written.
pub fn serve(
    requests: impl BufRead + Send + 'static,
    replies: impl Write,
) -> Result<(), ServeError> {
    let files = allow_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(failed("start its runtime"))?;
    let lines = read_lines(requests)?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, run(lines, replies, files))
}

async fn run(
    lines: mpsc::Receiver<String>,
    replies: impl Write,
    files: u64,
) -> Result<(), ServeError> {
    let timer = Timer::new().map_err(failed("create a timer"))?;
    let mut waking = pin!(timer.run());
    let connections = usize::try_from(files.saturating_sub(FILES_OWN) / 2).unwrap_or(usize::MAX);
    let desk = Desk {
        links: Vec::new(),
        timer: Rc::clone(&timer),
        room: Rc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
    };
    let mut serving = pin!(desk.serve(lines, replies));
    poll_fn(|context| {
        if let Poll::Ready(ended) = waking.as_mut().poll(context) {
            return Poll::Ready(ended.map_err(failed("read its timer")));
        }
        serving.as_mut().poll(context)
    })
    .await
}

/// Raises the limit of open files as far as it may, and returns it.
fn allow_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_refused) => limit.current,
    };
    allowed.unwrap_or(FILES_UNLIMITED)
}

/// Reads lines in a thread of its own: standard input cannot be polled if it is a file.
fn read_lines(
    mut requests: impl BufRead + Send + 'static,
) -> Result<mpsc::Receiver<String>, ServeError> {
    let (sender, lines) = mpsc::channel(1);
    let reading = move || {
        loop {
            let mut line = String::new();
            let read = requests
                .by_ref()
                .take(REQUEST_BYTES_MAX)
                .read_line(&mut line);
            // An end without a line break is the end of the process that wrote it.
            if read.is_err() || !line.ends_with('\n') || sender.blocking_send(line).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("requests".to_owned())
        .spawn(reading)
        .map_err(failed("start a thread"))?;
    Ok(lines)
}

/// The links, and what serves requests about them.
struct Desk {
    links: Vec<Rc<Link>>,
    timer: Rc<Timer>,
    /// Connections that may still be opened.
    room: Rc<Semaphore>,
}

impl Desk {
    async fn serve(
        mut self,
        mut lines: mpsc::Receiver<String>,
        mut replies: impl Write,
    ) -> Result<(), ServeError> {
        while let Some(line) = lines.recv().await {
            let reply = match line.parse() {
                Ok(request) => self.perform(request).await,
                Err(problem) => Reply::Error(problem),
            };
            writeln!(replies, "{reply}")
                .and_then(|()| replies.flush())
                .map_err(failed("write a reply"))?;
        }
        Ok(())
    }

    async fn perform(&mut self, request: Request) -> Reply {
        match request {
            Request::Link { server, shape } => {
                let (listener, address) = match Link::listen().await {
                    Ok(listening) => listening,
                    Err(error) => return Reply::Error(format!("cannot listen: {error}")),
                };
                let id = self.links.len();
                let link = Link::new(id, server, shape, &self.timer);
                self.links.push(Rc::clone(&link));
                tokio::task::spawn_local(link.accept(listener, Rc::clone(&self.room)));
                Reply::Link { id, address }
            }
            Request::Cut(flows) => self.on_all(&flows, WayState::cut),
            Request::Shape { shape, flows } => self.on_all(&flows, |way| way.set_shape(shape)),
            Request::Heal(flows) => self.on_all(&flows, WayState::heal),
        }
    }

    /// Does `action` on every flow, or on none if one does not exist.
    fn on_all(&self, flows: &[Flow], action: impl Fn(&WayState)) -> Reply {
        let mut found = Vec::with_capacity(flows.len());
        for flow in flows {
            match self.links.get(flow.link) {
                Some(link) => found.push(link.way(flow.way)),
                None => return Reply::Error(format!("there is no link {}", flow.link)),
            }
        }
        // No connection runs between the two: this process has one thread for both.
        let at_ns = i64::try_from(now_ns()).unwrap_or(i64::MAX);
        found.into_iter().for_each(action);
        Reply::Done { at_ns }
    }
}
