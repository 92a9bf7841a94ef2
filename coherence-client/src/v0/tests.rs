//! Against a proxy of protocol v0 in this process, which lies as real ones do.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use coherence_kafka_common::map::{Entries, Expiry, MapError, NamedMap as _};
use futures::future::{Ready, ready};
use futures::stream;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::fake_grid::within;
use crate::proto::v0;
use crate::{GrpcSession, RemoteMap, SessionOptions};

/// What the proxy has done, and how it lies.
#[derive(Default)]
struct Grid {
    entries: BTreeMap<Bytes, Bytes>,
    /// The methods called, in order.
    called: Vec<String>,
    /// Answers OK to a stream call that fails, and leaves everything as it was.
    swallows: bool,
    /// Hides the reason of an error.
    hides: bool,
    /// Stores keys without reading them.
    unread: bool,
    /// The keys whose entries expire.
    timed: HashSet<Bytes>,
}

impl Grid {
    fn call(&mut self, method: &str, request: Bytes) -> Result<Vec<Bytes>, Status> {
        self.called.push(method.to_owned());
        let read = "a request of its type";
        Ok(match method {
            "size" => return Err(Status::invalid_argument("cache name cannot be null or empty")),
            "containsKey" => {
                let request = v0::ContainsKeyRequest::decode(request).expect(read);
                if request.key == super::UNREADABLE_KEY && !self.unread {
                    return Err(Status::internal("Caught an exception while serializing or deserializing"));
                }
                vec![encoded(&self.entries.contains_key(&request.key))]
            }
            "get" => {
                let key = v0::GetRequest::decode(request).expect(read).key;
                if self.hides {
                    return Err(Status::unknown(""));
                }
                let value = self.entries.get(&key).cloned();
                vec![encoded(&v0::OptionalValue {
                    present: value.is_some(),
                    value: value.unwrap_or_default(),
                })]
            }
            "getAll" => {
                let keys = v0::GetAllRequest::decode(request).expect(read).key;
                if self.hides {
                    return Err(Status::internal("java.io.StreamCorruptedException: unknown user type: 5"));
                }
                let found = keys.into_iter().filter(|_| !self.swallows);
                let found = found.filter_map(|key| self.entries.get(&key).map(|value| (key, value.clone())));
                found.map(|(key, value)| encoded(&v0::Entry { key, value })).collect()
            }
            "put" => {
                let v0::PutRequest { key, value, ttl, .. } = v0::PutRequest::decode(request).expect(read);
                self.put(key, value, ttl);
                vec![Bytes::new()]
            }
            "putAll" => {
                let request = v0::PutAllRequest::decode(request).expect(read);
                assert_eq!(request.ttl, 0, "old grids ignore it");
                request.entry.into_iter().for_each(|entry| self.put(entry.key, entry.value, 0));
                vec![Bytes::new()]
            }
            "remove" => {
                let key = v0::RemoveRequest::decode(request).expect(read).key;
                self.timed.remove(&key);
                vec![encoded(&self.entries.remove(&key).unwrap_or_default())]
            }
            "invokeAll" => {
                let keys = v0::InvokeAllRequest::decode(request).expect(read).keys;
                if !self.swallows {
                    keys.iter().for_each(|key| drop(self.entries.remove(key)));
                }
                vec![]
            }
            "aggregate" => {
                let keys = v0::AggregateRequest::decode(request).expect(read).keys;
                let count = keys.iter().filter(|key| self.entries.contains_key(*key)).count() as u8;
                vec![encoded(&Bytes::from(vec![0x15, 0x41, count]))]
            }
            other => panic!("{other}"),
        })
    }

    /// The same bytes without a time are no change, and the old time stays.
    fn put(&mut self, key: Bytes, value: Bytes, ttl: i64) {
        if ttl == 0 && self.entries.get(&key) == Some(&value) {
            return;
        }
        self.timed.remove(&key);
        if ttl > 0 {
            self.timed.insert(key.clone());
        }
        self.entries.insert(key, value);
    }
}

fn encoded(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

/// Passes messages as their bytes.
#[derive(Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Raw
    }

    fn decoder(&mut self) -> Self {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining())))
    }
}

#[derive(Clone)]
struct Proxy(Arc<Mutex<Grid>>);

impl NamedService for Proxy {
    const NAME: &'static str = "coherence.NamedCacheService";
}

impl Service<http::Request<Body>> for Proxy {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let method = Method(self.0.clone(), method);
        Box::pin(async move { Ok(Grpc::new(Raw).server_streaming(method, request).await) })
    }
}

struct Method(Arc<Mutex<Grid>>, String);

impl ServerStreamingService<Bytes> for Method {
    type Response = Bytes;
    type ResponseStream = stream::Iter<std::vec::IntoIter<Result<Bytes, Status>>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let answer = self.0.lock().call(&self.1, request.into_inner());
        let stream = |messages: Vec<Bytes>| stream::iter(messages.into_iter().map(Ok).collect::<Vec<_>>());
        ready(answer.map(|messages| Response::new(stream(messages))))
    }
}

