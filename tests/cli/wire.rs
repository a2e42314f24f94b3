//! The program itself beside an API server that says what a real one says at other times.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

/// Answers every request with an empty list and these warnings, and tells its lines.
fn server(warnings: &'static str) -> (String, Receiver<String>) {
    let (tell, hear) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let mut stream = stream;
                // A request ends with an empty line: there is no body.
                while lines
                    .by_ref()
                    .map_while(Result::ok)
                    .any(|line| tell.send(line.clone()).is_ok() && line.is_empty())
                {
                    let body = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[]}";
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
                    let _ = write!(stream, "{head}{warnings}Content-Length: {}\r\n\r\n{body}", body.len());
                }
            });
        }
    });
    (address, hear)
}

#[test]
fn warnings_of_the_api_server_are_given_once() {
    let (address, heard) =
        server("Warning: 299 - \"apps/v0 is deprecated; use \\\"apps/v1\\\"\"\r\nWarning: 110 - \"stale\"\r\n");
    let list = |color: &str| {
        let mut plugin = Command::new(env!("CARGO_BIN_EXE_kubectl-redis_cluster"));
        plugin.args(["list", "--server", &address, "--color", color]);
        let said = plugin.env("KUBECONFIG", "/nowhere").output().expect("it runs");
        assert!(said.status.success());
        String::from_utf8(said.stderr).expect("text")
    };
    let rest = "apps/v0 is deprecated; use \"apps/v1\"\nNo resources found in default namespace.\n";
    assert_eq!(list("never"), format!("Warning: {rest}"));
    assert_eq!(list("always"), format!("\x1b[33mWarning:\x1b[0m {rest}"));
    let agent = format!("user-agent: kubectl-redis-cluster/v{} (", env!("CARGO_PKG_VERSION"));
    assert!(heard.try_iter().any(|line| line.starts_with(&agent)), "{agent}");
}
