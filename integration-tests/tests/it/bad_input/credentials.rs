//! Credentials that the broker refuses, and what it does not permit: the task fails at once and says what to change.

use futures::executor::block_on;
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::within;
use integration_tests::{require_peers, shared};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::flow::SOON;

const MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const NAME: &str = "denied";
const PRINCIPAL: &str = "User:reader";

fn jaas(user: &str, password: &str) -> String {
    format!("{MODULE} username=\"{user}\" password=\"{password}\";")
}

/// A broker that asks for a password. `admin` may do everything, `reader` nothing.
fn broker() -> Kafka {
    let users = "user_admin=\"right\" user_reader=\"right\"";
    let properties = [
        // The listener has this name, whatever it speaks.
        ("listener.security.protocol.map", "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()),
        ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN".to_owned()),
        (
            "listener.name.plaintext.plain.sasl.jaas.config",
            format!("{MODULE} username=\"admin\" password=\"right\" {users};"),
        ),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned()),
        // The controller's listener knows nobody by name.
        ("super.users", "User:admin;User:ANONYMOUS".to_owned()),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value)).into();
    Kafka::start(KafkaOptions { properties, ..KafkaOptions::default() }).unwrap()
}

/// Makes the topic `orders`, as the user that may do everything.
fn make_topic(kafka: &Kafka) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("security.protocol", "SASL_PLAINTEXT");
    config.set("sasl.mechanism", "PLAIN").set("sasl.username", "admin").set("sasl.password", "right");
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let topic = NewTopic::new("orders", 1, TopicReplication::Fixed(1));
    block_on(admin.create_topics([&topic], &AdminOptions::new())).unwrap().remove(0).unwrap();
}

/// A sink with a connector of these settings, on a worker that may do everything.
fn start(kafka: &Kafka, connector: Settings<'_>) -> Sink {
    let (bootstrap, right, address) = (kafka.bootstrap(), jaas("admin", "right"), shared::grid().address());
    let worker = [
        ("bootstrap.servers", bootstrap.as_str()),
        ("key.converter", STRING),
        ("value.converter", STRING),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", &right),
    ];
    let own = [
        ("name", NAME),
        ("connector.class", "CoherenceSink"),
        ("topics", "orders"),
        ("coherence.session.address", address.as_str()),
    ];
    Sink::start(&worker, &[&own[..], connector].concat()).unwrap()
}

/// What REST tells of the failed task of a connector with these settings.
fn failure(kafka: &Kafka, connector: Settings<'_>) -> String {
    failure_of(&start(kafka, connector))
}

fn failure_of(sink: &Sink) -> String {
    let mut failures = Vec::new();
    let failed = within(SOON, || {
        failures = sink.failures(NAME).unwrap();
        !failures.is_empty()
    });
    assert!(failed, "no task has failed\n{}", sink.process().log_end());
    assert!(!sink.log().contains("open-sesame"), "{}", sink.log());
    failures.remove(0)
}

#[test]
fn what_the_broker_does_not_take_or_permit_fails_the_task_with_what_to_change() {
    require_peers!();
    let kafka = broker();
    let (wrong, reader) = (jaas("admin", "open-sesame"), jaas("reader", "right"));

    let text = failure(&kafka, &[("consumer.override.sasl.jaas.config", &wrong)]);
    assert!(text.contains("Authentication failed") && text.contains("consumer.override."), "{text}");

    let text = failure(&kafka, &[("consumer.override.sasl.jaas.config", &reader)]);
    assert!(text.contains("authorization failed") && text.contains("permit the principal"), "{text}");

    let queue =
        [("errors.deadletterqueue.topic.name", "dead"), ("admin.override.sasl.jaas.config", wrong.as_str())];
    let text = failure(&kafka, &queue);
    assert!(
        text.contains("topic dead cannot be created") && text.contains("Authentication failed"),
        "{text}"
    );
}

#[test]
fn a_topic_that_may_not_be_read_any_more_fails_the_task_that_runs_with_what_to_change() {
    require_peers!();
    let kafka = broker();
    let (admin, reader) = (jaas("admin", "right"), jaas("reader", "right"));
    let client =
        [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", &admin)];
    let topic = |word, operation| [PRINCIPAL, word, operation, "TOPIC", "orders"];
    // Who may describe a topic is given its partitions; whether they may be read shows only then.
    kafka.add_rule(&client, topic("ALLOW", "READ")).unwrap();
    kafka.add_rule(&client, [PRINCIPAL, "ALLOW", "READ", "GROUP", "connect-denied"]).unwrap();
    make_topic(&kafka);
    let sink = start(&kafka, &[("consumer.override.sasl.jaas.config", &reader)]);
    let assigned = within(SOON, || sink.log().contains("partitions assigned"));
    assert!(assigned && sink.failures(NAME).unwrap().is_empty(), "{}", sink.log());

    kafka.add_rule(&client, topic("DENY", "READ")).unwrap();
    let text = failure_of(&sink);
    assert!(text.contains("orders-0") && text.contains("permit the principal"), "{text}");
}
