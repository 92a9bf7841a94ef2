//! A registry for tests: HTTP on a port of the system's choice, and answers out of a function.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as the registry sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `GET /schemas/ids/1`.
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// What the registry does with a request.
pub(crate) enum Reply {
    Answer(u16, String),
    /// Keeps the connection and sends nothing.
    Hang,
    /// Closes the connection.
    Close,
}

pub(crate) struct FakeRegistry {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeRegistry {
    pub(crate) fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, reply)
    }

    /// The same behind TLS.
    pub(crate) fn start_tls(
        config: Arc<ServerConfig>,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(config), reply)
    }

    fn listen(
        tls: Option<Arc<ServerConfig>>,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (seen.clone(), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, reply, tls) = (log.clone(), reply.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &log, &*reply),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &log, &*reply);
                    }
                });
            }
        });
        Self { url, seen }
    }

    /// A registry with these schemas, by their paths.
    pub(crate) fn with(answers: &[(&str, &str)]) -> Self {
        let answers: Vec<_> =
            answers.iter().map(|(path, body)| (format!("GET {path}"), (*body).to_owned())).collect();
        Self::start(move |seen| match answers.iter().find(|(line, _)| *line == seen.line) {
            Some((_, body)) => Reply::Answer(200, body.clone()),
            None => Reply::Answer(404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned()),
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.lock().iter().map(|seen| seen.line.clone()).collect()
    }
}

fn serve(stream: impl Read + Write, log: &Mutex<Vec<Seen>>, reply: &dyn Fn(&Seen) -> Reply) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let line = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match &*name.to_ascii_lowercase() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let seen = Seen { line, authorization, body: String::from_utf8(body).unwrap() };
    log.lock().push(seen.clone());
    match reply(&seen) {
        Reply::Answer(status, body) => {
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let stream = reader.get_mut();
            let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
            let _ = stream.flush();
        }
        // Until the client closes its end.
        Reply::Hang => drop(reader.read(&mut [0])),
        Reply::Close => {}
    }
}
