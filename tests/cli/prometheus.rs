//! Tests the live figures over HTTP during a run.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::process::Signal;

use crate::bench::{Bench, TIMEOUT};
use crate::started::wait_for;
use crate::workload::{ENDLESS, WORKLOAD};

/// Requests the figures and returns the body of the answer.
fn scrape(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Ok(body.to_owned())
}

/// Parses the samples and their values. Checks that type and help of its family precede each sample.
#[track_caller]
fn samples(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").unwrap();
    let mut family = "";
    let mut samples = BTreeMap::new();
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let keyword = words.next().unwrap();
            assert!(["HELP", "TYPE", "UNIT"].contains(&keyword), "{line}");
            family = words.next().unwrap();
            assert!(words.next().is_some(), "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
        assert!(
            [family, &format!("{family}_total")].contains(&name),
            "{line}"
        );
        assert!(labels.ends_with('}'), "{line}");
        let first = samples.insert(sample.to_owned(), value.parse().unwrap());
        assert_eq!(first, None, "duplicate sample: {line}");
    }
    samples
}

#[test]
fn a_run_serves_its_figures_until_it_ends() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--prometheus", ":0"];
    let mut run = bench.start(&[&args[..], &ENDLESS].concat());
    run.until("/metrics\n");
    let address = run.stderr().lines().find_map(|line| {
        let address = line.strip_prefix("live figures at http://")?;
        address.strip_suffix("/metrics")
    });
    let address: SocketAddr = address.unwrap().parse().unwrap();
    assert!(address.ip().is_loopback());
    let ok = "quorate_operations_total{op=\"set\",outcome=\"ok\"}";
    let samples = wait_for("percentiles of the measured phase", || {
        let samples = samples(&scrape(address).unwrap());
        let measures = samples.get("quorate_phase{phase=\"measure\"}") == Some(&1.0);
        let p99 = "quorate_response_seconds{op=\"set\",quantile=\"0.99\"}";
        let some = samples.get(ok).is_some_and(|count| *count > 0.0);
        (measures && some && samples.contains_key(p99)).then_some(samples)
    });
    let value = |name: &str| samples.get(name).copied();
    assert_eq!(value("quorate_phase{phase=\"warm_up\"}"), Some(0.0));
    assert_eq!(value("quorate_sessions_connected"), Some(2.0));
    assert_eq!(value("quorate_phase_planned_seconds"), Some(600.0));
    assert!(value("quorate_throughput_per_second{op=\"set\"}") > Some(0.0));
    // The only server acknowledged all operations.
    let of_server = samples
        .iter()
        .find(|(name, _)| name.starts_with("quorate_server_operations_total{server=\"127.0.0.1:"));
    assert_eq!(of_server.map(|(_, count)| *count), value(ok));
    assert!(
        !samples
            .keys()
            .any(|name| name.starts_with("quorate_errors"))
    );

    let taken = address.to_string();
    let second = bench.run(&["run", &mine, "--prometheus", &taken]);
    second.fails(1, &["--prometheus", &taken, "in use"]);
    assert!(!second.stderr.contains("starting"), "{second:?}");

    run.signal(Signal::INT);
    run.end();
    assert!(scrape(address).is_err(), "the port is still open");
}

#[test]
fn a_malformed_address_is_bad_usage() {
    let bench = Bench::new();
    let ran = bench.run(&["run", "--prometheus", "here"]);
    ran.fails(2, &["'here' for '--prometheus <ADDR>'", "HOST:PORT"]);
}
