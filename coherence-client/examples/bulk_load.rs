//! Fills a map as fast as a grid takes it: big batches, some of them side by side.
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run --release -p coherence-client --example bulk_load -- 1000000
//! ```

use std::sync::Arc;
use std::time::Instant;

use coherence_client::binary::FMT_EXT;
use coherence_client::map::{Entries, Expiry, Session};
use coherence_client::pof::PofWriter;
use coherence_client::{GrpcSession, SessionOptions};
use futures::{StreamExt, TryStreamExt, stream};

/// Entries of one call. The session splits a call that exceeds the 4 MiB of a request.
const BATCH: u64 = 1000;
/// Calls side by side. No key may be in two of them: a grid runs the requests of a client in any order.
const SIDE_BY_SIDE: usize = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let session = GrpcSession::new(SessionOptions::from_env()?)?;
    let map = session.map("bulk-load").await?;

    let start = Instant::now();
    let batches = (0..count).step_by(BATCH as usize).map(|first| {
        let map = &map;
        async move {
            let entries = (first..count.min(first + BATCH)).map(entry);
            map.put_all(Arc::new(Entries::from_pairs(entries)), Expiry::Default).await
        }
    });
    stream::iter(batches).buffer_unordered(SIDE_BY_SIDE).try_for_each(async |()| Ok(())).await?;
    let seconds = start.elapsed().as_secs_f64();

    println!("{} entries in the map", map.size().await?);
    println!("{:.0} entries per second", count as f64 / seconds);
    session.close().await;
    Ok(())
}

/// `order-N`, a text, and N, a long.
fn entry(number: u64) -> (Vec<u8>, Vec<u8>) {
    let (mut key, mut value) = (vec![FMT_EXT], vec![FMT_EXT]);
    PofWriter::new(&mut key).string(&format!("order-{number}"));
    PofWriter::new(&mut value).int64(number as i64);
    (key, value)
}
