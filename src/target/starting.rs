//! Waits until started processes serve.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::answers::parse_srvr;
use super::member::Member;
use super::process::{await_any_end, describe_exit, log_tails, says_address_taken};
use super::server_process::ServerProcess;
use crate::protocol::zookeeper::four_letter;

/// Maximum time until all servers serve.
pub const SERVE_TIMEOUT: Duration = Duration::from_secs(60);
/// Interval between requests to a starting server. It is short compared with the time that a start takes.
const ASK: Duration = Duration::from_millis(10);
/// Timeout for one answer of a starting server.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// Not all started servers serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A server ended before it served.
    #[error("server {id} ended with {ending} before it served; {tail}")]
    Ended {
        id: u16,
        ending: String,
        /// Last lines of its logs.
        tail: String,
        /// Whether another process had one of its ports.
        address_taken: bool,
    },
    #[error("{waiting} of {count} servers did not serve within {waited_s} s; server {id}: {tail}")]
    Timeout {
        /// Number of servers that do not serve.
        waiting: usize,
        /// Number of all servers.
        count: usize,
        waited_s: u64,
        /// One of the servers that do not serve.
        id: u16,
        /// Last lines of its logs.
        tail: String,
    },
    #[error("interrupted while the servers started")]
    Interrupted,
}

/// Returns an error if the server has ended.
fn check(server: &mut ServerProcess) -> Result<(), StartError> {
    let Ok(Some(status)) = server.child.try_wait() else {
        return Ok(());
    };
    let logs = server.dir.logs();
    Err(StartError::Ended {
        id: server.spec.id,
        ending: describe_exit(status),
        tail: log_tails(&logs),
        address_taken: says_address_taken(&logs),
    })
}

/// Waits until all `servers` serve. The end of a server ends the wait at once. Whether a server serves is
/// polled.
///
/// # Errors
/// If a server ends, the servers take too long, or `stop` becomes true.
pub(super) fn await_serving(
    servers: &mut [ServerProcess],
    stop: &AtomicBool,
) -> Result<Vec<Member>, StartError> {
    let began = Instant::now();
    let mut members: Vec<Option<Member>> = vec![None; servers.len()];
    loop {
        for (member, server) in members.iter_mut().zip(&mut *servers) {
            check(server)?;
            if member.is_none() {
                *member = serving(server.address(), server.spec.observer);
            }
        }
        let Some(late) = members.iter().position(Option::is_none) else {
            return Ok(members.into_iter().flatten().collect());
        };
        if stop.load(Ordering::Relaxed) {
            return Err(StartError::Interrupted);
        }
        let waited = began.elapsed();
        if waited >= SERVE_TIMEOUT {
            return Err(StartError::Timeout {
                waiting: members.iter().filter(|member| member.is_none()).count(),
                count: members.len(),
                waited_s: waited.as_secs(),
                id: servers[late].spec.id,
                tail: log_tails(&servers[late].dir.logs()),
            });
        }
        await_any_end(servers.iter().map(|server| &server.child), ASK);
    }
}

/// Returns the member at `address` if it serves.
pub(super) fn serving(address: SocketAddr, observer: bool) -> Option<Member> {
    let answer = four_letter(address, "srvr", ANSWER_TIMEOUT).ok()?;
    let mut member = Member::answered(address.to_string(), address, parse_srvr(&answer)?);
    member.observer = Some(observer);
    Some(member)
}
