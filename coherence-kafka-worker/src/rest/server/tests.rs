use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::*;
use crate::rest::limits as limits_of_requests;
use crate::testing::eventually;

mod tls;

/// What nothing here comes near.
const LONG: Duration = Duration::from_secs(60);

fn limits(connections: usize, head: Duration, lifetime: Duration) -> RestLimits {
    RestLimits { connections, head, lifetime, ..RestLimits::default() }
}

fn here() -> Router {
    Router::new().route("/", get(|| async { "here" }))
}

fn server(limits: RestLimits) -> (Server, SocketAddr) {
    serving(limits, here())
}

fn serving(limits: RestLimits, router: Router) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (Server::start(limits, vec![Endpoint::new(listener, router)]).unwrap(), address)
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
    let (_server, address) = server(limits(2, Duration::from_millis(300), LONG));
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
    let (_server, address) = server(limits(1, LONG, Duration::from_millis(300)));
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
fn a_connection_without_a_place_is_answered_503() {
    let (_server, address) = server(limits(1, LONG, LONG));
    let idle = connect(address, "");
    for _ in 0..3 {
        let answer = rest_of(connect(address, LAST));
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: 1"), "{answer}");
        assert!(answer.contains("1 clients are connected: retry later"), "{answer}");
    }
    drop(idle);
    eventually("the place is free", || rest_of(connect(address, LAST)).ends_with("here"));
}

#[test]
fn a_body_that_is_too_large_is_answered_413_while_it_is_still_sent() {
    let limits = RestLimits { body_bytes: 1024, ..RestLimits::default() };
    let router = Router::new()
        .route("/", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(from_fn_with_state(limits_of_requests::Places::new(limits), limits_of_requests::admit));
    let (_server, address) = serving(limits, router);
    let large = "x".repeat(4 << 20);
    let head = "POST / HTTP/1.1\r\nHost: x\r\n";
    for request in [
        format!("{head}Content-Length: {}\r\n\r\n{large}", large.len()),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len()),
    ] {
        let answer = rest_of(connect(address, &request));
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("the body is larger than 1024 bytes"), "{answer}");
    }
    let small = format!("{head}Connection: close\r\nContent-Length: 1024\r\n\r\n{}", "x".repeat(1024));
    assert!(rest_of(connect(address, &small)).ends_with("\r\n1024"));
}

#[test]
fn a_request_without_a_place_is_answered_503_and_a_probe_of_the_health_is_answered() {
    let limits = RestLimits { requests: 1, ..RestLimits::default() };
    let (began, begins) = std::sync::mpsc::channel();
    let (ends, end) = tokio::sync::watch::channel(());
    let slow = move || {
        let (began, mut end) = (began.clone(), end.clone());
        async move {
            began.send(()).unwrap();
            end.changed().await.unwrap();
            "slow"
        }
    };
    let router = Router::new()
        .route("/slow", get(slow))
        .route("/health", get(|| async { "well" }))
        .layer(from_fn_with_state(limits_of_requests::Places::new(limits), limits_of_requests::admit));
    let (_server, address) = serving(limits, router);
    let ask = |path: &str| connect(address, &LAST.replace("GET /", &format!("GET {path}")));
    let slow = ask("/slow");
    begins.recv().unwrap();
    let answer = rest_of(ask("/slow"));
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("1 requests are being processed: retry later"), "{answer}");
    assert!(rest_of(ask("/health")).ends_with("well"));
    ends.send(()).unwrap();
    assert!(rest_of(slow).ends_with("slow"));
}

#[test]
fn a_server_ends_on_a_runtime_too() {
    let (server, address) = server(RestLimits::default());
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move { drop(server) });
    let end = std::time::Instant::now() + LONG;
    while TcpStream::connect(address).is_ok() {
        assert!(std::time::Instant::now() < end, "it still listens");
        std::thread::yield_now();
    }
}
