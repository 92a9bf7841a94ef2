//! Where the maps are: a grid over gRPC, or this process.

use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::def::Values;

use super::super::worker::millis;
use super::Check;

/// Where a connector's maps are and how they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// A grid, or this process.
    pub kind: SessionKind,
    /// Addresses of the grid's gRPC proxy, `host:port`, at least one.
    pub addresses: Vec<String>,
    /// Scope of the grid's session; empty is the default scope.
    pub scope: String,
    /// Serializer of the maps.
    pub format: Format,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// TLS, if the grid speaks it.
    pub tls: Option<TlsFiles>,
}

/// Setting `coherence.session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// A Coherence grid, over gRPC.
    Grpc,
    /// Maps in the memory of this process.
    Embedded,
}

/// PEM files of a TLS connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate authorities; without it those of the system.
    pub ca: Option<PathBuf>,
    /// The client's certificate chain and private key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Name that the server's certificate must bear; without it the host of the address.
    pub server_name: Option<String>,
}

impl Check<'_> {
    pub(super) fn session(&mut self, values: &Values) -> SessionConfig {
        let embedded = values.text("coherence.session") == Some("embedded");
        const ADDRESS: &str = "coherence.session.address";
        let mut addresses = values.list(ADDRESS).to_vec();
        let mut origin = ADDRESS;
        if addresses.is_empty() {
            const VARIABLE: &str = "COHERENCE_SERVER_ADDRESS";
            match self
                .worker
                .variables
                .environment(VARIABLE)
                .map(str::trim)
                .filter(|address| !address.is_empty())
            {
                Some(address) if !embedded => {
                    origin = VARIABLE;
                    addresses = address.split(',').map(|item| item.trim().to_owned()).collect();
                }
                _ => addresses = vec!["localhost:1408".to_owned()],
            }
        }
        for address in addresses.iter().filter(|address| !is_address(address)) {
            let why = format!("{address} is not an address: write host:port");
            self.refusal(origin, why, "an item is not an address: write host:port");
        }
        SessionConfig {
            kind: if embedded { SessionKind::Embedded } else { SessionKind::Grpc },
            addresses,
            scope: values.text("coherence.session.scope").unwrap_or_default().to_owned(),
            format: if values.text("coherence.session.format") == Some("json") {
                Format::Json
            } else {
                Format::Pof
            },
            request_timeout: millis(values, "coherence.session.request.timeout.ms"),
            tls: self.tls(values),
        }
    }

    fn tls(&mut self, values: &Values) -> Option<TlsFiles> {
        const ENABLED: &str = "coherence.session.tls.enabled";
        const CA: &str = "coherence.session.tls.ca";
        const CERTIFICATE: &str = "coherence.session.tls.certificate";
        const KEY: &str = "coherence.session.tls.key";
        const SERVER_NAME: &str = "coherence.session.tls.server.name";
        if !values.boolean(ENABLED) {
            for key in [CA, CERTIFICATE, KEY, SERVER_NAME] {
                if self.property(key).is_some() {
                    self.error(key, format!("needs {ENABLED}=true: without it nothing is encrypted"));
                }
            }
            return None;
        }
        let ca = self.file(values, CA);
        let client = match (self.file(values, CERTIFICATE), self.file(values, KEY)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                self.error(CERTIFICATE, format!("needs {KEY}"));
                None
            }
            (None, Some(_)) => {
                self.error(KEY, format!("needs {CERTIFICATE}"));
                None
            }
        };
        Some(TlsFiles { ca, client, server_name: values.text(SERVER_NAME).map(str::to_owned) })
    }

    fn file(&mut self, values: &Values, key: &str) -> Option<PathBuf> {
        let path = PathBuf::from(values.text(key)?);
        match std::fs::File::open(&path).and_then(|file| file.metadata()) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => self.refusal(key, format!("{} is not a file", path.display()), "is not a file"),
            Err(error) => {
                self.refusal(key, format!("cannot read {}: {error}", path.display()), "cannot be read");
            }
        }
        Some(path)
    }
}

fn is_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_good = match bare {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && !host.contains([':', '/', '[', ']', '@'])
                && !host.contains(char::is_whitespace)
        }
    };
    host_is_good && port.parse::<u16>().is_ok_and(|port| port > 0)
}
