//! Why a write fails on a real broker, in words that an operator can act upon, and what happens once somebody has.

use std::thread;

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Entries, Format, NamedMap, Session};
use coherence_kafka_core::{AsyncEntryStore, ReadWriteBackingMap, ReadWriteOptions};
use coherence_kafka_rdkafka::admin::{NewTopic, create_topic};
use integration_tests::kafka::{KafkaOptions, SCRAM_USER};
use integration_tests::sandbox::{free_port, unique};
use integration_tests::tls::Certificates;
use integration_tests::wait::eventually_async;
use integration_tests::{require_peers, shared};

use super::*;

const SOON: Duration = Duration::from_secs(120);

fn with(topic: &str, bootstrap: &str, settings: &[(&str, &str)]) -> KafkaEntryStore {
    let builder = KafkaEntryStore::builder(topic).pass_through().setting("bootstrap.servers", bootstrap);
    settings.iter().fold(builder, |builder, (name, value)| builder.setting(*name, *value)).build().unwrap()
}

/// Why a record is not in the topic within 6 s.
fn failure(topic: &str, bootstrap: &str, settings: &[(&str, &str)]) -> StoreError {
    let store = with(topic, bootstrap, &[&[("message.timeout.ms", "6000")], settings].concat());
    wait(AsyncEntryStore::of(&store).store(entry(&1, &"a"))).unwrap_err()
}

/// A map that writes behind into the store, after a millisecond.
async fn behind(store: KafkaEntryStore, write_requeue_threshold: usize) -> ReadWriteBackingMap {
    let below: Arc<dyn NamedMap> = LocalSession::new(Format::Pof).map("map").await.unwrap();
    let options = ReadWriteOptions {
        write_delay: Duration::from_millis(1),
        write_requeue_threshold,
        ..ReadWriteOptions::default()
    };
    ReadWriteBackingMap::new(below, Arc::new(store), &options).await.unwrap()
}

fn five() -> Arc<Entries> {
    Arc::new(Entries::from_pairs((0..5).map(|n| (binary(&n), binary(&n)))))
}

