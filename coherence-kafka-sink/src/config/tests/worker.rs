use std::time::Duration;

use coherence_kafka_connect::config::{ConfigErrors, Environment, Properties};
use coherence_kafka_worker::config::{AdminListeners, Listener, OverridePolicy, Scheme, WorkerConfig};

use super::{plugin, worker_config};

fn parse(settings: &[(&str, &str)]) -> Result<WorkerConfig, ConfigErrors> {
    worker_config(&Properties::from_pairs("w", settings.iter().copied()))
}

fn error(key: &str, value: &str) -> String {
    let errors = parse(&[(key, value)]).unwrap_err();
    assert_eq!(errors.errors.len(), 1, "{errors}");
    errors.errors[0].to_string()
}

#[test]
fn an_empty_worker_has_the_defaults() {
    let worker = parse(&[]).unwrap();
    let local = Listener { scheme: Scheme::Http, host: "127.0.0.1".to_owned(), port: 8083 };
    assert_eq!(worker.rest.listeners, [local]);
    assert!(!worker.rest.listeners_are_set);
    assert!(worker.rest.tls.is_none());
    assert_eq!(worker.rest.advertised.scheme, Scheme::Http);
    assert_eq!(worker.rest.limits.connections, 64);
    assert_eq!(worker.rest.limits.requests, 64);
    assert_eq!(worker.rest.limits.body_bytes, 2 << 20);
    assert_eq!(worker.rest.limits.head, Duration::from_secs(30));
    assert_eq!(worker.rest.limits.lifetime, Duration::from_secs(300));
    assert_eq!(worker.tasks_limit, 1000);
    assert_eq!(worker.rest.advertised.host, None);
    assert_eq!(worker.rest.advertised.port, None);
    assert_eq!(worker.offset_flush_interval, Duration::from_secs(5));
    assert_eq!(worker.offset_flush_timeout, Duration::from_secs(5));
    assert_eq!(worker.shutdown_timeout, Duration::from_secs(5));
    assert_eq!(worker.override_policy, OverridePolicy::All);
    assert_eq!(worker.warnings, []);
}

#[test]
fn listeners_are_names_addresses_and_nothing() {
    let worker = parse(&[
        ("listeners", "http://:8083, HTTP://0.0.0.0:0,http://[::1]:18083/,http://host:65535"),
        ("rest.advertised.host.name", "me"),
        ("rest.advertised.port", "80"),
    ])
    .unwrap();
    let listeners: Vec<_> = worker.rest.listeners.iter().map(|l| (l.host.as_str(), l.port)).collect();
    assert_eq!(listeners, [("", 8083), ("0.0.0.0", 0), ("::1", 18083), ("host", 65535)]);
    assert_eq!(worker.rest.advertised.host.as_deref(), Some("me"));
    assert_eq!(worker.rest.advertised.port, Some(80));
}

#[test]
fn every_malformed_setting_is_refused() {
    for (key, value, expected) in [
        ("listeners", "", "needs at least one address: write http://host:port or https://host:port"),
        ("listeners", "8083", "8083 is not an address: write http://host:port or https://host:port"),
        (
            "listeners",
            "http://host",
            "http://host is not an address: write http://host:port or https://host:port",
        ),
        (
            "listeners",
            "http://::1:8083",
            "http://::1:8083 is not an address: write http://host:port or https://host:port",
        ),
        (
            "listeners",
            "http://h:65536",
            "http://h:65536 is not an address: write http://host:port or https://host:port",
        ),
        (
            "listeners",
            "ftp://h:1",
            "ftp://h:1 is not an address: write http://host:port or https://host:port",
        ),
        (
            "listeners",
            "https://:8443",
            "https needs a certificate: set listeners.https.ssl.keystore.location to a file in PEM or PKCS#12",
        ),
        ("rest.advertised.listener", "https", "no listener is https: change it, or add one to listeners"),
        (
            "rest.advertised.port",
            "0",
            "Invalid value 0 for configuration rest.advertised.port: Value must be at least 1",
        ),
        (
            "offset.flush.interval.ms",
            "1s",
            "Invalid value 1s for configuration offset.flush.interval.ms: Not a number of type LONG",
        ),
        (
            "offset.flush.interval.ms",
            "0",
            "Invalid value 0 for configuration offset.flush.interval.ms: Value must be at least 1",
        ),
        (
            "connector.client.config.override.policy",
            "Some",
            "Invalid value Some for configuration connector.client.config.override.policy: known are All, None, \
             Principal and Allowlist",
        ),
        (
            "admin.listeners",
            "https://:8443",
            "https needs a certificate: set admin.listeners.https.ssl.keystore.location to a file in PEM or PKCS#12",
        ),
    ] {
        assert_eq!(error(key, value), format!("w: {key}: {expected}"));
    }
}

