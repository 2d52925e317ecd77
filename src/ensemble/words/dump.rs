//! `dump`: the sessions, their ephemeral nodes and the connections.

use std::fmt::Write as _;
use std::sync::Arc;

use super::connection::{Connection, push_address};
use super::date;
use crate::wire::jute::SessionId;

/// Sessions that expire at the same time.
#[derive(Clone, Debug)]
pub struct SessionBucket {
    /// In milliseconds since 1970.
    pub expires_at_ms: i64,
    pub sessions: Vec<SessionId>,
}

#[derive(Clone, Copy, Debug)]
pub struct GlobalSession {
    pub session: SessionId,
    /// Negotiated timeout, ms.
    pub timeout_ms: i32,
}

/// The sessions as the server tracks them.
#[derive(Clone, Debug)]
pub enum Sessions {
    /// A leader and a standalone server expire sessions.
    Tracked(Vec<SessionBucket>),
    /// A learner knows the sessions but not when they expire.
    Known(Vec<GlobalSession>),
}

/// The ephemeral nodes of one session.
#[derive(Clone, Debug)]
pub struct Ephemerals {
    pub session: SessionId,
    pub paths: Vec<Arc<str>>,
}

/// Everything that `dump` prints.
#[derive(Clone, Debug)]
pub(super) struct Dump {
    pub(super) sessions: Sessions,
    /// Sessions that own at least one ephemeral node.
    pub(super) ephemerals: Vec<Ephemerals>,
    pub(super) connections: Vec<Connection>,
}

impl Dump {
    pub(super) fn text(&self) -> String {
        let mut text = "SessionTracker dump:\n".to_owned();
        self.sessions.describe(&mut text);
        let _infallible = writeln!(
            text,
            "ephemeral nodes dump:\nSessions with Ephemerals ({}):",
            self.ephemerals.len()
        );
        for Ephemerals { session, paths } in &self.ephemerals {
            let _infallible = writeln!(text, "{session}:");
            for path in paths {
                let _infallible = writeln!(text, "\t{path}");
            }
        }
        self.describe_connections(&mut text);
        text
    }

    /// Java sorts the connections by the second in which each expires. Here a connection ends with
    /// its session, so all of them are one set.
    fn describe_connections(&self, text: &mut String) {
        let count = self.connections.len();
        let _infallible = writeln!(
            text,
            "Connections dump:\nConnections Sets ({})/({count}):",
            count.min(1)
        );
        if count > 0 {
            let _infallible = writeln!(text, "{count} expire with their sessions:");
        }
        for connection in &self.connections {
            let session = connection.session.as_ref();
            let session = session.map_or(SessionId(0), |session| session.id);
            text.push_str("\tip: /");
            push_address(connection.address, text);
            let _infallible = writeln!(text, " sessionId: {session}");
        }
    }
}

impl Sessions {
    fn describe(&self, text: &mut String) {
        match self {
            Self::Tracked(buckets) => {
                let count: usize = buckets.iter().map(|bucket| bucket.sessions.len()).sum();
                let _infallible = writeln!(text, "Session Sets ({})/({count}):", buckets.len());
                for SessionBucket {
                    expires_at_ms,
                    sessions,
                } in buckets
                {
                    let at = date::second(*expires_at_ms);
                    let _infallible = writeln!(text, "{} expire at {at}:", sessions.len());
                    for session in sessions {
                        let _infallible = writeln!(text, "\t{session}");
                    }
                }
            }
            Self::Known(sessions) => {
                let _infallible = writeln!(text, "Global Sessions({}):", sessions.len());
                for GlobalSession {
                    session,
                    timeout_ms,
                } in sessions
                {
                    let _infallible = writeln!(text, "{session}\t{timeout_ms}ms");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::Interest;
    use super::*;

    fn dump(sessions: Sessions) -> Dump {
        Dump {
            sessions,
            ephemerals: vec![Ephemerals {
                session: SessionId(0x1_0001),
                paths: vec!["/brokers/ids/1".into(), "/brokers/ids/2".into()],
            }],
            connections: vec![Connection {
                address: "127.0.0.1:35952".parse().expect("an address"),
                interest: Interest::default(),
                queued: 0,
                received: 1,
                sent: 0,
                session: None,
            }],
        }
    }

    const REST: &str = "ephemeral nodes dump:\nSessions with Ephemerals (1):\n0x10001:\n\
                        \t/brokers/ids/1\n\t/brokers/ids/2\nConnections dump:\n\
                        Connections Sets (1)/(1):\n1 expire with their sessions:\n\
                        \tip: /127.0.0.1:35952 sessionId: 0x0\n";

    #[test]
    fn a_leader_prints_when_its_sessions_expire() {
        let buckets = vec![SessionBucket {
            expires_at_ms: 1_795_628_137_000,
            sessions: vec![SessionId(0x1_0001), SessionId(-1)],
        }];
        assert_eq!(
            dump(Sessions::Tracked(buckets)).text(),
            "SessionTracker dump:\nSession Sets (1)/(2):\n\
             2 expire at Wed Nov 25 17:35:37 UTC 2026:\n\t0x10001\n\t0xffffffffffffffff\n"
                .to_owned()
                + REST
        );
    }

    #[test]
    fn a_learner_prints_the_timeouts_of_the_sessions() {
        let sessions = vec![GlobalSession {
            session: SessionId(0x1_0001),
            timeout_ms: 10_000,
        }];
        assert_eq!(
            dump(Sessions::Known(sessions)).text(),
            "SessionTracker dump:\nGlobal Sessions(1):\n0x10001\t10000ms\n".to_owned() + REST
        );
    }
}
