//! Names of ZooKeeper's error codes, as its own clients spell them (specification 3.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;

use super::ErrorCode;

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

/// The name of an error code: `NoNode`; `Error-999` for one that is not in the specification.
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
    fn known_codes_have_names_and_others_their_number() {
        assert_eq!(error_name(ErrorCode::NO_NODE), "NoNode");
        assert_eq!(error_name(ErrorCode(-999)), "Error-999");
    }
}
