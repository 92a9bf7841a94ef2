//! Where the maps are: a grid over gRPC, or this process. The settings `coherence.session.*`, which every program here
//! has by the same names.

use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_common::grid_address::GridAddress;
use coherence_kafka_common::map::Format;

use super::def::DefaultValue::{Null, Text};
use super::def::Importance::{High, Low, Medium};
use super::def::Validator::{Any, AtLeast, NonEmpty, OneOf};
use super::def::{ConfigKey, Kind, Typed, Values, key};
use super::findings::ConfigErrors;
use super::properties::Property;
use super::variables::Variables;

const GROUP: &str = "Coherence";
const ADDRESS: &str = "coherence.session.address";
const SCOPE: &str = "coherence.session.scope";
const FORMAT: &str = "coherence.session.format";
const REQUEST_TIMEOUT: &str = "coherence.session.request.timeout.ms";
const UNANSWERED: &str = "coherence.session.unanswered.timeout.ms";
const TLS: &str = "coherence.session.tls.enabled";
const CA: &str = "coherence.session.tls.ca";
const CERTIFICATE: &str = "coherence.session.tls.certificate";
const KEY: &str = "coherence.session.tls.key";
const SERVER_NAME: &str = "coherence.session.tls.server.name";

/// The settings of a grid's session, to be part of a program's table.
#[rustfmt::skip]
pub const SESSION_KEYS: [ConfigKey; 9] = [
    key(ADDRESS, Kind::List, Null, Any, (GROUP, High),
        "Addresses of the grid's gRPC proxies, `host:port`, separated by commas; or `coherence:///host[:port][,host[:port]…][/cluster]`, the name service of a cluster, which lists its proxies (port 7574 unless set). Default: the environment variable `COHERENCE_SERVER_ADDRESS`, else `localhost:1408`."),
    key(SCOPE, Kind::String, Text(""), Any, (GROUP, Low),
        "Scope of the grid's session; empty is the default scope."),
    key(FORMAT, Kind::String, Text("pof"), OneOf(&["pof", "json", "java"]), (GROUP, High),
        "Serializer of the grid's maps, `java` if the grid has none configured. With another format the grid converts each entry."),
    key(REQUEST_TIMEOUT, Kind::Long, Text("30000"), AtLeast(1), (GROUP, Medium),
        "Timeout of one request to the grid, in milliseconds."),
    key(TLS, Kind::Boolean, Text("false"), Any, (GROUP, Medium),
        "Use TLS to the grid."),
    key(CA, Kind::String, Null, NonEmpty, (GROUP, Medium),
        "PEM file of the trusted certificate authorities; default those of the system."),
    key(CERTIFICATE, Kind::String, Null, NonEmpty, (GROUP, Low),
        "PEM file of the client's certificate chain, for mutual TLS."),
    key(KEY, Kind::String, Null, NonEmpty, (GROUP, Low),
        "PEM file of the client's private key, for mutual TLS."),
    key(SERVER_NAME, Kind::String, Null, NonEmpty, (GROUP, Low),
        "Name that the grid's certificate must contain; default the host of the address."),
];

/// The setting of a program that writes to maps and waits for writes without answer, to be part of its table.
#[rustfmt::skip]
pub const UNANSWERED_TIMEOUT: ConfigKey =
    key(UNANSWERED, Kind::Long, Text("600000"), AtLeast(-1), (GROUP, Medium),
        "Milliseconds for which a batch is held because an earlier attempt to write one of its keys is unanswered and may still be applied; then the task continues, and an older value may replace a newer one. A grid removes a member that does not answer after 300000 unless configured otherwise. `-1`: for ever.");

/// Where maps are and how they are written.
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
    /// How long the answer to a write that may still be applied is awaited; `None` is without limit.
    pub unanswered_timeout: Option<Duration>,
    /// TLS, if the grid speaks it.
    pub tls: Option<TlsFiles>,
}

/// Setting `coherence.session`; a program whose table does not have it supports grids only.
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

