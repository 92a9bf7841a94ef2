use super::*;

const OWN: &[&str] = &["topic.name", "passthrough", "key.serializer", "value.serializer", "coherence.kafka."];
const BOOTSTRAP: (&str, &str) = ("bootstrap.servers", "b:9092");

fn translate(settings: &[(&str, &str)]) -> (ProducerConfig, ConfigErrors) {
    let properties = Properties::from_pairs("p", settings.iter().copied());
    let mut findings = ConfigErrors::default();
    let config = producer(&properties, OWN, &mut findings);
    (config, findings)
}

/// The producer with these settings beside the brokers.
fn good(settings: &[(&str, &str)]) -> ProducerConfig {
    let (config, findings) = translate(&[&[BOOTSTRAP], settings].concat());
    assert!(findings.errors.is_empty(), "{findings}");
    config
}

fn errors(settings: &[(&str, &str)]) -> Vec<String> {
    translate(settings).1.iter().map(ToString::to_string).collect()
}

fn get<'a>(config: &'a ProducerConfig, name: &str) -> Option<&'a str> {
    config.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn with_brokers_alone_it_is_idempotent_bounded_and_places_keys_as_java_does() {
    let config = good(&[]);
    let settings: Vec<_> =
        config.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        settings,
        [
            ("acks", "all"),
            ("bootstrap.servers", "b:9092"),
            ("enable.idempotence", "true"),
            ("message.max.bytes", "1048576"),
            ("message.timeout.ms", "120000"),
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.kbytes", "32768"),
            ("reconnect.backoff.max.ms", "1000"),
        ]
    );
    assert_eq!(config.max_block, Duration::from_secs(60));
}

#[test]
fn java_names_become_those_of_librdkafka() {
    for (java, value, name, expected) in [
        ("delivery.timeout.ms", "9000", "message.timeout.ms", "9000"),
        ("max.request.size", "2000", "message.max.bytes", "2000"),
        ("compression.type", "ZSTD", "compression.codec", "zstd"),
        ("retries", "7", "message.send.max.retries", "7"),
        ("linger.ms", "0", "linger.ms", "0"),
        ("batch.size", "16384", "batch.size", "16384"),
        ("max.in.flight.requests.per.connection", "5", "max.in.flight.requests.per.connection", "5"),
        ("request.timeout.ms", "30000", "socket.timeout.ms", "30000"),
        ("client.id", "c", "client.id", "c"),
        ("buffer.memory", "33554432", "queue.buffering.max.kbytes", "32768"),
        ("buffer.memory", "1025", "queue.buffering.max.kbytes", "2"),
        ("buffer.memory", "0", "queue.buffering.max.kbytes", "1"),
        ("buffer.memory", "9223372036854775807", "queue.buffering.max.kbytes", "2147483647"),
        ("queue.buffering.max.kbytes", "100", "queue.buffering.max.kbytes", "100"),
        ("partitioner", "Murmur2", "partitioner", "murmur2"),
        ("acks", "-1", "acks", "all"),
        ("request.required.acks", "ALL", "acks", "all"),
        ("enable.idempotence", "TRUE", "enable.idempotence", "true"),
        ("reconnect.backoff.ms", "5000", "reconnect.backoff.max.ms", "5000"),
    ] {
        assert_eq!(get(&good(&[(java, value)]), name), Some(expected), "{java}={value}");
    }
}

#[test]
fn max_block_is_handed_out_and_no_setting_of_librdkafka() {
    let config = good(&[("max.block.ms", "0")]);
    assert_eq!(config.max_block, Duration::ZERO);
    assert_eq!(get(&config, "max.block.ms"), None);
    assert_eq!(good(&[("max.block.ms", " 1500 ")]).max_block, Duration::from_millis(1500));
}

#[test]
fn what_is_the_entry_stores_own_is_passed_over() {
    let config = good(&[
        ("topic.name", "t"),
        ("passthrough", "true"),
        ("key.serializer", "org.apache.kafka.common.serialization.StringSerializer"),
        ("coherence.kafka.key.form", "decorated"),
    ]);
    assert_eq!(config, good(&[]));
}