/// The service of protocol v1 as an old proxy answers for it.
#[derive(Clone)]
struct NoV1;

impl NamedService for NoV1 {
    const NAME: &'static str = "coherence.proxy.v1.ProxyService";
}

impl Service<http::Request<Body>> for NoV1 {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        let text = "Method not found: coherence.proxy.v1.ProxyService/subChannel";
        ready(Ok(Status::unimplemented(text).into_http()))
    }
}

async fn open(grid: Grid) -> (Arc<Mutex<Grid>>, RemoteMap, DropGuard) {
    let grid = Arc::new(Mutex::new(grid));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    let server = Server::builder().add_service(Proxy(grid.clone())).add_service(NoV1);
    let serving = server.serve_with_incoming(TcpIncoming::from(listener));
    let stopped = stop.clone();
    tokio::spawn(async move { stopped.run_until_cancelled(serving).await });
    let session =
        GrpcSession::new(SessionOptions { addresses: vec![address], ..SessionOptions::default() }).unwrap();
    let map = within(session.remote_map("orders")).await.unwrap();
    grid.lock().called.clear();
    (grid, map, stop.drop_guard())
}

const KEYS: [&[u8]; 2] = [b"\x15\x41\x05", b"\x15\x41\x06"];
const VALUE: &[u8] = b"\x15\x41\x07";

fn filled() -> Grid {
    let entries = KEYS.map(|key| (Bytes::from_static(key), Bytes::from_static(VALUE)));
    Grid { entries: entries.into(), ..Grid::default() }
}

#[tokio::test]
async fn an_ok_of_a_batch_delete_is_not_believed() {
    let (grid, map, _server) = open(Grid { swallows: true, ..filled() }).await;
    within(map.remove_all(Arc::new(Entries::from_keys(KEYS)))).await.unwrap();
    assert!(grid.lock().entries.is_empty());
    assert_eq!(grid.lock().called, ["invokeAll", "aggregate", "remove", "remove"]);

    let (grid, map, _server) = open(filled()).await;
    within(map.remove_all(Arc::new(Entries::from_keys(KEYS)))).await.unwrap();
    assert_eq!(grid.lock().called, ["invokeAll", "aggregate"], "what is gone is not removed again");
}

#[tokio::test]
async fn a_key_that_is_missing_in_an_answer_is_asked_again() {
    let (_grid, map, _server) = open(Grid { swallows: true, ..filled() }).await;
    let mut found = within(map.get_all(Arc::new(Entries::from_keys(KEYS)))).await.unwrap();
    found.sort();
    assert_eq!(found, KEYS.map(|key| (Bytes::from_static(key), Bytes::from_static(VALUE))));
}

#[tokio::test]
async fn a_hidden_reason_is_asked_for() {
    let (_grid, map, _server) = open(Grid { hides: true, ..filled() }).await;
    let refused = within(map.get(KEYS[0])).await;
    assert!(
        matches!(&refused, Err(MapError::Refused(why)) if why.contains("unknown user type")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_last_write_decides_the_expiry_also_with_the_same_bytes() {
    let (grid, map, _server) = open(Grid::default()).await;
    let batch = Arc::new(Entries::from_pairs([(KEYS[0], VALUE)]));
    within(map.put_all(batch.clone(), Expiry::After(std::time::Duration::from_secs(60)))).await.unwrap();
    assert_eq!(grid.lock().timed.len(), 1);
    within(map.put_all(batch.clone(), Expiry::Default)).await.unwrap();
    assert!(grid.lock().timed.is_empty());
    assert_eq!(grid.lock().called, ["put", "getAll", "remove", "putAll"]);

    let (grid, map, _server) = open(filled()).await;
    within(map.put_all(batch, Expiry::Default)).await.unwrap();
    assert_eq!(grid.lock().called, ["putAll"], "without an expiry nothing more is needed");
}

#[tokio::test]
async fn a_key_that_the_grid_would_store_unread_is_not_sent() {
    const PERSON: &[u8] = b"\x15\x01\x00\x40";
    let batch = Arc::new(Entries::from_pairs([(KEYS[0], VALUE), (PERSON, VALUE)]));
    let (grid, map, _server) = open(Grid { unread: true, ..filled() }).await;
    let refused = within(map.put_all(batch.clone(), Expiry::Default)).await;
    assert!(
        matches!(&refused, Err(MapError::NotSent { index: 1, reason }) if reason.contains("key association"))
    );
    assert!(within(map.get(PERSON)).await.is_err());
    assert!(grid.lock().called.is_empty());

    let (grid, map, _server) = open(filled()).await;
    within(map.put_all(batch, Expiry::Default)).await.unwrap();
    assert!(grid.lock().entries.contains_key(PERSON), "a grid that reads keys gets it");
}
