//! The options of a session, and the checks that need no network.

use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_common::grid_address::{AddressError, GridAddress};
use coherence_kafka_common::map::Format;

/// How to reach a grid and how to talk to it.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Where gRPC proxies are, tried in turn: `host:port` or `[v6]:port` of one, or
    /// `coherence:///host[:port][,host[:port]…][/cluster]` for those that the name service of a cluster knows at the
    /// moment of connecting (port 7574 unless given). Default `localhost:1408`.
    pub addresses: Vec<String>,
    /// The scope whose maps are used; empty is the grid's default scope.
    pub scope: String,
    /// The serializer of the maps: bytes pass through untouched where it is the one of the grid's cache service.
    pub format: Format,
    /// Longest time from sending a request to its complete answer; after it the stream is abandoned. Default 30 s.
    pub request_timeout: Duration,
    /// How long [`until_resolved`](coherence_kafka_common::map::Session::until_resolved) waits for a write that may
    /// still be applied. Default 10 minutes, twice the time after which a grid gives up a member that does not answer
    /// (`packet-delivery/timeout-milliseconds`); `None` waits without limit.
    pub unanswered_timeout: Option<Duration>,
    /// Longest time for connecting to one address, again for its answer to the first request, and for one name
    /// service. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a call without a connection waits for one, trying again and again. Default 0: one attempt.
    pub ready_timeout: Duration,
    /// On a stream on which nothing arrived for this long, and nothing is awaited, a heartbeat is sent; the stream is
    /// abandoned when no answer comes for as long again. `None` sends none. Default 15 s.
    pub heartbeat: Option<Duration>,
    /// Shortest and longest pause between attempts to connect where the session tries by itself, each plus a random
    /// part of up to its own length. Default 1 s and 3 s.
    pub reconnect_backoff: (Duration, Duration),
    /// Streams, each on its own connection, over which requests are spread. Events of maps come on the first
    /// one. The grid keeps a series of metrics for every stream ever opened. Default 1.
    pub streams: usize,
    /// Bytes of notices that wait for one listener; beyond it they are dropped and reported as a gap. Default 16 MiB.
    pub listener_bytes: usize,
    /// How often a name service that knows no proxy is asked again, a second apart. Default 0; the official clients
    /// ask 20 times.
    pub resolver_retries: u32,
    /// Whether to begin with a random one of the proxies that a name service names. Default true.
    pub resolver_randomize: bool,
    /// The description of this client for the grid's operators.
    pub identity: ClientIdentity,
    /// TLS; `None` is plaintext.
    pub tls: Option<TlsOptions>,
    /// How messages call the settings of TLS.
    pub setting_names: SettingNames,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            addresses: vec!["localhost:1408".to_owned()],
            scope: String::new(),
            format: Format::default(),
            request_timeout: Duration::from_secs(30),
            unanswered_timeout: Some(Duration::from_secs(600)),
            connect_timeout: Duration::from_secs(10),
            ready_timeout: Duration::ZERO,
            heartbeat: Some(Duration::from_secs(15)),
            reconnect_backoff: (Duration::from_secs(1), Duration::from_secs(3)),
            streams: 1,
            listener_bytes: 16 << 20,
            resolver_retries: 0,
            resolver_randomize: true,
            identity: ClientIdentity::default(),
            tls: None,
            setting_names: SettingNames::default(),
        }
    }
}

/// The description of a client. The grid shows it, and it has no effect. Empty texts are not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The cluster that the client believes to talk to.
    pub cluster: String,
    /// The rack in which it runs.
    pub rack: String,
    /// The site at which it runs.
    pub site: String,
}

/// The names of the settings in messages about TLS, so that these name the settings that the user of a program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingNames {
    /// What to do to get TLS, as "set `tls`".
    pub use_tls: &'static str,
    /// What to do to get none.
    pub use_plaintext: &'static str,
    /// [`TlsOptions::ca`].
    pub ca: &'static str,
    /// [`TlsOptions::certificate`].
    pub certificate: &'static str,
    /// [`TlsOptions::key`].
    pub key: &'static str,
    /// [`TlsOptions::server_name`].
    pub server_name: &'static str,
}

impl SettingNames {
    /// The names in the properties files of programs: `coherence.session.*`.
    pub const PROPERTIES: Self = Self {
        use_tls: "set coherence.session.tls.enabled=true",
        use_plaintext: "set coherence.session.tls.enabled=false",
        ca: "coherence.session.tls.ca",
        certificate: "coherence.session.tls.certificate",
        key: "coherence.session.tls.key",
        server_name: "coherence.session.tls.server.name",
    };
}

