//! What happened during a run, as data.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// Something that happened during a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the start of the measured phase, on the driver's clock (negative = before).
    pub at_ns: i64,
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A session lost its connection.
    SessionLost {
        /// Its number in the plan.
        session: u32,
        /// The server it was connected to.
        server: String,
        cause: String,
        /// Operations that were in flight.
        in_flight: u64,
    },
    /// A session that had lost its connection is back.
    SessionBack {
        /// Its number in the plan.
        session: u32,
        /// The server it is connected to now.
        server: String,
        /// From the loss to the server's answer, nanoseconds.
        after_ns: u64,
        /// With the same session id; otherwise the old one had expired.
        resumed: bool,
    },
    /// Another server leads.
    LeaderChanged {
        /// Who led; `None` if nobody was known to.
        from: Option<String>,
        /// Who leads; `None` if nobody does.
        to: Option<String>,
    },
    /// A server that Quorate started has ended.
    ServerEnded {
        /// Which one.
        server: String,
        /// How, and what it said last.
        how: String,
    },
    /// A line of a result of schema 1, which knew no more.
    Note(String),
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionLost {
                session,
                server,
                cause,
                in_flight,
            } => {
                let plural = if *in_flight == 1 { "" } else { "s" };
                write!(
                    f,
                    "session {session} lost {server} ({cause}), {in_flight} operation{plural} in flight"
                )
            }
            Self::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            } => {
                let which = if *resumed { "the same" } else { "a new" };
                let ms = after_ns / 1_000_000;
                write!(
                    f,
                    "session {session} is back at {server} after {ms} ms as {which} session"
                )
            }
            Self::LeaderChanged { from, to } => {
                let name =
                    |server: &Option<String>| server.clone().unwrap_or_else(|| "nobody".to_owned());
                write!(f, "{} leads instead of {}", name(to), name(from))
            }
            Self::ServerEnded { server, how } => write!(f, "server {server} ended: {how}"),
            Self::Note(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_as_a_sentence() {
        let lost = EventKind::SessionLost {
            session: 3,
            server: "h:1".into(),
            cause: "closed by the server".into(),
            in_flight: 1,
        };
        assert_eq!(
            lost.to_string(),
            "session 3 lost h:1 (closed by the server), 1 operation in flight"
        );
        let changed = EventKind::LeaderChanged {
            from: Some("h:1".into()),
            to: None,
        };
        assert_eq!(changed.to_string(), "nobody leads instead of h:1");
    }
}
