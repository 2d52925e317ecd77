//! Errors of the blocking client.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use crate::protocol::Violation;
use crate::wire::jute::ErrorCode;

/// An error of [`super::AdminClient`] or [`super::four_letter()`].
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no ZooKeeper server answered; tried {}", list(.tried))]
    NoServer {
        /// Each address and the reason.
        tried: Vec<(SocketAddr, String)>,
    },
    /// The connection ended.
    #[error("lost the connection to {address}: {source}")]
    Lost {
        address: SocketAddr,
        source: io::Error,
    },
    /// The server broke the protocol.
    #[error("{address} broke the ZooKeeper protocol: {source}")]
    Protocol {
        address: SocketAddr,
        source: Violation,
    },
    /// The server refused to open a session.
    #[error("{address} refused to open a session")]
    Refused { address: SocketAddr },
    /// The server answered with an error.
    #[error("{address} cannot {what} {path}: {code}")]
    Server {
        address: SocketAddr,
        /// The request, as a verb.
        what: &'static str,
        path: String,
        code: ErrorCode,
    },
    /// A four-letter word got no answer.
    #[error("{address} did not answer {word:?}: {source}")]
    Word {
        address: SocketAddr,
        word: String,
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
