//! From addresses and PEM files to endpoints of tonic.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::causes::chain;
use crate::options::{OptionsError, SessionOptions, SettingNames, TlsOptions};

/// Longest list of response headers in bytes. The transport's 16 KiB breaks the stream where a grid puts the text
/// of a Java stack into a status.
const MAX_HEADER_LIST_BYTES: u32 = 1 << 20;

/// After this time without data on a connection the kernel probes whether the other host is still reachable.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// Between two such questions, of which three in a row must be without answer to break the connection.
const TCP_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Returns the endpoint of one address of `options`, which have been checked. Reads the TLS files.
///
/// No HTTP/2 pings: the grid closes connections that send more than one in five minutes. TCP's own probes detect a lost
/// host while an answer is awaited without another deadline.
pub(crate) fn endpoint(options: &SessionOptions, address: &str) -> Result<Endpoint, OptionsError> {
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .map_err(|_| OptionsError::Address { address: address.to_owned(), reason: "not a valid address" })?
        .connect_timeout(options.connect_timeout)
        .tcp_keepalive(Some(TCP_KEEPALIVE))
        .tcp_keepalive_interval(Some(TCP_KEEPALIVE_INTERVAL))
        .tcp_keepalive_retries(Some(3))
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES);
    match &options.tls {
        None => Ok(endpoint),
        Some(tls) => {
            let names = &options.setting_names;
            endpoint.tls_config(load(tls, names)?).map_err(|e| {
                let reason = chain(e.source().unwrap_or(&e));
                OptionsError::Tls { setting: culprit(&reason, names), reason }
            })
        }
    }
}

/// Returns a connector with the same settings of TCP, for an endpoint that gets its connections from outside.
pub(crate) fn tcp_connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    // The endpoint sees to TLS.
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(TCP_KEEPALIVE));
    connector.set_keepalive_interval(Some(TCP_KEEPALIVE_INTERVAL));
    connector.set_keepalive_retries(Some(3));
    connector
}

/// Returns the setting that an error of the TLS library is about. It reports the key, the certificate and the name with
/// texts of their own, and no longer which file they came from.
fn culprit(reason: &str, names: &SettingNames) -> &'static str {
    if reason.contains("private key") || reason.contains("KeyMismatch") || reason.contains("keys") {
        names.key
    } else if reason.contains("native certs") {
        names.ca
    } else if reason.contains("name") {
        names.server_name
    } else {
        names.certificate
    }
}

fn load(tls: &TlsOptions, names: &SettingNames) -> Result<ClientTlsConfig, OptionsError> {
    let mut config = ClientTlsConfig::new();
    config = match &tls.ca {
        Some(path) => config.ca_certificate(Certificate::from_pem(read(
            names.ca,
            path,
            "-----BEGIN CERTIFICATE-----",
            "a certificate",
        )?)),
        None => config.with_native_roots(),
    };
    config = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let certificate =
                read(names.certificate, certificate, "-----BEGIN CERTIFICATE-----", "a certificate")?;
            let key = read(names.key, key, "PRIVATE KEY-----", "a private key")?;
            if key.windows(9).any(|w| w == b"ENCRYPTED") {
                let reason = "the key is encrypted, an unencrypted one is needed".to_owned();
                return Err(OptionsError::Tls { setting: names.key, reason });
            }
            config.identity(Identity::from_pem(certificate, key))
        }
        (None, None) => config,
        (Some(_), None) => {
            let reason = format!("needed together with {}", names.certificate);
            return Err(OptionsError::Tls { setting: names.key, reason });
        }
        (None, Some(_)) => {
            let reason = format!("needed together with {}", names.key);
            return Err(OptionsError::Tls { setting: names.certificate, reason });
        }
    };
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    Ok(config)
}

/// Returns the file, which must hold `marker`: the TLS library reads a file without certificates as an empty list and
/// then trusts no server.
fn read(setting: &'static str, path: &Path, marker: &str, what: &str) -> Result<Vec<u8>, OptionsError> {
    let wrong = |reason: String| OptionsError::Tls { setting, reason };
    let pem = fs::read(path).map_err(|e| wrong(format!("cannot read {}: {e}", path.display())))?;
    if !pem.windows(marker.len()).any(|w| w == marker.as_bytes()) {
        return Err(wrong(format!("{} holds no PEM block of {what}", path.display())));
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str) -> Option<PathBuf> {
        Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name))
    }

    fn refused(tls: TlsOptions) -> (&'static str, String) {
        let options = SessionOptions { tls: Some(tls), ..SessionOptions::default() };
        match endpoint(&options, "localhost:1408") {
            Err(OptionsError::Tls { setting, reason }) => (setting, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn complete_files_and_ipv6_addresses_are_accepted() {
        let tls = TlsOptions {
            ca: file("ca.pem"),
            certificate: file("client.pem"),
            key: file("client.key"),
            server_name: Some("grid.example".to_owned()),
        };
        let options = SessionOptions { tls: Some(tls), ..SessionOptions::default() };
        endpoint(&options, "localhost:1408").unwrap();
        endpoint(&options, "[::1]:1408").unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_setting() {
        let (setting, reason) = refused(TlsOptions { ca: file("absent.pem"), ..TlsOptions::default() });
        assert_eq!(setting, "tls.ca");
        assert!(reason.contains("absent.pem") && reason.contains("cannot read"), "{reason}");
    }

    #[test]
    fn a_file_without_the_expected_pem_block_is_named_with_its_setting() {
        let (setting, reason) = refused(TlsOptions { ca: file("client.key"), ..TlsOptions::default() });
        assert_eq!(setting, "tls.ca");
        assert!(reason.contains("client.key holds no PEM block of a certificate"), "{reason}");

        let (setting, _) = refused(TlsOptions {
            ca: file("ca.pem"),
            certificate: file("client.pem"),
            key: file("ca.pem"),
            ..TlsOptions::default()
        });
        assert_eq!(setting, "tls.key");
    }

    #[test]
    fn a_damaged_pem_block_is_refused_under_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let damaged = |name: &str, kind: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("-----BEGIN {kind}-----\n!!!!\n-----END {kind}-----\n")).unwrap();
            Some(path)
        };
        let good = TlsOptions {
            ca: file("ca.pem"),
            certificate: file("client.pem"),
            key: file("client.key"),
            server_name: None,
        };
        let (setting, reason) =
            refused(TlsOptions { key: damaged("bad.key", "PRIVATE KEY"), ..good.clone() });
        assert_eq!(setting, "tls.key", "{reason}");
        let (setting, reason) =
            refused(TlsOptions { server_name: Some("not a name".to_owned()), ..good.clone() });
        assert_eq!(setting, "tls.server_name", "{reason}");
        let (setting, reason) = refused(TlsOptions { key: file("server.key"), ..good });
        assert_eq!(setting, "tls.key", "{reason}");
    }

    #[test]
    fn a_certificate_needs_its_key_and_the_reverse() {
        let (setting, _) = refused(TlsOptions {
            ca: file("ca.pem"),
            certificate: file("client.pem"),
            ..TlsOptions::default()
        });
        assert_eq!(setting, "tls.key");
        let (setting, _) =
            refused(TlsOptions { ca: file("ca.pem"), key: file("client.key"), ..TlsOptions::default() });
        assert_eq!(setting, "tls.certificate");
    }
}
