//! The consumer settings that librdkafka 2.12 knows, with what each of them takes.
//!
//! librdkafka refuses an unknown name or a bad value only when a client is created, one at a time and without
//! saying where it was set; this table lets a configuration be refused as a whole before anything starts.
//! From its `CONFIGURATION.md`, without callbacks, deprecated names, what this build cannot do (Kerberos,
//! OAUTHBEARER) and what the sink must decide itself (`translate.rs`).

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// An integer of this range.
    Number(i64, i64),
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
}

impl Accepts {
    /// Why `value` cannot be accepted.
    pub(super) fn refusal(self, value: &str) -> Option<String> {
        match self {
            Accepts::Text => None,
            Accepts::Flag if ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word)) => None,
            Accepts::Flag => Some("Expected value to be either true or false".to_owned()),
            Accepts::Number(min, max) => match value.parse::<i64>() {
                Err(_) => Some("Not a number of type INT".to_owned()),
                Ok(n) if n < min => Some(format!("Value must be at least {min}")),
                Ok(n) if n > max => Some(format!("Value must be no more than {max}")),
                Ok(_) => None,
            },
            Accepts::OneOf(words) if words.iter().any(|word| value.eq_ignore_ascii_case(word)) => None,
            Accepts::OneOf(words) => Some(format!("String must be one of: {}", words.join(", "))),
        }
    }
}

/// What the setting of this name takes; `None` if librdkafka does not know it.
pub(super) fn accepts(name: &str) -> Option<Accepts> {
    CONSUMER.binary_search_by_key(&name, |(known, _)| known).ok().map(|at| CONSUMER[at].1)
}

/// The names, sorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CONSUMER.iter().map(|(name, _)| *name)
}

