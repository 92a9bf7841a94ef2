//! Answers that are larger than any that is taken: each is replaced by a small message while it comes in.
//!
//! tonic ends a stream with such a message, and with it every other request of the stream and all of its listeners. Here
//! the bytes of the message are dropped as they come, its caller gets [`MapError::TooLarge`], and where it was an event
//! its listeners get a gap.
//!
//! [`MapError::TooLarge`]: coherence_kafka_common::map::MapError::TooLarge

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::Channel;

use crate::answer;
use crate::proto::Any;
use crate::proto::cache::{NamedCacheResponse, ResponseType};
use crate::proto::proxy::{ProxyResponse, proxy_response::Response};

/// Of a gRPC message: a flag and the length.
const HEADER: usize = 5;
/// The first bytes of a large message that are read: they contain its request id and its kind.
const BEGIN: usize = 1024;

/// A channel whose answers hold no message of more than `max` bytes.
#[derive(Debug, Clone)]
pub(super) struct Bounded {
    pub(crate) channel: Channel,
    pub(crate) max: usize,
}

impl Service<http::Request<Body>> for Bounded {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (answer, max) = (self.channel.call(request), self.max);
        Box::pin(async move { Ok(answer.await?.map(|body| Body::new(Cut::new(body, max)))) })
    }
}

/// A body without large messages.
struct Cut {
    body: Body,
    cutter: Cutter,
    ready: VecDeque<Bytes>,
}

impl Cut {
    fn new(body: Body, max: usize) -> Self {
        Self { body, cutter: Cutter::new(max), ready: VecDeque::new() }
    }
}

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let cut = self.get_mut();
        loop {
            if let Some(bytes) = cut.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match ready!(Pin::new(&mut cut.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => cut.cutter.take(data, &mut cut.ready),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
    }
}

/// Finds the messages in a stream of bytes. Pure.
struct Cutter {
    max: usize,
    /// The part of a header that has come, where the rest comes with later bytes.
    header: Vec<u8>,
    state: State,
}

enum State {
    Header,
    /// The rest of a message that is passed on.
    Passing(usize),
    /// The rest of a message that is dropped, and its begin.
    Dropping {
        len: usize,
        rest: usize,
        begin: Vec<u8>,
    },
}

impl Cutter {
    fn new(max: usize) -> Self {
        Self { max, header: Vec::new(), state: State::Header }
    }

    /// Takes in what has come and adds to `out` what is passed on.
    fn take(&mut self, data: Bytes, out: &mut VecDeque<Bytes>) {
        let pass = |range: std::ops::Range<usize>, out: &mut VecDeque<Bytes>| {
            if !range.is_empty() {
                out.push_back(data.slice(range));
            }
        };
        // Between them is what is to be passed on.
        let (mut from, mut at) = (0, 0);
        while at < data.len() {
            let left = data.len() - at;
            match &mut self.state {
                State::Header if self.header.is_empty() && left >= HEADER => {
                    let state = self.behind(&data[at..at + HEADER]);
                    at += HEADER;
                    if matches!(state, State::Dropping { .. }) {
                        pass(from..at - HEADER, out);
                        from = at;
                    }
                    self.state = state;
                }
                State::Header => {
                    let n = left.min(HEADER - self.header.len());
                    pass(from..at, out);
                    self.header.extend_from_slice(&data[at..at + n]);
                    at += n;
                    from = at;
                    if self.header.len() == HEADER {
                        let header = std::mem::take(&mut self.header);
                        self.state = self.behind(&header);
                        if !matches!(self.state, State::Dropping { .. }) {
                            out.push_back(header.into());
                        }
                    }
                }
                State::Passing(rest) => {
                    let n = left.min(*rest);
                    at += n;
                    *rest -= n;
                    if *rest == 0 {
                        self.state = State::Header;
                    }
                }
                State::Dropping { len, rest, begin } => {
                    let n = left.min(*rest);
                    let wanted = n.min(BEGIN - begin.len());
                    begin.extend_from_slice(&data[at..at + wanted]);
                    at += n;
                    from = at;
                    *rest -= n;
                    if *rest == 0 {
                        out.push_back(framed(&replacement(begin, *len, self.max)));
                        self.state = State::Header;
                    }
                }
            }
        }
        pass(from..at, out);
    }

    /// What comes behind a header.
    fn behind(&self, header: &[u8]) -> State {
        let len = header[1..].iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        match len {
            0 => State::Header,
            len if len > self.max => State::Dropping { len, rest: len, begin: Vec::new() },
            len => State::Passing(len),
        }
    }
}

/// The message that stands for one of `len` bytes that begins so.
fn replacement(begin: &[u8], len: usize, max: usize) -> ProxyResponse {
    let id = number(begin, 1);
    let response = if id == 0 {
        let cache = field(field(begin, 5), 2);
        let event = NamedCacheResponse {
            cache_id: number(cache, 1) as i32,
            r#type: ResponseType::MapEvent.into(),
            message: None,
        };
        let type_url = Bytes::from_static(b"type.googleapis.com/coherence.cache.v1.NamedCacheResponse");
        Response::Message(Any { type_url, value: event.encode_to_vec().into() })
    } else {
        Response::Error(answer::too_large(len, max))
    };
    ProxyResponse { id: id as i64, response: Some(response), ..ProxyResponse::default() }
}

fn framed(message: &ProxyResponse) -> Bytes {
    let len = message.encoded_len();
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(len).unwrap_or_default().to_be_bytes());
    framed.extend_from_slice(&message.encode_to_vec());
    framed.into()
}

