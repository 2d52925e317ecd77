//! Assigns sessions to servers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{LoadError, Server};
use crate::workload::{Attach, LoadPlan, Role};

/// Returns the indices of the servers that `attach` selects.
pub(super) fn preferred(attach: Attach, servers: &[Server]) -> Result<Vec<u32>, LoadError> {
    if servers.is_empty() {
        return Err(LoadError::NoServers);
    }
    let (wanted, roles): (_, &[Role]) = match attach {
        Attach::Spread => ("reachable", &[]),
        Attach::Leader => ("the leader", &[Role::Leader, Role::Standalone]),
        Attach::Followers => ("a follower", &[Role::Follower]),
        Attach::Observers => ("an observer", &[Role::Observer]),
        Attach::Voters => ("a voter", &[Role::Leader, Role::Follower, Role::Standalone]),
    };
    let chosen: Vec<u32> = (0..)
        .zip(servers)
        .filter(|(_, server)| roles.is_empty() || roles.contains(&server.role))
        .map(|(index, _)| index)
        .collect();
    if chosen.is_empty() {
        let found: Vec<String> = servers
            .iter()
            .map(|server| format!("{} ({})", server.name, server.role.name()))
            .collect();
        return Err(LoadError::NoRole {
            wanted,
            found: found.join(", "),
        });
    }
    Ok(chosen)
}

/// Counts how many sessions of `load` are assigned to each of `servers`, in the same order. The
/// sessions go round robin over the servers that `load.attach` selects; a server that is not
/// selected has `None`.
///
/// # Errors
/// If no server has the role that the plan attaches sessions to.
pub fn sessions_per_server(
    load: &LoadPlan,
    servers: &[Server],
) -> Result<Vec<Option<u32>>, LoadError> {
    let preferred = preferred(load.attach, servers)?;
    let mut counts = vec![None; servers.len()];
    let parts = u32::try_from(preferred.len()).unwrap_or(u32::MAX);
    for (turn, server) in (0..).zip(preferred) {
        let one_more = u32::from(turn < load.sessions % parts);
        counts[server as usize] = Some(load.sessions / parts + one_more);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::fixture;
    use crate::load::server_order::ServerOrder;

    fn servers(roles: &[Role]) -> Vec<Server> {
        let ports = 2181..;
        ports
            .zip(roles)
            .map(|(port, role)| Server {
                name: format!("127.0.0.1:{port}"),
                address: ([127, 0, 0, 1], port).into(),
                role: *role,
            })
            .collect()
    }

    #[test]
    fn sessions_attach_where_the_plan_says() {
        let ensemble = servers(&[Role::Follower, Role::Leader, Role::Follower, Role::Observer]);
        let cases = [
            (Attach::Spread, vec![0, 1, 2, 3]),
            (Attach::Leader, vec![1]),
            (Attach::Followers, vec![0, 2]),
            (Attach::Observers, vec![3]),
            (Attach::Voters, vec![0, 1, 2]),
        ];
        for (attach, expected) in cases {
            assert_eq!(preferred(attach, &ensemble).unwrap(), expected);
        }
        let alone = servers(&[Role::Standalone]);
        assert_eq!(preferred(Attach::Leader, &alone).unwrap(), [0]);
    }

    #[test]
    fn sessions_are_counted_where_they_attach() {
        let ensemble = servers(&[Role::Follower, Role::Leader, Role::Follower]);
        let counted = |attach, sessions| {
            let load = LoadPlan {
                attach,
                sessions,
                ..fixture::plan("rate = 1", "kind = \"set\"").load
            };
            sessions_per_server(&load, &ensemble).unwrap()
        };
        assert_eq!(counted(Attach::Spread, 16), [6, 5, 5].map(Some));
        assert_eq!(counted(Attach::Spread, 2), [1, 1, 0].map(Some));
        assert_eq!(counted(Attach::Followers, 5), [Some(3), None, Some(2)]);
        // The first server of a session's own order is the one counted here.
        for session in 0..16 {
            let order = ServerOrder::new(&[0, 1, 2], 3, session, 7);
            assert_eq!(order.current(), session % 3);
        }
    }

    #[test]
    fn a_missing_role_is_an_error_that_lists_the_roles_found() {
        let error = preferred(Attach::Observers, &servers(&[Role::Leader])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:2181 (leader)"), "{text}");
        assert!(matches!(
            preferred(Attach::Spread, &[]),
            Err(LoadError::NoServers)
        ));
    }
}
