//! `access.control.allow.*`: the web pages of other origins whose scripts may use the REST interface.

use axum::http::{HeaderName, HeaderValue, Method, header};
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties};
use tower_http::cors::{AllowOrigin, CorsLayer};

const ORIGIN: &str = "access.control.allow.origin";
const METHODS: &str = "access.control.allow.methods";

/// Returns the answers to browsers, if pages of other origins may use the interface.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Option<CorsLayer> {
    let mut refuse = |key, why| findings.refusal(properties.get(key), key, why, "an item is refused");
    let origins = values.list(ORIGIN);
    let mut allowed = Vec::new();
    for origin in origins.iter().filter(|origin| *origin != "*") {
        match HeaderValue::try_from(origin) {
            Ok(value) if is_origin(origin) => allowed.push(value),
            _ => refuse(ORIGIN, format!("{origin} is not an origin: write https://host:port, or * for all")),
        }
    }
    // Those of Connect's server.
    let mut methods = vec![Method::GET, Method::POST, Method::HEAD];
    if !values.list(METHODS).is_empty() {
        methods.clear();
        for name in values.list(METHODS) {
            match Method::from_bytes(name.as_bytes()) {
                Ok(method) => methods.push(method),
                Err(_) => refuse(METHODS, format!("{name} is not a method: write GET,POST,PUT,DELETE")),
            }
        }
    }
    if origins.is_empty() {
        return None;
    }
    let every = origins.iter().any(|origin| origin == "*");
    let origin = if every { AllowOrigin::any() } else { AllowOrigin::list(allowed) };
    let headers = [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        HeaderName::from_static("x-requested-with"),
    ];
    Some(CorsLayer::new().allow_origin(origin).allow_methods(methods).allow_headers(headers))
}

/// A scheme and an authority, without a path.
fn is_origin(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|authority| {
        !authority.is_empty() && !authority.contains(['/', '*', '?', '#', '@', '\\', '^', '$', '|', '(', ' '])
    })
}
