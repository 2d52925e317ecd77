//! `--prometheus`: serves the live figures over HTTP during a run.
//!
//! A separate thread with its own runtime answers requests from a copy of the latest figures. The driver threads
//! do no work for it.

mod address;
mod figures;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

pub(super) use self::address::ListenAddress;
use self::figures::{FigureCollector, Figures, Shared};
use super::failure::Failure;
use crate::experiment::ProgressEvent;

const PATH: &str = "/metrics";
/// Content type of the format that `prometheus_client` writes.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves the latest figures. Dropping it closes the port.
#[derive(Debug)]
pub(super) struct Exporter {
    figures: Shared,
    address: SocketAddr,
    /// Dropping the sender ends the thread.
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Listens on `address` and starts to answer requests.
    pub(super) fn start(address: &ListenAddress) -> Result<Self, Failure> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = listen(address, &runtime).with_context(|| {
            format!("--prometheus: cannot listen on {address}; choose another address")
        })?;
        let bound = listener.local_addr()?;
        let figures = Shared::default();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(FigureCollector(Arc::clone(&figures))));
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("prometheus".to_owned())
            .spawn(move || serve(&runtime, listener, registry, ended))?;
        Ok(Self {
            figures,
            address: bound,
            end: Some(end),
            thread: Some(thread),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Stores the figures of an event, if it has figures.
    pub(super) fn note(&self, event: &ProgressEvent<'_>) {
        if let ProgressEvent::Load {
            run,
            runs,
            progress,
            ..
        } = event
        {
            let figures = Figures {
                run: *run,
                runs: *runs,
                progress: (*progress).clone(),
            };
            *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures);
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed its message already.
            let _panicked = thread.join();
        }
    }
}

fn listen(address: &ListenAddress, runtime: &Runtime) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address.host_and_port())?;
    listener.set_nonblocking(true)?;
    let _entered = runtime.enter();
    TcpListener::from_std(listener)
}

/// Answers requests until the sender of `ended` is dropped. Then open connections are closed.
fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    registry: Registry,
    ended: oneshot::Receiver<()>,
) {
    let router = Router::new()
        .route(PATH, get(metrics))
        .fallback(nothing_here)
        .with_state(Arc::new(registry));
    // `axum::serve` runs until the runtime is dropped.
    runtime.spawn(async move { axum::serve(listener, router).await });
    let _dropped = runtime.block_on(ended);
}

async fn metrics(
    State(registry): State<Arc<Registry>>,
) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => Ok(([(CONTENT_TYPE, FORMAT)], text)),
        Err(_cannot_format) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn nothing_here() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "The figures are at /metrics.\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{OpProgress, Phase, Progress, ServerProgress};
    use crate::measure::{ErrorNames, OpCounts, Outcome};
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    fn start() -> Exporter {
        Exporter::start(&"0".parse().unwrap()).unwrap()
    }

    /// Returns the answer with head and body.
    fn get(exporter: &Exporter, path: &str) -> String {
        let mut stream = TcpStream::connect(exporter.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn progress() -> Progress {
        let mut names = ErrorNames::default();
        let mut counts = OpCounts::default();
        for outcome in [
            Outcome::Ok,
            Outcome::Ok,
            Outcome::Error(names.intern("NoNode")),
            Outcome::TimedOut,
        ] {
            counts.count(outcome, &names);
        }
        Progress {
            elapsed: Duration::from_millis(1_500),
            in_flight: 3,
            waiting: 5,
            sessions: 8,
            sessions_connected: 7,
            ops: vec![OpProgress {
                label: "set".to_owned(),
                counts,
                throughput_per_s: 2.5,
                p50_us: Some(800.0),
                p99_us: None,
            }],
            servers: vec![ServerProgress {
                name: "h\"1:2181".to_owned(),
                acknowledged: 2,
                throughput_per_s: 2.5,
            }],
            ..Progress::start_of(Phase::Measure, Duration::from_secs(30))
        }
    }

    #[test]
    fn the_latest_figures_are_served_in_the_format_of_prometheus() {
        let exporter = start();
        exporter.note(&ProgressEvent::Step("no figures"));
        exporter.note(&ProgressEvent::Load {
            run: 1,
            runs: 3,
            progress: &Progress::start_of(Phase::WarmUp, Duration::ZERO),
            faults: &[],
        });
        exporter.note(&ProgressEvent::Load {
            run: 2,
            runs: 3,
            progress: &progress(),
            faults: &[],
        });
        let answer = get(&exporter, PATH);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(
            answer.contains(&format!("content-type: {FORMAT}\r\n")),
            "{answer}"
        );
        for line in [
            "quorate_run 2",
            "quorate_runs 3",
            "quorate_phase{phase=\"measure\"} 1",
            "quorate_phase{phase=\"warm_up\"} 0",
            "quorate_phase_elapsed_seconds 1.5",
            "quorate_phase_planned_seconds 30.0",
            "quorate_in_flight 3",
            "quorate_waiting 5",
            "quorate_sessions 8",
            "quorate_sessions_connected 7",
            "quorate_operations_total{op=\"set\",outcome=\"ok\"} 2",
            "quorate_operations_total{op=\"set\",outcome=\"timed_out\"} 1",
            "quorate_operations_total{op=\"set\",outcome=\"refused\"} 0",
            "quorate_errors_total{error=\"NoNode\"} 1",
            "quorate_errors_total{error=\"timed_out\"} 1",
            "quorate_throughput_per_second{op=\"set\"} 2.5",
            "quorate_response_seconds{op=\"set\",quantile=\"0.5\"} 0.0008",
            "quorate_server_operations_total{server=\"h\\\"1:2181\"} 2",
            "quorate_server_throughput_per_second{server=\"h\\\"1:2181\"} 2.5",
            "# TYPE quorate_operations counter",
            "# TYPE quorate_response_seconds gauge",
        ] {
            assert!(answer.lines().any(|own| own == line), "{line}\n{answer}");
        }
        assert!(
            !answer.contains("0.99"),
            "an unknown figure must be left out: {answer}"
        );
        assert!(answer.ends_with("# EOF\n"), "{answer}");
    }

    #[test]
    fn before_the_first_figures_there_is_only_the_version() {
        let answer = get(&start(), PATH);
        assert!(answer.contains("quorate_build_info{version="), "{answer}");
        assert!(!answer.contains("quorate_run"), "{answer}");
    }

    #[test]
    fn other_paths_name_the_path_of_the_figures() {
        let answer = get(&start(), "/");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(answer.contains(PATH), "{answer}");
    }

    #[test]
    fn dropping_the_exporter_closes_the_port_and_open_connections() {
        let exporter = start();
        let address = exporter.address;
        let mut idle = TcpStream::connect(address).unwrap();
        drop(exporter);
        // The read returns end of file or an error, because the connection is closed.
        assert!(!matches!(idle.read(&mut [0; 1]), Ok(1)));
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn an_address_in_use_is_an_error_that_names_the_option() {
        let exporter = start();
        let again = exporter.address.to_string().parse().unwrap();
        let error = Exporter::start(&again).unwrap_err().text();
        let words = format!("--prometheus: cannot listen on {again}");
        assert!(error.starts_with(&words), "{error}");
        assert!(error.contains("in use"), "{error}");
    }
}
