//! A topic that the broker does not permit.

use integration_tests::kafka::{Kafka, KafkaOptions, SCRAM_USER};
use integration_tests::source::run;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON};

/// A broker that permits everything it has no rule for; whoever comes without a password may do all.
fn broker() -> Kafka {
    let properties = [
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("allow.everyone.if.no.acl.found", "true"),
        ("super.users", "User:ANONYMOUS"),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Kafka::start(KafkaOptions { tls: true, properties, ..KafkaOptions::default() }).unwrap()
}

/// Of a source that logs in.
fn published(kafka: &Kafka, base: &str) -> Published {
    let mut published = Published::new(kafka, shared::grid(), base, Form::Strings);
    let tls = kafka.tls();
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule required";
    let (user, password) = SCRAM_USER;
    published.settings.retain(|(key, _)| key != "bootstrap.servers");
    published.set("bootstrap.servers", &tls.sasl_ssl);
    published.set("security.protocol", "SASL_SSL");
    published.set("sasl.mechanism", "SCRAM-SHA-512");
    published.set("sasl.jaas.config", &format!("{module} username=\"{user}\" password=\"{password}\";"));
    published.set("ssl.truststore.type", "PEM");
    published.set("ssl.truststore.location", tls.certificates.authority().to_str().unwrap());
    published
}

fn permit(kafka: &Kafka, published: &Published, operation: &str) {
    let user = format!("User:{}", SCRAM_USER.0);
    kafka.add_rule(&[], [&user, "ALLOW", operation, "TOPIC", &published.name]).unwrap();
}

#[test]
fn what_a_topic_may_not_be_given_is_told_and_published_once_it_may() {
    require_peers!();
    let (kafka, grid) = (broker(), shared::grid());
    let mut published = published(&kafka, "unwritable");
    published.set("coherence.source.comparison.interval.ms", "1000");
    permit(&kafka, &published, "READ");
    grid.tool().put(&published.name, "k", "open-sesame").unwrap();
    let source = published.start();
    eventually(SOON, "the entry is refused", || {
        source.count("refused", &published.name).is_ok_and(|refused| refused > 0)
    });
    assert_eq!(kafka.records(&published.name).unwrap(), []);
    let log = source.log();
    assert!(log.contains("Topic authorization failed"), "{log}");
    assert!(!log.contains(SCRAM_USER.1) && !log.contains("open-sesame"), "{log}");
    permit(&kafka, &published, "WRITE");
    published.equal(&kafka, grid, &source);
    assert_eq!(kafka.records(&published.name).unwrap().len(), 1);
}

#[test]
fn a_topic_that_may_not_be_read_ends_the_source_with_its_name_and_reason() {
    require_peers!();
    let kafka = broker();
    let published = published(&kafka, "unreadable");
    permit(&kafka, &published, "WRITE");
    // What the map holds already: an empty topic is not fetched from.
    kafka.produce(&published.name, [(Some("k"), Some("v"))]).unwrap();
    for arguments in [&[][..], &["--once"]] {
        let output = run(arguments, &published.settings()).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{told}");
        let expected = format!("topic {}: refused by kafka: ", published.name);
        assert!(told.contains(&expected) && told.contains("Topic authorization failed"), "{told}");
    }
}
