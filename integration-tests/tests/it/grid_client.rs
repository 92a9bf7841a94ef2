//! The client of the grid against real ones: what they do not survive or forgive, and what a session has to outlive.
//!
//! What holds for every map is in `contract`, what Java and Python see of entries in `interop`; what a grid would hang
//! on for ever is tried on a fake in the client's own tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{
    Entries, EventKind, Expiry, Listen, ListenTo, MapEvent, MapNotice, MapNotices, NamedMap,
};
use futures::{StreamExt, TryStreamExt};

use crate::flow::SOON;

mod agents;
mod finding;
mod guards;
mod members;
mod streams;

/// Options for a grid at these addresses, for tests that have no time to lose.
fn options(addresses: impl IntoIterator<Item = String>) -> SessionOptions {
    SessionOptions {
        addresses: addresses.into_iter().collect(),
        reconnect_backoff: (Duration::from_millis(50), Duration::from_millis(200)),
        ..SessionOptions::default()
    }
}

fn session(addresses: impl IntoIterator<Item = String>) -> GrpcSession {
    GrpcSession::new(options(addresses)).unwrap()
}

/// A text as a complete binary in POF.
fn text(text: &str) -> Bytes {
    assert!(text.len() < 64, "one byte of length");
    [&[0x15, 0x4E, text.len() as u8], text.as_bytes()].concat().into()
}

/// The text of such a binary.
fn read(binary: &[u8]) -> String {
    assert_eq!(binary[..2], [0x15, 0x4E], "a text in POF");
    String::from_utf8(binary[3..].to_vec()).unwrap()
}

fn batch<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Arc<Entries> {
    Arc::new(Entries::from_pairs(pairs.into_iter().map(|(key, value)| (text(key), text(value)))))
}

async fn put(map: &dyn NamedMap, key: &str, value: &str) {
    map.put(&text(key), &text(value), Expiry::Default).await.unwrap();
}

/// All entries, as texts.
async fn entries(map: &dyn NamedMap) -> BTreeMap<String, String> {
    map.entries().map_ok(|(key, value)| (read(&key), read(&value))).try_collect().await.unwrap()
}

async fn listen(map: &dyn NamedMap, to: ListenTo) -> MapNotices {
    map.listen(Listen { to, lite: false }).await.unwrap()
}

/// The next notice.
async fn next(notices: &mut MapNotices) -> MapNotice {
    let next = tokio::time::timeout(SOON, notices.next()).await.expect("a notice comes in time");
    next.expect("the notices go on")
}

/// The next notice, which must be an event.
async fn event(notices: &mut MapNotices) -> MapEvent {
    match next(notices).await {
        MapNotice::Event(event) => event,
        other => panic!("expected an event, got {other:?}"),
    }
}

/// Asserts that the next notice is an event of this kind for this key, with this new value.
async fn told(notices: &mut MapNotices, kind: EventKind, key: &str, value: &str) {
    let event = event(notices).await;
    assert_eq!((event.kind, event.key, event.new_value), (kind, text(key), Some(text(value))));
}
