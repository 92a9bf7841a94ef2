use coherence_kafka_connect::config::Property;

use super::*;

struct Translated {
    consumer: ConsumerConfig,
    findings: ConfigErrors,
}

impl Translated {
    fn get(&self, name: &str) -> Option<&str> {
        self.consumer.settings.get(name).map(String::as_str)
    }
}

fn translate(worker: &[(&str, &str)], connector: &[(&str, &str)]) -> Translated {
    translate_with(worker, connector, &OverridePolicy::All, false)
}

fn translate_with(
    worker: &[(&str, &str)],
    connector: &[(&str, &str)],
    policy: &OverridePolicy,
    pattern: bool,
) -> Translated {
    let worker = Properties::from_pairs("w", worker.iter().copied());
    let connector = Properties::from_pairs("c", connector.iter().copied());
    let mut findings = ConfigErrors::default();
    let consumer = consumer("s", &worker, &connector, policy, pattern, &mut findings);
    Translated { consumer, findings }
}

/// The settings of librdkafka for one `consumer.override` setting.
fn good(settings: &[(&str, &str)]) -> Translated {
    let settings: Vec<_> =
        settings.iter().map(|(key, value)| (format!("consumer.override.{key}"), *value)).collect();
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let translated = translate(&[], &settings);
    assert!(translated.findings.errors.is_empty(), "{}", translated.findings);
    translated
}

fn error(key: &str, value: &str) -> String {
    let translated = translate(&[(&format!("consumer.{key}"), value)], &[]);
    assert_eq!(translated.findings.errors.len(), 1, "{key}={value}: {}", translated.findings);
    translated.findings.errors[0].to_string()
}

#[test]
fn without_settings_the_consumer_is_that_of_connect() {
    let consumer = translate(&[("bootstrap.servers", "b:9092")], &[]).consumer;
    let settings = consumer.for_task(3);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        settings,
        [
            ("auto.offset.reset", "earliest"),
            ("bootstrap.servers", "b:9092"),
            ("client.id", "connector-consumer-s-3"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.metrics.push", "false"),
            ("enable.partition.eof", "false"),
            ("fetch.max.bytes", "1048576"),
            ("fetch.message.max.bytes", "262144"),
            ("fetch.queue.backoff.ms", "10"),
            ("group.id", "connect-s"),
            ("isolation.level", "read_uncommitted"),
            ("queued.max.messages.kbytes", "2048"),
            ("queued.min.messages", "20000"),
            ("reconnect.backoff.max.ms", "1000"),
        ]
    );
}

#[test]
fn the_connector_beats_the_worker_and_the_worker_its_own_security() {
    let translated = translate(
        &[
            ("security.protocol", "SSL"),
            ("ssl.ca.location", "/worker"),
            ("consumer.ssl.ca.location", "/consumer"),
            ("consumer.fetch.max.wait.ms", "1"),
            ("consumer.fetch.min.bytes", "2"),
            ("consumer.group.id", "g"),
        ],
        &[("consumer.override.fetch.wait.max.ms", "3"), ("consumer.override.client.id", "mine")],
    );
    assert!(translated.findings.errors.is_empty(), "{}", translated.findings);
    assert_eq!(translated.get("security.protocol"), Some("ssl"));
    assert_eq!(translated.get("ssl.ca.location"), Some("/consumer"));
    assert_eq!(translated.get("fetch.wait.max.ms"), Some("3"));
    assert_eq!(translated.get("fetch.min.bytes"), Some("2"));
    assert_eq!(translated.consumer.group_id, "g");
    assert!(translated.consumer.for_task(1).contains(&("client.id".to_owned(), "mine".to_owned())));
}

#[test]
fn overrides_in_a_shared_file_are_not_taken_for_settings_of_the_worker() {
    let both = [("consumer.override.fetch.min.bytes", "7"), ("consumer.fetch.min.bytes", "6")];
    let translated = translate(&both, &both);
    assert!(translated.findings.errors.is_empty(), "{}", translated.findings);
    assert_eq!(translated.get("fetch.min.bytes"), Some("7"));
}

