//! A proxy for tests, in this process: each test plays the grid's part itself, message by message.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

use crate::proto::Any;
use crate::proto::cache::{
    EnsureCacheRequest, ExecuteRequest, MapEventMessage, MapListenerRequest, NamedCacheRequest,
    NamedCacheRequestType as Kind, NamedCacheResponse, PutAllRequest, ResponseType,
    keys_or_filter::KeyOrFilter,
};
use crate::proto::common::{BinaryKeyAndValue, Complete, ErrorMessage, HeartbeatMessage, OptionalValue};
use crate::proto::proxy::proxy_service_server::{ProxyService, ProxyServiceServer};
use crate::proto::proxy::{
    InitRequest, InitResponse, ProxyRequest, ProxyResponse, proxy_request, proxy_response,
};

/// Waits for what must happen, so that a test that fails does not hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it happens within 10 s")
}

pub(crate) struct FakeGrid {
    pub(crate) address: String,
    /// How many streams have been opened.
    pub(crate) opened: Arc<AtomicUsize>,
    streams: mpsc::UnboundedReceiver<FakeStream>,
    _server: DropGuard,
}

impl FakeGrid {
    pub(crate) async fn start() -> Self {
        Self::start_with(Server::builder()).await
    }

    pub(crate) async fn start_with_tls(tls: ServerTlsConfig) -> Self {
        Self::start_with(Server::builder().tls_config(tls).unwrap()).await
    }

    async fn start_with(mut server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (opened, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (streams, receiver) = mpsc::unbounded_channel();
        let service = ProxyServiceServer::new(Proxy { opened: opened.clone(), streams })
            .max_decoding_message_size(crate::limits::MAX_MESSAGE_BYTES);
        let serving = server.add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(serving).await });
        Self { address, opened, streams: receiver, _server: stop.drop_guard() }
    }

    /// The next stream, its init request read and not answered.
    pub(crate) async fn stream(&mut self) -> FakeStream {
        within(self.streams.recv()).await.unwrap()
    }

    /// The next stream, initialised, with the map ensured.
    pub(crate) async fn stream_with_map(&mut self, cache_id: i32) -> FakeStream {
        let mut stream = self.stream().await;
        stream.accept();
        stream.ensure(cache_id).await;
        stream
    }

    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

struct Proxy {
    opened: Arc<AtomicUsize>,
    streams: mpsc::UnboundedSender<FakeStream>,
}

#[tonic::async_trait]
impl ProxyService for Proxy {
    type subChannelStream = Pin<Box<UnboundedReceiverStream<Result<ProxyResponse, Status>>>>;

    /// As a grid does, sends no headers before the first answer.
    async fn sub_channel(
        &self,
        request: Request<Streaming<ProxyRequest>>,
    ) -> Result<Response<Self::subChannelStream>, Status> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let mut requests = request.into_inner();
        let first = requests.message().await?.ok_or_else(|| Status::internal("no request"))?;
        let Some(proxy_request::Request::Init(init)) = first.request else {
            return Err(Status::internal("the first request is no init"));
        };
        let (responses, receiver) = mpsc::unbounded_channel();
        let (verdict, decided) = oneshot::channel();
        let stream = FakeStream {
            init,
            init_id: first.id,
            requests,
            responses,
            verdict: Some(verdict),
            heartbeats: 0,
            silent: false,
        };
        self.streams.send(stream).map_err(|_| Status::cancelled("the test is over"))?;
        decided.await.map_err(|_| Status::cancelled("the test is over"))??;
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(receiver))))
    }
}

pub(crate) struct FakeStream {
    pub(crate) init: InitRequest,
    init_id: i64,
    requests: Streaming<ProxyRequest>,
    responses: mpsc::UnboundedSender<Result<ProxyResponse, Status>>,
    verdict: Option<oneshot::Sender<Result<(), Status>>>,
    /// How many signs of life have been asked for.
    pub(crate) heartbeats: usize,
    /// Gives none.
    pub(crate) silent: bool,
}

/// A cache request that arrived.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    pub(crate) cache_id: Option<i32>,
    message: Option<Any>,
}

