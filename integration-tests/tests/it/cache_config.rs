//! Caches of a Coherence cache configuration file, whose changes become records of a real Kafka.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Expiry, Format, MapError, Session};
use coherence_kafka_common::typed_map::{Classes, TypedMap, TypedMapError};
use coherence_kafka_core::{CacheConfig, CacheFactory};
use integration_tests::kafka::Record;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::wait::eventually_async;
use integration_tests::{require_peers, shared};

use crate::flow::SOON;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/examples/cache-config.xml");

/// The shape of the original's own configuration: one cache, a topic of its name, texts as Kafka writes them.
const ORIGINAL: &str = r#"<?xml version="1.0"?>
<cache-config xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns="http://xmlns.oracle.com/coherence/coherence-cache-config"
    xmlns:kafka="class://com.oracle.coherence.kafka.KafkaNamespaceHandler"
    xsi:schemaLocation="http://xmlns.oracle.com/coherence/coherence-cache-config coherence-cache-config.xsd">
  <caching-scheme-mapping>
    <cache-mapping>
      <cache-name>foo*</cache-name>
      <scheme-name>partitioned-rwbm-kafka</scheme-name>
    </cache-mapping>
  </caching-scheme-mapping>
  <caching-schemes>
    <distributed-scheme>
      <scheme-name>partitioned-rwbm-kafka</scheme-name>
      <backing-map-scheme>
        <partitioned>true</partitioned>
        <read-write-backing-map-scheme>
          <internal-cache-scheme>
            <local-scheme>
            </local-scheme>
          </internal-cache-scheme>
          <cachestore-scheme>
            <class-scheme>
              <kafka:producer>
                <kafka:topic-name>{cache-name}</kafka:topic-name>
                <kafka:bootstrap-servers>localhost:9092</kafka:bootstrap-servers>
                <kafka:key-serializer>org.apache.kafka.common.serialization.StringSerializer</kafka:key-serializer>
                <kafka:value-serializer>org.apache.kafka.common.serialization.StringSerializer</kafka:value-serializer>
                <kafka:max-block-ms>5000</kafka:max-block-ms>
              </kafka:producer>
            </class-scheme>
          </cachestore-scheme>
        </read-write-backing-map-scheme>
      </backing-map-scheme>
      <autostart>true</autostart>
    </distributed-scheme>
  </caching-schemes>
</cache-config>
"#;

fn embedded() -> Arc<dyn Session> {
    Arc::new(LocalSession::new(Format::Pof))
}

/// The original's file, with the address of the shared broker.
fn original(session: Arc<dyn Session>, change: impl Fn(&str) -> String) -> CacheFactory {
    let folder = Folder::new("cache-config").unwrap();
    let path = folder.path().join("coherence-cache-config.xml");
    fs::write(&path, change(&ORIGINAL.replace("localhost:9092", &shared::kafka().bootstrap()))).unwrap();
    CacheFactory::from_file(&path, session).unwrap()
}

/// The example's file, with the address of the shared broker.
fn example() -> CacheFactory {
    let property = |name: &str| (name == "kafka.bootstrap.servers").then(|| shared::kafka().bootstrap());
    CacheFactory::new(CacheConfig::from_file(Path::new(EXAMPLE), property).unwrap(), embedded()).unwrap()
}

/// A topic of a name of its own.
fn topic(base: &str) -> String {
    let topic = unique(base);
    shared::kafka().create_topic(&topic, 1).unwrap();
    topic
}

async fn typed<V>(factory: &CacheFactory, cache: &str) -> TypedMap<String, V>
where
    V: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
{
    TypedMap::open(factory, cache, &Classes::default()).await.unwrap()
}

/// Everything that was changed is in its topic.
async fn close(factory: &CacheFactory) {
    let remained = factory.close(SOON).await;
    assert!(remained.is_empty(), "{remained:?}");
}