#[test]
fn java_names_become_those_of_librdkafka() {
    for (java, value, name, expected) in [
        ("fetch.max.wait.ms", "250", "fetch.wait.max.ms", "250"),
        ("max.partition.fetch.bytes", " 1048576 ", "fetch.message.max.bytes", "1048576"),
        ("request.timeout.ms", "30000", "socket.timeout.ms", "30000"),
        ("receive.buffer.bytes", "65536", "socket.receive.buffer.bytes", "65536"),
        ("receive.buffer.bytes", "-1", "socket.receive.buffer.bytes", "0"),
        ("send.buffer.bytes", "-1", "socket.send.buffer.bytes", "0"),
        ("metadata.max.age.ms", "60000", "metadata.max.age.ms", "60000"),
        ("metadata.max.age.ms", "60000", "topic.metadata.refresh.interval.ms", "60000"),
        ("auto.offset.reset", "none", "auto.offset.reset", "error"),
        ("auto.offset.reset", "latest", "auto.offset.reset", "latest"),
        ("isolation.level", "read_committed", "isolation.level", "read_committed"),
        ("check.crcs", "TRUE", "check.crcs", "true"),
        ("ssl.endpoint.identification.algorithm", "", "ssl.endpoint.identification.algorithm", "none"),
        ("ssl.endpoint.identification.algorithm", "HTTPS", "ssl.endpoint.identification.algorithm", "https"),
        ("enable.auto.commit", "FALSE", "enable.auto.commit", "false"),
        ("fetch.max.bytes", "500000", "message.max.bytes", "500000"),
        ("fetch.max.bytes", "500000", "fetch.max.bytes", "500000"),
    ] {
        assert_eq!(good(&[(java, value)]).get(name), Some(expected), "{java}={value}");
    }
}

#[test]
fn max_poll_records_is_a_bound_and_no_setting_of_librdkafka() {
    let translated = good(&[("max.poll.records", "7")]);
    assert_eq!(translated.consumer.max_poll_records, Some(7));
    assert_eq!(translated.get("max.poll.records"), None);
}

#[test]
fn settings_of_the_jvm_are_noted_and_left_out() {
    let translated =
        good(&[("key.deserializer", "x"), ("metrics.num.samples", "3"), ("interceptor.classes", "a.B")]);
    assert_eq!(translated.findings.warnings.len(), 3);
    assert_eq!(
        translated.findings.warnings[0].to_string(),
        "c: consumer.override.key.deserializer: accepted, without effect: keys reach the converter as bytes"
    );
    assert_eq!(translated.get("key.deserializer"), None);
}

#[test]
fn assignors_are_translated_and_a_mixed_list_keeps_the_eager_ones() {
    const PACKAGE: &str = "org.apache.kafka.clients.consumer.";
    let assignors = |list: &str| {
        let translated = good(&[("partition.assignment.strategy", list)]);
        (
            translated.get("partition.assignment.strategy").unwrap().to_owned(),
            translated.findings.warnings.len(),
        )
    };
    assert_eq!(assignors(&format!("{PACKAGE}RangeAssignor")), ("range".to_owned(), 0));
    assert_eq!(assignors("RoundRobinAssignor, range"), ("roundrobin,range".to_owned(), 0));
    assert_eq!(
        assignors(&format!("{PACKAGE}CooperativeStickyAssignor")),
        ("cooperative-sticky".to_owned(), 0)
    );
    let default_of_java = format!("{PACKAGE}RangeAssignor,{PACKAGE}CooperativeStickyAssignor");
    assert_eq!(assignors(&default_of_java), ("range".to_owned(), 1));
}

