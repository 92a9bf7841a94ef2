//! How clients reach the REST interface, and how much of it they may use.

use std::time::Duration;

use coherence_kafka_connect::config::def::Values;

use super::table;

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