fn keys(kafka: &Kafka, topic: &str) -> Vec<i32> {
    let mut keys: Vec<i32> =
        kafka.records(topic).unwrap().into_iter().map(|record| object(&record.key.unwrap())).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_failed_write_names_the_port_the_authority_the_name_the_password_or_the_topic() {
    require_peers!();
    let kafka = Kafka::start(KafkaOptions { tls: true, ..KafkaOptions::default() }).unwrap();
    let tls = kafka.tls();
    let foreign = Certificates::new().unwrap();
    let (right, other) = (tls.certificates.authority(), foreign.authority());
    let ssl = |authority: &'static str| [("security.protocol", "ssl"), ("ssl.ca.location", authority)];
    let [right, other] = [right, other].map(|path| &*path.display().to_string().leak());
    let nowhere = format!("127.0.0.1:{}", free_port().unwrap());
    let scram = |password: &'static str| {
        [
            ("security.protocol", "sasl_ssl"),
            ("ssl.ca.location", right),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", SCRAM_USER.0),
            ("sasl.password", password),
        ]
    };
    let certificate = "ssl.endpoint.identification.algorithm";
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], [&'a str; 2]);
    let cases: [Case<'_>; 5] = [
        (&nowhere, &[], [&nowhere, "Connection refused"]),
        (&tls.ssl, &ssl(other), [&tls.ssl, "verify that ssl.ca.location"]),
        (&tls.unnamed, &ssl(right), [&tls.unnamed, certificate]),
        (&tls.sasl_ssl, &scram("open-sesame"), [&tls.sasl_ssl, "correct the credentials of the user"]),
        (&kafka.bootstrap(), &[], ["topic nowhere does not exist", "create it"]),
    ];
    thread::scope(|scope| {
        for (bootstrap, settings, says) in &cases {
            scope.spawn(move || {
                let error = failure("nowhere", bootstrap, settings).to_string();
                assert!(says.iter().all(|word| error.contains(word)), "{error}");
                assert!(!error.contains("open-sesame"), "{error}");
            });
        }
    });
    kafka.create_topic("there", 1).unwrap();
    let any_name = [&ssl(right)[..], &[(certificate, "none")]].concat();
    for (bootstrap, settings) in [(&tls.ssl, &ssl(right)[..]), (&tls.unnamed, &any_name)] {
        let store = with("there", bootstrap, settings);
        assert_eq!(wait(AsyncEntryStore::of(&store).store(entry(&1, &"a"))), Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_behind_before_its_topic_is_made_is_in_the_topic_afterwards() {
    require_peers!();
    let (kafka, topic) = (shared::kafka(), unique("store-later"));
    let early = [("topic.metadata.propagation.max.ms", "500")];
    let store = with(&topic, &kafka.bootstrap(), &early);
    let map = behind(store, usize::MAX).await;
    map.put_all(five(), Expiry::Default).await.unwrap();
    let requeued = || map.counts().unwrap().requeued;
    eventually_async(SOON, "the missing topic is noticed", async || requeued() >= 5).await;
    assert_eq!(map.flush(Duration::from_millis(10)).await, 5, "nothing is given up");
    kafka.create_topic(&topic, 1).unwrap();
    assert_eq!(map.close(SOON).await, 0);
    assert_eq!(keys(kafka, &topic), [0, 1, 2, 3, 4]);
    assert_eq!(map.counts().unwrap().failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_frozen_loses_nothing_with_a_requeue_threshold_of_1() {
    require_peers!();
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    kafka.create_topic("orders", 1).unwrap();
    let store =
        with("orders", &kafka.bootstrap(), &[("message.timeout.ms", "2000"), ("socket.timeout.ms", "1000")]);
    let map = behind(store, 1).await;
    map.put(&binary(&9), &binary(&9), Expiry::Default).await.unwrap();
    assert_eq!(map.flush(SOON).await, 0, "the broker is known");
    kafka.freeze();
    map.put_all(five(), Expiry::Default).await.unwrap();
    eventually_async(SOON, "all have failed", async || map.counts().unwrap().requeued >= 5).await;
    kafka.thaw();
    assert_eq!(map.close(SOON).await, 0);
    let mut keys = keys(&kafka, "orders");
    keys.dedup();
    assert_eq!(keys, [0, 1, 2, 3, 4, 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_behind_without_permission_is_in_the_topic_once_it_is_granted() {
    require_peers!();
    const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let users = "user_admin=\"right\" user_writer=\"right\"";
    let properties = [
        ("listener.security.protocol.map", "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()),
        ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN".to_owned()),
        (
            "listener.name.plaintext.plain.sasl.jaas.config",
            format!("{PLAIN} username=\"admin\" password=\"right\" {users};"),
        ),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned()),
        ("super.users", "User:admin;User:ANONYMOUS".to_owned()),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value)).into();
    let kafka = Kafka::start(KafkaOptions { properties, ..KafkaOptions::default() }).unwrap();
    let jaas = format!("{PLAIN} username=\"admin\" password=\"right\";");
    let admin =
        [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", &jaas)];
    let of = |user: &'static str| {
        [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", user),
            ("sasl.password", "right"),
        ]
    };
    let settings: Vec<_> = of("admin").map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let bootstrap = ("bootstrap.servers".to_owned(), kafka.bootstrap());
    let settings = [settings, vec![bootstrap]].concat();
    tokio::task::spawn_blocking(move || {
        let orders = NewTopic { name: "orders", partitions: 1, replication: None, configuration: &[] };
        create_topic(&settings, &orders, SOON).unwrap();
    })
    .await
    .unwrap();

    let store = with("orders", &kafka.bootstrap(), &of("writer"));
    let error = AsyncEntryStore::of(&store).store(entry(&1, &"a")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Blocked(why) if why.contains("no permission for topic orders")),
        "{error}"
    );
    let map = behind(store, usize::MAX).await;
    map.put_all(five(), Expiry::Default).await.unwrap();
    eventually_async(SOON, "the refusal is noticed", async || map.counts().unwrap().requeued >= 5).await;
    kafka.add_rule(&admin, ["User:writer", "ALLOW", "WRITE", "TOPIC", "orders"]).unwrap();
    assert_eq!(map.close(SOON).await, 0);
    let counts = map.counts().unwrap();
    assert_eq!((counts.stored, counts.failed), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_whose_name_collides_with_another_one_is_blocked_and_the_other_goes_on() {
    require_peers!();
    let properties = vec![("auto.create.topics.enable".to_owned(), "true".to_owned())];
    let kafka = Kafka::start(KafkaOptions { properties, ..KafkaOptions::default() }).unwrap();
    kafka.create_topic("org.example.Orders", 1).unwrap();
    let first = with("org.example.Orders", &kafka.bootstrap(), &[]);
    let second = with("org_example_Orders", &kafka.bootstrap(), &[("message.timeout.ms", "8000")]);
    assert_eq!(AsyncEntryStore::of(&first).store(entry(&1, &"a")).await, Ok(()));
    let error = AsyncEntryStore::of(&second).store(entry(&1, &"a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Blocked(_)), "{error}");
    assert!(error.to_string().contains("differs only in dots and underscores"), "{error}");
    assert_eq!(AsyncEntryStore::of(&first).store(entry(&2, &"a")).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_too_large_for_the_client_keeps_no_neighbour_from_the_topic() {
    require_peers!();
    let (kafka, topic) = (shared::kafka(), unique("store-too-large"));
    kafka.create_topic(&topic, 1).unwrap();
    let map = behind(with(&topic, &kafka.bootstrap(), &[]), usize::MAX).await;
    let large = "x".repeat(3 << 20);
    map.put_all(five(), Expiry::Default).await.unwrap();
    map.put(&binary(&7), &binary(&large), Expiry::Default).await.unwrap();
    map.put(&binary(&8), &binary(&8), Expiry::Default).await.unwrap();
    assert_eq!(map.close(SOON).await, 0);
    assert_eq!(keys(kafka, &topic), [0, 1, 2, 3, 4, 8]);
    assert_eq!(map.counts().unwrap().failed, 1);
}
