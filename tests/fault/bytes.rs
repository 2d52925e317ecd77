//! What goes in comes out: order, amount, and bounded memory.

use std::io::{Read, Write};
use std::thread;

use quorate::fault::{Shape, Way};

use super::rig::{Ends, MS, Rig, TIMEOUT, delay, expect, send};

/// Returns bytes in which every place differs from its neighbourhood.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| u8::try_from((i ^ (i >> 8) ^ (i >> 16)) & 0xff).unwrap())
        .collect()
}

/// Sends `length` bytes in both directions at the same time.
fn exchange(shape: Shape, length: usize) {
    let rig = Rig::start(shape);
    let Ends { client, server } = rig.connect();
    let sent = pattern(length);
    thread::scope(|scope| {
        for stream in [&client, &server] {
            scope.spawn(|| (&*stream).write_all(&sent).unwrap());
            scope.spawn(|| {
                let mut received = vec![0; sent.len()];
                (&*stream).read_exact(&mut received).unwrap();
                assert!(received == sent, "bytes were changed or reordered");
            });
        }
    });
}

#[test]
fn bytes_keep_their_order_without_delay() {
    exchange(Shape::default(), 20_000_000);
}

#[test]
fn bytes_keep_their_order_with_a_delay_that_varies() {
    let shape = Shape {
        delay_ns: 2 * MS,
        jitter_ns: 2 * MS,
        rate_per_s: None,
    };
    exchange(shape, 20_000_000);
}

#[test]
fn many_connections_share_a_link() {
    let rig = Rig::start(delay(1));
    let mut all: Vec<Ends> = (0..50).map(|_| rig.connect()).collect();
    for (number, ends) in all.iter_mut().enumerate() {
        send(&mut ends.client, &format!("request {number:3}"));
    }
    for (number, ends) in all.iter_mut().enumerate() {
        // The kernel may accept connections in another order than they were made.
        let mut request = [0; 11];
        ends.server.read_exact(&mut request).unwrap();
        ends.server.write_all(&request).unwrap();
        assert!(number < 50);
    }
    for (number, ends) in all.iter_mut().enumerate() {
        expect(&mut ends.client, &format!("request {number:3}"));
    }
}

/// Writes until nothing more is taken for a second, and returns the number of bytes.
fn fill(ends: &Ends) -> usize {
    let mut stream = &ends.client;
    let quiet = std::time::Duration::from_secs(1);
    stream.set_write_timeout(Some(quiet)).unwrap();
    let bytes = pattern(1 << 16);
    let mut taken = 0;
    while let Ok(written) = stream.write(&bytes[taken % bytes.len()..]) {
        taken += written;
    }
    stream.set_write_timeout(Some(TIMEOUT)).unwrap();
    taken
}

/// Returns the resident memory of the proxy in bytes.
fn resident(rig: &Rig) -> u64 {
    let path = format!("/proc/{}/statm", rig.proxy.pid());
    let text = std::fs::read_to_string(path).unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * u64::try_from(rustix::param::page_size()).unwrap()
}

#[test]
fn a_receiver_that_reads_nothing_stops_the_sender() {
    let rig = Rig::start(delay(20));
    let before = resident(&rig);
    let filled: Vec<Ends> = (0..4).map(|_| rig.connect()).collect();
    for ends in &filled {
        let taken = fill(ends);
        // 4 MiB in the proxy, and at most 6 + 4 MiB in the kernel's buffers on each of the two sides.
        assert!(taken < 32 << 20, "{taken} bytes were taken");
    }
    let grown = resident(&rig).saturating_sub(before);
    assert!(
        grown < 4 * (6 << 20),
        "the proxy holds {grown} bytes for 4 connections"
    );
}

#[test]
fn a_cut_stops_the_sender_and_loses_nothing() {
    let rig = Rig::start(Shape::default());
    let mut ends = rig.connect();
    let flow = rig.flow(Way::Forward);
    rig.proxy.cut(&[flow]).unwrap();
    let taken = fill(&ends);
    assert!(taken < 16 << 20, "{taken} bytes were taken");
    rig.proxy.heal(&[flow]).unwrap();
    let mut received = vec![0; taken];
    ends.server.read_exact(&mut received).unwrap();
    let bytes = pattern(1 << 16);
    assert!(
        received
            .chunks(1 << 16)
            .all(|chunk| chunk == &bytes[..chunk.len()]),
        "bytes were lost"
    );
}