#[rustfmt::skip]
static CONSUMER: &[(&str, Accepts)] = &[
    ("allow.auto.create.topics", Accepts::Flag),
    ("api.version.request.timeout.ms", Accepts::Number(1, 300_000)),
    ("auto.offset.reset", Accepts::OneOf(&["smallest", "earliest", "beginning", "largest", "latest", "end", "error"])),
    ("bootstrap.servers", Accepts::Text),
    ("broker.address.family", Accepts::OneOf(&["any", "v4", "v6"])),
    ("broker.address.ttl", Accepts::Number(0, 86_400_000)),
    ("check.crcs", Accepts::Flag),
    ("client.dns.lookup", Accepts::OneOf(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"])),
    ("client.id", Accepts::Text),
    ("client.rack", Accepts::Text),
    ("connections.max.idle.ms", Accepts::Number(0, 2_147_483_647)),
    ("coordinator.query.interval.ms", Accepts::Number(1, 3_600_000)),
    ("debug", Accepts::Text),
    ("enable.metrics.push", Accepts::Flag),
    ("enable.ssl.certificate.verification", Accepts::Flag),
    ("fetch.error.backoff.ms", Accepts::Number(0, 300_000)),
    ("fetch.max.bytes", Accepts::Number(0, 2_147_483_135)),
    ("fetch.message.max.bytes", Accepts::Number(1, 1_000_000_000)),
    ("fetch.min.bytes", Accepts::Number(1, 100_000_000)),
    ("fetch.queue.backoff.ms", Accepts::Number(0, 300_000)),
    ("fetch.wait.max.ms", Accepts::Number(0, 300_000)),
    ("group.id", Accepts::Text),
    ("group.instance.id", Accepts::Text),
    ("group.protocol", Accepts::OneOf(&["classic", "consumer"])),
    ("group.remote.assignor", Accepts::Text),
    ("heartbeat.interval.ms", Accepts::Number(1, 3_600_000)),
    ("isolation.level", Accepts::OneOf(&["read_uncommitted", "read_committed"])),
    ("log.connection.close", Accepts::Flag),
    ("max.in.flight", Accepts::Number(1, 1_000_000)),
    ("max.in.flight.requests.per.connection", Accepts::Number(1, 1_000_000)),
    ("max.partition.fetch.bytes", Accepts::Number(1, 1_000_000_000)),
    ("max.poll.interval.ms", Accepts::Number(1, 86_400_000)),
    ("metadata.broker.list", Accepts::Text),
    ("metadata.max.age.ms", Accepts::Number(1, 86_400_000)),
    ("metadata.recovery.rebootstrap.trigger.ms", Accepts::Number(0, 2_147_483_647)),
    ("metadata.recovery.strategy", Accepts::OneOf(&["none", "rebootstrap"])),
    ("queued.max.messages.kbytes", Accepts::Number(1, 2_097_151)),
    ("queued.min.messages", Accepts::Number(1, 10_000_000)),
    ("receive.message.max.bytes", Accepts::Number(1000, 2_147_483_647)),
    ("reconnect.backoff.max.ms", Accepts::Number(0, 3_600_000)),
    ("reconnect.backoff.ms", Accepts::Number(0, 3_600_000)),
    ("retry.backoff.max.ms", Accepts::Number(1, 300_000)),
    ("retry.backoff.ms", Accepts::Number(1, 300_000)),
    ("sasl.mechanism", Accepts::Text),
    ("sasl.mechanisms", Accepts::Text),
    ("sasl.password", Accepts::Text),
    ("sasl.username", Accepts::Text),
    ("security.protocol", Accepts::OneOf(&["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"])),
    ("session.timeout.ms", Accepts::Number(1, 3_600_000)),
    ("socket.connection.setup.timeout.ms", Accepts::Number(1000, 2_147_483_647)),
    ("socket.keepalive.enable", Accepts::Flag),
    ("socket.max.fails", Accepts::Number(0, 1_000_000)),
    ("socket.nagle.disable", Accepts::Flag),
    ("socket.receive.buffer.bytes", Accepts::Number(0, 100_000_000)),
    ("socket.send.buffer.bytes", Accepts::Number(0, 100_000_000)),
    ("socket.timeout.ms", Accepts::Number(10, 300_000)),
    ("ssl.ca.location", Accepts::Text),
    ("ssl.ca.pem", Accepts::Text),
    ("ssl.certificate.location", Accepts::Text),
    ("ssl.certificate.pem", Accepts::Text),
    ("ssl.cipher.suites", Accepts::Text),
    ("ssl.crl.location", Accepts::Text),
    ("ssl.curves.list", Accepts::Text),
    ("ssl.endpoint.identification.algorithm", Accepts::OneOf(&["none", "https"])),
    ("ssl.key.location", Accepts::Text),
    ("ssl.key.password", Accepts::Text),
    ("ssl.key.pem", Accepts::Text),
    ("ssl.keystore.location", Accepts::Text),
    ("ssl.keystore.password", Accepts::Text),
    ("ssl.providers", Accepts::Text),
    ("ssl.sigalgs.list", Accepts::Text),
    ("statistics.interval.ms", Accepts::Number(0, 86_400_000)),
    ("topic.blacklist", Accepts::Text),
    ("topic.metadata.propagation.max.ms", Accepts::Number(0, 3_600_000)),
    ("topic.metadata.refresh.fast.interval.ms", Accepts::Number(1, 60000)),
    ("topic.metadata.refresh.interval.ms", Accepts::Number(-1, 3_600_000)),
    ("topic.metadata.refresh.sparse", Accepts::Flag),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_name_is_found() {
        assert!(CONSUMER.is_sorted_by_key(|(name, _)| *name));
        assert!(names().all(|name| accepts(name).is_some()));
        assert_eq!(accepts("max.poll.records"), None);
    }

    #[test]
    fn values_are_checked_against_the_range_of_the_client() {
        let refusal = |name, value| accepts(name).and_then(|accepts| accepts.refusal(value));
        assert_eq!(refusal("fetch.min.bytes", "1"), None);
        assert_eq!(refusal("fetch.min.bytes", "0").as_deref(), Some("Value must be at least 1"));
        assert_eq!(refusal("fetch.min.bytes", "1k").as_deref(), Some("Not a number of type INT"));
        assert_eq!(refusal("check.crcs", "TRUE"), None);
        assert_eq!(refusal("check.crcs", "1").as_deref(), Some("Expected value to be either true or false"));
        assert_eq!(refusal("isolation.level", "READ_COMMITTED"), None);
        assert_eq!(
            refusal("isolation.level", "none").as_deref(),
            Some("String must be one of: read_uncommitted, read_committed")
        );
    }
}
