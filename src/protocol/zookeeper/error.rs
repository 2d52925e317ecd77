//! What can go wrong in the blocking client.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use crate::protocol::Violation;
use crate::wire::jute::ErrorCode;

/// An error of [`super::AdminClient`] or [`super::four_letter()`].
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error("no ZooKeeper server answered; tried {}", list(.tried))]
    NoServer {
        /// Each address with the reason.
        tried: Vec<(SocketAddr, String)>,
    },
    /// The connection ended.
    #[error("lost the connection to {address}: {source}")]
    Lost {
        /// The server.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server broke the protocol.
    #[error("{address} does not speak as a ZooKeeper server should: {source}")]
    Protocol {
        /// The server.
        address: SocketAddr,
        /// How.
        source: Violation,
    },
    /// The server refused to open a session.
    #[error("{address} refused to open a session")]
    Refused {
        /// The server.
        address: SocketAddr,
    },
    /// The server answered with an error.
    #[error("{address} cannot {what} {path}: {code}")]
    Server {
        /// The server.
        address: SocketAddr,
        /// What was asked.
        what: &'static str,
        /// The znode.
        path: String,
        /// Its answer.
        code: ErrorCode,
    },
    /// A four-letter word got no answer.
    #[error("{address} did not answer {word:?}: {source}")]
    Word {
        /// The server.
        address: SocketAddr,
        /// The word.
        word: String,
        /// Why.
        source: io::Error,
    },
}

fn list(tried: &[(SocketAddr, String)]) -> String {
    let mut out = String::new();
    for (index, (address, why)) in tried.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _infallible = write!(out, "{comma}{address} ({why})");
    }
    if tried.is_empty() {
        out.push_str("nothing: no address was given");
    }
    out
}
