//! Keys in the epoll set. A key identifies a session and one of its connections.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

const VISIT_BIT: u64 = 1 << 63;
/// Part of a key that holds the connection counter. The counter wraps only after all
/// events of the older connection are gone.
const CONNECTION_MASK: u64 = (1 << 30) - 1;

/// Owner of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The worker's slot at this position.
    Slot(usize),
    /// The worker's visit at this position.
    Visit(usize),
}

/// Returns the key of a slot's connection.
pub(super) fn slot(position: usize, connection: u32) -> u64 {
    (u64::from(connection) & CONNECTION_MASK) << 32 | low(position)
}

/// Returns the key of a visit's connection.
pub(super) fn visit(position: usize, connection: u32) -> u64 {
    VISIT_BIT | slot(position, connection)
}

/// Returns the owner that is encoded in a key.
pub(super) fn owner(key: u64) -> Owner {
    let position = usize::try_from(key & u64::from(u32::MAX)).unwrap_or(usize::MAX);
    if key & VISIT_BIT == 0 {
        Owner::Slot(position)
    } else {
        Owner::Visit(position)
    }
}

fn low(position: usize) -> u64 {
    position as u64 & u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_identifies_owner_and_connection() {
        assert_eq!(owner(slot(5, 1)), Owner::Slot(5));
        assert_eq!(owner(visit(5, 1)), Owner::Visit(5));
        assert_ne!(slot(5, 1), slot(5, 2));
        assert_ne!(slot(5, u32::MAX), u64::MAX);
        assert_ne!(
            visit(usize::MAX, u32::MAX),
            u64::MAX,
            "this key belongs to the timer"
        );
    }
}
