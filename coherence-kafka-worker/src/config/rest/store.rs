//! Certificates and keys: files and texts in PEM, and PKCS#12 files.

use std::fs;

use coherence_kafka_rdkafka::settings::translate::pem::{self, Holds};
use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// Where certificates or a key are.
pub(super) enum Source<'a> {
    /// In the file of this path.
    File(&'a str),
    /// In this text, which is PEM.
    Certificates(&'a str),
    /// In this text, which is PEM.
    Key(&'a str),
}

/// What a source contains.
#[derive(Default)]
pub(super) struct Store {
    /// In their order; the first is the one of the key.
    pub(super) certificates: Vec<X509>,
    pub(super) key: Option<PKey<Private>>,
}

/// Reads a source; `password` opens a store, `key_password` an encrypted key in PEM.
///
/// # Errors
/// The reason; never a part of the content.
pub(super) fn read(source: &Source<'_>, password: &str, key_password: &str) -> Result<Store, String> {
    match source {
        Source::File(path) => {
            let bytes = fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
            of_file(path, &bytes, password, key_password).map_err(|why| format!("{path} {why}"))
        }
        Source::Certificates(text) => of_pem(pem::lines(text, Holds::Certificates)?.as_bytes(), ""),
        Source::Key(text) => of_pem(pem::lines(text, Holds::PrivateKey)?.as_bytes(), key_password),
    }
}

fn of_file(path: &str, bytes: &[u8], password: &str, key_password: &str) -> Result<Store, String> {
    match bytes {
        [0xFE, 0xED, 0xFE, 0xED, ..] => Err(format!(
            "is a JKS store, which only Java reads: convert it with keytool -importkeystore -srckeystore {path} \
             -destkeystore {path}.p12 -deststoretype PKCS12"
        )),
        [0x30, ..] => of_pkcs12(bytes, password),
        _ if bytes.windows(11).any(|window| window == b"-----BEGIN ") => of_pem(bytes, key_password),
        _ => Err("is neither PEM nor PKCS#12".to_owned()),
    }
}

fn of_pkcs12(bytes: &[u8], password: &str) -> Result<Store, String> {
    let store = Pkcs12::from_der(bytes).map_err(|_| "is not whole, or not PKCS#12".to_owned())?;
    if password.contains('\0') {
        return Err("has another password".to_owned());
    }
    let store = store.parse2(password).map_err(|error| match reason(&error) {
        why if why.contains("mac verify failure") => "has another password".to_owned(),
        why if why.contains("unsupported") => {
            format!("is encrypted in a way that is not supported ({why}): write it again with keytool of Java 17 or later")
        }
        why => format!("cannot be opened: {why}"),
    })?;
    let certificates = store.cert.into_iter().chain(store.ca.into_iter().flatten()).collect();
    Ok(Store { certificates, key: store.pkey })
}

fn of_pem(bytes: &[u8], key_password: &str) -> Result<Store, String> {
    let certificates = X509::stack_from_pem(bytes)
        .map_err(|error| format!("contains a certificate that cannot be read: {}", reason(&error)))?;
    if !bytes.windows(12).any(|window| window == b"PRIVATE KEY-") {
        return Ok(Store { certificates, key: None });
    }
    let mut was_asked = false;
    let key = PKey::private_key_from_pem_callback(bytes, |buffer| {
        was_asked = true;
        let password = key_password.as_bytes();
        let Some(room) = buffer.get_mut(..password.len()) else { return Ok(0) };
        room.copy_from_slice(password);
        Ok(password.len())
    });
    match key {
        Ok(key) => Ok(Store { certificates, key: Some(key) }),
        Err(_) if was_asked && key_password.is_empty() => {
            Err("contains an encrypted private key: set ssl.key.password".to_owned())
        }
        Err(_) if was_asked => {
            Err("contains a private key that has another password than ssl.key.password".to_owned())
        }
        Err(error) => Err(format!("contains a private key that cannot be read: {}", reason(&error))),
    }
}

/// Returns a certificate as DER.
pub(super) fn der(certificate: &X509) -> Result<Vec<u8>, String> {
    certificate.to_der().map_err(|error| reason(&error))
}

/// Returns the first reason of OpenSSL, without its place in the library.
pub(super) fn reason(error: &ErrorStack) -> String {
    let reason = error.errors().iter().find_map(|error| error.reason());
    reason.unwrap_or("unknown reason").to_owned()
}
