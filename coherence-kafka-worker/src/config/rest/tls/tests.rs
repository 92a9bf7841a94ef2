use std::fs;

use tempfile::TempDir;

use super::*;
use crate::testing::certificates::Identity;

const PREFIX: &str = "listeners.https.";

struct Files {
    folder: TempDir,
    authority: Identity,
    server: Identity,
}

impl Files {
    fn new() -> Self {
        let authority = Identity::authority("authority");
        let server = authority.issue("server");
        let files = Self { folder: tempfile::tempdir().unwrap(), authority, server };
        files.write("server.pem", files.server.pem());
        files.write("server.p12", files.server.pkcs12(&files.authority, "sesame"));
        files.write("authority.pem", files.authority.certificate_pem());
        files
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Reads these settings; a value that begins with `@` is the path of a file.
    fn read(&self, https: bool, settings: &[(&str, &str)]) -> (Option<TlsConfig>, ConfigErrors) {
        let value = |value: &str| match value.strip_prefix('@') {
            Some(name) => self.folder.path().join(name).display().to_string(),
            None => value.to_owned(),
        };
        let settings = settings.iter().map(|(key, text)| ((*key).to_owned(), value(text)));
        let listeners = https.then(|| ("listeners".to_owned(), "https://:0".to_owned()));
        let properties = Properties::from_pairs("w", listeners.into_iter().chain(settings));
        let mut findings = ConfigErrors::default();
        let tls = super::read(PREFIX, &properties, properties.get("listeners"), &mut findings);
        (tls, findings)
    }

    /// The only error of these settings behind the prefix, without the folder.
    fn error(&self, settings: &[(&str, &str)]) -> String {
        let keys: Vec<String> = settings.iter().map(|(key, _)| format!("{PREFIX}{key}")).collect();
        let settings: Vec<_> = keys.iter().map(String::as_str).zip(settings.iter().map(|s| s.1)).collect();
        let (tls, findings) = self.read(true, &settings);
        assert!(tls.is_none());
        assert_eq!(findings.errors.len(), 1, "{findings}");
        findings.errors[0].to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn nothing_is_read_without_an_https_listener_and_without_its_settings() {
    let (tls, findings) = Files::new().read(false, &[("ssl.keystore.location", "/nowhere")]);
    assert!(tls.is_none());
    assert_eq!(findings, ConfigErrors::default());
}

#[test]
fn certificate_and_key_are_read_from_pem_from_pkcs12_and_from_text() {
    let files = Files::new();
    files.write("encrypted.pem", files.server.certificate_pem() + &files.server.encrypted_key_pem("sesame"));
    let (chain, key) = (files.server.certificate_pem(), files.server.key_pem().replace('\n', " "));
    let encrypted = files.server.encrypted_key_pem("sesame");
    for settings in [
        &[("ssl.keystore.location", "@server.pem"), ("ssl.keystore.type", "PEM")][..],
        &[("ssl.keystore.location", "@encrypted.pem"), ("ssl.key.password", "sesame")],
        &[("ssl.keystore.location", "@server.p12"), ("ssl.keystore.password", "sesame")],
        &[("ssl.keystore.certificate.chain", &chain), ("ssl.keystore.key", &key)],
        &[
            ("ssl.keystore.certificate.chain", &chain),
            ("ssl.keystore.key", &encrypted),
            ("ssl.key.password", "sesame"),
        ],
    ] {
        // With the prefix, or without it.
        for prefix in [PREFIX, ""] {
            let keys: Vec<String> = settings.iter().map(|(key, _)| format!("{prefix}{key}")).collect();
            let settings: Vec<_> =
                keys.iter().map(String::as_str).zip(settings.iter().map(|s| s.1)).collect();
            let (tls, findings) = files.read(true, &settings);
            assert!(tls.is_some(), "{findings}");
            assert_eq!(findings, ConfigErrors::default());
        }
    }
}

#[test]
fn settings_with_the_prefix_replace_all_those_without_it() {
    let files = Files::new();
    let (tls, findings) = files
        .read(true, &[("ssl.keystore.location", "@server.pem"), ("listeners.https.ssl.client.auth", "none")]);
    assert!(tls.is_none());
    let why = findings.errors[0].to_string();
    assert!(
        why.starts_with("w: listeners: https needs a certificate: set listeners.https.ssl.keystore"),
        "{why}"
    );
}

#[test]
fn a_store_that_cannot_be_used_is_refused_with_its_file_and_the_reason() {
    let files = Files::new();
    files.write("store.jks", [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2]);
    files.write("cut.p12", &files.server.pkcs12(&files.authority, "sesame")[..100]);
    files.write("text", "sesame");
    files.write("encrypted.pem", files.server.certificate_pem() + &files.server.encrypted_key_pem("sesame"));
    files.write("key.pem", files.server.key_pem());
    files.write("cut.pem", &files.server.pem()[..150]);
    files.write("other.pem", files.authority.issue("other").key_pem() + &files.server.certificate_pem());
    let store = "ssl.keystore.location";
    for (settings, expected) in [
        (&[(store, "@none")][..], "none cannot be read: No such file"),
        (
            &[(store, "@store.jks")],
            "store.jks is a JKS store, which only Java reads: convert it with keytool -",
        ),
        (&[(store, "@cut.p12")], "cut.p12 is not whole, or not PKCS#12"),
        (&[(store, "@server.p12")], "server.p12 has another password"),
        (&[(store, "@server.p12"), ("ssl.keystore.password", "other")], "server.p12 has another password"),
        (&[(store, "@text")], "text is neither PEM nor PKCS#12"),
        (
            &[(store, "@encrypted.pem")],
            "encrypted.pem contains an encrypted private key: set ssl.key.password",
        ),
        (
            &[(store, "@encrypted.pem"), ("ssl.key.password", "other")],
            "encrypted.pem contains a private key that has another password",
        ),
        (&[(store, "@key.pem")], "contains no certificate"),
        (&[(store, "@authority.pem")], "contains no private key"),
        (&[(store, "@cut.pem")], "cut.pem contains a"),
        (&[(store, "@other.pem")], "cannot be used: keys may not be consistent"),
    ] {
        let error = files.error(settings);
        let expected = format!("w: {PREFIX}{store}: {expected}");
        assert!(error.starts_with(&expected), "{error}\n{expected}");
    }
}

#[test]
fn certificates_of_clients_need_their_authorities() {
    let files = Files::new();
    let with = |more: &[(&'static str, &'static str)]| {
        let store = ("ssl.keystore.location", "@server.pem");
        std::iter::once(store).chain(more.iter().copied()).collect::<Vec<_>>()
    };
    assert_eq!(
        files.error(&with(&[("ssl.client.auth", "required")])),
        "listeners.https.ssl.truststore.location: certificates of clients need the certificates of their \
         authorities: set it"
    );
    for name in ["ssl.client.auth", "ssl.client.authentication"] {
        for value in ["required", "requested", "none"] {
            let settings = with(&[(name, value), ("ssl.truststore.location", "@authority.pem")]);
            let keys: Vec<String> = settings.iter().map(|(key, _)| format!("{PREFIX}{key}")).collect();
            let settings: Vec<_> =
                keys.iter().map(String::as_str).zip(settings.iter().map(|s| s.1)).collect();
            let (tls, findings) = files.read(true, &settings);
            assert!(tls.is_some(), "{findings}");
        }
    }
    let error = files.error(&with(&[("ssl.truststore.location", "@none")]));
    assert!(error.starts_with("w: listeners.https.ssl.truststore.location: none cannot be read"), "{error}");
    let both = [("ssl.truststore.location", "@authority.pem"), ("ssl.truststore.certificates", "x")];
    let error = files.error(&with(&both));
    assert!(error.ends_with("in addition to ssl.truststore.certificates: leave one out"), "{error}");
    let error = files.error(&with(&[("ssl.client.auth", "maybe")]));
    assert!(error.contains("listeners.https.ssl.client.auth: ") && error.contains("maybe"), "{error}");
}

#[test]
fn versions_and_suites_have_the_names_of_java() {
    let files = Files::new();
    let read = |name: &str, value: &str| {
        let key = format!("{PREFIX}{name}");
        files.read(true, &[("listeners.https.ssl.keystore.location", "@server.pem"), (&key, value)])
    };
    for (name, value) in [
        ("ssl.enabled.protocols", "TLSv1.3"),
        ("ssl.enabled.protocols", "TLSv1.2, TLSv1.3"),
        ("ssl.cipher.suites", "TLS_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ] {
        let (tls, findings) = read(name, value);
        assert!(tls.is_some(), "{findings}");
        assert_eq!(findings, ConfigErrors::default());
    }
    let (tls, findings) = read("ssl.enabled.protocols", "TLSv1.1,TLSv1.2");
    assert!(tls.is_some());
    assert!(findings.warnings[0].message.contains("TLSv1.1 is not secure and is left out"), "{findings}");
    for (name, value, part) in [
        ("ssl.enabled.protocols", "TLSv1", "leaves no version that is secure"),
        ("ssl.enabled.protocols", "TLS9", "TLS9 is not a version of TLS"),
        ("ssl.cipher.suites", "TLS_NULL", "TLS_NULL is not supported: known are TLS_AES_256_GCM_SHA384"),
    ] {
        let (tls, findings) = read(name, value);
        assert!(tls.is_none() && findings.to_string().contains(part), "{findings}");
    }
}

#[test]
fn what_changes_nothing_and_what_is_unknown_is_noted() {
    let files = Files::new();
    let (tls, findings) = files.read(
        true,
        &[
            ("listeners.https.ssl.keystore.location", "@server.pem"),
            ("listeners.https.ssl.provider", "SunJSSE"),
            ("listeners.https.ssl.client.aut", "none"),
        ],
    );
    assert!(tls.is_some());
    let warnings: Vec<String> = findings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "w: listeners.https.ssl.provider: accepted, without effect: Concerns the TLS of the JVM.",
            "w: listeners.https.ssl.client.aut: unknown setting, did you mean listeners.https.ssl.client.auth?",
        ]
    );
}
