//! The server's side of a protocol, as far as a null responder needs it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use super::Violation;

/// A server that knows nothing: it tells messages apart and answers them, correct in form, empty in
/// substance. One serves all connections of a responder.
pub trait NullPeer: Default + Send + 'static {
    /// What it keeps of one connection.
    type Session: Default + fmt::Debug + Send;

    /// Takes the first message off the front of `input`; `None` while it is incomplete.
    ///
    /// # Errors
    /// If it is none that a client sends.
    fn take<'b>(input: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Violation>;

    /// What a message asks for.
    ///
    /// # Errors
    /// If it is none that a client sends.
    fn asked(session: &Self::Session, message: &[u8]) -> Result<Asked, Violation>;

    /// Answers [`Asked::Open`].
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

    /// Answers everything else.
    ///
    /// # Errors
    /// If the message is malformed.
    fn answer(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Violation>;

    /// Tells the sessions of a responder apart, also over their reconnects.
    fn id(session: &Self::Session) -> i64;
}

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To open or resume a session.
    Open,
    /// A sign of life.
    Ping,
    /// To end the session.
    Close,
    /// An operation.
    Request,
}

/// Which sessions are admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Every one.
    All,
    /// New ones: those that come back have expired.
    New,
    /// None.
    None,
}

/// What became of a session that wanted to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is new.
    New,
    /// It came back.
    Resumed,
    /// It was refused; the connection is to be closed.
    Refused,
}