#[test]
fn every_malformed_setting_is_refused_with_its_place() {
    for (key, value, expected) in [
        (
            "max.poll.records",
            "x",
            "Invalid value x for configuration max.poll.records: Not a number of type INT",
        ),
        (
            "max.poll.records",
            "0",
            "Invalid value 0 for configuration max.poll.records: Value must be at least 1",
        ),
        (
            "fetch.min.bytes",
            "1k",
            "Invalid value 1k for configuration fetch.min.bytes: Not a number of type INT",
        ),
        (
            "fetch.max.wait.ms",
            "-1",
            "Invalid value -1 for configuration fetch.max.wait.ms: Value must be at least 0",
        ),
        (
            "metadata.max.age.ms",
            "-1",
            "Invalid value -1 for configuration metadata.max.age.ms: Value must be at least 0",
        ),
        (
            "fetch.max.bytes",
            "2147483648",
            "Invalid value 2147483648 for configuration fetch.max.bytes: Value must be no more than 2147483647",
        ),
        (
            "queued.min.messages",
            "0",
            "Invalid value 0 for configuration queued.min.messages: Value must be at least 1",
        ),
        (
            "auto.offset.reset",
            "newest",
            "Invalid value newest for configuration auto.offset.reset: String must be one of: smallest, earliest, \
             beginning, largest, latest, end, error",
        ),
        (
            "auto.offset.reset",
            "by_duration:P1D",
            "by_duration is not known to librdkafka: use earliest, latest or none",
        ),
        (
            "exclude.internal.topics",
            "no",
            "Invalid value no for configuration exclude.internal.topics: Expected value to be either true or false",
        ),
        (
            "check.crcs",
            "1",
            "Invalid value 1 for configuration check.crcs: Expected value to be either true or false",
        ),
        (
            "enable.auto.commit",
            "true",
            "cannot be true: the sink commits an offset only when its record is in the map; leave it out",
        ),
        (
            "enable.auto.offset.store",
            "true",
            "cannot be true: the sink commits an offset only when its record is in the map; leave it out",
        ),
        (
            "partition.assignment.strategy",
            "com.acme.Mine",
            "unknown assignor com.acme.Mine: known are RangeAssignor, RoundRobinAssignor and CooperativeStickyAssignor",
        ),
        (
            "partition.assignment.strategy",
            "org.apache.kafka.clients.consumer.StickyAssignor",
            "librdkafka has no StickyAssignor: use CooperativeStickyAssignor, or RangeAssignor",
        ),
        ("partition.assignment.strategy", " , ", "names no assignor"),
        ("ssl.engine.factory.class", "a.B", "is a class of the JVM; set PEM files or a PKCS12 key store"),
        (
            "sasl.kerberos.service.name",
            "kafka",
            "Kerberos is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or TLS certificates",
        ),
    ] {
        assert_eq!(error(key, value), format!("w: consumer.{key}: {expected}"));
    }
}

#[test]
fn numbers_that_java_takes_are_taken_and_librdkafka_gets_the_nearest() {
    for (java, value, name, expected) in [
        ("request.timeout.ms", "600000", "socket.timeout.ms", "300000"),
        ("max.poll.interval.ms", "2147483647", "max.poll.interval.ms", "86400000"),
        ("fetch.max.bytes", "2147483647", "fetch.max.bytes", "2147483135"),
        ("retry.backoff.ms", "0", "retry.backoff.ms", "1"),
        ("metadata.max.age.ms", "604800000", "metadata.max.age.ms", "3600000"),
        ("metadata.max.age.ms", "604800000", "topic.metadata.refresh.interval.ms", "3600000"),
        ("fetch.min.bytes", "500000000", "fetch.min.bytes", "100000000"),
        ("fetch.min.bytes", "0", "fetch.min.bytes", "1"),
        ("connections.max.idle.ms", "-1", "connections.max.idle.ms", "0"),
        ("max.partition.fetch.bytes", "2147483647", "fetch.message.max.bytes", "1000000000"),
        ("fetch.max.wait.ms", "300001", "fetch.wait.max.ms", "300000"),
        ("session.timeout.ms", "300001", "session.timeout.ms", "300000"),
        ("max.poll.interval.ms", "30000", "session.timeout.ms", "30000"),
        ("max.poll.interval.ms", "1000", "session.timeout.ms", "6000"),
        ("max.poll.interval.ms", "1000", "max.poll.interval.ms", "6000"),
    ] {
        let translated = good(&[(java, value)]);
        assert_eq!(translated.get(name), Some(expected), "{java}={value}");
        assert_eq!(translated.findings.warnings.len(), 1, "{java}={value}: {}", translated.findings);
    }
    let noted = good(&[("metadata.max.age.ms", "604800000")]).findings.warnings;
    assert_eq!(
        noted[0].to_string(),
        "c: consumer.override.metadata.max.age.ms: librdkafka takes 1 to 3600000: 3600000 is used"
    );
    let answers = good(&[("fetch.max.bytes", "5000000"), ("receive.message.max.bytes", "1000")]);
    assert_eq!(answers.get("receive.message.max.bytes"), Some("5000512"));
}

