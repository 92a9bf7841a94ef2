//! The first steps with a grid: write some entries, read them, remove them.
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run -p coherence-client --example quickstart
//! ```

use std::sync::Arc;

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::{Entries, Expiry, Session};
use coherence_kafka_common::pof::{self, PofValue, PofWriter};
use futures::TryStreamExt;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::var("COHERENCE_SERVER_ADDRESS").unwrap_or_else(|_| "localhost:1408".to_owned());
    let options = SessionOptions { addresses: vec![address], ..SessionOptions::default() };
    let session = GrpcSession::new(options)?;
    let stock = session.map("quickstart-stock").await?;

    // Keys and values are binaries: a byte that says "serialized", and what the serializer of the map writes.
    let counts = [("apples", 12), ("nuts", 500), ("pears", 7)];
    let entries = Entries::from_pairs(counts.map(|(fruit, count)| (text(fruit), number(count))));
    stock.put_all(Arc::new(entries), Expiry::Default).await?;
    println!("{} entries", stock.size().await?);

    match stock.get(&text("nuts")).await? {
        Some(binary) => println!("nuts: {:?}", pof::decode(&binary[1..])?),
        None => println!("no nuts"),
    }

    // Entries are read page by page while the stream is polled, however many there are.
    let mut total = 0;
    let mut all = stock.entries();
    while let Some((_, value)) = all.try_next().await? {
        if let PofValue::Int64(count) = pof::decode(&value[1..])? {
            total += count;
        }
    }
    drop(all);
    println!("{total} pieces");

    let keys = Entries::from_keys(counts.map(|(fruit, _)| text(fruit)));
    stock.remove_all(Arc::new(keys)).await?;
    println!("empty again: {}", stock.is_empty().await?);
    session.close().await;
    Ok(())
}

fn text(text: &str) -> Vec<u8> {
    let mut binary = vec![FMT_EXT];
    PofWriter::new(&mut binary).string(text);
    binary
}

fn number(number: i64) -> Vec<u8> {
    let mut binary = vec![FMT_EXT];
    PofWriter::new(&mut binary).int64(number);
    binary
}
