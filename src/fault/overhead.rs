//! Measures what a proxy adds: round trips of an echo through a link without delay, compared with direct ones.
//!
//! Direct round trips, round trips through the proxy, and round trips through a delay of 250 us alternate, so that
//! all three meet the same state of the machine.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

use super::process::{Proxy, ProxyError};
use super::shape::Shape;

/// Bytes of a message, like a small request.
const MESSAGE_BYTES: usize = 100;
/// Delay of the link that shows how precise delays are, one way.
const DELAY_NS: u64 = 250_000;
/// Round trips that are not counted.
const WARM_UP: usize = 50;
/// Maximum time for one round trip. A longer one ends the measurement with an error.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub struct OverheadOptions<'a> {
    /// Path of the Quorate binary.
    pub quorate: &'a Path,
    /// File for the error messages of the proxy process.
    pub log: &'a Path,
    /// Length of the measurement.
    pub length: Duration,
    /// The measurement ends with an error when this becomes true.
    pub stop: &'a AtomicBool,
}

/// Round trips of 100 bytes, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyOverhead {
    pub direct_p50_us: f64,
    pub direct_p99_us: f64,
    /// Through a proxy without delay.
    pub through_p50_us: f64,
    pub through_p99_us: f64,
    /// Difference of the medians: what the proxy adds to a round trip.
    pub adds_p50_us: f64,
    /// Difference of the 99th percentiles.
    pub adds_p99_us: f64,
    /// Delay that a second link has, one way.
    pub asked_delay_us: f64,
    /// Half of what this link adds to the median: the delay that it has in fact, one way. It contains what a proxy
    /// adds without delay.
    pub kept_delay_p50_us: f64,
    /// Number of round trips of each kind.
    pub round_trips: u64,
}

/// The overhead could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum OverheadError {
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("the echo through the proxy failed: {0}")]
    Echo(#[from] io::Error),
    #[error("interrupted while the proxy was measured")]
    Interrupted,
}

/// Measures what a proxy adds on this machine.
///
/// # Errors
/// If the process or the sockets fail, or the measurement is interrupted.
pub fn measure_overhead(options: &OverheadOptions<'_>) -> Result<ProxyOverhead, OverheadError> {
    let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let server = echo.local_addr()?;
    let proxy = Proxy::start(options.quorate, options.log)?;
    let plain = proxy.link(server, Shape::default())?;
    let delayed = Shape {
        delay_ns: DELAY_NS,
        ..Shape::default()
    };
    let delayed = proxy.link(server, delayed)?;
    thread::scope(|scope| {
        let mut streams = Vec::new();
        for address in [server, plain.address, delayed.address] {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            let answering = accept(&echo)?;
            // It ends when the stream above is dropped.
            scope.spawn(move || answer(answering));
            streams.push(stream);
        }
        round_trips(options, &mut streams)
    })
}

/// Accepts a connection, but does not wait for it without end.
fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let timeout = Timespec {
        tv_sec: i64::try_from(TIMEOUT.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: 0,
    };
    let mut polled = [PollFd::new(listener, PollFlags::IN)];
    if poll(&mut polled, Some(&timeout))? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "no connection arrived",
        ));
    }
    Ok(listener.accept()?.0)
}

/// Sends every message back until the stream ends.
fn answer(mut stream: TcpStream) {
    let mut message = [0; MESSAGE_BYTES];
    let _ = stream.set_nodelay(true);
    while stream.read_exact(&mut message).is_ok() && stream.write_all(&message).is_ok() {}
}

/// Makes round trips on all streams in turn: direct, through the proxy, and through the delay.
fn round_trips(
    options: &OverheadOptions<'_>,
    streams: &mut [TcpStream],
) -> Result<ProxyOverhead, OverheadError> {
    let mut message = [7; MESSAGE_BYTES];
    let mut times = vec![Vec::new(); streams.len()];
    for _ in 0..WARM_UP {
        for stream in &mut *streams {
            round_trip(stream, &mut message)?;
        }
    }
    let began = Instant::now();
    while times[0].is_empty() || began.elapsed() < options.length {
        if options.stop.load(Ordering::Relaxed) {
            return Err(OverheadError::Interrupted);
        }
        for (stream, times) in streams.iter_mut().zip(&mut times) {
            times.push(round_trip(stream, &mut message)?);
        }
    }
    let round_trips = u64::try_from(times[0].len()).unwrap_or(u64::MAX);
    times.iter_mut().for_each(|times| times.sort_unstable());
    let us = |kind: usize, quantile| quantile_us(&times[kind], quantile);
    let (direct_p50_us, direct_p99_us) = (us(0, 0.5), us(0, 0.99));
    let (through_p50_us, through_p99_us) = (us(1, 0.5), us(1, 0.99));
    Ok(ProxyOverhead {
        direct_p50_us,
        direct_p99_us,
        through_p50_us,
        through_p99_us,
        adds_p50_us: through_p50_us - direct_p50_us,
        adds_p99_us: through_p99_us - direct_p99_us,
        asked_delay_us: Duration::from_nanos(DELAY_NS).as_secs_f64() * 1e6,
        kept_delay_p50_us: (us(2, 0.5) - direct_p50_us) / 2.0,
        round_trips,
    })
}

fn round_trip(stream: &mut TcpStream, message: &mut [u8]) -> io::Result<Duration> {
    let began = Instant::now();
    stream.write_all(message)?;
    stream.read_exact(message)?;
    Ok(began.elapsed())
}

/// Returns a quantile of `sorted`, which is not empty, in microseconds.
fn quantile_us(sorted: &[Duration], quantile: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the index lies between 0 and the number of round trips"
    )]
    let index = (quantile * (sorted.len() - 1) as f64).round() as usize;
    sorted[index].as_secs_f64() * 1e6
}