#[test]
fn settings_of_the_jvm_are_noted_and_left_out() {
    let (config, findings) = translate(&[
        BOOTSTRAP,
        ("interceptor.classes", "a.B"),
        ("key.deserializer", "x"),
        ("transaction.timeout.ms", "1"),
        ("partitioner.availability.timeout.ms", "1"),
    ]);
    assert!(findings.errors.is_empty(), "{findings}");
    let warnings: Vec<_> = findings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "p: interceptor.classes: accepted, without effect: interceptors are classes of the JVM",
            "p: key.deserializer: accepted, without effect: an entry store reads nothing",
            "p: transaction.timeout.ms: accepted, without effect: there are no transactions",
            "p: partitioner.availability.timeout.ms: accepted, without effect: every record has a key",
        ]
    );
    assert_eq!(config, good(&[]));
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let because =
        "an entry is stored when all replicas in sync have its record, once and in its place; leave it out";
    assert_eq!(
        errors(&[
            ("acks", "1"),
            ("enable.idempotence", "false"),
            ("transactional.id", "x"),
            ("partitioner.class", "a.B"),
            ("partitioner.ignore.keys", "true"),
            ("linger.ms", "x"),
            ("max.block.ms", "-1"),
            ("buffer.memory", "32m"),
            ("compression.type", "rar"),
        ]),
        [
            &format!("p: acks: cannot be 1: {because}"),
            &format!("p: enable.idempotence: cannot be false: {because}"),
            "p: transactional.id: each entry is acknowledged by itself, not in a transaction: leave it out",
            "p: partitioner.class: is a class of the JVM: leave it out to place keys as Java does, or set librdkafka's \
             partitioner",
            "p: partitioner.ignore.keys: the order of a key's records needs its partition: leave it out",
            "p: linger.ms: Invalid value x for configuration linger.ms: Not a number of type INT",
            "p: max.block.ms: Invalid value -1 for configuration max.block.ms: Value must be at least 0",
            "p: buffer.memory: Invalid value 32m for configuration buffer.memory: Not a number of type LONG",
            "p: compression.type: Invalid value rar for configuration compression.type: String must be one of: none, \
             gzip, snappy, lz4, zstd",
            "bootstrap.servers: Missing required configuration \"bootstrap.servers\" which has no default value.",
        ]
    );
    let empty = errors(&[("bootstrap.servers", " ")]);
    assert_eq!(empty.len(), 1, "{empty:?}");
    assert!(empty[0].starts_with("p: bootstrap.servers: Missing required"), "{empty:?}");
}

#[test]
fn a_setting_that_nobody_knows_is_noted_with_the_nearest_name() {
    let (config, findings) = translate(&[
        BOOTSTRAP,
        ("lingr.ms", "1"),
        ("topic.nam", "t"),
        ("max.blok.ms", "1"),
        ("bootstrap.server", "c:9092"),
        ("fetch.min.bytes", "1"),
        ("confluent.monitoring.interceptor.bootstrap.servers", "c:9092"),
    ]);
    assert!(findings.errors.is_empty(), "{findings}");
    let warnings: Vec<_> = findings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "p: lingr.ms: unknown setting, did you mean linger.ms?",
            "p: topic.nam: unknown setting, did you mean topic.name?",
            "p: max.blok.ms: unknown setting, did you mean max.block.ms?",
            "p: bootstrap.server: unknown setting, did you mean bootstrap.servers?",
            "p: fetch.min.bytes: unknown setting",
            "p: confluent.monitoring.interceptor.bootstrap.servers: unknown setting",
        ]
    );
    assert_eq!(config, good(&[]));
}

#[test]
fn records_of_a_key_stay_in_one_partition() {
    let random = errors(&[BOOTSTRAP, ("partitioner", "Random")]);
    assert_eq!(random.len(), 1, "{random:?}");
    assert!(
        random[0].starts_with("p: partitioner: cannot be random: the order of a key's records"),
        "{random:?}"
    );
    for (name, warnings) in [
        ("murmur2", 0),
        ("murmur2_random", 0),
        ("consistent", 1),
        ("consistent_random", 1),
        ("fnv1a_random", 1),
    ] {
        let (config, findings) = translate(&[BOOTSTRAP, ("partitioner", name)]);
        assert_eq!((findings.errors.len(), findings.warnings.len()), (0, warnings), "{name}: {findings}");
        assert_eq!(get(&config, "partitioner"), Some(name));
    }
    let of_java = "org.apache.kafka.clients.producer.internals.DefaultPartitioner";
    let (config, findings) = translate(&[BOOTSTRAP, ("partitioner.class", of_java)]);
    assert_eq!(config, good(&[]));
    assert_eq!(
        findings.warnings[0].to_string(),
        "p: partitioner.class: accepted: keys are placed as it places them"
    );
}

#[test]
fn numbers_that_java_takes_are_taken_and_librdkafka_gets_the_nearest() {
    for (java, value, name, expected) in [
        ("batch.size", "0", "batch.size", "1"),
        ("linger.ms", "9000000000", "linger.ms", "900000"),
        ("max.request.size", "0", "message.max.bytes", "1000"),
        ("retry.backoff.ms", "0", "retry.backoff.ms", "1"),
        ("request.timeout.ms", "2147483647", "socket.timeout.ms", "300000"),
    ] {
        let (config, findings) =
            translate(&[BOOTSTRAP, ("delivery.timeout.ms", "2147483647"), (java, value)]);
        assert_eq!(get(&config, name), Some(expected), "{java}={value}: {findings}");
        assert_eq!((findings.errors.len(), findings.warnings.len()), (0, 1), "{findings}");
    }
}

