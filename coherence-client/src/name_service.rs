//! The name service of a cluster: asks a cluster member where the gRPC proxies are.
//!
//! ```text
//! client                                             member, on the cluster port
//!   marker, sub-port ────────────────────────────────►
//!   frame: open a connection, frame: open a channel ─►
//!   ◄──────── frame (not read), frame with the channel id
//!   frame: channel id, "look up", name ──────────────►
//!   ◄─────────────── frame: channel id, header, text
//! ```
//!
//! A frame is a packed length and that many bytes. Owns this dialogue; every length
//! is checked before anything is read or kept.

use std::io;
use std::time::Duration;

use coherence_kafka_common::grid_address::check_host_and_port;
use coherence_kafka_common::packed::{self, Cursor, DecodeError, Problem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::causes::chain;
use crate::options::SessionOptions;

const PROXIES: &str = "NameService/string/$GRPC:GrpcProxy";
const CLUSTER_NAME: &str = "Cluster/name";
/// Between questions to a name service that knows no proxy yet.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Longest frame that is read: a thousand proxies take some 30 kB.
const MAX_FRAME_BYTES: usize = 64 << 10;
/// Most proxies that are taken from one answer.
const MAX_PROXIES: usize = 1_000;

/// The name service of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct NameServiceAddress {
    /// Members to ask, as `host:port`.
    pub(crate) members: Vec<String>,
    /// The cluster that is wanted, where it is not the one that these are of.
    pub(crate) cluster: Option<String>,
}

