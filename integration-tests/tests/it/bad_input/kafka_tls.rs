//! TLS and passwords with the broker, by the names that Java's clients have for them: what works, and what is said where
//! it does not.

use std::thread;

use integration_tests::kafka::{Kafka, KafkaOptions, SCRAM_USER};
use integration_tests::sink::Settings;
use integration_tests::tls::Certificates;
use integration_tests::{require_peers, shared};

use super::run;
use crate::flow::{Flow, SOON};

const SSL: (&str, &str) = ("security.protocol", "SSL");
const SASL_SSL: (&str, &str) = ("security.protocol", "SASL_SSL");
const SCRAM: (&str, &str) = ("sasl.mechanism", "SCRAM-SHA-512");
const PEM: (&str, &str) = ("ssl.truststore.type", "PEM");

/// These settings move a record from the broker into the grid.
fn assert_delivers(kafka: &Kafka, bootstrap: &str, settings: Settings<'_>) {
    let flow = Flow::new(kafka, shared::grid(), "kafka-tls", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    let worker = [&[("bootstrap.servers", bootstrap)], settings].concat();
    let checked = run(&["check"], &flow.worker(&worker), &flow.connector(&[]));
    assert_eq!(checked.code, Some(0), "{settings:?}\n{}", checked.text);
    let sink = flow.start(&worker, &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(shared::grid().tool().get(&flow.name, "k").unwrap().unwrap().text, "v");
}

/// `check` and the start end with 2, and say all of `says`.
fn assert_refused(bootstrap: &str, settings: Settings<'_>, says: &[&str]) {
    let worker =
        [&[("bootstrap.servers", bootstrap), ("listeners", "http://127.0.0.1:0")], settings].concat();
    for arguments in [&[][..], &["check"]] {
        let printed = run(arguments, &worker, &[]);
        assert_eq!(printed.code, Some(2), "{settings:?}\n{}", printed.text);
        printed.says(&["kafka cannot be reached", bootstrap]);
        printed.says(says);
        assert!(!printed.text.contains(SCRAM_USER.1), "{}", printed.text);
    }
}

fn jaas(password: &str) -> String {
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule required";
    format!("{module} username=\"{}\" password=\"{password}\";", SCRAM_USER.0)
}

#[test]
fn tls_and_scram_to_the_broker_work_and_their_faults_name_the_setting() {
    require_peers!();
    let kafka = Kafka::start(KafkaOptions { tls: true, ..KafkaOptions::default() }).unwrap();
    let tls = kafka.tls();
    let foreign = Certificates::new().unwrap();
    let (ca, other) = (tls.certificates.authority(), foreign.authority());
    let trust = ("ssl.truststore.location", ca.to_str().unwrap());
    let distrust = ("ssl.truststore.location", other.to_str().unwrap());
    let (right, wrong) = (jaas(SCRAM_USER.1), jaas("open-sesame"));

    assert_delivers(&kafka, &tls.ssl, &[SSL, PEM, trust]);
    assert_delivers(&kafka, &tls.sasl_ssl, &[SASL_SSL, SCRAM, PEM, trust, ("sasl.jaas.config", &right)]);
    // The certificate in the setting, its lines joined by blanks as in a file whose lines go on.
    let in_one_line = std::fs::read_to_string(&ca).unwrap().replace('\n', " ");
    assert_delivers(&kafka, &tls.ssl, &[SSL, PEM, ("ssl.truststore.certificates", &in_one_line)]);
    // Java's way to trust a certificate whatever its name.
    let any_name = ("ssl.endpoint.identification.algorithm", "");
    assert_delivers(&kafka, &tls.unnamed, &[SSL, PEM, trust, any_name]);

    let untrusted = ["not trusted, or not made for this address", "ssl.truststore.location"];
    let password = [SASL_SSL, SCRAM, PEM, trust, ("sasl.jaas.config", &wrong)];
    let faults: [(&str, Settings<'_>, &[&str]); 6] = [
        (&tls.ssl, &[SSL, PEM, distrust], &untrusted),
        (&tls.ssl, &[SSL], &untrusted),
        (&tls.unnamed, &[SSL, PEM, trust], &untrusted),
        (&tls.sasl_ssl, &password, &["Authentication failed", "sasl.jaas.config"]),
        // TLS is spoken where there is none, and none where it is.
        (&kafka.bootstrap(), &[SSL, PEM, trust], &["does not speak TLS", "security.protocol"]),
        (&tls.ssl, &[], &["probably expects TLS", "security.protocol"]),
    ];
    thread::scope(|scope| {
        for (bootstrap, settings, says) in faults {
            scope.spawn(move || assert_refused(bootstrap, settings, says));
        }
    });
}
