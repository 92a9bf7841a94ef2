//! Java's trust and key stores: PEM and PKCS12 go to librdkafka, JKS cannot.

use coherence_kafka_connect::config::{ConfigErrors, Property};

use super::pem::{self, Holds};

/// The Java names that are handled here.
pub(super) const JAVA_NAMES: &[&str] = &[
    "ssl.truststore.location",
    "ssl.truststore.type",
    "ssl.truststore.password",
    "ssl.truststore.certificates",
    "ssl.keystore.location",
    "ssl.keystore.type",
    "ssl.keystore.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Pem,
    Pkcs12,
    Jks,
}

/// The form of a store, by its declared type, else by the ending of its name; Java's default is JKS.
fn format(location: &Property, declared: Option<&Property>) -> Result<Format, String> {
    let ending = location.trimmed().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match declared.map(|declared| declared.trimmed().to_ascii_uppercase()).as_deref() {
        Some("PEM") => Ok(Format::Pem),
        Some("PKCS12") => Ok(Format::Pkcs12),
        Some("JKS") => Ok(Format::Jks),
        Some(_) => Err("unknown type of store: known are PEM, PKCS12 and JKS".to_owned()),
        None => Ok(match ending.as_str() {
            "pem" | "crt" | "cer" | "cert" => Format::Pem,
            "p12" | "pfx" => Format::Pkcs12,
            _ => Format::Jks,
        }),
    }
}

/// librdkafka's settings for the stores of `java`.
pub(super) fn translate<'a>(
    java: impl Fn(&str) -> Option<&'a Property>,
    findings: &mut ConfigErrors,
) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut set = |name: &str, value: &str| settings.push((name.to_owned(), value.to_owned()));
    let pem = |property: &Property, holds, findings: &mut ConfigErrors| {
        pem::lines(property.trimmed(), holds).map_err(|why| findings.error(property, why)).unwrap_or_default()
    };
    if let Some(certificates) = java("ssl.truststore.certificates") {
        set("ssl.ca.pem", &pem(certificates, Holds::Certificates, findings));
    } else if let Some(location) = java("ssl.truststore.location") {
        match format(location, java("ssl.truststore.type")) {
            Ok(Format::Pem) => set("ssl.ca.location", location.trimmed()),
            Ok(Format::Pkcs12) => findings.error(
                location,
                "librdkafka reads trusted certificates from PEM alone: convert the store with \
                 `openssl pkcs12 -in STORE -nokeys -out ca.pem` and set ssl.truststore.type=PEM",
            ),
            Ok(Format::Jks) => findings.error(
                location,
                "JKS is a format of the JVM: export each certificate with `keytool -exportcert -rfc -keystore STORE \
                 -alias ALIAS >> ca.pem` and set ssl.truststore.location to that file and ssl.truststore.type=PEM",
            ),
            Err(why) => findings.error(location, why),
        }
    }
    let chain = java("ssl.keystore.certificate.chain");
    if let (Some(chain), Some(key)) = (chain, java("ssl.keystore.key")) {
        set("ssl.certificate.pem", &pem(chain, Holds::Certificates, findings));
        set("ssl.key.pem", &pem(key, Holds::PrivateKey, findings));
    } else if let Some(half) = chain.or_else(|| java("ssl.keystore.key")) {
        findings.error(half, "ssl.keystore.certificate.chain and ssl.keystore.key need each other");
    } else if let Some(location) = java("ssl.keystore.location") {
        match format(location, java("ssl.keystore.type")) {
            // A PEM key store of Java is one file with both.
            Ok(Format::Pem) => {
                set("ssl.certificate.location", location.trimmed());
                set("ssl.key.location", location.trimmed());
            }
            Ok(Format::Pkcs12) => match java("ssl.keystore.password") {
                Some(password) => {
                    set("ssl.keystore.location", location.trimmed());
                    set("ssl.keystore.password", password.trimmed());
                }
                None => findings.error(location, "a PKCS12 key store needs ssl.keystore.password"),
            },
            Ok(Format::Jks) => findings.error(
                location,
                "JKS is a format of the JVM: convert the store with `keytool -importkeystore -srckeystore STORE \
                 -destkeystore keystore.p12 -deststoretype PKCS12`, set ssl.keystore.location to it and \
                 ssl.keystore.type=PKCS12",
            ),
            Err(why) => findings.error(location, why),
        }
    }
    settings
}
