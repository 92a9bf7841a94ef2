//! The first steps with a grid: write some entries, read them, remove them.
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run -p coherence-client --example quickstart
//! ```

use coherence_client::{Classes, GrpcSession, SessionOptions, TypedMap};
use futures::TryStreamExt;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let session = GrpcSession::new(SessionOptions::from_env()?)?;
    // Keys are String to Java, values Long.
    let stock = TypedMap::<String, i64>::open(&session, "quickstart-stock", &Classes::default()).await?;

    stock.put("nuts", &500).await?;
    stock.put_all([("apples", &12), ("pears", &7)]).await?;
    println!("{} entries, nuts: {:?}", stock.size().await?, stock.get("nuts").await?);

    // Entries are read page by page while the stream is polled, however many there are.
    let total = stock.entries().try_fold(0, async |total, (_, count)| Ok(total + count)).await?;
    println!("{total} pieces");

    let before = stock.put("nuts", &499).await?;
    println!("nuts were {before:?}, and are removed at {:?}", stock.remove("nuts").await?);
    stock.remove_all(["apples", "pears"]).await?;
    println!("empty again: {}", stock.is_empty().await?);
    session.close().await;
    Ok(())
}
