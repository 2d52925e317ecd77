//! The server side of a protocol, as a null responder needs it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use super::Violation;

/// A server without data: it separates messages and answers them in the correct form, without
/// content. One value serves all connections of a responder.
pub trait NullPeer: Default + Send + 'static {
    /// The state of one connection.
    type Session: Default + fmt::Debug + Send;

    /// Takes the first message off the front of `input`. Returns `None` while it is incomplete.
    ///
    /// # Errors
    /// If a client never sends such a message.
    fn take<'b>(input: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Violation>;

    /// Returns what a message requests.
    ///
    /// # Errors
    /// If a client never sends such a message.
    fn kind(session: &Self::Session, message: &[u8]) -> Result<MessageKind, Violation>;

    /// Answers [`MessageKind::Open`].
    ///
    /// # Errors
    /// If the message is malformed.
    fn open(
        &mut self,
        session: &mut Self::Session,
        message: &[u8],
        admit: Admit,
        out: &mut Vec<u8>,
    ) -> Result<Opened, Violation>;

    /// Answers every other message.
    ///
    /// # Errors
    /// If the message is malformed.
    fn answer(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Violation>;

    /// Returns the id of a session, which it keeps over reconnects.
    fn id(session: &Self::Session) -> i64;
}

/// What a message requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// To open or resume a session.
    Open,
    /// To keep the session alive.
    Ping,
    /// To end the session.
    Close,
    Request,
}

/// Which sessions the server admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    All,
    /// New sessions only. Sessions that reconnect have expired.
    New,
    None,
}

/// The result of a request to open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    New,
    /// A session that was resumed.
    Resumed,
    /// The session was refused. The connection must be closed.
    Refused,
}
