//! Whether every server gets as many sessions as the others.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::load::{Server, sessions_per_server};
use crate::workload::LoadPlan;

/// Servers that are named, at most; of more their number is told.
const NAMED_MAX: usize = 3;

/// That the sessions of `load` do not divide by the servers that they attach to, in words; `None` if they
/// do, or if there is no such server.
pub(super) fn uneven(load: &LoadPlan, servers: &[Server]) -> Option<String> {
    // The load itself fails, and says why, when no server has the role.
    let counts = sessions_per_server(load, servers).ok()?;
    let meant: Vec<(&str, u32)> = servers
        .iter()
        .zip(counts)
        .filter_map(|(server, count)| Some((server.name.as_str(), count?)))
        .collect();
    let most = meant.iter().map(|(_, count)| *count).max()?;
    let least = meant.iter().map(|(_, count)| *count).min()?;
    if most == least {
        return None;
    }
    let more: Vec<&str> = meant
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
    let rest = match meant.len() - more.len() {
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
        meant.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;
    use crate::workload::{Attach, Role};

    fn words(sessions: u32, servers: u16, attach: Attach) -> Option<String> {
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
    fn sessions_that_divide_are_not_worth_a_word() {
        assert_eq!(words(18, 3, Attach::Spread), None);
        assert_eq!(words(16, 3, Attach::Followers), None);
        assert_eq!(words(5, 3, Attach::Leader), None);
        assert_eq!(words(5, 3, Attach::Observers), None);
    }

    #[test]
    fn who_has_more_is_named() {
        let expect = |sessions, servers, expected: &str| {
            assert_eq!(
                words(sessions, servers, Attach::Spread).as_deref(),
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
