//! Opening a stream, and the reason in words if it cannot be opened.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::ready;
use futures::{Stream, StreamExt};
use http::uri::PathAndQuery;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic::{Code, Request as Call, Status, Streaming};

use super::bounded::Bounded;
use super::table::Table;
use super::{Role, SubChannel};
use crate::answer::Incoming;
use crate::causes::{chain, describe};
use crate::codec::ProxyCodec;
use crate::limits::{MAX_REQUESTS_IN_FLIGHT, MAX_RESPONSE_BYTES};
use crate::options::{SessionOptions, SettingNames};
use crate::proto::proxy::{InitResponse, ProxyResponse, proxy_response::Response};
use crate::request::{Frame, Request};
use crate::tls;
use crate::v0::{self, Connection, Link};

const INIT_ID: i64 = 1;

const METHOD_NOT_FOUND: &str = "Method not found: coherence.proxy.v1.ProxyService/subChannel";

/// Why one address gave no stream.
#[derive(Debug)]
pub(crate) struct OpenFailure {
    /// True where the settings (or the server) must change before it can work.
    pub(crate) misuse: bool,
    /// True where no process listens there.
    pub(crate) refused: bool,
    pub(crate) reason: String,
}

fn passing(reason: String) -> OpenFailure {
    OpenFailure { misuse: false, refused: false, reason }
}

fn misuse(reason: String) -> OpenFailure {
    OpenFailure { misuse: true, refused: false, reason }
}

/// What a stream consists of on this side, apart from what comes in.
pub(super) struct Ends {
    pub(crate) outgoing: mpsc::Sender<Frame>,
    pub(crate) stop: CancellationToken,
    pub(crate) gone: CancellationToken,
    pub(crate) table: Arc<Mutex<Table>>,
}

/// What an address has, ready for requests. Dropping it ends it.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, for a moment")]
enum Opened {
    /// An initialised stream without a reader yet. The connection lives as long as its last user.
    V1(Ends, Grpc<Bounded>, Streaming<ProxyResponse>),
    /// A connection to a proxy from before protocol v1.
    V0(Connection),
}

/// Connects to `address` and initialises a stream, on a connection of its own: one that has failed may go on
/// failing after its server is back. Finds out each time which protocol the proxy speaks: it may have been upgraded.
pub(crate) async fn open(
    options: &SessionOptions,
    address: &str,
    role: Role,
) -> Result<SubChannel, OpenFailure> {
    let opened = initialise(options, address).await?;
    let address = address.to_owned();
    Ok(match opened {
        Opened::V1(ends, grpc, responses) => {
            let incoming = responses.map(move |response| {
                let _connection = &grpc;
                response.map(Incoming::Response)
            });
            SubChannel::start(address, options, role, ends, None, incoming)
        }
        Opened::V0(connection) => {
            let (outgoing, frames) = mpsc::channel(MAX_REQUESTS_IN_FLIGHT);
            let ends = Ends {
                outgoing,
                stop: CancellationToken::new(),
                gone: CancellationToken::new(),
                table: Arc::new(Mutex::new(Table::new())),
            };
            let tokens = (ends.stop.clone(), ends.gone.clone());
            let (link, incoming) =
                Link::start(&address, options, connection, role.timed.clone(), frames, tokens);
            SubChannel::start(address, options, role, ends, Some(link), incoming)
        }
    })
}

/// Asks for a sign of life: an initialised stream, which is given up at once. A proxy that speaks protocol v0 alone must
/// also reach the storage of `maps`: without it, it holds back what it was sent.
pub(super) async fn greet(
    options: &SessionOptions,
    address: &str,
    maps: &[Arc<str>],
) -> Result<(), OpenFailure> {
    let Opened::V0(connection) = initialise(options, address).await? else { return Ok(()) };
    let wait = options.connect_timeout;
    match timeout(wait, v0::is_stored(&connection, options, maps)).await {
        Err(_) => Err(passing(format!("connected, but its storage does not answer within {wait:?}"))),
        Ok(Err(status)) => Err(passing(describe(&status))),
        Ok(Ok(())) => Ok(()),
    }
}