impl Asked {
    pub(crate) fn body<M: Message + Default>(&self) -> M {
        M::decode(self.message.clone().unwrap().value).unwrap()
    }
}

impl FakeStream {
    pub(crate) fn accept(&mut self) {
        self.verdict.take().unwrap().send(Ok(())).unwrap();
        let init = InitResponse { version: "25.03.2".into(), protocol_version: 1, ..InitResponse::default() };
        self.respond(self.init_id, proxy_response::Response::Init(init));
    }

    pub(crate) fn refuse(mut self, status: Status) {
        self.verdict.take().unwrap().send(Err(status)).unwrap();
    }

    /// Ends the stream with a status.
    pub(crate) fn end(self, status: Status) {
        self.responses.send(Err(status)).unwrap();
    }

    /// The next request; `None` after a half-close. Answers heartbeats on the way.
    pub(crate) async fn next(&mut self) -> Option<Asked> {
        let (id, any) = loop {
            let request = within(self.requests.message()).await.ok()??;
            match request.request {
                Some(proxy_request::Request::Message(any)) => break (request.id, any),
                Some(proxy_request::Request::Heartbeat(asked)) => self.beat(request.id, asked.ack),
                other => panic!("{other:?}"),
            }
        };
        let inner = NamedCacheRequest::decode(any.value).unwrap();
        Some(Asked { id, kind: inner.r#type(), cache_id: inner.cache_id, message: inner.message })
    }

    /// Waits until `count` heartbeats were requested, and nothing else.
    pub(crate) async fn heartbeats(&mut self, count: usize) {
        while self.heartbeats < count {
            let request = self.requests.message().await.unwrap().expect("a request");
            let Some(proxy_request::Request::Heartbeat(asked)) = request.request else {
                panic!("{request:?}")
            };
            self.beat(request.id, asked.ack);
        }
    }

    fn beat(&mut self, id: i64, ack: bool) {
        self.heartbeats += 1;
        if ack && !self.silent {
            self.respond(id, proxy_response::Response::Heartbeat(HeartbeatMessage::default()));
        }
    }

    pub(crate) async fn expect(&mut self, kind: Kind) -> Asked {
        let asked = self.next().await.expect("a request");
        assert_eq!(asked.kind, kind);
        asked
    }

    /// True where the client half-closed in order, false where it broke the stream.
    pub(crate) async fn half_closed(&mut self) -> bool {
        matches!(within(self.requests.message()).await, Ok(None))
    }

    /// Answers an EnsureCache; the name asked for.
    pub(crate) async fn ensure(&mut self, cache_id: i32) -> String {
        let asked = self.expect(Kind::EnsureCache).await;
        self.cache_response(asked.id, NamedCacheResponse { cache_id, ..NamedCacheResponse::default() });
        self.complete(asked.id);
        asked.body::<EnsureCacheRequest>().cache
    }

    fn respond(&self, id: i64, response: proxy_response::Response) {
        let response = ProxyResponse { id, response: Some(response), ..ProxyResponse::default() };
        // A test may continue after the client has left.
        let _ = self.responses.send(Ok(response));
    }

    fn cache_response(&self, id: i64, response: NamedCacheResponse) {
        let any = Any {
            type_url: "type.googleapis.com/coherence.cache.v1.NamedCacheResponse".into(),
            value: response.encode_to_vec().into(),
        };
        self.respond(id, proxy_response::Response::Message(any));
    }

    /// One message of an answer. The cache id stays 0, as most answers of a grid have it.
    pub(crate) fn message(&self, id: i64, name: &str, message: &impl Message) {
        let any = Any {
            type_url: format!("type.googleapis.com/{name}").into(),
            value: message.encode_to_vec().into(),
        };
        self.cache_response(id, NamedCacheResponse { message: Some(any), ..NamedCacheResponse::default() });
    }

    pub(crate) fn complete(&self, id: i64) {
        self.respond(id, proxy_response::Response::Complete(Complete {}));
    }

    pub(crate) fn error(&self, id: i64, message: &str) {
        let error = Some(Bytes::from_static(b"a serialized exception"));
        self.respond(id, proxy_response::Response::Error(ErrorMessage { message: message.into(), error }));
    }

    /// The next registration, or the taking back of one. Not yet answered.
    pub(crate) async fn listening(&mut self) -> (Asked, MapListenerRequest) {
        let asked = self.expect(Kind::MapListener).await;
        let request = asked.body();
        (asked, request)
    }

    /// Answers the next registration, which must be one.
    pub(crate) async fn subscribe(&mut self) -> MapListenerRequest {
        let (asked, request) = self.listening().await;
        assert!(request.subscribe, "{request:?}");
        self.complete(asked.id);
        request
    }

    pub(crate) fn event(&self, cache_id: i32, event: &MapEventMessage) {
        let message = Some(Any {
            type_url: "type.googleapis.com/coherence.cache.v1.MapEventMessage".into(),
            value: event.encode_to_vec().into(),
        });
        let r#type = ResponseType::MapEvent.into();
        self.cache_response(0, NamedCacheResponse { cache_id, r#type, message });
    }

    /// What a grid sends for a truncation: the notice, and a stray event.
    pub(crate) fn truncated(&self, cache_id: i32) {
        let r#type = ResponseType::Truncated.into();
        self.cache_response(0, NamedCacheResponse { cache_id, r#type, message: None });
        self.event(cache_id, &MapEventMessage::default());
    }

    pub(crate) fn destroyed(&self, cache_id: i32) {
        let r#type = ResponseType::Destroyed.into();
        self.cache_response(0, NamedCacheResponse { cache_id, r#type, message: None });
    }

    /// Answers a Get.
    pub(crate) fn value(&self, id: i64, value: Option<&[u8]>) {
        let found = OptionalValue {
            present: value.is_some(),
            value: Bytes::copy_from_slice(value.unwrap_or_default()),
        };
        self.message(id, "coherence.common.v1.OptionalValue", &found);
        self.complete(id);
    }

    /// Plays one map to the end of the stream, with pages of `page` entries.
    pub(crate) async fn serve(mut self, map: Arc<Mutex<BTreeMap<Bytes, Bytes>>>, page: usize) {
        while let Some(asked) = self.next().await {
            match asked.kind {
                Kind::EnsureCache => {
                    self.cache_response(
                        asked.id,
                        NamedCacheResponse { cache_id: 7, ..NamedCacheResponse::default() },
                    );
                    self.complete(asked.id);
                }
                Kind::PutAll => {
                    let entries = asked.body::<PutAllRequest>().entries;
                    map.lock().extend(entries.into_iter().map(|entry| (entry.key, entry.value)));
                    self.complete(asked.id);
                }
                Kind::Invoke => {
                    let keys = asked.body::<ExecuteRequest>().keys.unwrap().key_or_filter;
                    let Some(KeyOrFilter::Keys(keys)) = keys else { panic!("{keys:?}") };
                    for key in keys.values {
                        map.lock().remove(&key);
                    }
                    self.complete(asked.id);
                }
                Kind::Get => {
                    let found = map.lock().get(&asked.body::<Bytes>()).cloned();
                    self.value(asked.id, found.as_deref());
                }
                Kind::Size => {
                    let size = map.lock().len() as i32;
                    self.message(asked.id, "google.protobuf.Int32Value", &size);
                    self.complete(asked.id);
                }
                Kind::PageOfEntries => {
                    let done = asked.body::<Bytes>().first().map_or(0, |done| usize::from(*done));
                    let entries: Vec<_> = map.lock().clone().into_iter().skip(done).take(page).collect();
                    let done = done + entries.len();
                    let cookie =
                        if done < map.lock().len() { Bytes::from(vec![done as u8]) } else { Bytes::new() };
                    self.message(asked.id, "google.protobuf.BytesValue", &cookie);
                    for (key, value) in entries {
                        let entry = BinaryKeyAndValue { key, value };
                        self.message(asked.id, "coherence.common.v1.BinaryKeyAndValue", &entry);
                    }
                    self.complete(asked.id);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
