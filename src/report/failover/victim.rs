//! The servers of a fault in words.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::{EventKind, Recording};
use crate::report::human::counted;

const LEADER: &str = "leader";

/// Names the servers by their role at `at_ns`: "the leader", "a follower", "2 observers", "all
/// servers". A server without a known role has its address.
pub(super) fn victim(run: &Recording, servers: &[String], at_ns: i64) -> String {
    let roles: Vec<Option<&str>> = servers
        .iter()
        .map(|server| role(run, server, at_ns))
        .collect();
    match (servers, roles.as_slice()) {
        ([], _) => "no server".to_owned(),
        ([_], [Some(LEADER)]) => "the leader".to_owned(),
        ([_], [Some(role)]) => format!("{} {role}", article(role)),
        ([server], _) => server.clone(),
        _ if servers.len() == run.servers.len() => "all servers".to_owned(),
        (_, [Some(first), others @ ..]) if others.iter().all(|role| *role == Some(first)) => {
            counted(servers.len() as u64, first)
        }
        _ => counted(servers.len() as u64, "server"),
    }
}

fn article(role: &str) -> &'static str {
    if role.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// The role of a server, from its role at the start of the run and the changes of the leader.
fn role<'a>(run: &'a Recording, server: &str, at_ns: i64) -> Option<&'a str> {
    let changes = run.events.iter().filter(|event| event.at_ns <= at_ns);
    let leader = changes
        .filter_map(|event| match &event.kind {
            EventKind::LeaderChanged { to, .. } => Some(to.as_deref()),
            _ => None,
        })
        .next_back();
    let at_start = run.servers.iter().find(|run| run.address == server);
    let at_start = at_start.and_then(|run| run.mode.as_deref());
    match leader {
        Some(Some(leader)) if leader == server => Some(LEADER),
        Some(_) if at_start == Some(LEADER) => Some("follower"),
        _ => at_start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Event;
    use crate::result::example;

    #[test]
    fn servers_are_named_by_their_role_at_the_time() {
        let mut run = example::recording();
        run.note(Event {
            at_ns: 100,
            kind: EventKind::LeaderChanged {
                from: Some("127.0.0.1:2183".into()),
                to: Some("127.0.0.1:2181".into()),
            },
        });
        let of = |servers: &[&str], at_ns| {
            let servers: Vec<String> = servers.iter().map(|s| (*s).to_owned()).collect();
            victim(&run, &servers, at_ns)
        };
        let [one, two, three] = ["127.0.0.1:2181", "127.0.0.1:2182", "127.0.0.1:2183"];
        assert_eq!(of(&[three], 50), "the leader");
        assert_eq!(of(&[three], 150), "a follower");
        assert_eq!(of(&[one], 150), "the leader");
        assert_eq!(of(&[one, two], 50), "2 followers");
        assert_eq!(of(&[two, three], 50), "2 servers");
        assert_eq!(of(&[one, two, three], 50), "all servers");
        assert_eq!(of(&["elsewhere:1"], 50), "elsewhere:1");
        assert_eq!(of(&[], 50), "no server");
    }
}
