//! Jute encoding and one ZAB step: the cost of a request in a server without socket and disk.

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use quorate::ensemble::database::{ConnId, Database};
use quorate::ensemble::peer::{Effects, Input, Now, Peer, Recovered, Settings};
use quorate::wire::jute::{
    ConnectRequest, OpCode, PeerId, Reader, RequestHeader, SessionId, SetDataRequest, Stat, Zxid,
};

fn set_frame(xid: i32, out: &mut Vec<u8>) {
    RequestHeader::encode_frame(out, xid, OpCode::SetData, |out| {
        let data = Some(&[7; 100][..]);
        SetDataRequest {
            path: "/zookeeper",
            data,
            version: -1,
        }
        .encode(out);
    });
}

fn jute(c: &mut Criterion) {
    let mut out = Vec::with_capacity(256);
    c.bench_function("jute/encode set", |b| {
        b.iter(|| {
            out.clear();
            set_frame(1, &mut out);
            black_box(out.len())
        });
    });
    let mut frame = Vec::new();
    set_frame(1, &mut frame);
    c.bench_function("jute/decode set", |b| {
        b.iter(|| {
            let mut reader = Reader::new(&frame[4..]);
            let header = RequestHeader::decode(&mut reader);
            black_box((header, SetDataRequest::decode(&mut reader)))
        });
    });
    c.bench_function("jute/encode stat", |b| {
        b.iter(|| {
            out.clear();
            Stat::default().encode(&mut out);
            black_box(out.len())
        });
    });
}

/// Returns a standalone server that serves, with one open session.
fn serving() -> (Peer, Effects) {
    let me = PeerId(1);
    let settings = Settings::standalone(me);
    let recovered = Recovered {
        database: Database::new(settings.database()),
        accepted_epoch: 0,
        current_epoch: 0,
        last_logged: Zxid::ZERO,
        committed: VecDeque::new(),
    };
    let mut peer = Peer::new(settings, recovered);
    let mut fx = Effects::default();
    let now = Now::default();
    peer.step(now, Input::Start, &mut fx);
    peer.step(now, Input::ClientUp(ConnId(1), "127.0.0.1"), &mut fx);
    let mut hello = Vec::new();
    ConnectRequest {
        last_zxid_seen: Zxid::ZERO,
        timeout_ms: 10_000,
        session: SessionId(0),
        password: &[0; 16],
        read_only: Some(false),
    }
    .encode_frame(&mut hello);
    peer.step(now, Input::ClientBytes(ConnId(1), &hello), &mut fx);
    peer.step(now, Input::Synced(peer.last_logged()), &mut fx);
    assert!(peer.is_serving(), "a standalone server must serve at once");
    (peer, fx)
}

fn step(c: &mut Criterion) {
    let (mut peer, mut fx) = serving();
    let mut frame = Vec::new();
    set_frame(1, &mut frame);
    c.bench_function("zab/propose, sync and commit a set", |b| {
        b.iter(|| {
            fx.clear();
            peer.step(
                Now::default(),
                Input::ClientBytes(ConnId(1), &frame),
                &mut fx,
            );
            peer.step(Now::default(), Input::Synced(peer.last_logged()), &mut fx);
            black_box(fx.list.len())
        });
    });
}

criterion_group!(benches, jute, step);
criterion_main!(benches);
