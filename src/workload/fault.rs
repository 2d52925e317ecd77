//! Planned faults: what happens to which servers, and when.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::network::LinkShape;

/// A planned fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins, in milliseconds since the start of the measured phase.
    pub at_ms: u64,
    #[serde(flatten)]
    pub action: FaultAction,
    pub victim: Victim,
    /// After this time the fault is undone: a killed server is restarted, a paused one resumed, a connection
    /// healed.
    /// `None` if the fault lasts until the end of the run or until another fault undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

/// What happens to the victims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultAction {
    /// The processes end at once (SIGKILL).
    Kill,
    /// The processes stop (SIGSTOP). Their sockets stay open.
    Pause,
    /// The servers that the last kill of the same victim ended start again with their data.
    Restart,
    /// Bytes of the victims' connections do not arrive any more. Nothing is reset.
    Cut {
        direction: Direction,
        between: Between,
    },
    /// The victims' connections have this delay, jitter and rate.
    Slow {
        direction: Direction,
        between: Between,
        #[serde(flatten)]
        link: LinkShape,
    },
}

/// The bytes that a fault of the network affects, as a victim sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Both,
    /// Only bytes to the victims.
    To,
    /// Only bytes from the victims.
    From,
}

impl Direction {
    pub const ALL: [Self; 3] = [Self::Both, Self::To, Self::From];

    /// The word in workload files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::To => "to",
            Self::From => "from",
        }
    }
}

/// The connections that a fault of the network affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Those between the victims and the other servers.
    Servers,
    /// Those between the victims and the clients.
    Clients,
    All,
}

impl Between {
    pub const ALL: [Self; 3] = [Self::Servers, Self::Clients, Self::All];

    /// The word in workload files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Clients => "clients",
            Self::All => "all",
        }
    }

    /// Whether connections between servers are affected.
    #[must_use]
    pub const fn has_servers(self) -> bool {
        matches!(self, Self::Servers | Self::All)
    }

    /// Whether connections of clients are affected.
    #[must_use]
    pub const fn has_clients(self) -> bool {
        matches!(self, Self::Clients | Self::All)
    }
}

impl FaultAction {
    /// The words in workload files.
    pub const NAMES: [&str; 5] = ["kill", "pause", "restart", "cut", "slow"];

    /// The word in workload files and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::Cut { .. } => "cut",
            Self::Slow { .. } => "slow",
        }
    }

    /// The word for its end in events. `None` for an action that has no end.
    #[must_use]
    pub const fn end_name(self) -> Option<&'static str> {
        match self {
            Self::Kill => Some("restart"),
            Self::Pause => Some("resume"),
            Self::Restart => None,
            Self::Cut { .. } | Self::Slow { .. } => Some("heal"),
        }
    }

    /// The connections that must go through proxies for this action.
    #[must_use]
    pub const fn proxied(self) -> Option<Between> {
        match self {
            Self::Cut { between, .. } | Self::Slow { between, .. } => Some(between),
            Self::Kill | Self::Pause | Self::Restart => None,
        }
    }
}

/// The servers that a fault affects. Roles are those that the servers have right before the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Victim {
    Leader,
    /// This many followers: the first in the order of the servers.
    Followers(u16),
    /// The first observer.
    Observer,
    All,
    /// The server with this number, from 1.
    Server(u16),
}

impl Victim {
    /// The forms of a victim in a workload file, for error messages.
    pub const FORMS: &str =
        "\"leader\", \"follower\", \"followers 2\", \"observer\", \"all\" or \"server 3\"";

    /// Describes the victims in an explanation of an event, such as `the leader`. `None` if the name
    /// of the server says all.
    #[must_use]
    pub fn in_words(self) -> Option<&'static str> {
        match self {
            Self::Leader => Some("the leader"),
            Self::Followers(1) => Some("a follower"),
            Self::Followers(_) => Some("followers"),
            Self::Observer => Some("an observer"),
            Self::All => Some("all servers"),
            Self::Server(_) => None,
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leader => f.write_str("leader"),
            Self::Followers(1) => f.write_str("follower"),
            Self::Followers(count) => write!(f, "followers {count}"),
            Self::Observer => f.write_str("observer"),
            Self::All => f.write_str("all"),
            Self::Server(number) => write!(f, "server {number}"),
        }
    }
}

