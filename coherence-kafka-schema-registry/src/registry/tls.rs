//! TLS: the certificates that are trusted, and the client's own.

use std::fs;
use std::sync::Arc;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use super::settings::{Place, Tls};

/// Returns the configuration of the HTTP client.
///
/// # Errors
/// What cannot be used, by its setting; never a part of the content.
pub(super) fn config(tls: &Tls) -> Result<TlsConfig, String> {
    let roots = match &tls.truststore {
        None => system_roots()?,
        Some(store) => {
            let under = |why| format!("schema.registry.ssl.truststore: {why}");
            let (certificates, _) = read(store).map_err(under)?;
            if certificates.is_empty() {
                return Err(under("contains no certificate".to_owned()));
            }
            certificates
        }
    };
    let client = match &tls.keystore {
        None => None,
        Some(store) => {
            let under = |why| format!("schema.registry.ssl.keystore: {why}");
            let (certificates, key) = read(store).map_err(under)?;
            let key = key.ok_or_else(|| under("contains no private key".to_owned()))?;
            let unusable = || under("the private key cannot be used".to_owned());
            let pem = key.private_key_to_pem_pkcs8().map_err(|_| unusable())?;
            let key = PrivateKey::from_pem(&pem).map_err(|_| unusable())?;
            if certificates.is_empty() {
                return Err(under("contains no certificate".to_owned()));
            }
            Some(ClientCert::new_with_certs(&certificates, key))
        }
    };
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(roots))
        .client_cert(client)
        .build())
}

fn system_roots() -> Result<Vec<Certificate<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(
            "the system has no trusted certificates: set schema.registry.ssl.truststore.location".to_owned()
        );
    }
    Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}

type Contents = (Vec<Certificate<'static>>, Option<PKey<Private>>);

fn read(place: &Place) -> Result<Contents, String> {
    match place {
        Place::File { path, password, key_password } => {
            let bytes = fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
            match &*bytes {
                [0xFE, 0xED, 0xFE, 0xED, ..] => Err(format!(
                    "{path} is a JKS store, which only Java reads: convert it with keytool -importkeystore -srckeystore \
                     {path} -destkeystore {path}.p12 -deststoretype PKCS12"
                )),
                [0x30, ..] => of_pkcs12(&bytes, password),
                _ => of_pem(&bytes, key_password),
            }
            .map_err(|why| if why.starts_with(path) { why } else { format!("{path} {why}") })
        }
        Place::Text { pem, key_password } => of_pem(pem.as_bytes(), key_password),
    }
}

fn of_pkcs12(bytes: &[u8], password: &str) -> Result<Contents, String> {
    let store = Pkcs12::from_der(bytes).map_err(|_| "is not whole, or not PKCS#12".to_owned())?;
    if password.contains('\0') {
        return Err("has another password".to_owned());
    }
    let store = store
        .parse2(password)
        .map_err(|_| "cannot be opened: it has another password, or is encrypted in an old way".to_owned())?;
    let certificates = store.cert.into_iter().chain(store.ca.into_iter().flatten());
    Ok((certificates.map(|certificate| der(&certificate)).collect::<Result<_, _>>()?, store.pkey))
}

fn of_pem(bytes: &[u8], key_password: &str) -> Result<Contents, String> {
    let certificates = X509::stack_from_pem(bytes).map_err(|_| "is neither PEM nor PKCS#12".to_owned())?;
    let certificates = certificates.iter().map(der).collect::<Result<_, _>>()?;
    if !bytes.windows(12).any(|window| window == b"PRIVATE KEY-") {
        return Ok((certificates, None));
    }
    let key = PKey::private_key_from_pem_callback(bytes, |buffer| {
        let password = key_password.as_bytes();
        let Some(room) = buffer.get_mut(..password.len()) else { return Ok(0) };
        room.copy_from_slice(password);
        Ok(password.len())
    });
    let why = "contains a private key that cannot be read: check schema.registry.ssl.key.password";
    Ok((certificates, Some(key.map_err(|_| why.to_owned())?)))
}

fn der(certificate: &X509) -> Result<Certificate<'static>, String> {
    let der = certificate.to_der().map_err(|_| "contains a certificate that cannot be used".to_owned())?;
    Ok(Certificate::from_der(&der).to_owned())
}

#[cfg(test)]
mod tests;
