//! Settings that cannot be, and what a start says about them.

use std::fs;

use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sandbox::Folder;
use integration_tests::sink;
use integration_tests::{require_peers, shared};

use super::{Printed, run};
use crate::flow::Flow;

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

/// Each line of a file, and what must be said about it; nothing for a good one.
type Lines = [(&'static str, &'static str)];

const WORKER: &Lines = &[
    ("bootstrap.servers=127.0.0.1:1", ""),
    ("listeners=ftp://127.0.0.1:1", "listeners: ftp://127.0.0.1:1 is not an address: write http://host:port"),
    ("offset.flush.interval.ms=soon", "offset.flush.interval.ms: "),
    ("offset.flush.timeout.ms=0", "offset.flush.timeout.ms: "),
    ("task.shutdown.graceful.timeout.ms=-1", "task.shutdown.graceful.timeout.ms: "),
    ("rest.advertised.port=70000", "rest.advertised.port: "),
    ("connector.client.config.override.policy=Some", "connector.client.config.override.policy: "),
    ("config.providers=vault", "config.providers.vault.class: "),
    ("admin.listeners=127.0.0.1:2", "admin.listeners: 127.0.0.1:2 is not an address: write http://host:port"),
    ("key.converter=org.apache.kafka.connect.storage.StringConverter", ""),
    ("consumer.auto.offset.reset=newest", "consumer.auto.offset.reset: "),
    ("consumer.enable.auto.commit=true", "consumer.enable.auto.commit: "),
    ("consumer.fetch.min.byte=1", "consumer.fetch.min.byte: "),
    ("consumer.partition.assignment.strategy=Sticky", "consumer.partition.assignment.strategy: "),
    ("consumer.session.timeout.ms=600000", "session.timeout.ms: "),
];

const CONNECTOR: &Lines = &[
    ("name=settings", ""),
    ("connector.class=CoherenceSource", "connector.class: "),
    ("tasks.max=0", "tasks.max: "),
    ("topics=good,b*d", "topics: b*d is not a topic name"),
    (
        "coherence.cache.mappings=good->a*b,other->c?d,x",
        "item good->a*b names a map with a wildcard: name one map",
    ),
    ("value.converter=org.example.Converter", "value.converter: "),
    ("coherence.session=tcp", "coherence.session: "),
    ("coherence.session.address=grid", "coherence.session.address: grid is not an address: write host:port"),
    ("coherence.session.format=xml", "coherence.session.format: "),
    ("coherence.session.request.timeout.ms=0", "coherence.session.request.timeout.ms: "),
    (
        "coherence.session.tls.ca=/nowhere.pem",
        "coherence.session.tls.ca: needs coherence.session.tls.enabled=true",
    ),
    ("coherence.passthrough=maybe", "coherence.passthrough: "),
    ("coherence.batch.max.records=many", "coherence.batch.max.records: "),
    ("coherence.batch.max.bytes=1", "coherence.batch.max.bytes: "),
    (
        "coherence.retry.backoff.ms=90000",
        "coherence.retry.backoff.ms: is more than coherence.retry.backoff.max.ms",
    ),
    ("errors.tolerance=some", "errors.tolerance: "),
    ("transforms=Insert", "transforms.Insert.type: "),
    ("consumer.override.max.poll.records=0", "consumer.override.max.poll.records: "),
    ("consumer.override.sasl.kerberos.service.name=x", "consumer.override.sasl.kerberos.service.name: "),
    ("coherence.json.arrays=${env:NOWHERE_TO_BE_FOUND}", "coherence.json.arrays: "),
];

fn text(lines: &Lines) -> String {
    lines.iter().map(|(line, _)| format!("{line}\n")).collect()
}

