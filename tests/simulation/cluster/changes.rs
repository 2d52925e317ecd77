//! Changes of a small part of the tree that all clients share: creates, deletes, new data and ACLs,
//! ephemerals, multi, and the end of sessions. Most of them may fail.

use quorate::wire::jute::{
    Acl, CreateRequest, DeleteRequest, Id, OpCode, Perms, SetAclRequest, SetDataRequest, WriteJute,
};
use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;

#[derive(Debug)]
pub(super) struct Change {
    pub(super) op: OpCode,
    pub(super) body: Vec<u8>,
}

pub(super) fn draw(rng: &mut Xoshiro256PlusPlus) -> Change {
    match rng.random_range(0..40) {
        0 => Change {
            op: OpCode::CloseSession,
            body: Vec::new(),
        },
        1..8 => multi(rng),
        _ => single(rng),
    }
}

fn single(rng: &mut Xoshiro256PlusPlus) -> Change {
    let path = path(rng);
    let mut body = Vec::new();
    let op = match rng.random_range(0..10) {
        0..5 => {
            let data = data(rng);
            // Persistent, ephemeral, sequential, both.
            let flags = [0, 0, 1, 2, 3][rng.random_range(0..5)];
            CreateRequest {
                path: &path,
                data: Some(&data),
                acl: acl(rng),
                flags,
                ttl_ms: None,
            }
            .encode(&mut body);
            OpCode::Create
        }
        5..7 => {
            DeleteRequest {
                path: &path,
                version: -1,
            }
            .encode(&mut body);
            OpCode::Delete
        }
        7..9 => {
            let data = data(rng);
            SetDataRequest {
                path: &path,
                data: Some(&data),
                version: -1,
            }
            .encode(&mut body);
            OpCode::SetData
        }
        _ => {
            SetAclRequest {
                path: &path,
                acl: acl(rng),
                version: -1,
            }
            .encode(&mut body);
            OpCode::SetAcl
        }
    };
    Change { op, body }
}

/// Several changes that happen together or not at all.
fn multi(rng: &mut Xoshiro256PlusPlus) -> Change {
    let mut body = Vec::new();
    let header = |body: &mut Vec<u8>, op: i32, done: bool| {
        body.put_i32(op);
        body.put_bool(done);
        body.put_i32(-1);
    };
    for _ in 0..rng.random_range(1..4) {
        let part = single(rng);
        if part.op != OpCode::SetAcl {
            header(&mut body, part.op.code(), false);
            body.extend_from_slice(&part.body);
        }
    }
    header(&mut body, -1, true);
    Change {
        op: OpCode::Multi,
        body,
    }
}

/// `/s0`, `/s1/k3`, `/s0/k2/g1`: few enough that they are created and deleted again and again.
fn path(rng: &mut Xoshiro256PlusPlus) -> String {
    let mut path = format!("/s{}", rng.random_range(0..2));
    for (name, below) in [('k', 8), ('g', 2)] {
        if rng.random_bool(0.2) {
            break;
        }
        path += &format!("/{name}{}", rng.random_range(0..below));
    }
    path
}

fn data(rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    vec![rng.random(); rng.random_range(0..100)]
}

/// The open list, or one of a few others that still allow most changes.
fn acl(rng: &mut Xoshiro256PlusPlus) -> Vec<Acl> {
    let others = rng.random_range(0..4);
    let mut list = Acl::open();
    if others > 0 {
        let id = Id::new("ip", &format!("10.0.0.{others}"));
        list.push(Acl {
            perms: Perms::READ,
            id,
        });
    }
    list
}