async fn initialise(options: &SessionOptions, address: &str) -> Result<Opened, OpenFailure> {
    let endpoint = tls::endpoint(options, address).map_err(|e| misuse(e.to_string()))?;
    let wait = options.connect_timeout;
    let channel = connected(wait, options, endpoint.connect()).await?;

    let (outgoing, queued) = mpsc::channel(MAX_REQUESTS_IN_FLIGHT);
    let stop = CancellationToken::new();
    let channel = Bounded { channel, max: MAX_RESPONSE_BYTES };
    let mut grpc = Grpc::new(channel).max_decoding_message_size(MAX_RESPONSE_BYTES);
    let table = Arc::new(Mutex::new(Table::new()));
    let shared = table.clone();
    let requests = ReceiverStream::new(queued)
        .filter_map(move |frame| ready(past_its_gate(frame, &shared)))
        .take_until(stop.clone().cancelled_owned());
    // Before the call: the server sends its headers with its first answer, and the call waits for them.
    let init = Frame {
        id: INIT_ID,
        request: Request::init(&options.scope, options.format, &options.identity),
        gate: None,
    };
    outgoing.try_send(init).map_err(|_| passing("the request queue is closed".to_owned()))?;

    let opened = timeout(wait, init_stream(&mut grpc, requests)).await;
    let (responses, init) = match opened {
        Err(_) => return Err(passing(format!("connected, but no answer within {wait:?}{}", hint(options)))),
        Ok(Err(status)) if is_v0(&status) => {
            drop(grpc);
            return initialise_v0(options, address, &endpoint, &status).await;
        }
        Ok(Err(status)) => return Err(refused_init(&status, options)),
        Ok(Ok(opened)) => opened,
    };
    tracing::info!(
        address,
        protocol = "v1",
        version = init.version,
        member = init.proxy_member_id,
        "grid stream opened"
    );
    let ends = Ends { outgoing, stop, gone: CancellationToken::new(), table };
    Ok(Opened::V1(ends, grpc, responses))
}

/// Connects again, for calls of protocol v0.
async fn initialise_v0(
    options: &SessionOptions,
    address: &str,
    endpoint: &Endpoint,
    refused: &Status,
) -> Result<Opened, OpenFailure> {
    let wait = options.connect_timeout;
    let connection = connected(wait, options, Connection::open(endpoint)).await?;
    match timeout(wait, v0::is_served(&connection)).await {
        Err(_) => Err(passing(format!("connected, but no answer within {wait:?}"))),
        Ok(Err(status)) => Err(passing(describe(&status))),
        Ok(Ok(false)) => Err(refused_init(refused, options)),
        Ok(Ok(true)) => {
            tracing::info!(address, protocol = "v0", "grid stream opened");
            Ok(Opened::V0(connection))
        }
    }
}

async fn connected<T>(
    wait: Duration,
    options: &SessionOptions,
    connecting: impl Future<Output = Result<T, tonic::transport::Error>>,
) -> Result<T, OpenFailure> {
    match timeout(wait, connecting).await {
        Err(_) => Err(passing(format!("no connection within {wait:?}"))),
        Ok(Err(error)) => {
            let failure =
                refused_connection(&chain(error.source().unwrap_or(&error)), &options.setting_names);
            Err(OpenFailure { refused: is_refused(&error), ..failure })
        }
        Ok(Ok(connected)) => Ok(connected),
    }
}

/// True for the answer of a proxy from before protocol v1. Whatever else is wrong stays an error.
fn is_v0(status: &Status) -> bool {
    status.code() == Code::Unimplemented && status.message().contains(METHOD_NOT_FOUND)
}

/// The request, if its gate lets it leave. Else it is over: its caller gets an error.
fn past_its_gate(frame: Frame, table: &Mutex<Table>) -> Option<Frame> {
    if let Some(Err(reason)) = frame.gate.as_ref().map(|gate| gate.check()) {
        table.lock().hold_back(frame.id, &reason);
        return None;
    }
    Some(frame)
}

