//! Ends of connections are carried over like bytes: half-closes, resets and refusals.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::time::{Duration, Instant};

use quorate::fault::Shape;

use super::rig::{Ends, Rig, delay, dial, expect, expect_end, expect_reset, reset, send};

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
    // The answer to the first write is a reset, after which the proxy cannot write any more.
    while client.write_all(b"anybody?").is_ok() {}
}

#[test]
fn a_refused_connection_is_reset() {
    let rig = Rig::start(delay(5));
    let refusing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = refusing.local_addr().unwrap();
    drop(refusing);
    let link = rig.proxy.link(nobody, delay(5)).unwrap();
    expect_reset(&mut dial(link.address));
    // The other link is not affected.
    let Ends {
        mut client,
        mut server,
    } = rig.connect();
    send(&mut client, "x");
    expect(&mut server, "x");
}

#[test]
fn the_sockets_of_ended_connections_are_closed() {
    let rig = Rig::start(Shape::default());
    let before = rig.files();
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
    while rig.files() > before {
        std::thread::yield_now();
    }
}
