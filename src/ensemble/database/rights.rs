//! Checks ACLs, and validates the ACLs that clients set (specification 8.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::IpAddr;

use crate::wire::jute::{Acl, ErrorCode, Id};

/// Whether one of the identities bypasses all ACLs.
pub(super) fn is_superuser(auth: &[Id]) -> bool {
    auth.iter().any(|id| id.scheme == "super")
}

/// Whether the list grants any of `perms` to a caller with the identities `auth`.
pub(super) fn allows(list: &[Acl], perms: i32, auth: &[Id]) -> bool {
    if list.is_empty() || is_superuser(auth) {
        return true;
    }
    list.iter().any(|acl| {
        acl.perms & perms != 0
            && ((acl.id.scheme == "world" && acl.id.id == "anyone")
                || auth.iter().any(|id| matches(id, &acl.id)))
    })
}

fn matches(caller: &Id, granted: &Id) -> bool {
    caller.scheme == granted.scheme
        && if granted.scheme == "ip" {
            ip_matches(&caller.id, &granted.id)
        } else {
            caller.id == granted.id
        }
}

/// Parses an address or network into the address and the number of bits to compare.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match text.split_once('/') {
        None => (text, None),
        Some((address, bits)) => (address, Some(bits)),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => width,
        Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
    };
    Some((address, bits))
}

fn ip_matches(caller: &str, granted: &str) -> bool {
    let (Some((caller, _)), Some((granted, bits))) = (network(caller), network(granted)) else {
        return false;
    };
    match (caller, granted) {
        (IpAddr::V4(caller), IpAddr::V4(granted)) => {
            (caller.to_bits() ^ granted.to_bits())
                .checked_shr(32 - bits)
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(caller), IpAddr::V6(granted)) => {
            (caller.to_bits() ^ granted.to_bits())
                .checked_shr(128 - bits)
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

/// Returns the list to store: without duplicates, and with `auth` replaced by the caller's
/// identities.
pub(super) fn normalise(list: Vec<Acl>, auth: &[Id]) -> Result<Vec<Acl>, ErrorCode> {
    let mut result: Vec<Acl> = Vec::with_capacity(list.len());
    let mut add = |acl: Acl| {
        if !result.contains(&acl) {
            result.push(acl);
        }
    };
    for acl in list {
        match acl.id.scheme.as_str() {
            "world" if acl.id.id == "anyone" => add(acl),
            "digest" if is_digest(&acl.id.id) => add(acl),
            "ip" if network(&acl.id.id).is_some() => add(acl),
            "auth" => {
                let mut found = false;
                for id in auth.iter().filter(|id| is_authenticated(id)) {
                    found = true;
                    add(Acl {
                        perms: acl.perms,
                        id: id.clone(),
                    });
                }
                if !found {
                    return Err(ErrorCode::INVALID_ACL);
                }
            }
            _ => return Err(ErrorCode::INVALID_ACL),
        }
    }
    if result.is_empty() {
        return Err(ErrorCode::INVALID_ACL);
    }
    Ok(result)
}

/// Whether the client proved this identity with credentials. An `ip` identity comes from the
/// address.
fn is_authenticated(id: &Id) -> bool {
    matches!(id.scheme.as_str(), "digest" | "sasl" | "x509" | "super")
}

/// A digest id has two parts. Like Java's `split`, this does not count empty parts at the end.
fn is_digest(id: &str) -> bool {
    id.trim_end_matches(':').split(':').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(perms: i32, scheme: &str, id: &str) -> Acl {
        Acl {
            perms,
            id: Id::new(scheme, id),
        }
    }

    #[test]
    fn normalise_checks_and_expands_lists() {
        let auth = [Id::new("ip", "10.0.0.1"), Id::new("digest", "u:h")];
        let invalid = Err(ErrorCode::INVALID_ACL);
        assert_eq!(normalise(vec![], &auth), invalid);
        for (scheme, id) in [
            ("world", "someone"),
            ("digest", "u"),
            ("digest", "u:"),
            ("digest", "a:b:c"),
            ("ip", "10.0.0"),
            ("ip", "10.0.0.1/33"),
            ("super", ""),
            ("", ""),
            ("krb", "x"),
        ] {
            let list = vec![acl(31, "world", "anyone"), acl(31, scheme, id)];
            assert_eq!(normalise(list, &auth), invalid, "{scheme}:{id}");
        }
        let twice = vec![acl(1, "world", "anyone"); 2];
        assert_eq!(normalise(twice, &[]), Ok(vec![acl(1, "world", "anyone")]));
        let own = vec![acl(31, "auth", "ignored")];
        assert_eq!(
            normalise(own.clone(), &auth),
            Ok(vec![acl(31, "digest", "u:h")])
        );
        assert_eq!(
            normalise(own, &auth[..1]),
            invalid,
            "an ip identity is not authenticated"
        );
    }

    #[test]
    fn an_entry_grants_only_its_permissions_to_its_identity() {
        let list = [
            acl(1, "world", "anyone"),
            acl(2, "digest", "u:h"),
            acl(4, "ip", "10.1.0.0/16"),
            acl(8, "ip", "::/0"),
        ];
        let user = [Id::new("digest", "u:h")];
        assert!(allows(&list, 1, &[]));
        assert!(!allows(&list, 2, &[]));
        assert!(allows(&list, 2, &user));
        assert!(!allows(&list, 16, &user));
        assert!(allows(&list, 16, &[Id::new("super", "")]));
        assert!(allows(&[], 16, &[]), "an empty list grants everything");
        assert!(allows(&list, 4, &[Id::new("ip", "10.1.255.7")]));
        assert!(!allows(&list, 4, &[Id::new("ip", "10.2.0.1")]));
        assert!(allows(&list, 8, &[Id::new("ip", "fe80::1")]));
        assert!(!allows(&list, 8, &[Id::new("ip", "10.1.0.1")]));
        assert!(allows(&list, 1 | 16, &[]), "any of the bits is enough");
    }
}
