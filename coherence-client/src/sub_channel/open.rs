//! Opening a stream, and the reason in words if it cannot be opened.

use std::error::Error;
use std::io;
use std::sync::Arc;

use futures::future::ready;
use futures::{Stream, StreamExt};
use http::uri::PathAndQuery;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;
use tonic::{Code, Request as Call, Status, Streaming};

use super::bounded::Bounded;
use super::table::Table;
use super::{Role, SubChannel};
use crate::causes::{chain, describe};
use crate::codec::ProxyCodec;
use crate::limits::MAX_REQUESTS_IN_FLIGHT;
use crate::options::{SessionOptions, SettingNames};
use crate::proto::proxy::{InitResponse, ProxyResponse, proxy_response::Response};
use crate::request::{Frame, Request};
use crate::tls;

/// Largest message taken from the grid: single entries are bounded by what it stores, not by its inbound limit.
const MAX_RESPONSE_BYTES: usize = 64 << 20;

const INIT_ID: i64 = 1;

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

/// An initialised stream without a reader yet. Dropping it ends it.
pub(super) struct Initialised {
    pub(crate) outgoing: mpsc::Sender<Frame>,
    pub(crate) stop: CancellationToken,
    pub(crate) grpc: Grpc<Bounded>,
    pub(crate) responses: Streaming<ProxyResponse>,
    pub(crate) table: Arc<Mutex<Table>>,
}

/// Connects to `address` and initialises a stream, on a connection of its own: one that has failed may go on
/// failing after its server is back.
pub(crate) async fn open(
    options: &SessionOptions,
    address: &str,
    role: Role,
) -> Result<SubChannel, OpenFailure> {
    let stream = initialise(options, address).await?;
    Ok(SubChannel::start(address.to_owned(), options, role, stream))
}

/// Asks for a sign of life: an initialised stream, which is given up at once.
pub(crate) async fn greet(options: &SessionOptions, address: &str) -> Result<(), OpenFailure> {
    initialise(options, address).await.map(drop)
}

async fn initialise(options: &SessionOptions, address: &str) -> Result<Initialised, OpenFailure> {
    let endpoint = tls::endpoint(options, address).map_err(|e| misuse(e.to_string()))?;
    let wait = options.connect_timeout;
    let channel = match timeout(wait, endpoint.connect()).await {
        Err(_) => return Err(passing(format!("no connection within {wait:?}"))),
        Ok(Err(error)) => {
            let failure =
                refused_connection(&chain(error.source().unwrap_or(&error)), &options.setting_names);
            return Err(OpenFailure { refused: is_refused(&error), ..failure });
        }
        Ok(Ok(channel)) => channel,
    };

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
        Ok(Err(status)) => return Err(refused_init(&status, options)),
        Ok(Ok(opened)) => opened,
    };
    tracing::info!(address, version = init.version, member = init.proxy_member_id, "grid stream opened");
    Ok(Initialised { outgoing, stop, grpc, responses, table })
}

/// The request, if its gate lets it leave. Else it is over: its caller gets an error.
fn past_its_gate(frame: Frame, table: &Mutex<Table>) -> Option<Frame> {
    if let Some(Err(reason)) = frame.gate.as_ref().map(|gate| gate.check()) {
        table.lock().hold_back(frame.id, &reason);
        return None;
    }
    Some(frame)
}

type Opened = (Streaming<ProxyResponse>, InitResponse);

/// Starts the call and waits for the answer to the init request: a request sent earlier may overtake it on the
/// server, which then ends the stream.
async fn init_stream(
    grpc: &mut Grpc<Bounded>,
    requests: impl Stream<Item = Frame> + Send + 'static,
) -> Result<Opened, Status> {
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
            "the server has no gRPC protocol v1 ({text}): it needs Coherence CE 24.09+ or 25.03+, or commercial \
             14.1.2+; older servers speak only protocol v0"
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