/// Returns, for each fault with the action restart, the index of the kill that it ends: the last one
/// before it that has the same victim, has no `for_ms`, and is not ended by another restart. `None`
/// for all other faults.
#[must_use]
pub fn restarted_kills(faults: &[Fault]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..faults.len()).collect();
    order.sort_by_key(|index| faults[*index].at_ms);
    let mut open: Vec<usize> = Vec::new();
    let mut kills = vec![None; faults.len()];
    for index in order {
        let fault = &faults[index];
        match fault.action {
            FaultAction::Kill if fault.for_ms.is_none() => open.push(index),
            FaultAction::Restart => {
                let kill = open
                    .iter()
                    .rposition(|kill| faults[*kill].victim == fault.victim);
                kills[index] = kill.map(|position| open.remove(position));
            }
            _ => {}
        }
    }
    kills
}

/// Returns when each fault ends, in milliseconds since the start of the measured phase. `None` if it
/// lasts until the end of the run, or has no length.
#[must_use]
pub fn planned_ends_ms(faults: &[Fault]) -> Vec<Option<u64>> {
    let after = |fault: &Fault| Some(fault.at_ms.saturating_add(fault.for_ms?));
    let mut ends: Vec<Option<u64>> = faults.iter().map(after).collect();
    for (restart, kill) in restarted_kills(faults).into_iter().enumerate() {
        if let Some(kill) = kill {
            ends[kill] = Some(faults[restart].at_ms);
        }
    }
    ends
}

/// A text does not name a victim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is {0:?}; it must be {forms}", forms = Victim::FORMS)]
pub struct VictimError(String);

impl FromStr for Victim {
    type Err = VictimError;

    fn from_str(text: &str) -> Result<Self, VictimError> {
        let unknown = || VictimError(text.to_owned());
        let number = |digits: &str| match digits.trim().parse::<u16>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(unknown()),
        };
        match text.trim() {
            "leader" => Ok(Self::Leader),
            "follower" => Ok(Self::Followers(1)),
            "observer" => Ok(Self::Observer),
            "all" => Ok(Self::All),
            text => match text.split_once(' ') {
                Some(("followers", count)) => number(count).map(Self::Followers),
                Some(("server", id)) => number(id).map(Self::Server),
                _ => Err(unknown()),
            },
        }
    }
}

impl TryFrom<String> for Victim {
    type Error = VictimError;

    fn try_from(text: String) -> Result<Self, VictimError> {
        text.parse()
    }
}

impl From<Victim> for String {
    fn from(victim: Victim) -> Self {
        victim.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_victim_is_read_from_its_own_text() {
        for victim in [
            Victim::Leader,
            Victim::Followers(1),
            Victim::Followers(2),
            Victim::Observer,
            Victim::All,
            Victim::Server(3),
        ] {
            assert_eq!(victim.to_string().parse(), Ok(victim));
        }
        for wrong in [
            "",
            "leaders",
            "followers",
            "followers 0",
            "server x",
            "server 0",
        ] {
            let error = wrong.parse::<Victim>().unwrap_err().to_string();
            assert!(error.contains("\"followers 2\""), "{error}");
        }
    }

    fn fault(at_ms: u64, action: FaultAction, victim: Victim, for_ms: Option<u64>) -> Fault {
        Fault {
            at_ms,
            action,
            victim,
            for_ms,
        }
    }

    #[test]
    fn a_restart_ends_the_last_kill_of_the_same_victim() {
        let faults = [
            fault(10, FaultAction::Kill, Victim::Leader, None),
            fault(20, FaultAction::Kill, Victim::Leader, None),
            fault(30, FaultAction::Kill, Victim::Server(1), Some(5)),
            fault(40, FaultAction::Restart, Victim::Leader, None),
            fault(50, FaultAction::Restart, Victim::Leader, None),
            fault(60, FaultAction::Restart, Victim::Leader, None),
            fault(70, FaultAction::Pause, Victim::All, None),
        ];
        assert_eq!(
            restarted_kills(&faults),
            [None, None, None, Some(1), Some(0), None, None]
        );
        let ends = [Some(50), Some(40), Some(35), None, None, None, None];
        assert_eq!(planned_ends_ms(&faults), ends);
    }
}