type Answered = (Streaming<ProxyResponse>, InitResponse);

/// Starts the call and waits for the answer to the init request: a request sent earlier may overtake it on the
/// server, which then ends the stream.
async fn init_stream(
    grpc: &mut Grpc<Bounded>,
    requests: impl Stream<Item = Frame> + Send + 'static,
) -> Result<Answered, Status> {
    grpc.ready().await.map_err(|e| Status::from_error(e.into()))?;
    let path = PathAndQuery::from_static("/coherence.proxy.v1.ProxyService/subChannel");
    let mut responses = grpc.streaming(Call::new(requests), path, ProxyCodec).await?.into_inner();
    loop {
        match responses.message().await? {
            Some(ProxyResponse { id: INIT_ID, response: Some(Response::Init(init)), .. }) => {
                return Ok((responses, init));
            }
            Some(ProxyResponse { id: INIT_ID, response: Some(Response::Error(error)), .. }) => {
                return Err(Status::internal(error.message));
            }
            Some(_) => {}
            None => return Err(Status::unknown("the stream ended without an answer")),
        }
    }
}

fn is_refused(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// An error of TCP or of the TLS handshake.
fn refused_connection(text: &str, names: &SettingNames) -> OpenFailure {
    tls_failure(text, names).unwrap_or_else(|| passing(format!("cannot connect: {text}")))
}

/// The errors of TLS that no waiting cures. The TLS library is not named in this crate, so its texts are read.
fn tls_failure(text: &str, names: &SettingNames) -> Option<OpenFailure> {
    let SettingNames { use_plaintext, ca, certificate, key, server_name, .. } = names;
    let advice = if text.contains("not valid for name") || text.contains("NotValidForName") {
        format!(
            "the certificate of the server does not carry this name: check the address, or set {server_name}"
        )
    } else if text.contains("invalid peer certificate") {
        format!("the certificate of the server is not trusted: check {ca}")
    } else if text.contains("InvalidContentType") || text.contains("corrupt message") {
        format!("the server does not speak TLS: check the port, or {use_plaintext}")
    } else if text.contains("received fatal alert") {
        format!("the server refused the TLS handshake: check {certificate} and {key}, which it may require")
    } else if text.contains("HTTP/2 was not negotiated") {
        "the server speaks TLS but not HTTP/2: check the port".to_owned()
    } else {
        return None;
    };
    Some(misuse(format!("{advice} ({text})")))
}

/// An answer other than an `InitResponse`, or a connection that broke before it.
fn refused_init(status: &Status, options: &SessionOptions) -> OpenFailure {
    let text = describe(status);
    // A status with a source was made up here, for a connection that did not behave like gRPC.
    if status.source().is_some() {
        return tls_failure(&text, &options.setting_names).unwrap_or_else(|| {
            passing(format!("connected, but it does not answer as gRPC ({text}){}", hint(options)))
        });
    }
    if status.message().starts_with("grpc-status header missing") {
        return passing(format!("it speaks HTTP/2 but not gRPC ({text}): check the port"));
    }
    if status.code() == Code::Unimplemented || status.message().contains("Method not found") {
        return misuse(format!(
            "the server has no gRPC service of Coherence ({text}): check the port, and whether it is a proxy of \
             Coherence CE 21.06 or later, or commercial 14.1.1.2206 or later"
        ));
    }
    match status.code() {
        // A grid hides what is wrong with an init request behind an INTERNAL without a text.
        Code::Internal | Code::InvalidArgument | Code::FailedPrecondition => misuse(format!(
            "the grid refused format {:?} or scope {:?} ({text}): the format must be a serializer that it has \
             (json needs its coherence-json module), the scope one that it runs, empty for the default",
            options.format.name(),
            options.scope,
        )),
        _ => passing(text),
    }
}

fn hint(options: &SessionOptions) -> String {
    let SettingNames { use_tls, certificate, key, .. } = options.setting_names;
    match options.tls {
        None => format!(": check the port, and whether it expects TLS (then {use_tls})"),
        Some(_) => format!(": check the port, and whether the server requires {certificate} and {key}"),
    }
}