#[test]
fn everything_that_is_wrong_in_all_files_is_said_at_once_with_its_place() {
    let folder = Folder::new("files").unwrap();
    let files = [("worker.properties", WORKER), ("connector.properties", CONNECTOR)].map(|(name, lines)| {
        let file = folder.path().join(name);
        fs::write(&file, text(lines)).unwrap();
        (file, lines)
    });
    for arguments in [vec![], vec!["check".into()]] {
        let arguments =
            arguments.into_iter().chain(files.iter().map(|(file, _)| file.clone().into_os_string()));
        let printed = Printed::from(sink::run(arguments).unwrap());
        assert_eq!(printed.code, Some(2), "{}", printed.text);
        for (file, lines) in &files {
            for (index, (line, says)) in lines.iter().enumerate().filter(|(_, (_, says))| !says.is_empty()) {
                let place = format!("{}:{}: ", file.display(), index + 1);
                let said = |text: &str| text.contains(&place) && text.contains(says);
                assert!(printed.text.lines().any(said), "{line}: {place}{says} is not in\n{}", printed.text);
            }
        }
        printed
            .says(&["item other->c?d names a map with a wildcard", "item x has no arrow: write topic->map"]);
    }
}

#[test]
fn the_exit_code_says_who_is_at_fault() {
    let worker = [("bootstrap.servers", "127.0.0.1:1"), ("listeners", "http://127.0.0.1:0")];
    let usage = run(&[], &[], &[]);
    assert_eq!(usage.code, Some(1), "{}", usage.text);
    usage.says(&["usage: coherence-kafka-sink WORKER.properties"]);
    let unknown_option = run(&["--frobnicate"], &worker, &[]);
    assert_eq!(unknown_option.code, Some(1), "{}", unknown_option.text);

    let bad_worker = run(&[], &[("listeners", "nowhere")], &[]);
    assert_eq!(bad_worker.code, Some(2), "{}", bad_worker.text);
    let no_file = Printed::from(sink::run(["/nowhere/worker.properties"]).unwrap());
    assert_eq!(no_file.code, Some(2), "{}", no_file.text);
    no_file.says(&["/nowhere/worker.properties"]);

    let bad_connector = run(&[], &worker, &[("name", "c"), ("connector.class", "CoherenceSink")]);
    assert_eq!(bad_connector.code, Some(3), "{}", bad_connector.text);
    bad_connector.says(&["connector.properties", "topics", "key.converter", "value.converter"]);
}

#[test]
fn a_listener_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", taken.local_addr().unwrap());
    let printed = run(&[], &[("listeners", &address), ("bootstrap.servers", "127.0.0.1:1")], &[]);
    assert_eq!(printed.code, Some(2), "{}", printed.text);
    printed.says(&["listeners", &address, "choose another port"]);
}

#[test]
fn an_unknown_setting_is_warned_of_with_the_nearest_one() {
    require_peers!();
    let flow = Flow::new(shared::kafka(), shared::grid(), "unknown-setting", 1);
    let worker = flow.worker(&[("offset.flush.intervall.ms", "1")]);
    let connector = flow.connector(&[("coherence.cache.mapping", "a->b"), ("frobnicate", "1")]);
    let says = [
        "offset.flush.intervall.ms: unknown setting, did you mean offset.flush.interval.ms?",
        "coherence.cache.mapping: unknown setting, did you mean coherence.cache.mappings?",
        "frobnicate: unknown setting",
    ];
    let checked = run(&["check"], &worker, &connector);
    assert_eq!(checked.code, Some(0), "{}", checked.text);
    checked.says(&says);
    let sink = integration_tests::sink::Sink::start(&worker, &connector).unwrap();
    let log = sink.log();
    for part in says {
        let line = log.lines().find(|line| line.contains(part));
        assert!(line.is_some_and(|line| line.contains("WARN")), "{part:?} is no warning in\n{log}");
    }
}

#[test]
fn check_says_that_all_is_well() {
    require_peers!();
    let flow = Flow::new(shared::kafka(), shared::grid(), "all-well", 1);
    let printed = run(&["check"], &flow.worker(&[]), &flow.connector(&[]));
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let map = format!("map {} can be written to", flow.name);
    printed.says(&["ok       configuration: 1 connector(s)", "ok       kafka: reached", &map]);
    assert!(!printed.text.contains("problem"), "{}", printed.text);
}

