//! The limit of `make bench` for the client: the same requests, encoded beforehand, through tonic and nothing else.
//!
//! No ids to look up, no entries to encode, no answers to read beyond the mark that they are complete. Takes the
//! address of a grid and how many entries to write; its last line is what it measured, as JSON.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MAP: &str = "Bench";
/// Entries of one request, and requests in flight: as in the measurements of the client.
const BATCH: usize = 5_000;
const IN_FLIGHT: usize = 4;

const ENSURE_CACHE: u64 = 1;
const GET_ALL: u64 = 11;
const INVOKE: u64 = 13;
const MAP_LISTENER: u64 = 14;
const PAGE_OF_ENTRIES: u64 = 15;
const PUT_ALL: u64 = 18;
const TRUNCATE: u64 = 28;

type Record = (Vec<u8>, Vec<u8>);

/// `ConditionalRemove(AlwaysFilter)`.
const REMOVE: &[u8] = b"\x15\x9e\x01\x00\x00\x3d\x00\x40\x01\x4a\x00\x40";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, records] = arguments.as_slice() else { return Err("expected: ADDRESS RECORDS".into()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // As the client's calls, not on the thread that waits for them.
    let measured = runtime.spawn(measure(address.clone(), records.parse()?));
    println!("{}", runtime.block_on(measured)?.map_err(|e| e as Box<dyn Error>)?);
    Ok(())
}

async fn measure(address: String, records: u64) -> std::result::Result<String, Box<dyn Error + Send + Sync>> {
    let mut stream = Stream::open(&address).await?;
    let all: Vec<Record> = (0..records).map(record).collect();
    let cache_id = stream.cache_id;
    let keys = |batch: &[Record]| {
        batch.iter().fold(Vec::new(), |mut keys, (key, _)| {
            put(&mut keys, 1, key);
            keys
        })
    };
    let mut next_id = 10;
    let mut encode = |kind, name: &str, body: &dyn Fn(&[Record]) -> Vec<u8>| {
        let requests = all.chunks(BATCH).map(|batch| {
            next_id += 1;
            request(next_id, kind, Some(cache_id), Some((name, &body(batch))))
        });
        requests.collect::<Vec<_>>()
    };
    let puts = encode(PUT_ALL, "coherence.cache.v1.PutAllRequest", &|batch| {
        batch.iter().fold(Vec::new(), |mut entries, (key, value)| {
            let mut entry = Vec::new();
            put(&mut entry, 1, key);
            put(&mut entry, 2, value);
            put(&mut entries, 1, &entry);
            entries
        })
    });
    let gets = encode(GET_ALL, "coherence.common.v1.CollectionOfBytesValues", &keys);
    let removes = encode(INVOKE, "coherence.cache.v1.ExecuteRequest", &|batch| {
        let (mut execute, mut named) = (Vec::new(), Vec::new());
        put(&mut execute, 1, REMOVE);
        put(&mut named, 2, &keys(batch));
        put(&mut execute, 3, &named);
        execute
    });

    let mut line = Vec::new();
    let mut report = |name: &str, start: (Instant, Duration)| {
        let rate = records as f64 / start.0.elapsed().as_secs_f64();
        let cpu_ns = (cpu().saturating_sub(start.1)).as_nanos() as f64 / records as f64;
        line.push(format!("\"{name}\":{{\"rate\":{rate:.0},\"cpu_ns\":{cpu_ns:.1}}}"));
    };
    let start = (Instant::now(), cpu());
    stream.run(puts).await?;
    report("put_all", start);
    let start = (Instant::now(), cpu());
    check(stream.run(gets).await?, records)?;
    report("get_all", start);
    let start = (Instant::now(), cpu());
    check(stream.pages(&mut next_id).await?, records)?;
    report("entries", start);
    let start = (Instant::now(), cpu());
    stream.run(removes).await?;
    report("remove_all", start);
    let listen = |subscribe| {
        let name = "coherence.cache.v1.MapListenerRequest";
        // Subscribe or not, to all entries, under the filter id 1.
        let body = [1 << 3, subscribe, 3 << 3, 1];
        request(next_id + 1 + u64::from(subscribe), MAP_LISTENER, Some(cache_id), Some((name, &body)))
    };
    stream.run(vec![listen(1)]).await?;
    println!("listening");
    let mut start = (Instant::now(), cpu());
    for event in 0..records {
        stream.next().await?.ok_or("an answer instead of an event")?;
        if event == 0 {
            start = (Instant::now(), cpu());
        }
    }
    report("events", start);
    stream.run(vec![listen(0)]).await?;
    stream.run(vec![request(next_id + 3, TRUNCATE, Some(cache_id), None)]).await?;
    Ok(format!("{{{}}}", line.join(",")))
}

fn check(entries: u64, expected: u64) -> std::result::Result<(), String> {
    if entries == expected { Ok(()) } else { Err(format!("{entries} entries instead of {expected}")) }
}

/// The record of this number: a POF text of 16 characters and one of 100.
fn record(number: u64) -> Record {
    let product = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let key: Vec<u8> =
        (0..16).map(|digit| b"0123456789abcdef"[(product >> (4 * digit)) as usize & 15]).collect();
    let mut value = key.clone();
    value.resize(100, b'v');
    ([b"\x15\x4e\x10", key.as_slice()].concat(), [b"\x15\x4e\xa4\x01", value.as_slice()].concat())
}

/// CPU time of all threads of this process.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| {
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

struct Stream {
    requests: mpsc::Sender<Bytes>,
    responses: Streaming<Bytes>,
    cache_id: u64,
    _grpc: Grpc<Channel>,
}

type Failed = Box<dyn Error + Send + Sync>;

impl Stream {
    async fn open(address: &str) -> std::result::Result<Self, Failed> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true).connect().await?;
        let mut grpc = Grpc::new(channel).max_decoding_message_size(64 << 20);
        grpc.ready().await?;
        let (requests, queued) = mpsc::channel(64);
        let mut init = Vec::new();
        let fields = [(3, b"pof".as_slice()), (4, b"CacheService")];
        fields.iter().for_each(|(field, text)| put(&mut init, *field, text));
        init.extend([5 << 3, 1, 6 << 3, 1]);
        let mut first = vec![1 << 3, 1];
        put(&mut first, 3, &init);
        requests.send(first.into()).await?;
        let path = PathAndQuery::from_static("/coherence.proxy.v1.ProxyService/subChannel");
        let call = Request::new(ReceiverStream::new(queued));
        let mut responses = grpc.streaming(call, path, Raw).await?.into_inner();
        responses.message().await?.ok_or("no answer")?;

        let mut ensure = Vec::new();
        put(&mut ensure, 1, MAP.as_bytes());
        let name = "coherence.cache.v1.EnsureCacheRequest";
        requests.send(request(2, ENSURE_CACHE, None, Some((name, &ensure)))).await?;
        let mut stream = Self { requests, responses, cache_id: 0, _grpc: grpc };
        while let Some(response) = stream.next().await? {
            let inner = field(&response, 2).ok_or("no value in an answer")?;
            stream.cache_id = varint_field(inner, 1).ok_or("no cache id")?;
        }
        Ok(stream)
    }

    /// The `Any` of the next message, or `None` where a request is complete.
    async fn next(&mut self) -> std::result::Result<Option<Bytes>, Failed> {
        let response = self.responses.message().await?.ok_or("the stream ended")?;
        let mut rest = &response[..];
        while rest.has_remaining() {
            let tag = varint(&mut rest);
            if tag & 7 == 0 {
                varint(&mut rest);
                continue;
            }
            let len = varint(&mut rest) as usize;
            match tag >> 3 {
                5 => return Ok(Some(response.slice_ref(&rest[..len]))),
                6 => return Err(String::from_utf8_lossy(&rest[..len]).into()),
                7 => return Ok(None),
                _ => rest.advance(len),
            }
        }
        Err("a response of no kind".into())
    }

    /// Sends all requests, some of them in flight together; how many messages answered.
    async fn run(&mut self, requests: Vec<Bytes>) -> std::result::Result<u64, Failed> {
        let mut requests = requests.into_iter();
        let (mut open, mut messages) = (0, 0);
        for request in requests.by_ref().take(IN_FLIGHT) {
            self.requests.send(request).await?;
            open += 1;
        }
        while open > 0 {
            if self.next().await?.is_some() {
                messages += 1;
            } else if let Some(request) = requests.next() {
                self.requests.send(request).await?;
            } else {
                open -= 1;
            }
        }
        Ok(messages)
    }

    /// Reads all pages; how many entries they hold.
    async fn pages(&mut self, next_id: &mut u64) -> std::result::Result<u64, Failed> {
        let (mut cookie, mut entries) = (Vec::new(), 0);
        loop {
            *next_id += 1;
            let mut body = Vec::new();
            put(&mut body, 1, &cookie);
            let page = request(
                *next_id,
                PAGE_OF_ENTRIES,
                Some(self.cache_id),
                Some(("google.protobuf.BytesValue", &body)),
            );
            self.requests.send(page).await?;
            let first = self.next().await?.ok_or("a page without a cookie")?;
            // Any, NamedCacheResponse, Any, BytesValue; the value of an empty one is left out.
            let value = [2, 3, 2, 1].iter().try_fold(&first[..], |bytes, no| field(bytes, *no));
            cookie = value.unwrap_or_default().to_vec();
            while self.next().await?.is_some() {
                entries += 1;
            }
            if cookie.is_empty() {
                return Ok(entries);
            }
        }
    }
}

