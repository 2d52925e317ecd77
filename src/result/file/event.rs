//! Events in the result file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use crate::measure::{Event, EventKind};

#[derive(Serialize, Deserialize)]
pub(super) struct FileEvent {
    pub(super) at_ns: i64,
    #[serde(flatten)]
    pub(super) kind: FileEventKind,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum FileEventKind {
    SessionLost {
        session: u32,
        server: String,
        cause: String,
        in_flight: u64,
    },
    SessionBack {
        session: u32,
        server: String,
        after_ns: u64,
        resumed: bool,
    },
    LeaderChanged {
        from: Option<String>,
        to: Option<String>,
    },
    ServerEnded {
        server: String,
        how: String,
    },
    FaultBegan {
        fault: u32,
        action: String,
        servers: Vec<String>,
        took_ns: u64,
    },
    FaultEnded {
        fault: u32,
        action: String,
        servers: Vec<String>,
        took_ns: u64,
    },
    FaultFailed {
        fault: u32,
        action: String,
        servers: Vec<String>,
        why: String,
    },
    Note {
        text: String,
    },
}

impl From<&Event> for FileEvent {
    fn from(event: &Event) -> Self {
        let kind = match event.kind.clone() {
            EventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            } => FileEventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            },
            EventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            } => FileEventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            },
            EventKind::LeaderChanged { from, to } => FileEventKind::LeaderChanged { from, to },
            EventKind::ServerEnded { server, how } => FileEventKind::ServerEnded { server, how },
            EventKind::FaultBegan {
                fault,
                action,
                servers,
                took_ns,
            } => FileEventKind::FaultBegan {
                fault,
                action,
                servers,
                took_ns,
            },
            EventKind::FaultEnded {
                fault,
                action,
                servers,
                took_ns,
            } => FileEventKind::FaultEnded {
                fault,
                action,
                servers,
                took_ns,
            },
            EventKind::FaultFailed {
                fault,
                action,
                servers,
                why,
            } => FileEventKind::FaultFailed {
                fault,
                action,
                servers,
                why,
            },
            EventKind::Note(text) => FileEventKind::Note { text },
        };
        Self {
            at_ns: event.at_ns,
            kind,
        }
    }
}

impl From<FileEvent> for Event {
    fn from(event: FileEvent) -> Self {
        let kind = match event.kind {
            FileEventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            } => EventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            },
            FileEventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            } => EventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            },
            FileEventKind::LeaderChanged { from, to } => EventKind::LeaderChanged { from, to },
            FileEventKind::ServerEnded { server, how } => EventKind::ServerEnded { server, how },
            FileEventKind::FaultBegan {
                fault,
                action,
                servers,
                took_ns,
            } => EventKind::FaultBegan {
                fault,
                action,
                servers,
                took_ns,
            },
            FileEventKind::FaultEnded {
                fault,
                action,
                servers,
                took_ns,
            } => EventKind::FaultEnded {
                fault,
                action,
                servers,
                took_ns,
            },
            FileEventKind::FaultFailed {
                fault,
                action,
                servers,
                why,
            } => EventKind::FaultFailed {
                fault,
                action,
                servers,
                why,
            },
            FileEventKind::Note { text } => EventKind::Note(text),
        };
        Self {
            at_ns: event.at_ns,
            kind,
        }
    }
}
