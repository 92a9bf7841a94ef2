use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::routing::get;

use super::*;

/// What nothing here comes near.
const LONG: Duration = Duration::from_secs(60);

fn server(limits: Limits) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(|| async { "here" }));
    (Server::within(limits, vec![listener], &router).unwrap(), address)
}

fn connect(address: SocketAddr, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    socket
}

/// What comes until the server closes the connection.
fn rest_of(mut socket: TcpStream) -> String {
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    text
}

const LAST: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn clients_that_send_no_request_do_not_keep_their_places() {
    let (_server, address) =
        server(Limits { connections: 2, head: Duration::from_millis(300), lifetime: LONG });
    let (idle, dripping) = (connect(address, ""), connect(address, "GET / HTTP/1.1\r\nHost: "));
    // Its place is one of theirs.
    assert!(rest_of(connect(address, LAST)).ends_with("here"));
    for socket in [idle, dripping] {
        let answer = rest_of(socket);
        assert!(!answer.contains("here"), "{answer}");
    }
}

#[test]
fn a_connection_that_is_kept_busy_ends_after_its_lifetime() {
    let (_server, address) =
        server(Limits { connections: 1, head: LONG, lifetime: Duration::from_millis(300) });
    let mut busy = connect(address, "");
    let mut answered = 0;
    let request = LAST.replace("Connection: close\r\n", "");
    while busy.write_all(request.as_bytes()).is_ok() {
        let mut answer = [0; 4096];
        match busy.read(&mut answer) {
            Ok(0) | Err(_) => break,
            Ok(_) => answered += 1,
        }
    }
    assert!(answered > 0);
    assert!(rest_of(connect(address, LAST)).ends_with("here"), "its place is free");
}

#[test]
fn a_server_ends_on_a_runtime_too() {
    let (server, address) = server(LIMITS);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move { drop(server) });
    let end = std::time::Instant::now() + LONG;
    while TcpStream::connect(address).is_ok() {
        assert!(std::time::Instant::now() < end, "it still listens");
        std::thread::yield_now();
    }
}
