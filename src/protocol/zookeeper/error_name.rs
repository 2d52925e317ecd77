//! Names of ZooKeeper's error codes in the spelling of its own clients (specification 3.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;

use super::ErrorCode;

/// Codes and names. Codes that only clients raise are included, because old files may contain them.
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

/// Returns the name of an error code, for instance `NoNode`. A code that is not in the
/// specification becomes `Error-999`.
#[must_use]
pub fn error_name(code: ErrorCode) -> Cow<'static, str> {
    NAMES
        .iter()
        .find(|(known, _)| *known == code.0)
        .map_or_else(
            || format!("Error{}", code.0).into(),
            |(_, name)| Cow::Borrowed(*name),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_are_named_by_their_number() {
        assert_eq!(error_name(ErrorCode::NO_NODE), "NoNode");
        assert_eq!(error_name(ErrorCode(-999)), "Error-999");
    }
}
