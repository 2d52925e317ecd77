//! Servers that cannot start must end with the specified exit status and a message that names the cause.

use std::fs;
use std::net::TcpListener;

use super::servers::{Ensemble, own_ip, wait_for};

#[test]
fn a_port_in_use_ends_the_server_with_status_14_and_is_named() {
    for port in ["client", "election"] {
        let mut ensemble = Ensemble::prepared(3, 0, "");
        let server = &mut ensemble.servers[0];
        let address = if port == "client" {
            server.client
        } else {
            server.election
        };
        let _taken = TcpListener::bind(address).unwrap();
        server.start();
        let status = server.await_exit();
        assert_eq!(status.code(), Some(14), "{}", server.output());
        let output = server.output();
        assert!(output.contains(&address.port().to_string()), "{output}");
        assert!(
            output.to_lowercase().contains("address already in use"),
            "{output}"
        );
    }
}

#[test]
fn an_invalid_configuration_line_ends_the_server_with_status_2_and_is_named() {
    for (bad, key) in [
        ("tickTime=soon", "tickTime"),
        ("server.x=h:1:2", "server.x"),
        ("clientPort=99999", "clientPort"),
    ] {
        let mut ensemble = Ensemble::prepared(1, 0, "");
        let server = &mut ensemble.servers[0];
        let good = "# comment\ninitLimit=5\n";
        fs::write(
            server.config(),
            format!("{good}{bad}\ndataDir={}\n", server.dir.display()),
        )
        .unwrap();
        server.start();
        let status = server.await_exit();
        let output = server.output();
        assert_eq!(status.code(), Some(2), "{output}");
        assert!(
            output.contains(&format!("{}:3", server.config().display())),
            "{output}"
        );
        assert!(output.contains(key), "{output}");
    }
}

/// A pod that is not scheduled yet has no name.
#[test]
fn a_server_whose_peer_has_no_address_serves_and_logs_that() {
    let mut ensemble = Ensemble::prepared(3, 0, "");
    for server in &ensemble.servers {
        let text = fs::read_to_string(server.config()).unwrap();
        let third = format!("server.3={}:", own_ip());
        let unknown = text.replace(&third, "server.3=zk3.invalid:");
        assert_ne!(text, unknown);
        fs::write(server.config(), unknown).unwrap();
    }
    for server in &mut ensemble.servers[..2] {
        server.start();
    }
    for server in &mut ensemble.servers[..2] {
        server.await_serving();
        wait_for("a line in the log", || {
            let output = server.output();
            output
                .contains("server.3: cannot resolve zk3.invalid")
                .then_some(())
        });
    }
}

#[test]
fn a_missing_configuration_or_myid_ends_the_server_with_status_2_and_is_named() {
    let mut ensemble = Ensemble::prepared(3, 0, "");
    let server = &mut ensemble.servers[0];
    let my_id = server.dir.join("data/myid");
    fs::remove_file(&my_id).unwrap();
    server.start();
    assert_eq!(server.await_exit().code(), Some(2));
    assert!(
        server.output().contains(&my_id.display().to_string()),
        "{}",
        server.output()
    );
    let server = &mut ensemble.servers[1];
    fs::remove_file(server.config()).unwrap();
    server.start();
    assert_eq!(server.await_exit().code(), Some(2));
    assert!(
        server
            .output()
            .contains(&server.config().display().to_string()),
        "{}",
        server.output()
    );
}
