//! What a session is made from, and the checks of it that need no network.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_common::map::Format;

/// How to reach a grid and how to talk to it.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// gRPC proxies as `host:port` or `[v6]:port`, tried in turn. Default `localhost:1408`.
    pub addresses: Vec<String>,
    /// The scope whose maps are used; empty is the grid's default scope.
    pub scope: String,
    /// The serializer of the maps: bytes pass through untouched where it is the one of the grid's cache service.
    pub format: Format,
    /// Longest time from sending a request to its complete answer; after it the stream is given up. Default 30 s.
    pub request_timeout: Duration,
    /// Longest time for connecting to one address, and again for its answer to the first request. Default 10 s.
    pub connect_timeout: Duration,
    /// TLS; `None` is plaintext.
    pub tls: Option<TlsOptions>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            addresses: vec!["localhost:1408".to_owned()],
            scope: String::new(),
            format: Format::default(),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            tls: None,
        }
    }
}

/// Files and names for TLS. The files are read when the session is made, to refuse bad ones early, and again at each
/// connect, so that renewed certificates are taken up.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// PEM file of the certificates to trust; `None` trusts those of the operating system.
    pub ca: Option<PathBuf>,
    /// PEM file of the client's certificate chain, for grids that ask for one. Goes with `key`.
    pub certificate: Option<PathBuf>,
    /// PEM file of the client's private key, not encrypted. Goes with `certificate`.
    pub key: Option<PathBuf>,
    /// The name that the grid's certificate must carry, where it is not the host of the address.
    pub server_name: Option<String>,
}

/// Options that cannot work, found without the network. Settings are named as the fields of [`SessionOptions`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// There is nothing to connect to.
    #[error("addresses: at least one is needed, as host:port")]
    NoAddress,
    /// An address is not `host:port`.
    #[error("address {address:?}: {reason}")]
    Address {
        /// The text as given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A time-out of zero.
    #[error("{setting}: must be longer than 0")]
    Timeout {
        /// The field.
        setting: &'static str,
    },
    /// A TLS file or name that cannot be used.
    #[error("{setting}: {reason}")]
    Tls {
        /// The field, such as `tls.ca`.
        setting: &'static str,
        /// What is wrong, with the path of the file.
        reason: String,
    },
    /// Made outside of a tokio runtime.
    #[error("a session needs a tokio runtime for its tasks")]
    NoRuntime,
}

/// Says whether `address` is well-formed: `host:port`, or `[v6]:port` for an IPv6 address. Resolves nothing.
///
/// # Errors
/// [`OptionsError::Address`] with what is wrong.
pub fn check_address(address: &str) -> Result<(), OptionsError> {
    let wrong = |reason| OptionsError::Address { address: address.to_owned(), reason };
    let Some((host, port)) = address.rsplit_once(':') else {
        return Err(wrong("a port is missing, expected host:port"));
    };
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) || !matches!(port.parse(), Ok(1u16..)) {
        return Err(wrong("the port must be a number from 1 to 65535, expected host:port"));
    }
    if let Some(v6) = host.strip_prefix('[') {
        return match v6.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
            Some(Ok(_)) => Ok(()),
            _ => Err(wrong("not an IPv6 address in brackets, expected [address]:port")),
        };
    }
    if host.contains("//") {
        return Err(wrong("an address has no scheme, expected host:port"));
    }
    if host.contains(':') {
        return Err(wrong("an IPv6 address stands in brackets, expected [address]:port"));
    }
    let label = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if host.is_empty() || !host.bytes().all(label) {
        return Err(wrong("not a host name or IPv4 address, expected host:port"));
    }
    Ok(())
}

impl SessionOptions {
    /// Everything that is wrong apart from the contents of TLS files; the first of it.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        if self.addresses.is_empty() {
            return Err(OptionsError::NoAddress);
        }
        self.addresses.iter().try_for_each(|address| check_address(address))?;
        for (setting, timeout) in
            [("request_timeout", self.request_timeout), ("connect_timeout", self.connect_timeout)]
        {
            if timeout.is_zero() {
                return Err(OptionsError::Timeout { setting });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_an_address() {
        for address in ["localhost:1408", "10.0.0.1:65535", "a_b.c-d.example:1", "[::1]:1408"] {
            assert_eq!(check_address(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn anything_else_is_not_an_address() {
        for address in [
            "",
            ":",
            "localhost",
            "localhost:",
            ":1408",
            "localhost:0",
            "localhost:65536",
            "localhost:+80",
            "localhost:14o8",
            "http://localhost:1408",
            "::1:1408",
            "[::1]",
            "[::g]:1408",
            "[::1:1408",
            "a b:1408",
            "a/b:1408",
            "user@host:1408",
        ] {
            let error = check_address(address).unwrap_err();
            assert!(error.to_string().contains("expected"), "{error}");
        }
    }

    #[test]
    fn options_without_addresses_or_with_a_zero_timeout_are_refused() {
        let none = SessionOptions { addresses: vec![], ..SessionOptions::default() };
        assert_eq!(none.check(), Err(OptionsError::NoAddress));
        let zero = SessionOptions { request_timeout: Duration::ZERO, ..SessionOptions::default() };
        assert_eq!(zero.check(), Err(OptionsError::Timeout { setting: "request_timeout" }));
        assert_eq!(SessionOptions::default().check(), Ok(()));
    }
}
