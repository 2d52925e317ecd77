//! Events during a run, as data.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the start of the measured phase on the driver's clock; negative before it.
    pub at_ns: i64,
    pub kind: EventKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A session lost its connection.
    SessionLost {
        /// The session's number in the plan.
        session: u32,
        /// The server that the session was connected to.
        server: String,
        cause: String,
        in_flight: u64,
    },
    /// A session connected again after it had lost its connection.
    SessionBack {
        /// The session's number in the plan.
        session: u32,
        /// The server that the session is connected to now.
        server: String,
        /// From the loss to the server's answer, in nanoseconds.
        after_ns: u64,
        /// Whether the session id is the same; if not, the old session had expired.
        resumed: bool,
    },
    LeaderChanged {
        /// The old leader; `None` if none was known.
        from: Option<String>,
        /// The new leader; `None` if there is none.
        to: Option<String>,
    },
    /// A server that Quorate started has exited.
    ServerEnded {
        server: String,
        /// The exit status and the last line that the server printed.
        how: String,
    },
    /// A planned fault began. The time of the event is the instant right before the system call.
    FaultBegan {
        /// Index of the fault in the plan.
        fault: u32,
        /// What was done: `kill`, `pause`, `cut`, `slow`.
        action: String,
        /// The servers that it was done to.
        servers: Vec<String>,
        /// How long it took to do it to all servers, in nanoseconds.
        took_ns: u64,
    },
    /// A planned fault was undone. The time of the event is the instant right before the system call.
    FaultEnded {
        /// Index of the fault in the plan.
        fault: u32,
        /// What was done: `restart`, `resume`, `heal`.
        action: String,
        /// The servers that it was done to.
        servers: Vec<String>,
        /// How long it took to do it to all servers, in nanoseconds.
        took_ns: u64,
    },
    /// A planned fault could not be carried out or undone.
    FaultFailed {
        /// Index of the fault in the plan.
        fault: u32,
        /// What was to be done.
        action: String,
        /// The servers that were affected; empty if they were not known.
        servers: Vec<String>,
        why: String,
    },
    /// Text of an event from a result of schema 1, which stored events as text only.
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
            Self::FaultBegan {
                fault,
                action,
                servers,
                ..
            }
            | Self::FaultEnded {
                fault,
                action,
                servers,
                ..
            } => write!(
                f,
                "fault {}: {} {}",
                fault + 1,
                past(action),
                servers.join(", ")
            ),
            Self::FaultFailed {
                fault,
                action,
                servers,
                why,
            } => {
                write!(f, "fault {}: {action} failed", fault + 1)?;
                if !servers.is_empty() {
                    write!(f, " at {}", servers.join(", "))?;
                }
                write!(f, ": {why}")
            }
            Self::Note(text) => f.write_str(text),
        }
    }
}

/// Returns the past tense of an action. An unknown word stays as it is.
fn past(action: &str) -> &str {
    match action {
        "kill" => "killed",
        "pause" => "paused",
        "restart" => "restarted",
        "resume" => "resumed",
        "cut" => "cut off",
        "slow" => "slowed down",
        "heal" => "healed",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_displayed_as_a_sentence() {
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
        let began = EventKind::FaultBegan {
            fault: 0,
            action: "kill".into(),
            servers: vec!["h:1".into(), "h:2".into()],
            took_ns: 5,
        };
        assert_eq!(began.to_string(), "fault 1: killed h:1, h:2");
        let failed = EventKind::FaultFailed {
            fault: 1,
            action: "pause".into(),
            servers: Vec::new(),
            why: "no server leads".into(),
        };
        assert_eq!(failed.to_string(), "fault 2: pause failed: no server leads");
    }
}