fn request(id: u64, kind: u64, cache_id: Option<u64>, message: Option<(&str, &[u8])>) -> Bytes {
    let any = |name: &str, body: &[u8]| {
        let mut any = Vec::new();
        put(&mut any, 1, format!("type.googleapis.com/{name}").as_bytes());
        put(&mut any, 2, body);
        any
    };
    let mut inner = vec![1 << 3, kind as u8];
    if let Some(cache_id) = cache_id {
        inner.push(2 << 3);
        put_varint(&mut inner, cache_id);
    }
    if let Some((name, body)) = message {
        put(&mut inner, 3, &any(name, body));
    }
    let mut request = vec![1 << 3];
    put_varint(&mut request, id);
    put(&mut request, 4, &any("coherence.cache.v1.NamedCacheRequest", &inner));
    request.into()
}

fn put(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    while bytes.has_remaining() {
        let byte = bytes.get_u8();
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    value
}

/// The first length-delimited field of this number.
fn field(mut bytes: &[u8], number: u64) -> Option<&[u8]> {
    while bytes.has_remaining() {
        let tag = varint(&mut bytes);
        if tag & 7 == 0 {
            varint(&mut bytes);
            continue;
        }
        let len = varint(&mut bytes) as usize;
        if tag >> 3 == number {
            return bytes.get(..len);
        }
        bytes = bytes.get(len..)?;
    }
    None
}

fn varint_field(mut bytes: &[u8], number: u64) -> Option<u64> {
    let tag = varint(&mut bytes);
    (tag == number << 3).then(|| varint(&mut bytes))
}

/// Messages as they are.
#[derive(Debug, Default, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> std::result::Result<(), Status> {
        out.reserve(message.len());
        out.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> std::result::Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}
