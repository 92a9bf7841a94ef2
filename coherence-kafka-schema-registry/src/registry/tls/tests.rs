use std::fs;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::framing::SchemaId;
use crate::registry::fake::{FakeRegistry, Reply};
use crate::registry::tests::registry;
use crate::registry::{RegisteredSchema, RegistryError};

/// A certificate and its key.
struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

impl Identity {
    /// An authority, which signs itself.
    fn authority(name: &str) -> Self {
        Self::new(name, None)
    }

    fn of(authority: &Identity, name: &str) -> Self {
        Self::new(name, Some(authority))
    }

    fn new(name: &str, authority: Option<&Identity>) -> Self {
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        let mut names = X509NameBuilder::new().unwrap();
        names.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
        let names = names.build();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.pseudo_rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
        builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&names).unwrap();
        builder.set_issuer_name(authority.map_or(&names, |by| by.certificate.subject_name())).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        if authority.is_none() {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        } else {
            let context = builder.x509v3_context(None, None);
            let host = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
            builder.append_extension(host).unwrap();
        }
        builder.sign(authority.map_or(&key, |by| &by.key), MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    fn key_pem(&self) -> String {
        String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    fn certificate_der(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.certificate.to_der().unwrap())
    }
}

/// A registry with this certificate; clients need one of `clients`, if that is some.
fn server(identity: &Identity, clients: Option<&Identity>) -> FakeRegistry {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate_der()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    let config = config.with_single_cert(vec![identity.certificate_der()], key).unwrap();
    FakeRegistry::start_tls(Arc::new(config), |_| Reply::Answer(200, r#"{"schema":"\"int\""}"#.to_owned()))
}

fn ask(fake: &FakeRegistry, options: &[(&str, &str)]) -> Result<RegisteredSchema, RegistryError> {
    registry(&fake.url, options).schema(SchemaId::Number(1), None)
}

const TRUSTED: &str = "schema.registry.ssl.truststore.certificates";

#[test]
fn a_registry_is_trusted_by_its_authority_as_text_as_pem_and_as_pkcs12() {
    let authority = Identity::authority("the authority");
    let fake = server(&Identity::of(&authority, "registry"), None);
    let pem = authority.certificate_pem();
    assert_eq!(ask(&fake, &[(TRUSTED, &pem)]).unwrap().text, "\"int\"");
    let name = format!("coherence-kafka-tls-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("trust.pem");
    fs::write(&file, &pem).unwrap();
    let location = "schema.registry.ssl.truststore.location";
    assert!(ask(&fake, &[(location, file.to_str().unwrap())]).is_ok());
    let mut store = Pkcs12::builder();
    store.cert(&authority.certificate).pkey(&authority.key).name("authority");
    let file = folder.join("trust.p12");
    fs::write(&file, store.build2("secret").unwrap().to_der().unwrap()).unwrap();
    let password = ("schema.registry.ssl.truststore.password", "secret");
    assert!(ask(&fake, &[(location, file.to_str().unwrap()), password]).is_ok());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_registry_of_another_authority_is_an_outage_that_names_the_reason() {
    let (one, other) = (Identity::authority("one"), Identity::authority("other"));
    let fake = server(&Identity::of(&one, "registry"), None);
    let error = ask(&fake, &[(TRUSTED, &other.certificate_pem())]).unwrap_err();
    assert!(error.is_retriable(), "{error}");
    let text = error.to_string();
    assert!(text.contains(&fake.url) && text.contains("certificate"), "{text}");
    assert!(text.contains("schema.registry.ssl.truststore"), "{text}");
    assert!(fake.seen().is_empty(), "no request was sent");
}

#[test]
fn a_registry_that_requires_a_certificate_accepts_the_client_s_own() {
    let authority = Identity::authority("the authority");
    let fake = server(&Identity::of(&authority, "registry"), Some(&authority));
    let (pem, client) = (authority.certificate_pem(), Identity::of(&authority, "client"));
    let (chain, key) = (client.certificate_pem(), client.key_pem());
    let own = [
        (TRUSTED, &*pem),
        ("schema.registry.ssl.keystore.certificate.chain", &*chain),
        ("schema.registry.ssl.keystore.key", &*key),
    ];
    assert!(ask(&fake, &own).is_ok());
    let error = ask(&fake, &[(TRUSTED, &pem)]).unwrap_err();
    assert!(error.is_retriable(), "{error}");
    let stranger = Identity::of(&Identity::authority("another authority"), "client");
    let (chain, key) = (stranger.certificate_pem(), stranger.key_pem());
    let foreign = [own[0], (own[1].0, &*chain), (own[2].0, &*key)];
    let error = ask(&fake, &foreign).unwrap_err();
    assert!(error.is_retriable(), "{error}");
    assert_eq!(fake.seen().len(), 1);
}