/// A number of a message that may end anywhere; 0 where it is not in what there is.
fn number(message: &[u8], wanted: u32) -> u64 {
    fields(message).find_map(|(tag, number, _)| (tag == wanted).then_some(number)).unwrap_or_default()
}

/// The bytes of a field of a message that may end anywhere, as far as they go.
fn field(message: &[u8], wanted: u32) -> &[u8] {
    fields(message).find_map(|(tag, _, bytes)| (tag == wanted).then_some(bytes)).unwrap_or_default()
}

/// The fields, each with its number where it is one, or its bytes.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u32, u64, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, wire_type) = decode_key(&mut rest).ok()?;
        let number = decode_varint(&mut rest).ok()?;
        match wire_type {
            WireType::Varint => Some((tag, number, &rest[..0])),
            WireType::LengthDelimited => {
                let len = usize::try_from(number).unwrap_or(usize::MAX).min(rest.len());
                let (bytes, behind) = rest.split_at(len);
                rest = behind;
                Some((tag, 0, bytes))
            }
            // The envelopes have no others.
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::classify;
    use coherence_kafka_common::map::MapError;

    const MAX: usize = 200;

    fn message(id: i64, len: usize) -> ProxyResponse {
        let cache = NamedCacheResponse {
            cache_id: 7,
            r#type: ResponseType::MapEvent.into(),
            message: Some(Any { type_url: Bytes::from_static(b"x"), value: vec![1; len].into() }),
        };
        let any = Any { type_url: Bytes::from_static(b"t"), value: cache.encode_to_vec().into() };
        ProxyResponse { id, response: Some(Response::Message(any)), ..ProxyResponse::default() }
    }

    /// What comes out of the messages, whose bytes come in pieces of these sizes.
    fn cut(messages: &[ProxyResponse], sizes: &[usize]) -> Vec<ProxyResponse> {
        let mut bytes: Bytes = messages.iter().flat_map(framed).collect::<Vec<_>>().into();
        let (mut cutter, mut out) = (Cutter::new(MAX), VecDeque::new());
        for size in sizes.iter().cycle() {
            if bytes.is_empty() {
                break;
            }
            cutter.take(bytes.split_to((*size).min(bytes.len())), &mut out);
        }
        let mut bytes: Bytes = out.into_iter().flatten().collect::<Vec<_>>().into();
        let mut messages = Vec::new();
        while !bytes.is_empty() {
            let header = bytes.split_to(HEADER);
            let len = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
            messages.push(ProxyResponse::decode(bytes.split_to(len)).unwrap());
        }
        messages
    }

    #[test]
    fn a_large_answer_becomes_an_error_with_its_size_and_a_large_event_one_without_content() {
        let large = message(3, 100_000);
        let out = cut(&[message(2, 10), large.clone(), message(0, 100_000), message(4, 10)], &[1_000]);
        assert_eq!([&out[0], &out[3]], [&message(2, 10), &message(4, 10)]);
        let Some(Response::Error(error)) = &out[1].response else { panic!("{out:?}") };
        let (bytes, max) = (large.encoded_len() as u64, MAX as u64);
        assert_eq!((out[1].id, classify(error).error), (3, MapError::TooLarge { bytes, max }));
        let Some(Response::Message(any)) = &out[2].response else { panic!("{out:?}") };
        let event = answer::cache_response(any.value.clone()).unwrap();
        assert_eq!((out[2].id, event.cache_id, event.message), (0, 7, None));
        assert_eq!(event.r#type, i32::from(ResponseType::MapEvent));
    }

    proptest! {
        #[test]
        fn every_other_message_comes_as_it_was_however_the_bytes_are_cut(
            lens in prop::collection::vec(0_usize..400, 0..20),
            sizes in prop::collection::vec(1_usize..300, 1..10),
        ) {
            let messages: Vec<_> = (1..).zip(&lens).map(|(id, len)| message(id, *len)).collect();
            let out = cut(&messages, &sizes);
            prop_assert_eq!(out.len(), messages.len());
            for (out, message) in out.iter().zip(&messages) {
                if message.encoded_len() <= MAX {
                    prop_assert_eq!(out, message);
                } else {
                    prop_assert_eq!(out.id, message.id);
                    prop_assert!(matches!(out.response, Some(Response::Error(_))));
                }
            }
        }
    }
}
