//! The TLS settings of a listener: `listeners.https.*`, with the names of Java's key stores.

use std::sync::Arc;

use coherence_kafka_connect::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Importance, Kind, Validator, Values, key, nearest,
};
use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version,
};

use super::store::{self, Source};
use crate::config::table::{WITHOUT_EFFECT, ignored};

use DefaultValue::{Null, Text};
use Importance::{High, Low, Medium};
use Validator::{Any, OneOf, OneOfInAnyCase};

const GROUP: &str = "HTTPS";
const JSSE: &str = "Concerns the TLS of the JVM.";
const TYPES: &[&str] = &["JKS", "PKCS12", "PEM"];
const CLIENT_AUTH: &[&str] = &["required", "requested", "none"];

const KEYSTORE: &str = "ssl.keystore.location";
const CHAIN: &str = "ssl.keystore.certificate.chain";
const KEY: &str = "ssl.keystore.key";
const TRUSTSTORE: &str = "ssl.truststore.location";
const TRUSTED: &str = "ssl.truststore.certificates";
const PROTOCOLS: &str = "ssl.enabled.protocols";
const SUITES: &str = "ssl.cipher.suites";

/// The settings of a listener, behind its prefix.
#[rustfmt::skip]
pub static TLS: ConfigDef = ConfigDef { keys: &[
    key(KEYSTORE, Kind::String, Null, Any, (GROUP, High),
        "File with the certificate of the worker, the certificates of its issuers and the private key, as PEM or PKCS#12. The content decides which of both it is. A store in Java's own form (JKS) is refused."),
    key("ssl.keystore.password", Kind::Password, Null, Any, (GROUP, High), "Password of a PKCS#12 file."),
    key("ssl.keystore.type", Kind::String, Null, OneOfInAnyCase(TYPES), (GROUP, Medium), "Accepted; the content of the file decides."),
    key(CHAIN, Kind::String, Null, Any, (GROUP, High), "The certificates as PEM text, in place of a file."),
    key(KEY, Kind::Password, Null, Any, (GROUP, High), "The private key as PEM text, in place of a file."),
    key("ssl.key.password", Kind::Password, Null, Any, (GROUP, High), "Password of a private key in PEM that is encrypted."),
    key(TRUSTSTORE, Kind::String, Null, Any, (GROUP, High),
        "File with the certificates of the authorities that issue the certificates of clients, as PEM or PKCS#12."),
    key("ssl.truststore.password", Kind::Password, Null, Any, (GROUP, High), "Password of a PKCS#12 file."),
    key("ssl.truststore.type", Kind::String, Null, OneOfInAnyCase(TYPES), (GROUP, Medium), "Accepted; the content of the file decides."),
    key(TRUSTED, Kind::String, Null, Any, (GROUP, High), "These certificates as PEM text, in place of a file."),
    key("ssl.client.auth", Kind::String, Text("none"), OneOf(CLIENT_AUTH), (GROUP, Medium),
        "Whether clients need a certificate: `required`, `requested` (if a client has one, it must be valid) or `none`."),
    key("ssl.client.authentication", Kind::String, Null, OneOf(CLIENT_AUTH), (GROUP, Medium), "Another name of `ssl.client.auth`."),
    key(PROTOCOLS, Kind::List, Text("TLSv1.2,TLSv1.3"), Any, (GROUP, Medium), "Versions of TLS that are accepted: `TLSv1.3`, `TLSv1.2`."),
    key(SUITES, Kind::List, Null, Any, (GROUP, Low), "Cipher suites that are accepted, by Java's names; without it all that are secure."),
    ignored("ssl.protocol", "`ssl.enabled.protocols` decides."),
    ignored("ssl.endpoint.identification.algorithm", "Concerns clients."),
    ignored("ssl.provider", JSSE),
    ignored("ssl.keymanager.algorithm", JSSE),
    ignored("ssl.trustmanager.algorithm", JSSE),
    ignored("ssl.secure.random.implementation", JSSE),
    ignored("ssl.engine.factory.class", JSSE),
] };

/// How the connections of a listener are encrypted.
#[derive(Clone)]
pub struct TlsConfig(Arc<ServerConfig>);

impl TlsConfig {
    /// Returns the settings of rustls.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }
}

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsConfig").finish_non_exhaustive()
    }
}

