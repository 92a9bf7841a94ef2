//! One connection to a proxy that speaks protocol v0, and the calls over it.
//!
//! Calls are independent of each other, so the connection alone shows that a proxy was away: the transport would open
//! another one without a word, and a scan that goes on there would be of another, perhaps empty, grid. Therefore the
//! transport gets a connection only once, and its end is noticed at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::client::Grpc;
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::limits::{MAX_MESSAGE_BYTES, MAX_RESPONSE_BYTES};
use crate::tls;

/// The path of a method of the service.
macro_rules! method {
    ($method:literal) => {
        concat!("/coherence.NamedCacheService/", $method)
    };
}
pub(super) use method;

/// A method that no proxy has. The answer costs the proxy nothing and leaves no trace in its log.
const NOWHERE: &str = method!("alive");

/// A connection. It closes when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    grpc: Grpc<Channel>,
    closed: CancellationToken,
}

impl Connection {
    /// Connects, without a call.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, tonic::transport::Error> {
        let closed = CancellationToken::new();
        let connector = Once { http: tls::tcp_connector(), guard: Some(closed.clone().drop_guard()) };
        let channel = endpoint.connect_with_connector(connector).await?;
        let grpc = Grpc::new(channel).max_decoding_message_size(MAX_RESPONSE_BYTES);
        Ok(Self { grpc, closed })
    }

    /// Waits until the connection has ended.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Runs a call with one answer.
    pub(super) async fn unary<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.ready(&request).await?;
        let answer =
            grpc.unary(Request::new(request), PathAndQuery::from_static(path), ProstCodec::default());
        Ok(answer.await?.into_inner())
    }

    /// Runs a call with a stream of answers to its end. An OK does not show that the answer is complete.
    pub(super) async fn collect<Q, A>(&self, path: &'static str, request: Q) -> Result<Vec<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.ready(&request).await?;
        let path = PathAndQuery::from_static(path);
        let mut stream =
            grpc.server_streaming(Request::new(request), path, ProstCodec::default()).await?.into_inner();
        let mut answers = Vec::new();
        while let Some(answer) = stream.message().await? {
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Opens a stream of requests and answers.
    pub(super) async fn stream<Q, A>(
        &self,
        path: &'static str,
        requests: impl Stream<Item = Q> + Send + 'static,
    ) -> Result<Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(path);
        Ok(grpc.streaming(Request::new(requests), path, ProstCodec::default()).await?.into_inner())
    }

    /// Asks for a sign of life.
    pub(crate) async fn alive(&self) -> Result<(), Status> {
        match self.unary::<(), ()>(NOWHERE, ()).await {
            Err(status) if is_broken(&status) => Err(status),
            _ => Ok(()),
        }
    }

    async fn ready(&self, request: &impl Message) -> Result<Grpc<Channel>, Status> {
        // A larger one is reset by the proxy without a reason.
        if request.encoded_len() > MAX_MESSAGE_BYTES {
            return Err(Status::invalid_argument("Unrecognized request: larger than the grid accepts"));
        }
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }
}

/// Returns true for a status that the service has not answered with: the connection broke, or the proxy is stopping.
/// What was sent may be applied all the same.
pub(crate) fn is_broken(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
        || matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded)
}

/// Connects once.
struct Once {
    http: HttpConnector,
    /// Taken by the connection.
    guard: Option<DropGuard>,
}

impl Service<Uri> for Once {
    type Response = TokioIo<Guarded>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let Some(guard) = self.guard.take() else {
            return Box::pin(async { Err("the connection has ended".into()) });
        };
        let connecting = self.http.call(address);
        Box::pin(async move {
            let stream = connecting.await?.into_inner();
            Ok(TokioIo::new(Guarded { stream, _closed: guard }))
        })
    }
}

/// A connection whose end is noticed: the transport drops it then.
struct Guarded {
    stream: TcpStream,
    _closed: DropGuard,
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
