//! Where the maps are: a grid over gRPC, or this process.

use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_common::map::Format;

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
