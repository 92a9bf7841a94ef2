//! Topics that the broker does not permit to read or to write.

use integration_tests::kafka::{Kafka, KafkaOptions, SCRAM_USER};
use integration_tests::source::{Source, run};
use integration_tests::wait::{eventually, within};
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

/// The rule of an operation on a topic.
fn rule<'a>(user: &'a str, operation: &'a str, topic: &'a str) -> [&'a str; 5] {
    [user, "ALLOW", operation, "TOPIC", topic]
}

fn user() -> String {
    format!("User:{}", SCRAM_USER.0)
}

fn permit(kafka: &Kafka, topic: &str, operation: &str) {
    kafka.add_rule(&[], rule(&user(), operation, topic)).unwrap();
}

#[track_caller]
fn is_refused(source: &Source, map: &str) {
    let refused = within(SOON, || source.state(map).as_deref() == Some("refused"));
    assert!(refused, "{:?}\n{}", source.state(map), source.process().log_end());
}

/// How often what was published had to begin again.
fn terms_lost(source: &Source) -> usize {
    source.log().matches("the term of the producer is over").count()
}

#[test]
fn a_topic_that_may_not_be_written_is_refused_until_it_may() {
    require_peers!();
    let (kafka, grid) = (broker(), shared::grid());
    let published = published(&kafka, "unwritable");
    permit(&kafka, &published.name, "READ");
    grid.tool().put(&published.name, "k", "open-sesame").unwrap();
    let source = published.start();
    is_refused(&source, &published.name);
    let cause = format!("no permission to write to topic {}: grant the user Write on it", published.name);
    assert!(source.log().contains(&cause), "{}", source.log());
    grid.tool().put(&published.name, "later", "open-sesame").unwrap();
    permit(&kafka, &published.name, "WRITE");
    published.equal(&kafka, grid, &source);
    assert_eq!(kafka.records(&published.name).unwrap().len(), 2);
    let log = source.log();
    assert_eq!((terms_lost(&source), log.matches(&cause).count()), (0, 1), "{log}");
    assert!(!log.contains(SCRAM_USER.1) && !log.contains("open-sesame"), "{log}");
}

/// Adds a second map with a topic to the first one's.
fn with_another(kafka: &Kafka, published: &mut Published) -> Published {
    let name = format!("{}-refused", published.name);
    kafka.create_topic(&name, 1).unwrap();
    published.settings.retain(|(key, _)| key != "coherence.cache.mappings");
    published.set("coherence.cache.mappings", &format!("{0}->{0},{name}->{name}", published.name));
    Published { name, form: Form::Strings, settings: Vec::new() }
}

#[test]
fn beside_a_topic_that_may_not_be_read_or_written_other_maps_are_published() {
    require_peers!();
    let (kafka, grid) = (broker(), shared::grid());
    for (permitted, missing) in [("WRITE", "READ"), ("READ", "WRITE")] {
        let mut published = published(&kafka, "permitted");
        let refused = with_another(&kafka, &mut published);
        permit(&kafka, &refused.name, permitted);
        // An empty topic is not fetched from.
        kafka.produce(&refused.name, [(Some("k"), Some("old"))]).unwrap();
        grid.tool().put(&refused.name, "k", "new").unwrap();
        grid.tool().put(&published.name, "k", "v").unwrap();
        let source = published.start();
        is_refused(&source, &refused.name);
        published.follows(&source);
        grid.tool().put(&published.name, "k", "w").unwrap();
        published.equal(&kafka, grid, &source);
        permit(&kafka, &refused.name, missing);
        refused.equal(&kafka, grid, &source);
        refused.follows(&source);
        assert_eq!(terms_lost(&source), 0, "without {missing}\n{}", source.log());
    }
}

#[test]
fn a_permission_that_is_revoked_for_a_while_costs_other_maps_one_beginning() {
    require_peers!();
    let (kafka, grid) = (broker(), shared::grid());
    let mut published = published(&kafka, "revoked");
    let refused = with_another(&kafka, &mut published);
    ["READ", "WRITE"].iter().for_each(|operation| permit(&kafka, &refused.name, operation));
    let source = published.start();
    for map in [&published, &refused] {
        grid.tool().put(&map.name, "k", "before").unwrap();
        map.equal(&kafka, grid, &source);
    }
    kafka.remove_rule(&[], rule(&user(), "WRITE", &refused.name)).unwrap();
    grid.tool().put(&refused.name, "k", "meanwhile").unwrap();
    is_refused(&source, &refused.name);
    eventually(SOON, "the permission is missed", || source.log().contains("no permission to write to topic"));
    for n in 0..10 {
        grid.tool().put(&published.name, "k", n.to_string().as_str()).unwrap();
        published.equal(&kafka, grid, &source);
    }
    is_refused(&source, &refused.name);
    permit(&kafka, &refused.name, "WRITE");
    refused.equal(&kafka, grid, &source);
    refused.follows(&source);
    assert!(terms_lost(&source) <= 1, "{}", source.log());
}

#[test]
fn a_topic_that_may_not_be_read_ends_the_source_with_its_name_and_reason() {
    require_peers!();
    let kafka = broker();
    let published = published(&kafka, "unreadable");
    permit(&kafka, &published.name, "WRITE");
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
