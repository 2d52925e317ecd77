//! Servers that cannot start must end with the specified exit status and a message that names the cause.

use std::fs;
use std::net::TcpListener;

use super::servers::Ensemble;

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