/// Java warns, too: such files have settings of monitoring, of the JVM and of other versions.
#[test]
fn a_setting_that_nobody_knows_is_noted_with_the_nearest_name() {
    for (key, expected) in [
        ("fetch.min.byte", "unknown setting, did you mean fetch.min.bytes?"),
        ("max.poll.record", "unknown setting, did you mean max.poll.records?"),
        ("ssl.truststore.locaton", "unknown setting, did you mean ssl.truststore.location?"),
        ("sasl.jaas.conf", "unknown setting, did you mean sasl.jaas.config?"),
        ("linger.ms", "unknown setting"),
        ("confluent.monitoring.interceptor.bootstrap.servers", "unknown setting"),
        ("port", "unknown setting"),
    ] {
        let translated = good(&[(key, "x")]);
        assert_eq!(translated.consumer, good(&[]).consumer);
        let warnings: Vec<_> = translated.findings.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [format!("c: consumer.override.{key}: {expected}")]);
    }
}

#[test]
fn a_setting_that_exists_and_would_change_delivery_or_security_is_refused() {
    for key in ["offset.store.method", "queuing.strategy", "ssl.engine.location", "sasl.oauthbearer.method"] {
        error(key, "x");
    }
}

#[test]
fn the_broker_decides_with_the_consumer_protocol() {
    let translated =
        translate(&[("consumer.group.protocol", "consumer"), ("consumer.session.timeout.ms", "9000")], &[]);
    assert_eq!(
        translated.findings.errors[0].to_string(),
        "w: consumer.session.timeout.ms: cannot be set with group.protocol=consumer: the broker decides"
    );
}

#[test]
fn a_pattern_does_not_see_the_internal_topics_unless_asked() {
    let blacklist = |settings: &[(&str, &str)]| {
        let translated = translate_with(&[], settings, &OverridePolicy::All, true);
        translated.get("topic.blacklist").map(str::to_owned)
    };
    assert_eq!(blacklist(&[]).as_deref(), Some(INTERNAL_TOPICS));
    assert_eq!(
        blacklist(&[("consumer.override.exclude.internal.topics", "true")]).as_deref(),
        Some(INTERNAL_TOPICS)
    );
    assert_eq!(blacklist(&[("consumer.override.exclude.internal.topics", "false")]), None);
}

#[test]
fn the_policy_of_the_worker_refuses_overrides_in_connects_words() {
    let errors = |policy: OverridePolicy| -> Vec<String> {
        let settings =
            [("consumer.override.max.poll.records", "5"), ("consumer.override.security.protocol", "SSL")];
        let translated = translate_with(&[], &settings, &policy, false);
        translated.findings.iter().map(ToString::to_string).collect()
    };
    let refused = |policy: &str, key: &str| {
        format!(
            "c: consumer.override.{key}: The '{policy}' policy does not allow '{key}' to be overridden in the connector configuration."
        )
    };
    assert_eq!(errors(OverridePolicy::All), [""; 0]);
    assert_eq!(
        errors(OverridePolicy::None),
        [refused("None", "max.poll.records"), refused("None", "security.protocol")]
    );
    assert_eq!(errors(OverridePolicy::Principal), [refused("Principal", "max.poll.records")]);
    assert_eq!(
        errors(OverridePolicy::Allowlist(vec!["max.poll.records".to_owned()])),
        [refused("Allowlist", "security.protocol")]
    );
}

const PLAIN: &str =
    "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"sesame\";";

#[test]
fn jaas_becomes_user_name_and_password() {
    let translated =
        good(&[("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", PLAIN)]);
    assert_eq!(translated.get("sasl.username"), Some("u"));
    assert_eq!(translated.get("sasl.password"), Some("sesame"));
    assert_eq!(translated.get("sasl.jaas.config"), None);
    assert!(!format!("{:?}", translated.consumer).contains("sesame"));
}

