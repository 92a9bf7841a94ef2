//! How clients reach the REST interface, and how much of it they may use.
//!
//! ```text
//! listener.rs  addresses, and the one by which the worker is known
//! tls.rs       encryption of a listener; store.rs reads its certificates and keys
//! users.rs     who may use the interface; cors.rs: from which web pages
//! headers.rs   headers of every answer
//! ```

use std::time::Duration;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Environment, Properties};

use tower_http::cors::CorsLayer;

use super::table;

mod cors;
mod headers;
mod listener;
mod store;
mod tls;
mod users;

pub use headers::ResponseHeader;
pub use listener::{AdminListeners, Advertised, Listener, Scheme};
pub use tls::{TLS, TlsConfig};
pub use users::Users;

/// The settings of the REST interface.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestConfig {
    /// `listeners`: where it listens, at least one.
    pub listeners: Vec<Listener>,
    /// Whether `listeners` is set, or it listens where it does by default: for this machine alone.
    pub listeners_are_set: bool,
    /// `listeners.https.*`: how connections of the listeners with `https` are encrypted.
    pub tls: Option<TlsConfig>,
    /// `admin.listeners`: where the routes below `/admin` are.
    pub admin: AdminListeners,
    /// `admin.listeners.https.*`: how connections of those with `https` are encrypted.
    pub admin_tls: Option<TlsConfig>,
    /// `access.control.allow.*`: how web pages of other origins may use it, if they may.
    pub cors: Option<CorsLayer>,
    /// `response.http.headers.config`: headers of every answer.
    pub headers: Vec<ResponseHeader>,
    /// `rest.extension.classes`: who may use it, if it requires a password.
    pub users: Option<Users>,
    /// `rest.advertised.*`: how others reach it.
    pub advertised: Advertised,
    /// `coherence.rest.*`: what its clients may use.
    pub limits: RestLimits,
}

impl RestConfig {
    pub(super) fn read(
        values: &Values,
        properties: &Properties,
        environment: &Environment,
        findings: &mut ConfigErrors,
    ) -> Self {
        let listeners = listener::listeners(values, properties, findings);
        let admin = listener::admin_listeners(values, properties, findings);
        let of_admin = if let AdminListeners::Own(own) = &admin { own } else { [].as_slice() };
        // The setting, where one of its listeners needs a certificate.
        let https = |key, listeners: &[Listener]| {
            let is_needed = listeners.iter().any(|listener| listener.scheme == Scheme::Https);
            properties.get(key).filter(|_| is_needed)
        };
        let tls = tls::read("listeners.https.", properties, https("listeners", &listeners), findings);
        let of_admin = https("admin.listeners", of_admin);
        let admin_tls = tls::read("admin.listeners.https.", properties, of_admin, findings);
        let headers = values.text(headers::KEY).map_or(Ok(Vec::new()), headers::parse);
        Self {
            tls,
            admin_tls,
            admin,
            cors: cors::read(values, properties, findings),
            headers: headers.unwrap_or_else(|why| {
                findings.refusal(properties.get(headers::KEY), headers::KEY, why, "an item is refused");
                Vec::new()
            }),
            users: users::read(values, properties, environment, findings),
            advertised: listener::advertised(values, properties, &listeners, findings),
            listeners,
            listeners_are_set: properties.get("listeners").is_some(),
            limits: RestLimits::new(values),
        }
    }
}

/// What the clients of the REST interface may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestLimits {
    /// `coherence.rest.body.max.bytes`: the largest body.
    pub body_bytes: usize,
    /// `coherence.rest.head.timeout.ms`: time for the head of a request, and for a connection without one.
    pub head: Duration,
    /// `coherence.rest.connections.max`: connections at once.
    pub connections: usize,
    /// `coherence.rest.connection.lifetime.ms`: how long a connection may be used.
    pub lifetime: Duration,
    /// `coherence.rest.requests.max`: requests at once.
    pub requests: usize,
}

impl RestLimits {
    pub(super) fn new(values: &Values) -> Self {
        let number = |name| usize::try_from(values.number(name)).unwrap_or_default();
        Self {
            body_bytes: number("coherence.rest.body.max.bytes"),
            head: values.millis("coherence.rest.head.timeout.ms"),
            connections: number("coherence.rest.connections.max"),
            lifetime: values.millis("coherence.rest.connection.lifetime.ms"),
            requests: number("coherence.rest.requests.max"),
        }
    }
}

impl Default for RestLimits {
    fn default() -> Self {
        Self::new(&table::WORKER.parse(|_| None).0)
    }
}
