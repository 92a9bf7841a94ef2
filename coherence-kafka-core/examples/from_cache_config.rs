//! Maps that store, from a Coherence cache configuration file: what is put into a cache becomes a record of the topic
//! that the file names.
//!
//! ```text
//! KAFKA_BOOTSTRAP_SERVERS=localhost:9092 cargo run -p coherence-kafka-core --example from_cache_config -- \
//!     config/examples/cache-config.xml invoices stock-berlin
//! ```

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::typed_map::{Classes, TypedMap};
use coherence_kafka_core::CacheFactory;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().map(PathBuf::from).ok_or("usage: from_cache_config FILE CACHE…")?;
    // Maps of this process; with a GrpcSession of coherence-client they are those of a grid.
    let session = Arc::new(LocalSession::new(Format::Pof));
    let factory = CacheFactory::from_file(&file, session)?;
    for note in factory.config().notes() {
        println!("{note}");
    }
    for cache in arguments {
        let map = TypedMap::<String, i64>::open(&factory, &cache, &Classes::default()).await?;
        let [nuts, pears] = ["nuts", "pears"].map(str::to_owned);
        map.put(&nuts, &500).await?;
        map.put(&nuts, &499).await?;
        map.put(&pears, &7).await?;
        map.remove(&pears).await?;
        println!("{cache}: {} entries", map.size().await?);
    }
    // What is written behind is on its way still.
    let remained = factory.close(Duration::from_secs(30)).await;
    println!("not in their topics: {remained:?}");
    Ok(())
}
