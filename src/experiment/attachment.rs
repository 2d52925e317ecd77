//! Warns when the sessions cannot be distributed evenly over the servers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::load::{Server, sessions_per_server};
use crate::workload::LoadPlan;

/// The warning names up to this many servers. For more it gives their number.
const NAMED_MAX: usize = 3;

/// Returns a warning if some servers get more sessions than others. Returns `None` if all get the same
/// number, or if no server has the role that the sessions attach to.
pub(super) fn uneven(load: &LoadPlan, servers: &[Server]) -> Option<String> {
    // If no server has the role, the load fails with an error that explains it.
    let counts = sessions_per_server(load, servers).ok()?;
    let attached: Vec<(&str, u32)> = servers
        .iter()
        .zip(counts)
        .filter_map(|(server, count)| Some((server.name.as_str(), count?)))
        .collect();
    let most = attached.iter().map(|(_, count)| *count).max()?;
    let least = attached.iter().map(|(_, count)| *count).min()?;
    if most == least {
        return None;
    }
    let more: Vec<&str> = attached
        .iter()
        .filter(|(_, count)| *count == most)
        .map(|(name, _)| *name)
        .collect();
    let have = match more.as_slice() {
        [one] => format!("{one} has {most}"),
        [others @ .., last] if others.len() < NAMED_MAX => {
            format!("{} and {last} have {most}", others.join(", "))
        }
        more => format!("{} of them have {most}", more.len()),
    };
    let rest = match attached.len() - more.len() {
        1 => "the other",
        _ => "the others",
    };
    let fewer = if least == 0 {
        "none".to_owned()
    } else {
        least.to_string()
    };
    let sessions = load.sessions;
    let plural = if sessions == 1 {
        "1 session does".to_owned()
    } else {
        format!("{sessions} sessions do")
    };
    Some(format!(
        "{plural} not divide by {} servers: {have}, {rest} {fewer}",
        attached.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;
    use crate::workload::{Attach, Role};

    fn warning(sessions: u32, servers: u16, attach: Attach) -> Option<String> {
        let servers: Vec<Server> = (0..servers)
            .map(|index| Server {
                name: format!("h{index}"),
                address: ([127, 0, 0, 1], 2181 + index).into(),
                role: if index == 0 {
                    Role::Leader
                } else {
                    Role::Follower
                },
            })
            .collect();
        let load = LoadPlan {
            sessions,
            attach,
            ..example::plan().load
        };
        uneven(&load, &servers)
    }

    #[test]
    fn evenly_distributed_sessions_cause_no_warning() {
        assert_eq!(warning(18, 3, Attach::Spread), None);
        assert_eq!(warning(16, 3, Attach::Followers), None);
        assert_eq!(warning(5, 3, Attach::Leader), None);
        assert_eq!(warning(5, 3, Attach::Observers), None);
    }

    #[test]
    fn the_warning_names_the_servers_with_more_sessions() {
        let expect = |sessions, servers, expected: &str| {
            assert_eq!(
                warning(sessions, servers, Attach::Spread).as_deref(),
                Some(expected)
            );
        };
        expect(
            16,
            3,
            "16 sessions do not divide by 3 servers: h0 has 6, the others 5",
        );
        expect(
            17,
            3,
            "17 sessions do not divide by 3 servers: h0 and h1 have 6, the other 5",
        );
        expect(
            9,
            5,
            "9 sessions do not divide by 5 servers: 4 of them have 2, the other 1",
        );
        expect(
            1,
            3,
            "1 session does not divide by 3 servers: h0 has 1, the others none",
        );
    }
}