#[test]
fn rules_of_librdkafka_between_settings_are_told_before_it_sees_them() {
    for (settings, expected) in [
        (
            vec![("max.in.flight.requests.per.connection", "6")],
            "p: max.in.flight.requests.per.connection: Invalid value 6 for configuration \
             max.in.flight.requests.per.connection: must be 5 at most with enable.idempotence=true",
        ),
        (
            vec![("retries", "0")],
            "p: retries: Invalid value 0 for configuration retries: must be 1 at least with enable.idempotence=true",
        ),
        (
            vec![("queue.buffering.backpressure.threshold", "2")],
            "p: queue.buffering.backpressure.threshold: Invalid value 2 for configuration \
             queue.buffering.backpressure.threshold: must be 1 with enable.idempotence=true",
        ),
        (
            vec![("linger.ms", "50"), ("delivery.timeout.ms", "50")],
            "p: linger.ms: Invalid value 50 for configuration linger.ms: must be less than delivery.timeout.ms, \
             librdkafka's message.timeout.ms",
        ),
    ] {
        assert_eq!(errors(&[&[BOOTSTRAP], &settings[..]].concat()), [expected]);
    }
    good(&[("linger.ms", "50"), ("delivery.timeout.ms", "0")]);
}

const SECURITY: &[(&str, &str)] = &[
    ("security.protocol", "SASL_SSL"),
    ("sasl.mechanism", "SCRAM-SHA-256"),
    (
        "sasl.jaas.config",
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"sesame\";",
    ),
    ("ssl.truststore.location", "/ca.pem"),
];

/// What a client needs to reach a cluster, beside brokers and security.
const CONNECTION: &[(&str, &str)] = &[
    ("enable.ssl.certificate.verification", "false"),
    ("broker.address.family", "v4"),
    ("client.dns.lookup", "resolve_canonical_bootstrap_servers_only"),
    ("request.timeout.ms", "9000"),
    ("socket.keepalive.enable", "true"),
    ("connections.max.idle.ms", "-1"),
    ("metadata.max.age.ms", "1000"),
];

#[test]
fn security_is_translated_and_never_shown() {
    let config = good(SECURITY);
    assert_eq!(get(&config, "sasl.username"), Some("u"));
    assert_eq!(get(&config, "sasl.password"), Some("sesame"));
    assert_eq!(get(&config, "ssl.ca.location"), Some("/ca.pem"));
    assert_eq!(get(&config, "sasl.jaas.config"), None);
    assert!(!format!("{config:?}").contains("sesame"));
}

#[test]
fn another_client_of_the_same_cluster_has_all_that_its_kind_knows() {
    let producers = [
        ("linger.ms", "5"),
        ("client.id", "c"),
        ("acks", "1"),
        ("topic.name", "t"),
        ("receive.message.max.bytes", "1000"),
    ];
    let all = [&[BOOTSTRAP], SECURITY, CONNECTION, &producers].concat();
    let settings = connection(&Properties::from_pairs("p", all));
    let names: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        names,
        [
            ("bootstrap.servers", "b:9092"),
            ("broker.address.family", "v4"),
            ("client.dns.lookup", "resolve_canonical_bootstrap_servers_only"),
            ("connections.max.idle.ms", "0"),
            ("enable.ssl.certificate.verification", "false"),
            ("metadata.max.age.ms", "1000"),
            ("reconnect.backoff.max.ms", "1000"),
            ("sasl.mechanism", "SCRAM-SHA-256"),
            ("sasl.password", "sesame"),
            ("sasl.username", "u"),
            ("security.protocol", "sasl_ssl"),
            ("socket.keepalive.enable", "true"),
            ("socket.timeout.ms", "9000"),
            ("ssl.ca.location", "/ca.pem"),
            ("topic.metadata.refresh.interval.ms", "1000"),
        ]
    );
}

/// What the producer has and no other client gets is named in `is_of_connections`, or is a producer's alone.
#[test]
fn nothing_that_every_client_knows_reaches_the_producer_alone() {
    use super::super::librdkafka::names;
    for name in names(Client::Admin).filter(|name| !["client.id", "receive.message.max.bytes"].contains(name))
    {
        assert!(is_of_connections(name), "{name}");
    }
}

#[test]
fn credentials_that_are_asked_for_and_missing_are_reported_once() {
    for credentials in [&[][..], &[("sasl.username", "u"), ("sasl.password", " ")]] {
        let protocol = [BOOTSTRAP, ("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")];
        let errors = errors(&[&protocol[..], credentials].concat());
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with("sasl.jaas.config: must be set"), "{errors:?}");
    }
}
