//! Without a broker: what reaches a topic is shown by the integration tests.

use std::time::Duration;

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::testing::FaultySession;
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
async fn a_close_does_not_wait_for_a_grid_that_is_away() {
    let config = CacheConfig::parse("cache.xml", EXAMPLE.as_bytes(), |_| None).unwrap();
    let maps = Arc::new(LocalSession::new(Format::Pof));
    let session = Arc::new(FaultySession::new(maps, |_| std::future::pending()));
    let factory = CacheFactory::new(config, session.clone()).unwrap();
    let mut opening = Box::pin(factory.cache("stock-a"));
    assert!(futures::poll!(&mut opening).is_pending());
    assert_eq!(session.requests().len(), 1, "the map is being opened");
    assert!(factory.close(Duration::from_millis(1)).await.is_empty());
    let error = opening.await.unwrap_err().to_string();
    assert_eq!(error, "cache stock-a: the cache factory is closed");
}

fn case(name: &str) -> CacheFactory {
    let path = format!("{}/src/cache_config/tests/files/{name}", env!("CARGO_MANIFEST_DIR"));
    factory_of(&std::fs::read_to_string(path).unwrap(), Format::Pof)
}

#[tokio::test]
async fn a_name_with_a_blank_behind_it_is_no_topic_and_its_neighbour_is_one() {
    let factory = case("any-name.xml");
    for name in ["a/b", "\u{fc}", "trail ", &"x".repeat(300)] {
        let error = factory.cache(name).await.unwrap_err().to_string();
        assert!(error.contains("is not a topic name"), "{error}");
    }
    factory.cache("trail").await.unwrap();
}

#[test]
fn names_that_are_no_topics_are_refused_each_with_its_line() {
    let path = format!("{}/src/cache_config/tests/files/names.xml", env!("CARGO_MANIFEST_DIR"));
    let errors = read(&std::fs::read_to_string(path).unwrap(), Format::Pof).unwrap_err();
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("\"sys$configx\" is not a topic name"), "{errors:?}");
    assert!(errors[1].contains("\"Orders 2024\" is not a topic name"), "{errors:?}");
}

#[tokio::test]
async fn a_federated_cache_is_refused_by_its_line_and_its_neighbour_is_opened() {
    let factory = case("federated-beside-another.xml");
    factory.cache("orders").await.unwrap();
    let error = factory.cache("trades").await.unwrap_err().to_string();
    assert!(
        error.contains("cache.xml:31: <federated-scheme>: a cache of this scheme is published by"),
        "{error}"
    );
}

#[test]
fn settings_of_a_producer_that_cannot_be_honoured_are_refused_each_with_its_line() {
    let path = format!("{}/src/cache_config/tests/files/acks.xml", env!("CARGO_MANIFEST_DIR"));
    let errors = read(&std::fs::read_to_string(path).unwrap(), Format::Pof).unwrap_err();
    let keys: Vec<_> = errors.errors.iter().map(|error| error.key.as_str()).collect();
    assert_eq!(keys, ["acks", "retries", "max.in.flight.requests.per.connection"]);
}

#[tokio::test]
async fn the_name_of_the_default_partitioner_is_accepted_and_that_of_another_class_is_not() {
    case("default-partitioner.xml").cache("orders").await.unwrap();
    let path = format!("{}/src/cache_config/tests/files/default-partitioner.xml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace("internals.DefaultPartitioner", "Own");
    assert_eq!(read(&text, Format::Pof).unwrap_err().errors[0].key, "partitioner.class");
}

#[tokio::test]
async fn a_cache_that_is_refused_is_not_remembered() {
    let text = EXAMPLE.replace("<cache-name>*</cache-name>", "<cache-name>other-*</cache-name>");
    let factory = factory_of(&text, Format::Pof);
    for name in ["", "none", "stock-*"] {
        factory.cache(name).await.unwrap_err();
    }
    let error = factory.map("invoice").await.unwrap_err();
    let expected = "cache invoice: one setting is refused\n  1. cache.xml: <caching-scheme-mapping>: no mapping \
                    matches cache invoice, did you mean invoices?";
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