/// Key, value and the header `event` of each record.
fn told(records: &[Record]) -> Vec<(String, Option<String>, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    records
        .iter()
        .map(|record| {
            let event = record.headers.iter().find(|(name, _)| name == "event").unwrap();
            let (key, value) = (record.key.as_deref().unwrap(), record.value.as_deref());
            (text(key), value.map(text), text(event.1.as_deref().unwrap()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_configuration_makes_records_of_puts_and_tombstones_of_removes() {
    require_peers!();
    let cache = topic("foo");
    let factory = original(embedded(), str::to_owned);
    let map = typed::<String>(&factory, &cache).await;
    let key = "k".to_owned();
    map.put(&key, &"one".to_owned()).await.unwrap();
    map.put(&key, &"two".to_owned()).await.unwrap();
    map.remove(&key).await.unwrap();
    // Each call has returned behind the acknowledgement.
    let records = shared::kafka().records(&cache).unwrap();
    let expected = [(Some("one"), "INSERT"), (Some("two"), "UPDATE"), (None, "DELETE")]
        .map(|(value, event)| (key.clone(), value.map(str::to_owned), event.to_owned()));
    assert_eq!(told(&records), expected);
    close(&factory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_of_a_grid_stores_too() {
    require_peers!();
    let cache = topic("foo");
    let options =
        SessionOptions { addresses: vec![shared::grid().address().to_string()], ..SessionOptions::default() };
    let factory = original(Arc::new(GrpcSession::new(options).unwrap()), str::to_owned);
    let map = typed::<String>(&factory, &cache).await;
    map.put(&"k".to_owned(), &"v".to_owned()).await.unwrap();
    assert_eq!(shared::grid().tool().get(&cache, "k").unwrap().unwrap().text, "v");
    let records = shared::kafka().records(&cache).unwrap();
    assert_eq!(told(&records), [("k".to_owned(), Some("v".to_owned()), "INSERT".to_owned())]);
    close(&factory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delay_of_a_cache_is_kept_and_only_the_newest_value_is_written() {
    require_peers!();
    let cache = topic("stock");
    let factory = example();
    let map = typed::<i64>(&factory, &cache).await;
    let records = || shared::kafka().records(&cache).unwrap();
    assert!(records().is_empty(), "the consumer of the test is warm");
    let start = Instant::now();
    for value in 1..=3 {
        map.put(&"k".to_owned(), &value).await.unwrap();
    }
    eventually_async(SOON, "the change is written behind", async || !records().is_empty()).await;
    let (elapsed, records) = (start.elapsed(), records());
    assert!(elapsed >= Duration::from_millis(500), "written {elapsed:?} after the put");
    // In pass-through: POF, an Integer of 64 bits.
    let value = map.binary().get(records[0].key.as_deref().unwrap()).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].value, value.map(|bytes| bytes.to_vec()));
    assert_eq!(map.get(&"k".to_owned()).await.unwrap(), Some(3));
    close(&factory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_caches_of_one_scheme_write_into_their_own_topics() {
    require_peers!();
    let caches = [topic("stock"), topic("stock")];
    let factory = example();
    for round in 0..3 {
        for cache in &caches {
            let map = typed::<String>(&factory, cache).await;
            map.put(&format!("{cache}-{round}"), cache).await.unwrap();
        }
    }
    close(&factory).await;
    for cache in &caches {
        let records = shared::kafka().records(cache).unwrap();
        let values: Vec<_> = records.iter().map(|record| record.value.clone().unwrap()).collect();
        assert_eq!(values.len(), 3, "a close writes what waits for its delay");
        assert!(values.iter().all(|value| value.ends_with(cache.as_bytes())), "{values:?}");
    }
}

/// A grid counts expiries in steps of 256 ms, and the entries of a step leave together.
const EARLY: Duration = Duration::from_millis(256);

/// What is put without a time of its own expires after the delay of its cache, and is what was put until then.
async fn entries_expire(session: Arc<dyn Session>) {
    const DELAY: Duration = Duration::from_secs(2);
    let cache = topic("foo");
    let factory = original(session, |text| {
        let local = text.replace("<local-scheme>", "<local-scheme><expiry-delay>2s</expiry-delay>");
        local.replace(
            "<kafka:topic-name>",
            "<kafka:publish-expirations>tombstone</kafka:publish-expirations><kafka:topic-name>",
        )
    });
    let map = typed::<String>(&factory, &cache).await;
    let text = |text: &str| text.to_owned();
    map.put_with(&text("never"), &text("stays"), Expiry::Never).await.unwrap();
    map.put_with(&text("own"), &text("stays"), Expiry::After(Duration::from_secs(3600))).await.unwrap();
    let start = Instant::now();
    map.put(&text("one"), &text("goes")).await.unwrap();
    let many: Vec<_> = (0..20).map(|number| (format!("many {number}"), text("goes"))).collect();
    map.put_all(many.iter().map(|(key, value)| (key, value))).await.unwrap();
    let held = map.get_all(many.iter().map(|(key, _)| key)).await.unwrap();
    let in_time = start.elapsed() + EARLY < DELAY;
    assert!(held.iter().all(|(_, value)| value == "goes"), "{held:?}");
    assert!(!in_time || held.len() == many.len(), "{held:?}");
    eventually_async(SOON, "the others are gone", async || map.size().await.unwrap() == 2).await;
    assert!(start.elapsed() + EARLY >= DELAY, "gone after {:?}", start.elapsed());
    for key in ["never", "own"] {
        assert_eq!(map.get(&text(key)).await.unwrap().as_deref(), Some("stays"), "{key}");
    }
    // An embedded map notices an expiry when it is used.
    eventually_async(SOON, "each has its tombstone", async || {
        map.get(&text("one")).await.unwrap();
        let records = shared::kafka().records(&cache).unwrap();
        records.iter().filter(|record| record.value.is_none()).count() == many.len() + 1
    })
    .await;
    close(&factory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_an_embedded_cache_expire_after_its_delay() {
    require_peers!();
    entries_expire(embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_cache_of_a_grid_expire_after_its_delay() {
    require_peers!();
    let options =
        SessionOptions { addresses: vec![shared::grid().address().to_string()], ..SessionOptions::default() };
    entries_expire(Arc::new(GrpcSession::new(options).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_its_serializer_does_not_take_is_refused_and_the_map_unchanged() {
    require_peers!();
    let cache = topic("foo");
    let longs = |text: &str| {
        let (before, after) = text.rsplit_once("StringSerializer</kafka:value").unwrap();
        format!("{before}LongSerializer</kafka:value{after}")
    };
    let factory = original(embedded(), longs);
    let map = typed::<String>(&factory, &cache).await;
    let error = map.put(&"k".to_owned(), &"text".to_owned()).await.unwrap_err();
    assert!(
        matches!(&error, TypedMapError::Map(MapError::NotStored { retriable: false, reason, .. })
            if reason.contains("LongSerializer")),
        "{error}"
    );
    assert!(map.is_empty().await.unwrap());
    assert!(shared::kafka().records(&cache).unwrap().is_empty());
}

#[tokio::test]
async fn a_store_of_a_java_class_is_refused_by_its_name_and_line() {
    let class = ORIGINAL.replace(
        "<kafka:topic-name>",
        "<kafka:entry-store-class-name>com.example.MyStore</kafka:entry-store-class-name><kafka:topic-name>",
    );
    let folder = Folder::new("cache-config").unwrap();
    let path = folder.path().join("cache-config.xml");
    fs::write(&path, class).unwrap();
    let error = CacheFactory::from_file(&path, embedded()).unwrap_err().to_string();
    let expected = format!(
        "one setting is refused\n  1. {}:25: <kafka:entry-store-class-name>: com.example.MyStore is a Java class, which \
         cannot be loaded here: only com.oracle.coherence.kafka.KafkaEntryStore is possible",
        path.display()
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn the_example_writes_into_the_topics_of_its_caches() {
    require_peers!();
    let (through, behind) = ("invoices", topic("stock"));
    shared::kafka().create_topic(through, 1).unwrap();
    let test = env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("examples/from_cache_config");
    assert!(
        binary.exists(),
        "{} is not there: cargo build -p coherence-kafka-core --examples (cargo test --workspace does)",
        binary.display()
    );
    let output = Command::new(binary)
        .args([EXAMPLE, through, &behind])
        .env("KAFKA_BOOTSTRAP_SERVERS", shared::kafka().bootstrap())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let (notes, lines): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with(EXAMPLE));
    assert!(notes[0].contains("<write-delay>: a Java member ignores it"), "{text}");
    assert!(notes[1].contains("ignored, because they concern only a JVM"), "{text}");
    let counts = [format!("{through}: 1 entries"), format!("{behind}: 1 entries")];
    assert_eq!(lines[..], [&*counts[0], &*counts[1], "not in their topics: []"]);
    let records = shared::kafka().records(through).unwrap();
    let tombstones = |records: &[Record]| records.iter().filter(|record| record.value.is_none()).count();
    assert_eq!((records.len(), tombstones(&records)), (4, 1), "each change");
    let records = shared::kafka().records(&behind).unwrap();
    assert_eq!((records.len(), tombstones(&records)), (2, 1), "the newest of each key");
}