/// Reads the settings behind `prefix`, such as `listeners.https.`; where there are none, those without a prefix, as
/// Connect does. `listener` is the setting that has a listener of this kind, if one does.
pub(super) fn read(
    prefix: &str,
    properties: &Properties,
    listener: Option<&Property>,
    findings: &mut ConfigErrors,
) -> Option<TlsConfig> {
    let prefixed = properties.below(prefix).next().is_some();
    if !prefixed && listener.is_none() {
        return None;
    }
    report_strangers(prefix, properties, findings);
    let errors_before = findings.errors.len();
    let own_prefix = prefix;
    let prefix = if prefixed { prefix } else { "" };
    let mut reading = Reading { own_prefix, prefix, properties, findings, errors_before };
    let values = reading.values();
    reading.config(&values, listener)
}

fn report_strangers(prefix: &str, properties: &Properties, findings: &mut ConfigErrors) {
    for (name, property) in properties.below(prefix) {
        match TLS.key(name) {
            Some(ConfigKey { group: WITHOUT_EFFECT, documentation, .. }) => {
                findings.warning(property, format!("accepted, without effect: {documentation}"));
            }
            Some(_) => {}
            None => {
                let known = nearest(name, TLS.keys.iter().map(|key| key.name));
                let hint = known.map(|known| format!(", did you mean {prefix}{known}?")).unwrap_or_default();
                findings.warning(property, format!("unknown setting{hint}"));
            }
        }
    }
}

struct Reading<'a> {
    own_prefix: &'a str,
    /// The own one, or none.
    prefix: &'a str,
    properties: &'a Properties,
    findings: &'a mut ConfigErrors,
    errors_before: usize,
}

