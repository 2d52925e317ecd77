//! Names of ZooKeeper's error codes, as its own clients spell them (specification 3.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Code and name. Those that only a client raises are included: old files may hold them.
const NAMES: &[(i32, &str)] = &[
    (-1, "SystemError"),
    (-2, "RuntimeInconsistency"),
    (-3, "DataInconsistency"),
    (-4, "ConnectionLoss"),
    (-5, "MarshallingError"),
    (-6, "Unimplemented"),
    (-7, "OperationTimeout"),
    (-8, "BadArguments"),
    (-12, "UnknownSession"),
    (-13, "NewConfigNoQuorum"),
    (-14, "ReconfigInProgress"),
    (-100, "APIError"),
    (-101, "NoNode"),
    (-102, "NoAuth"),
    (-103, "BadVersion"),
    (-108, "NoChildrenForEphemerals"),
    (-110, "NodeExists"),
    (-111, "NotEmpty"),
    (-112, "SessionExpired"),
    (-113, "InvalidCallback"),
    (-114, "InvalidACL"),
    (-115, "AuthFailed"),
    (-118, "SessionMoved"),
    (-119, "NotReadOnly"),
    (-120, "EphemeralOnLocalSession"),
    (-121, "NoWatcher"),
    (-122, "RequestTimeout"),
    (-123, "ReconfigDisabled"),
    (-124, "SessionClosedRequireSaslAuth"),
    (-125, "QuotaExceeded"),
    (-127, "ThrottledOp"),
];

/// What stands before the number of a code that has no name.
const UNNAMED: &str = "Error";

/// The name of an error code: `NoNode`; `Error-999` for one that is not in the specification.
#[must_use]
pub fn error_name(code: i32) -> String {
    NAMES.iter().find(|(known, _)| *known == code).map_or_else(
        || format!("{UNNAMED}{code}"),
        |(_, name)| (*name).to_owned(),
    )
}

/// The code of a name that [`error_name`] gave.
#[must_use]
pub fn error_code(name: &str) -> Option<i32> {
    NAMES
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(code, _)| *code)
        .or_else(|| name.strip_prefix(UNNAMED)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for code in -200..=0 {
            assert_eq!(error_code(&error_name(code)), Some(code));
        }
        assert_eq!(error_name(-101), "NoNode");
        assert_eq!(error_name(-999), "Error-999");
        assert_eq!(error_code("Nonsense"), None);
    }
}
