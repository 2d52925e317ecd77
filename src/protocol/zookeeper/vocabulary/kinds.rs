//! The kinds of operations in the workload file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::super::OpKind;
use crate::workload::Kind;

/// All kinds, in the order of [`OpKind::ALL`].
pub(super) const KINDS: [Kind; 9] = [
    Kind {
        name: OpKind::Create.name(),
        writes: true,
        keys: &["size", "ephemeral", "sequential", "keep_count"],
    },
    Kind {
        name: OpKind::Set.name(),
        writes: true,
        keys: &["size", "keys"],
    },
    Kind {
        name: OpKind::Get.name(),
        writes: false,
        keys: &["keys"],
    },
    Kind {
        name: OpKind::Exists.name(),
        writes: false,
        keys: &["keys"],
    },
    // A list chooses its parent by the key of a child.
    Kind {
        name: OpKind::List.name(),
        writes: false,
        keys: &["keys"],
    },
    Kind {
        name: OpKind::Delete.name(),
        writes: true,
        keys: &[],
    },
    Kind {
        name: OpKind::Multi.name(),
        writes: true,
        keys: &["size", "keys", "batch"],
    },
    Kind {
        name: OpKind::Sync.name(),
        writes: false,
        keys: &[],
    },
    // Opening and closing a session are transactions.
    Kind {
        name: OpKind::Session.name(),
        writes: true,
        keys: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_in_the_file() {
        assert_eq!(
            KINDS.each_ref().map(|kind| kind.name),
            OpKind::ALL.map(OpKind::name)
        );
    }
}