impl SessionConfig {
    /// Checks the values of a table that holds [`SESSION_KEYS`]; `property` returns the place of a setting.
    pub fn read<'a>(
        values: &Values,
        property: impl Fn(&str) -> Option<&'a Property>,
        variables: &Variables,
        findings: &mut ConfigErrors,
    ) -> Self {
        let embedded = values.text("coherence.session") == Some("embedded");
        let addresses = addresses(values, &property, variables, embedded, findings);
        let tls = TlsFiles::read(values, &property, findings);
        let by_name =
            addresses.iter().any(|a| matches!(GridAddress::parse(a), Ok(GridAddress::NameService { .. })));
        if by_name && tls.as_ref().is_some_and(|tls| tls.ca.is_none() && tls.server_name.is_none()) {
            let why = format!(
                "with a name service needs {SERVER_NAME} or {CA}: a name service is asked without encryption, so its \
                 answer cannot decide which certificate is trusted"
            );
            findings.error_at(property(TLS), TLS, why);
        }
        SessionConfig {
            kind: if embedded { SessionKind::Embedded } else { SessionKind::Grpc },
            addresses,
            scope: values.text(SCOPE).unwrap_or_default().to_owned(),
            format: values.text(FORMAT).and_then(|name| name.parse().ok()).unwrap_or_default(),
            request_timeout: values.millis(REQUEST_TIMEOUT),
            unanswered_timeout: match values.typed(UNANSWERED) {
                Some(Typed::Number(millis)) => u64::try_from(*millis).ok().map(Duration::from_millis),
                _ => None,
            },
            tls,
        }
    }
}

fn addresses<'a>(
    values: &Values,
    property: &impl Fn(&str) -> Option<&'a Property>,
    variables: &Variables,
    embedded: bool,
    findings: &mut ConfigErrors,
) -> Vec<String> {
    let mut addresses = GridAddress::split(&values.list(ADDRESS).join(","));
    let mut origin = ADDRESS;
    if addresses.is_empty() {
        const VARIABLE: &str = "COHERENCE_SERVER_ADDRESS";
        match variables.environment(VARIABLE).map(str::trim).filter(|address| !address.is_empty()) {
            Some(address) if !embedded => {
                origin = VARIABLE;
                addresses = GridAddress::split(address);
            }
            _ => addresses = vec!["localhost:1408".to_owned()],
        }
    }
    for address in &addresses {
        if GridAddress::parse(address).is_err() {
            let named = address.starts_with("coherence:");
            let form = if named { "coherence:///host:port[,host:port…][/cluster]" } else { "host:port" };
            let why = format!("{address} is not an address: write {form}");
            findings.refusal(
                property(origin),
                origin,
                why,
                &format!("an item is not an address: write {form}"),
            );
        }
    }
    addresses
}

impl TlsFiles {
    fn read<'a>(
        values: &Values,
        property: &impl Fn(&str) -> Option<&'a Property>,
        findings: &mut ConfigErrors,
    ) -> Option<Self> {
        if !values.boolean(TLS) {
            for key in [CA, CERTIFICATE, KEY, SERVER_NAME] {
                if let Some(property) = property(key) {
                    let why = format!("needs {TLS}=true: without it nothing is encrypted");
                    findings.error_at(Some(property), key, why);
                }
            }
            return None;
        }
        let mut file = |key| Some(readable(key, values.text(key)?, property(key), findings));
        let (ca, certificate, private_key) = (file(CA), file(CERTIFICATE), file(KEY));
        let client = match (certificate, private_key) {
            (Some(certificate), Some(private_key)) => Some((certificate, private_key)),
            (None, None) => None,
            (Some(_), None) => {
                findings.error_at(property(CERTIFICATE), CERTIFICATE, format!("needs {KEY}"));
                None
            }
            (None, Some(_)) => {
                findings.error_at(property(KEY), KEY, format!("needs {CERTIFICATE}"));
                None
            }
        };
        Some(TlsFiles { ca, client, server_name: values.text(SERVER_NAME).map(str::to_owned) })
    }
}

/// Returns the file of a setting, which must be there.
fn readable(key: &str, path: &str, property: Option<&Property>, findings: &mut ConfigErrors) -> PathBuf {
    let path = PathBuf::from(path);
    match std::fs::File::open(&path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => {
            findings.refusal(property, key, format!("{} is not a file", path.display()), "is not a file")
        }
        Err(error) => {
            let why = format!("cannot read {}: {error}", path.display());
            findings.refusal(property, key, why, "cannot be read");
        }
    }
    path
}
