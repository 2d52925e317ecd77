//! Ends of connections are carried over like bytes: half-closes, resets and refusals.

use std::io::Read;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use quorate::fault::Shape;

use super::rig::{Ends, Rig, delay, expect, expect_end, expect_reset, reset, send};

#[test]
fn a_half_close_arrives_after_the_bytes_and_the_delay_and_leaves_the_other_half() {
    let rig = Rig::start(delay(20));
    let Ends {
        mut client,
        mut server,
    } = rig.connect();
    send(&mut client, "last");
    client.shutdown(Shutdown::Write).unwrap();
    let began = Instant::now();
    expect(&mut server, "last");
    expect_end(&mut server);
    assert!(began.elapsed() >= Duration::from_millis(15));
    send(&mut server, "answer");
    expect(&mut client, "answer");
    drop(server);
    expect_end(&mut client);
}

#[test]
fn a_reset_of_either_side_reaches_the_other_after_its_bytes() {
    let rig = Rig::start(delay(5));
    let Ends { client, mut server } = rig.connect();
    reset(client);
    expect_reset(&mut server);
    let Ends {
        mut client,
        mut server,
    } = rig.connect();
    send(&mut server, "bye");
    expect(&mut client, "bye");
    reset(server);
    expect_reset(&mut client);
}

#[test]
fn a_write_to_a_closed_server_comes_back_as_a_reset() {
    let rig = Rig::start(Shape::default());
    let Ends { mut client, server } = rig.connect();
    drop(server);
    expect_end(&mut client);
    send(&mut client, "anybody?");
    expect_reset(&mut client);
}

#[test]
fn a_refused_connection_is_reset() {
    let rig = Rig::start(delay(5));
    let Rig {
        proxy: _proxy,
        link,
        listener,
        ..
    } = &rig;
    let _ = listener;
    let address = link.address;
    let refusing = Rig::start(delay(5));
    let server = refusing.listener.local_addr().unwrap();
    let closed = refusing.proxy.link(server, delay(5)).unwrap();
    drop(refusing.listener);
    let mut client = super::rig::dial(closed.address);
    expect_reset(&mut client);
    // The other proxy is not affected.
    let mut other = super::rig::dial(address);
    let (mut server, _) = rig.listener.accept().unwrap();
    send(&mut other, "x");
    expect(&mut server, "x");
}

#[test]
fn the_sockets_of_ended_connections_are_closed() {
    let rig = Rig::start(Shape::default());
    let files = || {
        std::fs::read_dir(format!("/proc/{}/fd", rig.proxy.pid()))
            .unwrap()
            .count()
    };
    let before = files();
    for round in 0..60 {
        let Ends {
            mut client,
            mut server,
        } = rig.connect();
        send(&mut client, "x");
        expect(&mut server, "x");
        match round % 3 {
            0 => {
                drop(client);
                expect_end(&mut server);
            }
            1 => {
                reset(server);
                let _ = client.read(&mut [0; 1]);
            }
            _ => {
                reset(client);
                expect_reset(&mut server);
            }
        }
    }
    // The proxy closes its sockets a moment after the ends arrived.
    while files() > before {
        std::thread::yield_now();
    }
}