impl Default for SettingNames {
    /// Returns the names of the fields.
    fn default() -> Self {
        Self {
            use_tls: "set tls",
            use_plaintext: "leave tls out",
            ca: "tls.ca",
            certificate: "tls.certificate",
            key: "tls.key",
            server_name: "tls.server_name",
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
#[non_exhaustive]
pub enum OptionsError {
    /// No address is configured.
    #[error("addresses: at least one is needed, as host:port")]
    NoAddress,
    /// An address is not `host:port`.
    #[error("address {address:?}: {reason}")]
    Address {
        /// The text as written.
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
    /// Less than one stream.
    #[error("streams: at least one is needed")]
    NoStreams,
    /// A variable of the environment that cannot be used.
    #[error("{variable}: {reason}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// A TLS file or name that cannot be used.
    #[error("{setting}: {reason}")]
    Tls {
        /// Its name among the [`SettingNames`].
        setting: &'static str,
        /// What is wrong, with the path of the file.
        reason: String,
    },
    /// Made outside of a tokio runtime.
    #[error("a session needs a tokio runtime for its tasks")]
    NoRuntime,
}

/// Checks that `address` is well-formed: `host:port`, `[v6]:port` for an IPv6 address, or `coherence:///…` as
/// [`SessionOptions::addresses`] describes it. Resolves nothing.
///
/// # Errors
/// [`OptionsError::Address`] with what is wrong.
pub fn check_address(address: &str) -> Result<(), OptionsError> {
    parse_address(address).map(drop)
}

/// Returns the address in parts.
pub(crate) fn parse_address(address: &str) -> Result<GridAddress, OptionsError> {
    GridAddress::parse(address)
        .map_err(|AddressError(reason)| OptionsError::Address { address: address.to_owned(), reason })
}

impl SessionOptions {
    /// Returns the first error, apart from the contents of TLS files.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        if self.addresses.is_empty() {
            return Err(OptionsError::NoAddress);
        }
        for address in &self.addresses {
            let by_name = matches!(parse_address(address)?, GridAddress::NameService { .. });
            let trusts_any_name =
                self.tls.as_ref().is_some_and(|tls| tls.ca.is_none() && tls.server_name.is_none());
            if by_name && trusts_any_name {
                let SettingNames { ca, server_name, .. } = self.setting_names;
                return Err(OptionsError::Tls {
                    setting: server_name,
                    reason: format!(
                        "a name service is asked without encryption, so its answer cannot decide which certificate is \
                         trusted: set {server_name}, or the authority of the grid in {ca}"
                    ),
                });
            }
        }
        for (setting, timeout) in [
            ("request_timeout", self.request_timeout),
            ("connect_timeout", self.connect_timeout),
            ("heartbeat", self.heartbeat.unwrap_or(Duration::MAX)),
            ("reconnect_backoff", self.reconnect_backoff.0),
        ] {
            if timeout.is_zero() {
                return Err(OptionsError::Timeout { setting });
            }
        }
        if self.streams == 0 {
            return Err(OptionsError::NoStreams);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_an_address() {
        for address in [
            "localhost:1408",
            "10.0.0.1:65535",
            "a_b.c-d.example:1",
            "[::1]:1408",
            "coherence:///localhost",
            "coherence:///a:7574,b,[::1]:7575/my cluster",
        ] {
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
            "coherence:///",
            "coherence://host:7574",
            "coherence:///host:0",
            "coherence:///a,,b",
            "coherence:///a/",
            "coherence:///a/b/c",
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
        let zero = SessionOptions { heartbeat: Some(Duration::ZERO), ..SessionOptions::default() };
        assert_eq!(zero.check(), Err(OptionsError::Timeout { setting: "heartbeat" }));
        let none = SessionOptions { streams: 0, ..SessionOptions::default() };
        assert_eq!(none.check(), Err(OptionsError::NoStreams));
        assert_eq!(SessionOptions::default().check(), Ok(()));
    }

    #[test]
    fn with_tls_the_name_of_a_server_never_comes_from_a_name_service_alone() {
        let with = |address: &str, tls: TlsOptions| {
            SessionOptions {
                addresses: vec![address.to_owned()],
                tls: Some(tls),
                ..SessionOptions::default()
            }
            .check()
        };
        let named = "coherence:///member:7574";
        let error = with(named, TlsOptions::default()).unwrap_err();
        assert!(matches!(&error, OptionsError::Tls { setting: "tls.server_name", .. }), "{error}");
        assert_eq!(with("proxy:1408", TlsOptions::default()), Ok(()));
        assert_eq!(with(named, TlsOptions { ca: Some("ca.pem".into()), ..TlsOptions::default() }), Ok(()));
        let server_name = Some("grid.example".to_owned());
        assert_eq!(with(named, TlsOptions { server_name, ..TlsOptions::default() }), Ok(()));
    }
}