/// As a properties file has them, in which a backslash stands for two.
#[test]
fn a_user_and_a_password_in_a_file_are_those_that_java_reads() {
    for (options, username, password) in [
        (r#"username="svc-app"  password="p@ss:w;d=1";"#, "svc-app", "p@ss:w;d=1"),
        ("username='svc-app' password='p@ss:w;d=1';", "svc-app", "p@ss:w;d=1"),
        (
            r#"username="$ConnectionString" password="Endpoint=sb://ns.example.net/;SharedAccessKey=abc=";"#,
            "$ConnectionString",
            "Endpoint=sb://ns.example.net/;SharedAccessKey=abc=",
        ),
        (r#"username="quote" password="XX\\"YY";"#, "quote", "XX\"YY"),
        (r#"username="back" password="ab\\\\cd";"#, "back", "ab\\cd"),
        (r#"username="svc-app" password="p\\100ss:w;d=1";"#, "svc-app", "p@ss:w;d=1"),
        (r#"username="\\160lain" password="pw-1";"#, "plain", "pw-1"),
        (r#"username="plain" password="pw-\\61";"#, "plain", "pw-1"),
        (r#"username="u" password="ab\\bcd";"#, "u", "ab\u{8}cd"),
        (r#"username="plain" password="pw-1"; // done"#, "plain", "pw-1"),
        (r#"/* app */ username="plain" password="pw-1"; // done"#, "plain", "pw-1"),
    ] {
        let file = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        std::fs::write(&file, format!("consumer.sasl.jaas.config={module} \\\n   {options}\n")).unwrap();
        let mut findings = ConfigErrors::default();
        let read = coherence_kafka_connect::config::layers::file(file.path(), &mut findings).unwrap();
        let jaas = &read.settings[0].value;
        let translated = good(&[
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", jaas),
        ]);
        assert_eq!(translated.get("sasl.username"), Some(username), "{options}");
        assert_eq!(translated.get("sasl.password"), Some(password), "{options}");
    }
}

#[test]
fn credentials_that_are_asked_for_and_missing_are_reported_before_there_is_a_client() {
    let protocol = [("consumer.security.protocol", "SASL_SSL"), ("consumer.sasl.mechanism", "PLAIN")];
    let found = translate(&protocol, &[]).findings;
    assert_eq!(found.errors.len(), 1, "{found}");
    assert!(found.errors[0].to_string().starts_with("sasl.jaas.config: must be set"), "{found}");
    let empty = PLAIN.replace("sesame", "");
    let found =
        translate(&[&protocol[..], &[("consumer.sasl.jaas.config", empty.as_str())]].concat(), &[]).findings;
    assert_eq!(found.errors.len(), 1, "{found}");
    assert_eq!(found.errors[0].to_string(), "w: consumer.sasl.jaas.config: has an empty password");
    // The worker's connectors may bring their own.
    let none = Properties::default();
    let worker = Properties::from_pairs("w", protocol);
    let mut findings = ConfigErrors::default();
    consumer("", &worker, &none, &OverridePolicy::All, false, &mut findings);
    assert!(findings.errors.is_empty(), "{findings}");
}

#[test]
fn credentials_count_only_with_a_protocol_that_uses_them() {
    let translated = good(&[("sasl.jaas.config", PLAIN), ("ssl.truststore.location", "/x.jks")]);
    assert_eq!(translated.get("sasl.password"), None);
}

#[test]
fn sasl_without_a_mechanism_that_is_supported_is_refused() {
    let errors = |mechanism: &[(&str, &str)]| {
        let mut settings = vec![("consumer.security.protocol", "SASL_PLAINTEXT")];
        settings.extend(mechanism);
        translate(&settings, &[]).findings.errors[0].to_string()
    };
    assert_eq!(
        errors(&[]),
        "w: sasl.mechanism: must be set, to one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512: Java's default GSSAPI is not supported yet"
    );
    assert_eq!(
        errors(&[("consumer.sasl.mechanism", "OAUTHBEARER")]),
        "w: consumer.sasl.mechanism: OAUTHBEARER is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
    );
    let wrong = "com.acme.Login required password=\"sesame\";";
    let message = errors(&[("consumer.sasl.mechanism", "PLAIN"), ("consumer.sasl.jaas.config", wrong)]);
    assert!(
        message.starts_with("w: consumer.sasl.jaas.config: does not begin with a login module"),
        "{message}"
    );
    assert!(!message.contains("sesame"));
}

#[test]
fn pem_and_pkcs12_stores_are_handed_on() {
    let ssl = |settings: &[(&str, &str)]| {
        let mut all = vec![("security.protocol", "SSL")];
        all.extend(settings);
        good(&all)
    };
    assert_eq!(ssl(&[("ssl.truststore.location", "/ca.pem")]).get("ssl.ca.location"), Some("/ca.pem"));
    let typed = ssl(&[("ssl.truststore.location", "/ca"), ("ssl.truststore.type", "PEM")]);
    assert_eq!(typed.get("ssl.ca.location"), Some("/ca"));
    let pem = |what: &str| format!("-----BEGIN {what}-----\nMAA=\n-----END {what}-----\n");
    let (certificate, key) = (pem("CERTIFICATE"), pem("PRIVATE KEY"));
    let joined = certificate.replace('\n', " ");
    assert_eq!(
        ssl(&[("ssl.truststore.certificates", &joined)]).get("ssl.ca.pem"),
        Some(certificate.as_str())
    );
    assert_eq!(ssl(&[("ssl.ca.pem", &joined)]).get("ssl.ca.pem"), Some(certificate.as_str()));
    let pkcs12 = ssl(&[("ssl.keystore.location", "/k.p12"), ("ssl.keystore.password", "sesame")]);
    assert_eq!(pkcs12.get("ssl.keystore.location"), Some("/k.p12"));
    assert_eq!(pkcs12.get("ssl.keystore.password"), Some("sesame"));
    let pem = ssl(&[("ssl.keystore.location", "/k.pem"), ("ssl.key.password", "sesame")]);
    assert_eq!(pem.get("ssl.certificate.location"), Some("/k.pem"));
    assert_eq!(pem.get("ssl.key.location"), Some("/k.pem"));
    assert_eq!(pem.get("ssl.key.password"), Some("sesame"));
    let inline =
        ssl(&[("ssl.keystore.certificate.chain", &joined), ("ssl.keystore.key", &key.replace('\n', " "))]);
    assert_eq!(inline.get("ssl.certificate.pem"), Some(certificate.as_str()));
    assert_eq!(inline.get("ssl.key.pem"), Some(key.as_str()));
}

#[test]
fn stores_that_librdkafka_cannot_read_are_refused_with_what_to_do() {
    for (settings, expected) in [
        (vec![("ssl.truststore.location", "/t.jks")], "JKS is a format of the JVM: export each certificate"),
        (vec![("ssl.truststore.location", "/t")], "JKS is a format of the JVM: export each certificate"),
        (vec![("ssl.truststore.location", "/t.p12")], "librdkafka reads trusted certificates from PEM alone"),
        (
            vec![("ssl.truststore.location", "/t.pem"), ("ssl.truststore.type", "BKS")],
            "unknown type of store: known are PEM, PKCS12 and JKS",
        ),
        (vec![("ssl.keystore.location", "/k.jks")], "JKS is a format of the JVM: convert the store"),
        (vec![("ssl.keystore.location", "/k.p12")], "a PKCS12 key store needs ssl.keystore.password"),
        (vec![("ssl.truststore.certificates", "sesame")], "holds no certificate in PEM"),
        (vec![("ssl.ca.pem", "-----BEGIN CERTIFICATE-----")], "holds no certificate in PEM"),
        (
            vec![
                (
                    "ssl.keystore.certificate.chain",
                    "-----BEGIN CERTIFICATE----- MAA= -----END CERTIFICATE-----",
                ),
                ("ssl.keystore.key", "-----BEGIN PRIVATE KEY----- sesame -----END PRIVATE KEY-----"),
            ],
            "holds a private key that is not whole",
        ),
        (
            vec![("ssl.keystore.key", "sesame")],
            "ssl.keystore.certificate.chain and ssl.keystore.key need each other",
        ),
    ] {
        let mut worker = vec![("security.protocol", "SSL")];
        worker.extend(&settings);
        let findings = translate(&worker, &[]).findings;
        assert_eq!(findings.errors.len(), 1, "{findings}");
        assert!(findings.errors[0].message.starts_with(expected), "{findings}");
        assert!(!findings.to_string().contains("sesame"), "{findings}");
    }
}

#[test]
fn a_secret_is_not_shown_even_where_its_value_is_refused() {
    let mut findings = ConfigErrors::default();
    let mut property = Property::new("consumer.fetch.min.bytes", "sesame", "w");
    property.secret = true;
    let worker: Properties = [property].into_iter().collect();
    consumer("s", &worker, &Properties::default(), &OverridePolicy::All, false, &mut findings);
    assert_eq!(
        findings.errors[0].to_string(),
        "w: consumer.fetch.min.bytes: Invalid value [hidden] for configuration fetch.min.bytes: Not a number of type INT"
    );
}
