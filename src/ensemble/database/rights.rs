//! Checks ACLs, and validates the ACLs that clients set (specification 8.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::IpAddr;

use crate::wire::jute::{Acl, ErrorCode, Id, MAX_ENTRY_BYTES};

/// Whether one of the identities bypasses all ACLs.
pub(super) fn is_superuser(auth: &[Id]) -> bool {
    auth.iter().any(|id| id.scheme == "super")
}

/// Parses an address or network into the address and the number of bits to compare.
pub(super) fn network(text: &str) -> Option<(IpAddr, u32)> {
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

/// Returns the list to store: without duplicates, and with `auth` replaced by the caller's
/// identities.
///
/// # Errors
/// `INVALID_ACL` if an entry is not valid or none is left, `MARSHALLING` if the list outgrows a
/// transaction: a request with many `auth` entries, from a client with many identities.
pub(super) fn normalise(list: Vec<Acl>, auth: &[Id]) -> Result<Vec<Acl>, ErrorCode> {
    let mut result: Vec<Acl> = Vec::with_capacity(list.len());
    let mut bytes = 0;
    for acl in without_duplicates(list) {
        match acl.id.scheme.as_str() {
            "world" if acl.id.id == "anyone" => result.push(acl),
            "digest" if is_digest(&acl.id.id) => result.push(acl),
            "ip" if network(&acl.id.id).is_some() => result.push(acl),
            "auth" => {
                let before = result.len();
                for id in auth.iter().filter(|id| is_authenticated(id)) {
                    bytes += 12 + id.scheme.len() + id.id.len();
                    if bytes > MAX_ENTRY_BYTES {
                        return Err(ErrorCode::MARSHALLING);
                    }
                    result.push(Acl {
                        perms: acl.perms,
                        id: id.clone(),
                    });
                }
                if result.len() == before {
                    return Err(ErrorCode::INVALID_ACL);
                }
            }
            _ => return Err(ErrorCode::INVALID_ACL),
        }
    }
    if result.is_empty() {
        return Err(ErrorCode::INVALID_ACL);
    }
    Ok(without_duplicates(result))
}

/// Keeps the first of equal entries.
fn without_duplicates(list: Vec<Acl>) -> Vec<Acl> {
    if list.len() < 2 {
        return list;
    }
    let mut order: Vec<usize> = (0..list.len()).collect();
    // The sort is stable, so the first of equal entries comes first.
    order.sort_by(|a, b| list[*a].cmp(&list[*b]));
    let mut repeated = vec![false; list.len()];
    for pair in order.windows(2) {
        repeated[pair[1]] = list[pair[0]] == list[pair[1]];
    }
    let mut repeated = repeated.into_iter();
    let mut list = list;
    list.retain(|_| !repeated.next().unwrap_or(false));
    list
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
    use crate::ensemble::database::acl_list::AclList;

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
        let list = AclList::new(list.into());
        let allows = |list: &AclList, perms, auth: &[Id]| list.allows(perms, auth);
        let user = [Id::new("digest", "u:h")];
        assert!(allows(&list, 1, &[]));
        assert!(!allows(&list, 2, &[]));
        assert!(allows(&list, 2, &user));
        assert!(!allows(&list, 16, &user));
        assert!(allows(&list, 16, &[Id::new("super", "")]));
        let empty = AclList::new([].into());
        assert!(allows(&empty, 16, &[]), "an empty list grants everything");
        assert!(allows(&list, 4, &[Id::new("ip", "10.1.255.7")]));
        assert!(!allows(&list, 4, &[Id::new("ip", "10.2.0.1")]));
        assert!(allows(&list, 8, &[Id::new("ip", "fe80::1")]));
        assert!(!allows(&list, 8, &[Id::new("ip", "10.1.0.1")]));
        assert!(allows(&list, 1 | 16, &[]), "any of the bits is enough");
    }

    #[test]
    fn entries_of_one_identity_or_network_add_up() {
        let list = AclList::new(
            [
                acl(1, "digest", "u:h"),
                acl(2, "digest", "u:h"),
                acl(4, "ip", "10.1.0.0/16"),
                acl(8, "ip", "10.1.9.9/16"),
                acl(16, "ip", "10.1.2.3"),
            ]
            .into(),
        );
        let user = [Id::new("digest", "u:h")];
        assert!(list.allows(1, &user) && list.allows(2, &user) && !list.allows(4, &user));
        let address = [Id::new("ip", "10.1.2.3")];
        for perms in [4, 8, 16] {
            assert!(list.allows(perms, &address), "{perms}");
        }
        assert!(!list.allows(3, &address));
        assert!(!list.allows(31, &[Id::new("ip", "10.2.2.3")]));
    }

    #[test]
    fn auth_entries_may_not_outgrow_a_transaction() {
        let auth: Vec<Id> = (0..100)
            .map(|user| Id::new("digest", &format!("{user}:{}", "h".repeat(28))))
            .collect();
        let list = |count| (0..count).map(|perms| acl(perms, "auth", "")).collect();
        assert_eq!(normalise(list(10), &auth).map(|list| list.len()), Ok(1000));
        assert_eq!(normalise(list(40_000), &auth), Err(ErrorCode::MARSHALLING));
        let same = vec![acl(31, "auth", ""); 40_000];
        assert_eq!(normalise(same, &auth).map(|list| list.len()), Ok(100));
    }
}
