//! Addresses of the REST interface, and the one by which the worker is known.

use std::fmt;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties};

const LISTENERS: &str = "listeners";
const ADMIN_LISTENERS: &str = "admin.listeners";
const FORM: &str = "write http://host:port or https://host:port";

/// An address of the REST interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Whether its connections are encrypted.
    pub scheme: Scheme,
    /// Name or address to bind; empty is every interface.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
}

/// How clients speak to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In plain text.
    Http,
    /// Over TLS.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

impl Listener {
    fn parse(item: &str) -> Result<Self, String> {
        let form = || format!("{item} is not an address: {FORM}");
        let (scheme, rest) = item.split_once("://").ok_or_else(form)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(form()),
        };
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(form)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.contains(['/', '[', ']', '@']) || (bare == host && host.contains(':')) {
            return Err(form());
        }
        Ok(Self { scheme, host: bare.to_owned(), port: port.parse().map_err(|_| form())? })
    }
}

/// Where the routes below `/admin` are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListeners {
    /// On the listeners of all routes.
    Shared,
    /// On listeners that have no other routes; nowhere where there are none.
    Own(Vec<Listener>),
}

/// Returns `listeners`, at least one.
pub(super) fn listeners(
    values: &Values,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Vec<Listener> {
    if values.list(LISTENERS).is_empty() && values.typed(LISTENERS).is_some() {
        findings.error_at(
            properties.get(LISTENERS),
            LISTENERS,
            format!("needs at least one address: {FORM}"),
        );
    }
    parse(LISTENERS, values, properties, findings)
}

/// Returns `admin.listeners`.
pub(super) fn admin_listeners(
    values: &Values,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> AdminListeners {
    match values.typed(ADMIN_LISTENERS) {
        None => AdminListeners::Shared,
        Some(_) => AdminListeners::Own(parse(ADMIN_LISTENERS, values, properties, findings)),
    }
}

fn parse(key: &str, values: &Values, properties: &Properties, findings: &mut ConfigErrors) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for item in values.list(key) {
        match Listener::parse(item) {
            Ok(listener) => listeners.push(listener),
            Err(why) => {
                let otherwise = "an item is not of the form http://host:port";
                findings.refusal(properties.get(key), key, why, otherwise);
            }
        }
    }
    listeners
}

/// The address that others are given: `host:port`, and the scheme of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertised {
    /// `rest.advertised.listener`; without it `http` if a listener has it.
    pub scheme: Scheme,
    /// `rest.advertised.host.name`, if set.
    pub host: Option<String>,
    /// `rest.advertised.port`, if set.
    pub port: Option<u16>,
}

/// Returns the address by which the worker is known.
pub(super) fn advertised(
    values: &Values,
    properties: &Properties,
    listeners: &[Listener],
    findings: &mut ConfigErrors,
) -> Advertised {
    const LISTENER: &str = "rest.advertised.listener";
    let has = |scheme| listeners.iter().any(|listener| listener.scheme == scheme);
    let scheme = match values.text(LISTENER) {
        Some(text) if text.eq_ignore_ascii_case("https") => Scheme::Https,
        Some(_) => Scheme::Http,
        None if has(Scheme::Http) || !has(Scheme::Https) => Scheme::Http,
        None => Scheme::Https,
    };
    // Where listeners are refused, nothing is known about them.
    if !has(scheme) && !listeners.is_empty() {
        let why = format!("no listener is {scheme}: change it, or add one to {LISTENERS}");
        findings.error_at(properties.get(LISTENER), LISTENER, why);
    }
    Advertised {
        scheme,
        host: values.text("rest.advertised.host.name").map(str::to_owned),
        port: u16::try_from(values.number("rest.advertised.port")).ok().filter(|port| *port > 0),
    }
}
