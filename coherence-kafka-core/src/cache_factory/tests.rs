//! Without a broker: what reaches a topic is shown by the integration tests.

use std::time::Duration;

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::Expiry;
use tokio::sync::Barrier;

use super::*;

const EXAMPLE: &str = include_str!("../../../config/examples/cache-config.xml");
/// A text and a number in POF.
const KEY: &[u8] = b"\x15\x4e\x01k";
const VALUE: &[u8] = b"\x15\x41\x05";

/// No broker is there.
fn read(text: &str, format: Format) -> Result<CacheFactory, ConfigErrors> {
    let property = |name: &str| (name == "kafka.bootstrap.servers").then(|| "127.0.0.1:1".to_owned());
    let config = CacheConfig::parse("cache.xml", text.as_bytes(), property).unwrap();
    CacheFactory::new(config, Arc::new(LocalSession::new(format)))
}

fn factory_of(text: &str, format: Format) -> CacheFactory {
    read(text, format).unwrap()
}

fn factory() -> CacheFactory {
    factory_of(EXAMPLE, Format::Pof)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_at_once_get_one_cache() {
    let factory = Arc::new(factory());
    let start = Arc::new(Barrier::new(8));
    let callers = (0..8).map(|_| {
        let (factory, start) = (factory.clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            factory.cache("stock-a").await.unwrap()
        })
    });
    let caches: Vec<_> = join_all(callers).await.into_iter().map(Result::unwrap).collect();
    assert!(caches.iter().all(|cache| Arc::ptr_eq(cache, &caches[0])));
    assert!(!Arc::ptr_eq(&caches[0], &factory.cache("stock-b").await.unwrap()));
}

#[tokio::test]
async fn caches_of_equal_producer_settings_share_one_producer() {
    let factory = factory();
    let producers = || {
        let caches = factory.caches.lock();
        let stored = caches.values().filter_map(|cell| match cell.get() {
            Some(Cache::Stored(_, store)) => Some(std::ptr::from_ref(store.producer())),
            _ => None,
        });
        stored.collect::<std::collections::HashSet<_>>().len()
    };
    for number in 0..100 {
        factory.cache(&format!("stock-{number}")).await.unwrap();
    }
    assert_eq!(producers(), 1);
    factory.cache("invoices").await.unwrap();
    assert_eq!(producers(), 2, "its compression is another one");
    factory.cache("plain").await.unwrap();
    assert_eq!((producers(), factory.producers.len()), (2, 2), "nothing is stored of it");
}

#[tokio::test]
async fn what_one_cache_of_a_shared_producer_leaves_is_not_counted_to_another() {
    let factory = factory();
    let (first, second) = (factory.cache("stock-a").await.unwrap(), factory.cache("stock-b").await.unwrap());
    first.put(KEY, VALUE, Expiry::Default).await.unwrap();
    for key in [KEY, b"\x15\x4e\x01l"] {
        second.put(key, VALUE, Expiry::Default).await.unwrap();
    }
    let remained = factory.close(Duration::from_millis(50)).await;
    assert_eq!(remained, [("stock-a".to_owned(), 1), ("stock-b".to_owned(), 2)]);
}

#[tokio::test]
async fn a_cache_without_a_store_is_the_map_of_the_session() {
    let factory = factory();
    let cache = factory.cache("plain").await.unwrap();
    cache.put(KEY, VALUE, Expiry::Default).await.unwrap();
    let of_session = factory.session.map("plain").await.unwrap();
    assert_eq!(of_session.get(KEY).await.unwrap().as_deref(), Some(VALUE));
    assert!(factory.close(Duration::from_secs(1)).await.is_empty());
}

#[tokio::test]
async fn a_close_names_the_caches_whose_changes_remain() {
    let factory = factory();
    let cache = factory.cache("stock-a").await.unwrap();
    factory.cache("stock-b").await.unwrap();
    cache.put(KEY, VALUE, Expiry::Default).await.unwrap();
    assert_eq!(factory.close(Duration::from_millis(50)).await, [("stock-a".to_owned(), 1)]);
    assert!(cache.put(KEY, VALUE, Expiry::Default).await.is_err());
    let error = factory.cache("stock-a").await.unwrap_err().to_string();
    assert_eq!(error, "cache stock-a: the cache factory is closed");
}

#[tokio::test]
async fn a_cache_that_is_refused_is_not_remembered() {
    let text = EXAMPLE.replace("<cache-name>*</cache-name>", "<cache-name>other-*</cache-name>");
    let factory = factory_of(&text, Format::Pof);
    for name in ["", "none", "stock-*"] {
        factory.cache(name).await.unwrap_err();
    }
    let error = factory.map("invoice").await.unwrap_err();
    let expected = "cache invoice: one setting is refused\n  1. cache.xml: <caching-scheme-mapping>: no mapping is for \
                    a cache of the name invoice, did you mean invoices?";
    assert_eq!(error, MapError::Misuse(expected.to_owned()));
    assert!(factory.caches.lock().is_empty());
}

#[tokio::test]
async fn a_session_of_another_serializer_is_refused() {
    let error = factory_of(EXAMPLE, Format::Json).cache("stock-a").await.unwrap_err().to_string();
    assert_eq!(error, "cache stock-a: its serializer is pof, that of the session is json");
}

#[test]
fn bad_settings_of_all_producers_are_refused_at_once_each_with_its_line() {
    let text = EXAMPLE
        .replace("compression-type>{compression}", "compression-type>squeezed")
        .replace("kafka:passthrough>true", "kafka:key-serializer>com.example.MySerializer")
        .replace("kafka:passthrough>", "kafka:key-serializer>")
        .replace("{cache-name}</kafka:topic-name>", "a topic</kafka:topic-name>");
    let errors = read(&text, Format::Pof).unwrap_err();
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let expected = [
        format!("cache.xml:{}: topic.name: ", line("a topic")),
        format!("cache.xml:{}: key.serializer: ", line("MySerializer")),
        format!("cache.xml:{}: compression.type: ", line("squeezed")),
    ];
    let found: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(expected.iter().all(|start| found.iter().any(|error| error.starts_with(start))), "{found:?}");
}
