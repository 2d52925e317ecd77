//! Cuts: bytes vanish without a reset, in one way or both, until they end.

use std::time::{Duration, Instant};

use quorate::fault::{Flow, ProxyError, Shape, Way};

use super::rig::{Ends, Rig, delay, expect, expect_end, expect_silence, send};

#[test]
fn a_cut_of_one_way_leaves_the_other_and_keeps_what_is_sent() {
    let rig = Rig::start(Shape::default());
    let Ends {
        mut client,
        mut server,
    } = rig.connect();
    let forward = rig.flow(Way::Forward);
    rig.proxy.cut(&[forward]).unwrap();
    send(&mut client, "lost?");
    expect_silence(&mut server);
    send(&mut server, "heard");
    expect(&mut client, "heard");
    rig.proxy.heal(&[forward]).unwrap();
    expect(&mut server, "lost?");
    send(&mut client, " no");
    expect(&mut server, " no");
}

#[test]
fn bytes_under_way_when_a_cut_begins_arrive_after_it() {
    let rig = Rig::start(delay(30));
    let Ends {
        mut client,
        mut server,
    } = rig.connect();
    send(&mut client, "a");
    expect(&mut server, "a");
    send(&mut client, "b");
    let forward = rig.flow(Way::Forward);
    rig.proxy.cut(&[forward]).unwrap();
    expect_silence(&mut server);
    let healed = Instant::now();
    rig.proxy.heal(&[forward]).unwrap();
    expect(&mut server, "b");
    assert!(healed.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_new_connection_during_a_cut_is_silent_and_works_after_it() {
    let rig = Rig::start(Shape::default());
    // Without answers to its SYN a real client does not connect, whichever way is cut.
    for way in [Way::Forward, Way::Backward] {
        let flow = rig.flow(way);
        rig.proxy.cut(&[flow]).unwrap();
        let mut client = rig.dial();
        send(&mut client, "hello");
        rig.listener.set_nonblocking(true).unwrap();
        expect_silence(&mut client);
        assert!(rig.listener.accept().is_err(), "the server saw it");
        rig.listener.set_nonblocking(false).unwrap();
        rig.proxy.heal(&[flow]).unwrap();
        let (mut server, _) = rig.listener.accept().unwrap();
        expect(&mut server, "hello");
        send(&mut server, "world");
        expect(&mut client, "world");
    }
}

#[test]
fn a_client_that_gives_up_during_a_cut_never_reaches_the_server() {
    let rig = Rig::start(Shape::default());
    let forward = rig.flow(Way::Forward);
    rig.proxy.cut(&[forward]).unwrap();
    let before = rig.files();
    let mut given_up = rig.dial();
    send(&mut given_up, "given up");
    while rig.files() == before {
        std::thread::yield_now();
    }
    drop(given_up);
    while rig.files() > before {
        std::thread::yield_now();
    }
    let mut patient = rig.dial();
    send(&mut patient, "patient");
    rig.proxy.heal(&[forward]).unwrap();
    let (mut server, _) = rig.listener.accept().unwrap();
    expect(&mut server, "patient");
}

#[test]
fn a_close_during_a_cut_is_seen_after_it() {
    let rig = Rig::start(Shape::default());
    let Ends { client, mut server } = rig.connect();
    let forward = rig.flow(Way::Forward);
    rig.proxy.cut(&[forward]).unwrap();
    drop(client);
    expect_silence(&mut server);
    rig.proxy.heal(&[forward]).unwrap();
    expect_end(&mut server);
}

#[test]
fn a_cut_of_several_flows_is_one_request_and_an_unknown_link_changes_nothing() {
    let rig = Rig::start(Shape::default());
    let Ends {
        mut client,
        mut server,
    } = rig.connect();
    let both = [rig.flow(Way::Forward), rig.flow(Way::Backward)];
    let unknown = Flow {
        link: 9,
        way: Way::Forward,
    };
    let error = rig.proxy.cut(&[both[0], both[1], unknown]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the proxy process cannot do \"cut 0> 0< 9>\": there is no link 9"
    );
    send(&mut client, "ping");
    expect(&mut server, "ping");
    let at_ns = rig.proxy.cut(&both).unwrap();
    assert!(at_ns <= quorate::load::clock::now_ns());
    send(&mut client, "a");
    send(&mut server, "b");
    expect_silence(&mut server);
    expect_silence(&mut client);
    rig.proxy.heal(&both).unwrap();
    expect(&mut server, "a");
    expect(&mut client, "b");
}

#[test]
fn a_proxy_that_was_killed_is_an_error_in_words() {
    let rig = Rig::start(Shape::default());
    assert_eq!(rig.proxy.ended(), None);
    let pid = rustix::process::Pid::from_raw(i32::try_from(rig.proxy.pid()).unwrap()).unwrap();
    let handle = rig.proxy.handle().unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let mut polled = [rustix::event::PollFd::new(
        &handle,
        rustix::event::PollFlags::IN,
    )];
    rustix::event::poll(&mut polled, None).unwrap();
    assert_eq!(rig.proxy.ended().as_deref(), Some("signal 9"));
    let error = rig.proxy.cut(&[rig.flow(Way::Forward)]).unwrap_err();
    assert!(matches!(error, ProxyError::Talk { .. }), "{error}");
}