#[test]
fn no_secret_is_ever_printed() {
    require_peers!();
    const SECRETS: [&str; 3] = ["open-sesame", "from-a-file", "from-the-command-line"];
    let folder = Folder::new("secrets").unwrap();
    let secrets = folder.path().join("secrets.properties");
    fs::write(&secrets, "password=from-a-file\nnumber=from-a-file\n").unwrap();
    let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"open-sesame";
    let number = format!("${{file:{}:number}}", secrets.display());
    let shared = [
        ("bootstrap.servers", "127.0.0.1:1"),
        ("listeners", "http://127.0.0.1:0"),
        ("key.converter", STRING),
        ("value.converter", STRING),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
    ];
    let connector = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t")];
    let refused = [
        // A quote without end, and every kind of value that comes from a file.
        vec![("consumer.sasl.jaas.config", jaas)],
        vec![("offset.flush.interval.ms", number.as_str())],
        vec![("listeners", number.as_str())],
        vec![("coherence.session.format", number.as_str())],
        vec![("coherence.session.address", number.as_str())],
        vec![("consumer.fetch.min.bytes", number.as_str())],
        vec![("consumer.partition.assignment.strategy", number.as_str())],
        vec![("key.converter", number.as_str())],
        vec![("connector.client.config.override.policy", number.as_str())],
    ];
    for settings in refused {
        let overridden = |(key, _): &&(&str, &str)| !settings.iter().any(|(other, _)| other == key);
        let worker: Vec<_> = shared.iter().filter(overridden).chain(&settings).copied().collect();
        for arguments in [&[][..], &["check"], &["--set", "consumer.sasl.password=from-the-command-line"]] {
            let printed = run(arguments, &worker, &connector);
            assert!(
                matches!(printed.code, Some(2 | 3)),
                "{settings:?}: {:?}\n{}",
                printed.code,
                printed.text
            );
            for secret in SECRETS {
                assert!(!printed.text.contains(secret), "{settings:?}: {secret} is in\n{}", printed.text);
            }
        }
    }
}

#[test]
fn a_password_that_the_broker_refuses_is_not_printed_and_the_right_one_reaches_it() {
    require_peers!();
    const MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let properties = [
        // The listener has this name, whatever it speaks.
        ("listener.security.protocol.map", "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()),
        ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN".to_owned()),
        (
            "listener.name.plaintext.plain.sasl.jaas.config",
            format!("{MODULE} username=\"u\" password=\"right\" user_u=\"right\";"),
        ),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value)).into();
    let kafka = Kafka::start(KafkaOptions { properties, ..KafkaOptions::default() }).unwrap();
    let bootstrap = kafka.bootstrap();
    let folder = Folder::new("secrets").unwrap();
    let secrets = folder.path().join("secrets.properties");
    fs::write(&secrets, "right=right\nwrong=open-sesame\n").unwrap();
    let jaas =
        |key: &str| format!("{MODULE} username=\"u\" password=\"${{file:{}:{key}}}\";", secrets.display());
    let (right, wrong) = (jaas("right"), jaas("wrong"));
    let worker = |jaas| {
        [
            ("bootstrap.servers", bootstrap.as_str()),
            ("listeners", "http://127.0.0.1:0"),
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", jaas),
        ]
    };
    let checked = run(&["check"], &worker(&right), &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.text);
    checked.says(&["kafka: reached"]);
    for arguments in [&[][..], &["check"]] {
        let refused = run(arguments, &worker(&wrong), &[]);
        assert_eq!(refused.code, Some(2), "{}", refused.text);
        refused.says(&["kafka cannot be reached", "Authentication failed", "security.protocol, sasl.*"]);
        assert!(!refused.text.contains("open-sesame"), "{}", refused.text);
    }
}