impl NameServiceAddress {
    /// Returns the proxies, as `host:port`, of the first member that knows any. Never empty.
    ///
    /// # Errors
    /// The error of each member.
    pub(crate) async fn resolve(&self, options: &SessionOptions) -> Result<Vec<String>, String> {
        let mut asked = 0;
        loop {
            let mut reasons = Vec::new();
            let mut answered = false;
            for member in &self.members {
                let looked_up = timeout(options.connect_timeout, self.ask(member));
                let error = match looked_up.await {
                    Ok(Ok(proxies)) => return Ok(proxies),
                    Ok(Err(error)) => error,
                    Err(_) => LookupError::Silent(options.connect_timeout),
                };
                answered |= matches!(error, LookupError::NoProxy | LookupError::NoCluster { .. });
                reasons.push(format!("name service {member}: {}", chain(&error)));
            }
            if !answered || asked == options.resolver_retries {
                return Err(reasons.join(", "));
            }
            asked += 1;
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn ask(&self, member: &str) -> Result<Vec<String>, LookupError> {
        let mut service = NameService::connect(member).await?;
        if let Some(wanted) = &self.cluster {
            let port = format!("NameService/string/Cluster/foreign/{wanted}/NameService/localPort");
            match service.look_up(&port).await? {
                Some(port) => {
                    let port: u16 = port.trim().parse().map_err(|_| LookupError::Port)?;
                    let host = member.rsplit_once(':').map_or(member, |(host, _)| host);
                    service = NameService::connect(&format!("{host}:{port}")).await?;
                }
                // It is not foreign where it is the cluster of this member.
                None => {
                    let own = service.look_up(CLUSTER_NAME).await?.unwrap_or_default();
                    if own != *wanted {
                        return Err(LookupError::NoCluster { wanted: wanted.clone(), own });
                    }
                }
            }
        }
        let proxies = proxies(&service.look_up(PROXIES).await?.unwrap_or_default())?;
        if proxies.is_empty() { Err(LookupError::NoProxy) } else { Ok(proxies) }
    }
}

#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error("no answer within {0:?}")]
    Silent(Duration),
    #[error("the connection failed: check the host and the cluster port")]
    Io(#[from] io::Error),
    #[error("the answer cannot be read: check that this is a cluster port")]
    Decode(#[from] DecodeError),
    #[error("the answer is not a list of host and port")]
    NotAList,
    #[error("the answer is not a port")]
    Port,
    #[error("it knows no gRPC proxy: check that a member of the cluster runs one")]
    NoProxy,
    #[error("it belongs to cluster {own:?} and does not know cluster {wanted:?}")]
    NoCluster { wanted: String, own: String },
}

/// One connection to a member, with a channel to its name service.
struct NameService {
    socket: TcpStream,
    channel: Vec<u8>,
}

impl NameService {
    async fn connect(member: &str) -> Result<Self, LookupError> {
        let mut socket = TcpStream::connect(member).await?;
        let mut hello = vec![0x5A, 0xC1, 0xE0, 0x00, 0x00, 0x00, 0x00, 0x03];
        frame(&mut hello, OPEN_CONNECTION);
        frame(&mut hello, OPEN_CHANNEL);
        socket.write_all(&hello).await?;
        read_frame(&mut socket).await?;
        let channel = channel_id(&read_frame(&mut socket).await?)?.to_vec();
        Ok(Self { socket, channel })
    }

    async fn look_up(&mut self, name: &str) -> Result<Option<String>, LookupError> {
        let mut request = self.channel.clone();
        request.extend_from_slice(&[0x01, 0x01, 0x00, 0x42, 0x00, 0x01, 0x4E]);
        frame(&mut request, name.as_bytes());
        request.push(0x40);
        let mut framed = Vec::with_capacity(request.len() + 4);
        frame(&mut framed, &request);
        self.socket.write_all(&framed).await?;
        Ok(text(&read_frame(&mut self.socket).await?, self.channel.len())?)
    }
}

/// Appends the length of `bytes` and `bytes`.
fn frame(out: &mut Vec<u8>, bytes: &[u8]) {
    // What is framed here are constants and names, far below 2 GiB.
    packed::write_i64(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

async fn read_frame(socket: &mut TcpStream) -> Result<Vec<u8>, LookupError> {
    let mut prefix = Vec::with_capacity(5);
    loop {
        prefix.push(socket.read_u8().await?);
        if prefix.last().is_none_or(|byte| byte & 0x80 == 0) {
            break;
        }
        if prefix.len() == 5 {
            return Err(invalid("a frame", "its length has no end").into());
        }
    }
    let len = Cursor::new(&prefix).packed_i32("the length of a frame")?;
    match usize::try_from(len) {
        Ok(len) if len <= MAX_FRAME_BYTES => {
            let mut bytes = vec![0; len];
            socket.read_exact(&mut bytes).await?;
            Ok(bytes)
        }
        _ => Err(invalid("a frame", "its length is negative or more than 64 KiB").into()),
    }
}

fn invalid(reading: &'static str, what: &'static str) -> DecodeError {
    DecodeError { offset: 0, reading, problem: Problem::Invalid(what) }
}

/// Returns the id in the answer to "open a channel": what lies between 8 bytes and the last.
fn channel_id(message: &[u8]) -> Result<&[u8], DecodeError> {
    let mut cursor = Cursor::new(message);
    cursor.take(8, "the header of a channel")?;
    let rest = cursor.rest();
    match rest.split_last() {
        Some((_, id)) if !id.is_empty() => Ok(id),
        _ => Err(invalid("a channel", "it has no id")),
    }
}

/// Returns the text in the answer to a look-up, `None` where nothing is known under the name.
fn text(message: &[u8], channel_len: usize) -> Result<Option<String>, DecodeError> {
    let mut cursor = Cursor::new(message);
    cursor.take(channel_len + 1, "the header of an answer")?;
    if cursor.remaining() <= 7 {
        return Ok(None);
    }
    cursor.take(6, "the header of an answer")?;
    let len = cursor.packed_i32("the length of a text")?;
    let len = usize::try_from(len).map_err(|_| invalid("a text", "its length is negative"))?;
    let text = cursor.take(len, "a text")?;
    std::str::from_utf8(text).map(|text| Some(text.to_owned())).map_err(|_| invalid("a text", "not UTF-8"))
}

/// Returns the proxies in `[host, port, host, port, …]`.
fn proxies(text: &str) -> Result<Vec<String>, LookupError> {
    let list = text.trim().trim_start_matches('[').trim_end_matches(']').trim();
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<&str> = list.split(',').map(str::trim).take(2 * MAX_PROXIES).collect();
    let pairs = items.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(LookupError::NotAList);
    }
    let address = |pair: &[&str]| {
        let address = match pair {
            [v6, port] if v6.contains(':') => format!("[{v6}]:{port}"),
            [host, port] => format!("{host}:{port}"),
            _ => String::new(),
        };
        check_host_and_port(&address).map(|()| address).map_err(|_| LookupError::NotAList)
    };
    pairs.map(address).collect()
}

/// The message by which the official clients open a connection; the server ignores its fields.
const OPEN_CONNECTION: &[u8] =
    b"\x00\x01\x02\x00B\x00\x01\x0e\x00\x00B\xa6\xb6\x9f\xde\xb2Q\x01A\xe3\xf3\xe4\xdd\x0f\x02A\x8f\
      \xf6\xba\x99\x01\x03A\xf8\xb4\xe5\xf2\x04\x04A\xc4\xfe\xdc\xf5\x05\x05A\xd7\xce\xc3\x8d\x07\x06A\
      \xdb\x89\xdc\xd5\x0a@\x02n\x03]NW\x02\x11MessagingProtocol\x02A\x02A\x02\x13NameServiceProtocol\
      \x02A\x01A\x01\x05\xa0\x02\x00\x00\x0e\x00\x00B\xae\x89\x9e\xde\xb2Q\x01A\x81\x80\x80\xf0\x0f\
      \x05A\x98\x9f\x81\x80\x08\x06A\x93\x9e\x01@\x01j\x02n\x03j\x04q\x05q\x06N\x08ClusterB\x09N\x09lo\
      calhost\x0aN\x0520233\x0cN\x10CoherenceConsole@@";
const OPEN_CHANNEL: &[u8] = b"\x00\x0b\x02\x00B\x01\x01N\x13NameServiceProtocol\x02N\x0bNameService@";

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
