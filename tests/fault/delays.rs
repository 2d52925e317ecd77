//! Delays and rates, by their lower bounds.

use std::time::{Duration, Instant};

use quorate::fault::{Shape, Way};

use super::rig::{Ends, MS, Rig, delay, expect, send};

/// Returns the time of one round trip.
fn round_trip(ends: &mut Ends) -> Duration {
    let began = Instant::now();
    send(&mut ends.client, "ping");
    expect(&mut ends.server, "ping");
    send(&mut ends.server, "pong");
    expect(&mut ends.client, "pong");
    began.elapsed()
}

#[test]
fn a_delay_below_a_millisecond_is_kept_in_both_ways() {
    let rig = Rig::start(Shape {
        delay_ns: 300_000,
        ..Shape::default()
    });
    let mut ends = rig.connect();
    for _ in 0..100 {
        assert!(round_trip(&mut ends) >= Duration::from_micros(600));
    }
}

#[test]
fn ways_have_their_own_delays_and_heal_to_the_first_one() {
    let rig = Rig::start(delay(5));
    let mut ends = rig.connect();
    let slow = rig.flow(Way::Backward);
    rig.proxy.shape(&[slow], delay(50)).unwrap();
    let began = Instant::now();
    send(&mut ends.client, "ping");
    expect(&mut ends.server, "ping");
    assert!(began.elapsed() >= Duration::from_millis(5));
    let began = Instant::now();
    send(&mut ends.server, "pong");
    expect(&mut ends.client, "pong");
    assert!(began.elapsed() >= Duration::from_millis(50));
    rig.proxy.heal(&[slow]).unwrap();
    // Of several round trips one takes less than the slow way alone, also on a busy machine.
    let quick = std::iter::repeat_with(|| round_trip(&mut ends))
        .find(|time| *time < Duration::from_millis(50));
    assert!(quick.unwrap() >= Duration::from_millis(10));
}

#[test]
fn a_connection_takes_a_handshake_before_its_first_byte() {
    let rig = Rig::start(delay(20));
    let began = Instant::now();
    let mut client = rig.dial();
    send(&mut client, "ping");
    let (mut server, _) = rig.listener.accept().unwrap();
    assert!(began.elapsed() >= Duration::from_millis(20));
    expect(&mut server, "ping");
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_varying_delay_stays_above_its_lowest_value() {
    let rig = Rig::start(Shape {
        delay_ns: 3 * MS,
        jitter_ns: MS,
        rate_per_s: None,
    });
    let mut ends = rig.connect();
    for _ in 0..50 {
        assert!(round_trip(&mut ends) >= Duration::from_millis(4));
    }
}

#[test]
fn a_rate_is_shared_by_the_connections_of_a_link() {
    let rig = Rig::start(Shape {
        rate_per_s: Some(1_000_000),
        ..Shape::default()
    });
    let mut first = rig.connect();
    let mut second = rig.connect();
    let text = "x".repeat(100_000);
    let began = Instant::now();
    send(&mut first.client, &text);
    send(&mut second.client, &text);
    expect(&mut first.server, &text);
    expect(&mut second.server, &text);
    assert!(began.elapsed() >= Duration::from_millis(200));
}
