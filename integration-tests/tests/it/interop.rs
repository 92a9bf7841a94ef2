//! What Rust writes, the official clients in Java and Python read, and the reverse.

use std::sync::Arc;

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::{Entries, Expiry, Format, NamedMap, Session};
use coherence_kafka_common::pof::{self, PofValue, PofWriter};
use futures::TryStreamExt;
use integration_tests::grid::Grid;
use tokio::runtime::Runtime;

mod evolving;
mod java;
mod python;
mod typed;

/// This project's client, as seen from a test without async.
struct Client {
    runtime: Runtime,
    session: GrpcSession,
}

/// One map of a [`Client`], for whole binaries.
struct Map<'a> {
    client: &'a Client,
    map: Arc<dyn NamedMap>,
}

impl Client {
    fn new(grid: &Grid, format: Format) -> Self {
        let runtime = Runtime::new().unwrap();
        let options = SessionOptions { addresses: vec![grid.address()], format, ..SessionOptions::default() };
        let session = GrpcSession::on(options, runtime.handle().clone()).unwrap();
        Self { runtime, session }
    }

    fn map(&self, name: &str) -> Map<'_> {
        Map { client: self, map: self.runtime.block_on(self.session.map(name)).unwrap() }
    }
}

impl Map<'_> {
    fn put(&self, key: &[u8], value: &[u8]) {
        let entries = Arc::new(Entries::from_pairs([(key, value)]));
        self.client.runtime.block_on(self.map.put_all(entries, Expiry::Default)).unwrap();
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.client.runtime.block_on(self.map.get(key)).unwrap().map(Into::into)
    }

    fn remove(&self, key: &[u8]) {
        let keys = Arc::new(Entries::from_keys([key]));
        self.client.runtime.block_on(self.map.remove_all(keys)).unwrap();
    }

    /// All entries by their keys' order.
    fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let entries: Vec<_> = self.client.runtime.block_on(self.map.entries().try_collect()).unwrap();
        let mut entries: Vec<_> =
            entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        entries.sort();
        entries
    }
}

/// The binary of what `write` writes.
fn pof(write: impl FnOnce(&mut PofWriter<'_>)) -> Vec<u8> {
    let mut binary = vec![FMT_EXT];
    write(&mut PofWriter::new(&mut binary));
    binary
}

fn text(text: &str) -> Vec<u8> {
    pof(|w| w.string(text))
}

fn json(text: &str) -> Vec<u8> {
    [&[FMT_EXT], text.as_bytes()].concat()
}

fn decoded(binary: &[u8]) -> PofValue {
    assert_eq!(binary[0], FMT_EXT);
    pof::decode(&binary[1..]).unwrap()
}
