//! The requests that a load driver sends: operations 1-14, which a 3.4 server supports
//! (specification 16.6). Each function appends the request's record, and [`super::Session::submit`]
//! adds the header. Nothing is allocated.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{DeleteRequest, MultiOps, OpCode, Perms, SetDataRequest, WriteJute as _};

/// Appends a create that everyone may access. `flags`: 1 = ephemeral, 2 = sequential.
pub fn create(out: &mut Vec<u8>, path: &str, data: &[u8], flags: i32) {
    out.put_string(path);
    out.put_buffer(Some(data));
    out.put_len(1);
    out.put_i32(Perms::ALL);
    out.put_string("world");
    out.put_string("anyone");
    out.put_i32(flags);
}

/// Appends a delete of any version.
pub fn delete(out: &mut Vec<u8>, path: &str) {
    DeleteRequest { path, version: -1 }.encode(out);
}

/// Appends a setData of any version.
pub fn set(out: &mut Vec<u8>, path: &str, data: &[u8]) {
    SetDataRequest {
        path,
        data: Some(data),
        version: -1,
    }
    .encode(out);
}

/// Appends the record of exists, getData and getChildren, without a watch.
pub fn read(out: &mut Vec<u8>, path: &str) {
    out.put_string(path);
    out.put_bool(false);
}

pub fn sync(out: &mut Vec<u8>, path: &str) {
    out.put_string(path);
}

/// Appends a multi of sets, each with a path and data.
pub fn multi_set<'a>(out: &mut Vec<u8>, sets: impl Iterator<Item = (&'a str, &'a [u8])>) {
    for (path, data) in sets {
        MultiOps::encode_op_header(out, OpCode::SetData);
        set(out, path, data);
    }
    MultiOps::encode_end(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jute::{Acl, CreateRequest, MultiOp, Reader};

    #[test]
    fn a_server_can_read_every_request() {
        let mut out = Vec::new();
        create(&mut out, "/a", b"xyz", 3);
        let read = CreateRequest::decode(&mut Reader::new(&out), OpCode::Create).unwrap();
        assert_eq!(
            read,
            CreateRequest {
                path: "/a",
                data: Some(b"xyz"),
                acl: Acl::open(),
                flags: 3,
                ttl_ms: None
            }
        );
        out.clear();
        multi_set(&mut out, [("/a", &b"1"[..]), ("/b", b"22")].into_iter());
        let ops = MultiOps::decode(&mut Reader::new(&out), OpCode::Multi).unwrap();
        let MultiOp::SetData(second) = &ops.0[1] else {
            panic!("not a set: {ops:?}");
        };
        assert_eq!((ops.0.len(), second.path, second.version), (2, "/b", -1));
    }
}