#[test]
fn the_routes_of_administrators_are_on_all_listeners_on_their_own_or_nowhere() {
    assert_eq!(parse(&[]).unwrap().rest.admin, AdminListeners::Shared);
    let own = |value| parse(&[("admin.listeners", value)]).unwrap().rest.admin;
    assert_eq!(own(""), AdminListeners::Own(Vec::new()));
    let listener = Listener { scheme: Scheme::Http, host: "h".to_owned(), port: 1 };
    assert_eq!(own("http://h:1"), AdminListeners::Own(vec![listener]));
}

#[test]
fn blank_settings_of_headers_and_origins_are_none() {
    let rest =
        parse(&[("access.control.allow.origin", " "), ("response.http.headers.config", "")]).unwrap().rest;
    assert!(rest.cors.is_none());
    assert_eq!(rest.headers, []);
}

#[test]
fn settings_that_only_connectors_use_are_checked_before_there_is_one() {
    let found = error("consumer.fetch.min.bytes", "x");
    assert!(found.starts_with("w: consumer.fetch.min.bytes: Invalid value x"), "{found}");
    let found = error("value.converter", "com.acme.Nope");
    assert!(
        found.starts_with("w: value.converter: Invalid value com.acme.Nope for configuration"),
        "{found}"
    );
}

#[test]
fn policies_have_short_names_and_class_names() {
    let policy =
        |class| parse(&[("connector.client.config.override.policy", class)]).unwrap().override_policy;
    assert_eq!(policy("None"), OverridePolicy::None);
    let class = "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy";
    assert_eq!(policy(class), OverridePolicy::Principal);
}

#[test]
fn what_changes_nothing_is_said_once_for_each_reason_and_strangers_with_the_nearest_name() {
    let worker = parse(&[
        ("plugin.path", "/a"),
        ("plugin.discovery", "x"),
        ("offset.storage.file.filename", "/tmp/x"),
        ("key.converter.plugin.version", "1"),
        ("coherence.session.address", "a:1"),
        ("consumer.max.poll.records", "1"),
        ("bootstrap.server", "b:1"),
        ("Listeners", "x"),
        ("foo", "bar"),
    ])
    .unwrap();
    let warnings: Vec<_> = worker.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "w: plugin.path: accepted, without effect: Concerns plug-ins and classes of the JVM; all features of \
             this program are built in.",
            "w: offset.storage.file.filename: accepted, without effect: Concerns source connectors; offsets of a sink \
             live in its consumer group.",
            "w: bootstrap.server: unknown setting, did you mean bootstrap.servers?",
            "w: Listeners: unknown setting, did you mean listeners?",
            "w: foo: unknown setting",
        ]
    );
}

#[test]
fn a_setting_that_has_gone_or_is_a_clients_is_noted_with_what_to_write() {
    let worker = parse(&[
        ("rest.port", "28082"),
        ("rest.host.name", "localhost"),
        ("max.poll.records", "5"),
        ("auto.offset.reset", "latest"),
        ("acks", "1"),
        ("enable.ssl.certificate.verification", "false"),
        ("consumer.no.such.setting", "1"),
        ("consumer.max.request.size", "1"),
        ("producer.lingr.ms", "1"),
        ("producer.acks", "1"),
        ("admin.no.such.setting", "1"),
        ("ssl.prt", "1"),
        ("sasl.no.such.setting", "1"),
    ])
    .unwrap();
    let warnings: Vec<_> = worker.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "w: rest.port: unknown setting, write listeners=http://host:port",
            "w: rest.host.name: unknown setting, write listeners=http://host:port",
            "w: max.poll.records: unknown setting, write consumer.max.poll.records",
            "w: auto.offset.reset: unknown setting, write consumer.auto.offset.reset",
            "w: acks: unknown setting, write producer.acks",
            "w: enable.ssl.certificate.verification: unknown setting, write consumer.enable.ssl.certificate.verification",
            "w: ssl.prt: unknown setting",
            "w: sasl.no.such.setting: unknown setting",
            "w: consumer.no.such.setting: unknown setting",
            "w: consumer.max.request.size: unknown setting",
            "w: producer.lingr.ms: unknown setting, did you mean linger.ms?",
            "w: admin.no.such.setting: unknown setting",
        ]
    );
}

#[test]
fn a_value_from_a_variable_is_not_shown_when_it_is_refused() {
    let properties = Properties::from_pairs("w", [("rest.advertised.port", "${env:PORT}")]);
    let environment = Environment::from([("PORT".to_owned(), "sesame".to_owned())]);
    let errors = WorkerConfig::parse(&*plugin(), &properties, environment).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "one setting is refused\n  1. w: rest.advertised.port: Invalid value [hidden] for configuration \
         rest.advertised.port: Not a number of type INT"
    );
}

#[test]
fn secrets_are_not_in_the_debug_form() {
    let worker = parse(&[("consumer.sasl.password", "sesame"), ("foo", "sesame")]).unwrap();
    assert!(!format!("{worker:?}").contains("sesame"));
    assert!(!format!("{:?}", worker.properties()).contains("sesame"));
}
