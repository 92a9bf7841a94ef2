//! The REST interface over TLS, for clients with a certificate and a password.

use integration_tests::tls::Certificates;

use super::*;

/// What curl prints: the body, and the status on a line of its own; `None` where there is no answer.
fn curl(certificates: &Certificates, arguments: &[&str]) -> Option<(String, u16)> {
    let output = Command::new("curl")
        .args(["--silent", "--write-out", "\n%{http_code}", "--cacert"])
        .arg(certificates.authority())
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n')?;
    Some((body.to_owned(), status.parse().unwrap())).filter(|_| output.status.success())
}

#[test]
fn a_worker_is_reached_over_tls_with_a_certificate_and_a_password_and_not_without() {
    const EXTENSION: &str = "org.apache.kafka.connect.rest.basic.auth.extension";
    let certificates = Certificates::new().unwrap();
    let folder = Folder::new("secured").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("users"), "operator=sesame\n").unwrap();
    let module = format!("{EXTENSION}.PropertyFileLoginModule");
    fs::write(path("jaas"), format!("KafkaConnect {{ {module} required file=\"{}\"; }};", path("users")))
        .unwrap();
    let (identity, authority) = (certificates.server_identity().unwrap(), certificates.authority());
    let listener = format!("https://127.0.0.1:{}", free_port().unwrap());
    let sink = Sink::start(
        &[
            ("bootstrap.servers", "embedded"),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("listeners", &listener),
            ("listeners.https.ssl.keystore.type", "PEM"),
            ("listeners.https.ssl.keystore.location", &identity.display().to_string()),
            ("listeners.https.ssl.truststore.type", "PEM"),
            ("listeners.https.ssl.truststore.location", &authority.display().to_string()),
            ("listeners.https.ssl.client.auth", "required"),
            ("rest.extension.classes", &format!("{EXTENSION}.BasicAuthSecurityRestExtension")),
            ("coherence.rest.jaas.file", &path("jaas")),
        ],
        &[],
    )
    .unwrap();
    let connectors = format!("{listener}/connectors");
    assert_eq!(curl(&certificates, &[&connectors]), None, "without a certificate");
    let plain = connectors.replace("https:", "http:");
    assert_eq!(curl(&certificates, &[&plain]), None, "without TLS");

    let (certificate, key) = (certificates.client_certificate(), certificates.client_key());
    let certificate = certificate.display().to_string();
    let key = key.display().to_string();
    let with = ["--cert", &certificate, "--key", &key];
    for user in [&[][..], &["--user", "operator:guess"]] {
        let (body, status) = curl(&certificates, &[&with[..], user, &[&connectors]].concat()).unwrap();
        assert_eq!(status, 401, "{body}");
        assert!(!body.contains("guess"), "{body}");
    }
    let user = ["--user", "operator:sesame"];
    let body = json!({
        "name": "c",
        "config": {
            "connector.class": "CoherenceSink", "topics": "t", "coherence.session": "embedded",
            "coherence.cache.mappings": "t->M",
        },
    });
    let body = body.to_string();
    let create = ["--header", "Content-Type: application/json", "--data", &body, &connectors];
    let (answer, status) = curl(&certificates, &[&with[..], &user, &create].concat()).unwrap();
    assert_eq!(status, 201, "{answer}");
    let (answer, status) = curl(&certificates, &[&with[..], &user, &[&connectors]].concat()).unwrap();
    assert_eq!((answer.as_str(), status), (r#"["c"]"#, 200));
    let log = sink.log();
    assert!(!log.contains("sesame") && !log.contains("PRIVATE KEY"), "{log}");
    assert!(sink.stop().unwrap().code().is_some());
}
