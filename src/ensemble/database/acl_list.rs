//! An ACL list, and an index that answers what it grants without reading all of it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::IpAddr;
use std::ops::Deref;

use crate::wire::jute::{Acl, Id};

use super::rights::{is_superuser, network};

/// A list that is checked in time proportional to the caller's identities, not to its entries. A
/// client can store a list of 43,000 entries, and every request for the node checks it.
#[derive(Debug)]
pub(super) struct AclList {
    entries: Box<[Acl]>,
    /// Permissions of `world:anyone`.
    anyone: i32,
    /// One grant for each identity, sorted by identity.
    identities: Box<[Grant]>,
    /// Sorted and without duplicates.
    networks: Box<[Network]>,
}

/// What all entries of one identity grant together.
#[derive(Clone, Copy, Debug)]
struct Grant {
    /// Index of an entry with this identity.
    entry: u32,
    perms: i32,
}

/// What all entries of one network grant together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    v6: bool,
    bits: u32,
    /// Without the bits that are not compared.
    prefix: u128,
    perms: i32,
}

impl Network {
    fn new(address: IpAddr, bits: u32) -> Self {
        let (v6, width, address) = match address {
            IpAddr::V4(address) => (false, 32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (true, 128, address.to_bits()),
        };
        let ignored = width - bits;
        let prefix = address.checked_shr(ignored).unwrap_or(0);
        Self {
            v6,
            bits,
            prefix,
            perms: 0,
        }
    }

    /// The networks with equal keys are the same network.
    const fn key(self) -> (bool, u32, u128) {
        (self.v6, self.bits, self.prefix)
    }
}

impl Deref for AclList {
    type Target = [Acl];

    fn deref(&self) -> &[Acl] {
        &self.entries
    }
}

impl AclList {
    pub(super) fn new(entries: Box<[Acl]>) -> Self {
        let mut anyone = 0;
        let mut identities = Vec::new();
        let mut networks = Vec::new();
        for (entry, acl) in (0..).zip(&entries) {
            let perms = acl.perms;
            match acl.id.scheme.as_str() {
                "world" if acl.id.id == "anyone" => anyone |= perms,
                "ip" => networks.extend(network(&acl.id.id).map(|(address, bits)| Network {
                    perms,
                    ..Network::new(address, bits)
                })),
                _ => identities.push(Grant { entry, perms }),
            }
        }
        let id = |grant: &Grant| &entries[grant.entry as usize].id;
        identities.sort_unstable_by(|a, b| id(a).cmp(id(b)));
        identities.dedup_by(|next, kept| {
            let same = id(next) == id(kept);
            if same {
                kept.perms |= next.perms;
            }
            same
        });
        networks.sort_unstable();
        networks.dedup_by(|next, kept| {
            let same = next.key() == kept.key();
            if same {
                kept.perms |= next.perms;
            }
            same
        });
        Self {
            anyone,
            identities: identities.into(),
            networks: networks.into(),
            entries,
        }
    }

    /// Whether the list grants any of `perms` to a caller with the identities `auth`.
    pub(super) fn allows(&self, perms: i32, auth: &[Id]) -> bool {
        self.entries.is_empty()
            || self.anyone & perms != 0
            || is_superuser(auth)
            || auth.iter().any(|id| self.granted(id) & perms != 0)
    }

    /// Returns the permissions of an identity other than `world:anyone`.
    fn granted(&self, caller: &Id) -> i32 {
        if caller.scheme == "ip" {
            return self.granted_to_address(&caller.id);
        }
        let found = self
            .identities
            .binary_search_by(|grant| self.entries[grant.entry as usize].id.cmp(caller));
        found.map_or(0, |at| self.identities[at].perms)
    }

    fn granted_to_address(&self, caller: &str) -> i32 {
        if self.networks.is_empty() {
            return 0;
        }
        let Some((address, _)) = network(caller) else {
            return 0;
        };
        let mut perms = 0;
        let mut rest = &*self.networks;
        // One search for each width that occurs: at most 33 and 129.
        while let Some(first) = rest.first() {
            let (v6, bits) = (first.v6, first.bits);
            let end = rest.partition_point(|other| (other.v6, other.bits) == (v6, bits));
            let (same_width, others) = rest.split_at(end);
            rest = others;
            if v6 == address.is_ipv6() {
                let wanted = Network::new(address, bits).key();
                if let Ok(at) = same_width.binary_search_by_key(&wanted, |other| other.key()) {
                    perms |= same_width[at].perms;
                }
            }
        }
        perms
    }
}
