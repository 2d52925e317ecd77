//! The paths that a fault of the network affects.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::target::{Endpoint, Path};
use crate::workload::{Direction, FaultAction};

/// Returns the paths between the victims and the other ends. Several victims stay connected with each other,
/// unless they are all `count` servers: then each is separated from all others. Empty for a fault that is not of
/// the network.
pub(super) fn paths(action: FaultAction, victims: &[usize], count: usize) -> Vec<Path> {
    let (FaultAction::Cut {
        direction, between, ..
    }
    | FaultAction::Slow {
        direction, between, ..
    }) = action
    else {
        return Vec::new();
    };
    let are_all = victims.len() == count;
    let mut paths = Vec::new();
    for victim in victims {
        let mut others = Vec::new();
        if between.has_servers() {
            let apart = |other: &usize| {
                if are_all {
                    other != victim
                } else {
                    !victims.contains(other)
                }
            };
            others.extend((0..count).filter(apart).map(Endpoint::Server));
        }
        if between.has_clients() {
            others.push(Endpoint::Clients);
        }
        let victim = Endpoint::Server(*victim);
        for other in others {
            let [to, from] = Path::both(other, victim);
            match direction {
                Direction::Both => paths.extend([to, from]),
                Direction::To => paths.push(to),
                Direction::From => paths.push(from),
            }
        }
    }
    // Between two victims, each path is found twice.
    paths.sort_unstable();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Between;

    fn cut(direction: Direction, between: Between, victims: &[usize]) -> Vec<String> {
        let paths = paths(FaultAction::Cut { direction, between }, victims, 3);
        paths.iter().map(Path::to_string).collect()
    }

    #[test]
    fn the_direction_is_that_of_the_bytes_as_the_victim_sees_them() {
        assert_eq!(
            cut(Direction::To, Between::Servers, &[0]),
            ["server 2 to server 1", "server 3 to server 1"]
        );
        assert_eq!(
            cut(Direction::From, Between::Clients, &[0]),
            ["server 1 to the clients"]
        );
        assert_eq!(cut(Direction::Both, Between::All, &[0]).len(), 6);
    }

    #[test]
    fn several_victims_stay_connected_unless_they_are_all_servers() {
        assert_eq!(
            cut(Direction::To, Between::Servers, &[0, 1]),
            ["server 3 to server 1", "server 3 to server 2"]
        );
        assert_eq!(cut(Direction::Both, Between::Servers, &[0, 1, 2]).len(), 6);
        assert_eq!(paths(FaultAction::Kill, &[0], 3), []);
    }
}
