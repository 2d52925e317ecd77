//! Frequent operations of the database: a read, an applied set, an applied create, a prepared set.
//!
//! Nodes of 100 bytes in 100 directories, visited in an order that caches cannot predict. 1,000
//! nodes fit into the cache and show the work itself. 100,000 nodes add the cost of memory.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use quorate::ensemble::database::{
    Caller, ConnId, Database, DatabaseSettings, Preparer, WriteRequest,
};
use quorate::wire::jute::{
    Acl, CreateRequest, OpCode, PathWatch, SessionId, SetDataRequest, Txn, TxnHeader, Zxid,
    encode_entry,
};

const SIZES: [usize; 2] = [1_000, 100_000];
const DATA: [u8; 100] = [b'x'; 100];

fn path(number: usize) -> String {
    format!("/bench/d{:02}/node-{number:010}", number % 100)
}

/// Returns the nodes below `nodes` in an order with large distances.
fn scattered(step: usize, nodes: usize) -> usize {
    step.wrapping_mul(61_803) % nodes
}

fn header(zxid: i64, op: OpCode) -> TxnHeader {
    TxnHeader {
        session: SessionId(1),
        cxid: 1,
        zxid: Zxid(zxid),
        time_ms: zxid,
        op,
    }
}

fn create_entry(zxid: i64, path: &str) -> Vec<u8> {
    let txn = Txn::Create {
        path,
        data: Some(&DATA),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: -1,
    };
    let mut entry = Vec::new();
    encode_entry(&header(zxid, OpCode::Create), &txn, &mut entry);
    entry
}

fn set_entry(zxid: i64, path: &str) -> Vec<u8> {
    let txn = Txn::SetData {
        path,
        data: Some(&DATA),
        version: 1,
    };
    let mut entry = Vec::new();
    encode_entry(&header(zxid, OpCode::SetData), &txn, &mut entry);
    entry
}

fn apply(database: &mut Database, entry: &[u8]) {
    let applied = database.apply(entry, &mut |_| {});
    black_box(applied.is_ok());
}

fn directories() -> Database {
    let mut database = Database::new(DatabaseSettings::default());
    apply(&mut database, &create_entry(1, "/bench"));
    for number in 0..100 {
        apply(
            &mut database,
            &create_entry(2, &format!("/bench/d{number:02}")),
        );
    }
    database
}

fn populated(nodes: usize) -> Database {
    let mut database = directories();
    for number in 0..nodes {
        apply(&mut database, &create_entry(3, &path(number)));
    }
    database
}

fn reads(c: &mut Criterion, nodes: usize) {
    let mut database = populated(nodes);
    let caller = Caller {
        conn: ConnId(1),
        session: SessionId(1),
        auth: &[],
    };
    let bodies: Vec<Vec<u8>> = (0..nodes)
        .map(|step| {
            let mut body = Vec::new();
            PathWatch {
                path: &path(scattered(step, nodes)),
                watch: false,
            }
            .encode(&mut body);
            body
        })
        .collect();
    let mut out = Vec::with_capacity(4096);
    for (name, op) in [("get", OpCode::GetData), ("exists", OpCode::Exists)] {
        let mut step = 0;
        c.bench_function(&format!("{name}/{nodes}"), |b| {
            b.iter(|| {
                step = (step + 1) % nodes;
                out.clear();
                database.read(op, &bodies[step], &caller, &mut out, &mut |_| {})
            });
        });
    }
}

fn applying(c: &mut Criterion, nodes: usize) {
    let mut database = populated(nodes);
    let sets: Vec<Vec<u8>> = (0..nodes)
        .map(|step| set_entry(4, &path(scattered(step, nodes))))
        .collect();
    let mut step = 0;
    c.bench_function(&format!("apply set/{nodes}"), |b| {
        b.iter(|| {
            step = (step + 1) % nodes;
            apply(&mut database, &sets[step]);
        });
    });
}

fn creating(c: &mut Criterion) {
    let creates: Vec<Vec<u8>> = (0..10_000)
        .map(|step| create_entry(4, &path(scattered(step, 100_000))))
        .collect();
    c.bench_function("apply 10,000 creates", |b| {
        b.iter_batched_ref(
            directories,
            |database| {
                for entry in &creates {
                    apply(database, entry);
                }
            },
            BatchSize::LargeInput,
        );
    });
}

fn preparing(c: &mut Criterion, nodes: usize) {
    let database = populated(nodes);
    let mut preparer = Preparer::new();
    let sets: Vec<Vec<u8>> = (0..nodes)
        .map(|step| {
            let mut body = Vec::new();
            SetDataRequest {
                path: &path(scattered(step, nodes)),
                data: Some(&DATA),
                version: -1,
            }
            .encode(&mut body);
            body
        })
        .collect();
    let mut creates = Vec::new();
    for step in 0..nodes {
        let mut body = Vec::new();
        CreateRequest {
            path: &format!("{}-new", path(scattered(step, nodes))),
            data: Some(&DATA),
            acl: Acl::open(),
            flags: 0,
            ttl_ms: None,
        }
        .encode(&mut body);
        creates.push(body);
    }
    let mut out = Vec::with_capacity(4096);
    let mut zxid = 10;
    for (name, op, bodies) in [
        ("prepare set", OpCode::SetData, &sets),
        ("prepare create", OpCode::Create, &creates),
    ] {
        c.bench_function(&format!("{name}/{nodes}"), |b| {
            b.iter(|| {
                zxid += 1;
                let step = usize::try_from(zxid).unwrap_or(0) % nodes;
                out.clear();
                let request = WriteRequest {
                    session: SessionId(1),
                    cxid: 1,
                    op: op.code(),
                    body: &bodies[step],
                    auth: &[],
                    time_ms: zxid,
                };
                preparer.prepare(&database, &request, Zxid(zxid), &mut out);
                // A busy leader has this many transactions outstanding.
                preparer.applied(Zxid(zxid - 500));
            });
        });
    }
}

fn all(c: &mut Criterion) {
    for nodes in SIZES {
        reads(c, nodes);
        applying(c, nodes);
        preparing(c, nodes);
    }
    creating(c);
}

criterion_group!(benches, all);
criterion_main!(benches);