impl<'a> Reading<'a> {
    fn property(&self, name: &str) -> Option<&'a Property> {
        self.properties.get(&format!("{}{name}", self.prefix))
    }

    fn values(&mut self) -> Values {
        let (values, violations) =
            TLS.parse(|name| self.property(name).map(|property| property.value.as_str()));
        for violation in violations {
            if let Some(property) = self.property(violation.key()) {
                let violation = if property.secret { violation.hidden() } else { violation };
                self.findings.error(property, violation.to_string());
            }
        }
        values
    }

    /// An error at a setting, whether it is set or not.
    fn refuse(&mut self, name: &str, why: impl Into<String>) {
        let key = format!("{}{name}", self.prefix);
        self.findings.refusal(self.property(name), &key, why.into(), "the value is refused");
    }

    fn config(&mut self, values: &Values, listener: Option<&Property>) -> Option<TlsConfig> {
        let provider = Arc::new(self.suites(values));
        let versions = self.versions(values);
        let verifier = self.verifier(values, &provider);
        let identity = self.identity(values, listener);
        // What is wrong with one setting leads to no other error.
        if self.findings.errors.len() > self.errors_before {
            return None;
        }
        let (verifier, (name, certificates, key)) = (verifier?, identity?);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| (SUITES, error))
            .and_then(|builder| {
                let builder = builder.with_client_cert_verifier(verifier);
                builder.with_single_cert(certificates, key).map_err(|error| (name, error))
            });
        match config {
            Ok(mut config) => {
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Some(TlsConfig(Arc::new(config)))
            }
            Err((name, error)) => {
                self.refuse(name, format!("cannot be used: {error}"));
                None
            }
        }
    }

    /// The certificate, its issuers and the key; and the setting that they come from.
    fn identity(
        &mut self,
        values: &Values,
        listener: Option<&Property>,
    ) -> Option<(&'static str, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let key_password = values.text("ssl.key.password").unwrap_or_default();
        let (name, store) = if let Some(path) = values.text(KEYSTORE) {
            if self.property(CHAIN).is_some() || self.property(KEY).is_some() {
                self.refuse(KEYSTORE, format!("is set in addition to {CHAIN} and {KEY}: leave one out"));
                return None;
            }
            let password = values.text("ssl.keystore.password").unwrap_or_default();
            (KEYSTORE, store::read(&Source::File(path), password, key_password))
        } else {
            match (values.text(CHAIN), values.text(KEY)) {
                (Some(chain), Some(key)) => {
                    let chain = store::read(&Source::Certificates(chain), "", "").map_err(|why| (CHAIN, why));
                    let key = store::read(&Source::Key(key), "", key_password).map_err(|why| (KEY, why));
                    match (chain, key) {
                        (Ok(chain), Ok(key)) => (CHAIN, Ok(store::Store { key: key.key, ..chain })),
                        (chain, key) => {
                            for (name, why) in [chain.err(), key.err()].into_iter().flatten() {
                                self.refuse(name, why);
                            }
                            return None;
                        }
                    }
                }
                (None, None) => {
                    if let Some(listener) = listener {
                        let why = format!(
                            "https needs a certificate: set {}{KEYSTORE} to a file in PEM or PKCS#12",
                            self.own_prefix
                        );
                        self.findings.error(listener, why);
                    }
                    return None;
                }
                (Some(_), None) => {
                    self.refuse(CHAIN, format!("needs {}{KEY}", self.prefix));
                    return None;
                }
                (None, Some(_)) => {
                    self.refuse(KEY, format!("needs {}{CHAIN}", self.prefix));
                    return None;
                }
            }
        };
        let found = store.and_then(|store| {
            let key = store.key.as_ref().ok_or("contains no private key")?;
            if store.certificates.is_empty() {
                return Err("contains no certificate".to_owned());
            }
            Ok((name, certificates(&store.certificates)?, private_key(key)?))
        });
        found.map_err(|why| self.refuse(name, why)).ok()
    }

    fn verifier(
        &mut self,
        values: &Values,
        provider: &Arc<CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let asked = values.text("ssl.client.authentication").or(values.text("ssl.client.auth"));
        let (name, source) = match (values.text(TRUSTSTORE), values.text(TRUSTED)) {
            (Some(_), Some(_)) => {
                self.refuse(TRUSTSTORE, format!("is set in addition to {TRUSTED}: leave one out"));
                return None;
            }
            (Some(path), None) => (TRUSTSTORE, Some(Source::File(path))),
            (None, Some(text)) => (TRUSTED, Some(Source::Certificates(text))),
            (None, None) => (TRUSTSTORE, None),
        };
        let password = values.text("ssl.truststore.password").unwrap_or_default();
        // Also where clients are not asked for certificates: the file is named to be used.
        let roots = source
            .map(|source| store::read(&source, password, "").and_then(|store| roots(&store.certificates)));
        let roots = match roots {
            None => None,
            Some(Ok(roots)) => Some(roots),
            Some(Err(why)) => {
                self.refuse(name, why);
                return None;
            }
        };
        if asked.is_none_or(|asked| asked == "none") {
            return Some(WebPkiClientVerifier::no_client_auth());
        }
        let Some(roots) = roots else {
            self.refuse(
                TRUSTSTORE,
                "certificates of clients need the certificates of their authorities: set it",
            );
            return None;
        };
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = if asked == Some("requested") { verifier.allow_unauthenticated() } else { verifier };
        verifier.build().map_err(|error| self.refuse(name, format!("cannot be used: {error}"))).ok()
    }

    fn versions(&mut self, values: &Values) -> Vec<&'static SupportedProtocolVersion> {
        let mut versions = Vec::new();
        let mut unknown = None;
        for name in values.list(PROTOCOLS) {
            match name.as_str() {
                "TLSv1.3" => versions.push(&version::TLS13),
                "TLSv1.2" => versions.push(&version::TLS12),
                "TLSv1.1" | "TLSv1" | "SSLv3" | "SSLv2Hello" => {
                    if let Some(property) = self.property(PROTOCOLS) {
                        self.findings.warning(property, format!("{name} is not secure and is left out"));
                    }
                }
                _ => unknown = Some(name.clone()),
            }
        }
        if let Some(unknown) = unknown {
            self.refuse(
                PROTOCOLS,
                format!("{unknown} is not a version of TLS: known are TLSv1.2 and TLSv1.3"),
            );
        } else if versions.is_empty() {
            self.refuse(PROTOCOLS, "leaves no version that is secure: write TLSv1.2,TLSv1.3");
        }
        versions
    }

    fn suites(&mut self, values: &Values) -> CryptoProvider {
        let mut provider = ring::default_provider();
        let names = values.list(SUITES);
        if names.is_empty() {
            return provider;
        }
        let known: Vec<String> = provider.cipher_suites.iter().map(java_name).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
            self.refuse(SUITES, format!("{unknown} is not supported: known are {}", known.join(", ")));
        }
        provider.cipher_suites.retain(|suite| names.contains(&java_name(suite)));
        provider
    }
}

fn java_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
}

fn certificates(certificates: &[X509]) -> Result<Vec<CertificateDer<'static>>, String> {
    certificates.iter().map(|certificate| Ok(store::der(certificate)?.into())).collect()
}

fn private_key(key: &PKey<Private>) -> Result<PrivateKeyDer<'static>, String> {
    Ok(PrivatePkcs8KeyDer::from(key.private_key_to_pkcs8().map_err(|error| store::reason(&error))?).into())
}

fn roots(certificates: &[X509]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(store::der(certificate)?.into())
            .map_err(|error| format!("contains a certificate that cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("contains no certificate".to_owned()) } else { Ok(roots) }
}

#[cfg(test)]
mod tests;
