//! The settings of librdkafka 2.12, with the values that each of them accepts.
//!
//! librdkafka refuses an unknown name or a bad value only when a client is created, one at a time and without the place
//! where it was set; this table lets a configuration be refused as a whole before anything starts.
//! From its `CONFIGURATION.md`, without callbacks, deprecated names, what this build cannot do (Kerberos,
//! OAUTHBEARER) and what programs must decide themselves (`translate.rs`).

/// The values that a setting accepts.
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

/// A kind of client: each knows settings that the others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Reads topics.
    Consumer,
    /// Writes topics.
    Producer,
    /// Creates and describes topics.
    Admin,
}

impl Client {
    /// The word that Connect's names of its settings begin with.
    pub fn name(self) -> &'static str {
        match self {
            Client::Consumer => "consumer",
            Client::Producer => "producer",
            Client::Admin => "admin",
        }
    }
}

/// The values that the setting of this name accepts; `None` if librdkafka does not know it for this client.
pub(super) fn accepts(client: Client, name: &str) -> Option<Accepts> {
    let of = |table: &[(&str, Accepts)]| {
        table.binary_search_by_key(&name, |(known, _)| known).ok().map(|at| table[at].1)
    };
    let common = || of(CONSUMER).filter(|_| client == Client::Consumer || !is_consumers(name));
    if client == Client::Producer { of(PRODUCER).or_else(common) } else { common() }
}

/// The names.
pub(super) fn names(client: Client) -> impl Iterator<Item = &'static str> {
    CONSUMER.iter().chain(PRODUCER).map(|(name, _)| *name).filter(move |name| accepts(client, name).is_some())
}

/// True for a setting that only a consumer has.
fn is_consumers(name: &str) -> bool {
    const FAMILIES: &[&str] =
        &["fetch.", "group.", "queued.", "max.poll.", "max.partition.", "topic.blacklist"];
    const NAMES: &[&str] = &[
        "allow.auto.create.topics",
        "auto.offset.reset",
        "check.crcs",
        "coordinator.query.interval.ms",
        "heartbeat.interval.ms",
        "isolation.level",
        "session.timeout.ms",
    ];
    NAMES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// What only a producer has.
#[rustfmt::skip]
static PRODUCER: &[(&str, Accepts)] = &[
    ("batch.num.messages", Accepts::Number(1, 1_000_000)),
    ("batch.size", Accepts::Number(1, 2_147_483_647)),
    ("compression.codec", Accepts::OneOf(&["none", "gzip", "snappy", "lz4", "zstd"])),
    ("compression.level", Accepts::Number(-1, 12)),
    ("enable.gapless.guarantee", Accepts::Flag),
    ("enable.idempotence", Accepts::Flag),
    ("linger.ms", Accepts::Number(0, 900_000)),
    ("message.max.bytes", Accepts::Number(1000, 1_000_000_000)),
    ("message.send.max.retries", Accepts::Number(0, 2_147_483_647)),
    ("message.timeout.ms", Accepts::Number(0, 2_147_483_647)),
    ("partitioner", Accepts::OneOf(&["random", "consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"])),
    ("queue.buffering.backpressure.threshold", Accepts::Number(1, 1_000_000)),
    ("queue.buffering.max.kbytes", Accepts::Number(1, 2_147_483_647)),
    ("queue.buffering.max.messages", Accepts::Number(0, 2_147_483_647)),
    ("sticky.partitioning.linger.ms", Accepts::Number(0, 900_000)),
];

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
    fn the_tables_are_sorted_so_that_every_name_is_found() {
        for table in [CONSUMER, PRODUCER] {
            assert!(table.is_sorted_by_key(|(name, _)| *name));
        }
        let knows = |client, name| accepts(client, name).is_some();
        assert!(CONSUMER.iter().all(|(name, _)| knows(Client::Consumer, name)));
        assert!(PRODUCER.iter().all(|(name, _)| knows(Client::Producer, name)));
        assert!(!knows(Client::Consumer, "max.poll.records"));
        assert!(!knows(Client::Consumer, "linger.ms"));
        assert!(!knows(Client::Producer, "fetch.min.bytes"));
        assert!(knows(Client::Producer, "security.protocol") && knows(Client::Admin, "security.protocol"));
        assert!(!knows(Client::Admin, "linger.ms"));
        assert!(names(Client::Admin).all(|name| knows(Client::Consumer, name)));
    }

    #[test]
    fn values_are_checked_against_the_range_of_the_client() {
        let refusal =
            |name, value| accepts(Client::Consumer, name).and_then(|accepts| accepts.refusal(value));
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
