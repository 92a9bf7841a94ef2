//! The names of settings: those that librdkafka has under another name, and those that have no effect or are refused, each
//! with its reason.

use super::Table;

/// Java settings without counterpart: classes and metrics of the JVM.
pub const OF_THE_JVM: &Table = &[
    ("interceptor.classes", "interceptors are classes of the JVM"),
    ("metric.reporters", "metric reporters are classes of the JVM"),
    ("metrics.", "metrics of the JVM"),
    ("auto.include.jmx.reporter", "metrics of the JVM"),
    ("security.providers", "security providers are classes of the JVM"),
];

/// Java settings without counterpart: what librdkafka and OpenSSL do by themselves.
pub const OF_LIBRDKAFKA: &Table = &[
    ("default.api.timeout.ms", "librdkafka has one timeout for requests, socket.timeout.ms"),
    (
        "socket.connection.setup.timeout.max.ms",
        "librdkafka has one timeout, socket.connection.setup.timeout.ms",
    ),
    ("ssl.client.auth", "concerns servers"),
    ("ssl.protocol", "OpenSSL chooses the newest version of TLS"),
    ("ssl.provider", "TLS is OpenSSL's"),
    ("ssl.enabled.protocols", "OpenSSL chooses the newest version of TLS"),
    ("ssl.keymanager.algorithm", "TLS is OpenSSL's"),
    ("ssl.trustmanager.algorithm", "TLS is OpenSSL's"),
    ("ssl.secure.random.implementation", "TLS is OpenSSL's"),
    ("internal.", "internal to the Java client"),
    ("compression.gzip.level", ONE_LEVEL),
    ("compression.lz4.level", ONE_LEVEL),
    ("compression.zstd.level", ONE_LEVEL),
    ("api.version.request", VERSIONS),
    ("api.version.fallback.ms", VERSIONS),
    ("broker.version.fallback", VERSIONS),
    ("plugin.library.paths", "plug-ins of librdkafka are not loaded"),
    ("https.ca.", "concerns OAUTHBEARER"),
];

const ONE_LEVEL: &str = "librdkafka has one setting for the level of every codec, compression.level";
const VERSIONS: &str = "brokers are asked for the versions that they know";

/// `partitioner.class` of Java whose placement is the default here.
pub(super) const DEFAULT_PARTITIONER: &str = "org.apache.kafka.clients.producer.internals.DefaultPartitioner";

/// Settings that ask for something librdkafka, as built and used here, cannot do.
pub const REFUSED: &Table = &[
    ("ssl.engine.factory.class", "is a class of the JVM; set PEM files or a PKCS12 key store"),
    (
        "sasl.login.",
        "login classes and their options are the JVM's; write the credentials into sasl.jaas.config",
    ),
    (
        "sasl.client.callback.handler.class",
        "is a class of the JVM; write the credentials into sasl.jaas.config",
    ),
    (
        "sasl.kerberos.",
        "Kerberos is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or TLS certificates",
    ),
    ("sasl.oauthbearer.", OAUTHBEARER),
    ("enable.sasl.oauthbearer.unsecure.jwt", OAUTHBEARER),
    ("ssl.engine.", "engines of OpenSSL are not loaded; set PEM files or a PKCS12 key store"),
    ("ssl.ca.certificate.stores", "is for Windows; set ssl.ca.location"),
    ("offset.store.", "offsets are kept by the coordinator of the group: leave it out"),
    ("queuing.strategy", "records keep their order: leave it out"),
    ("delivery.report.only.error", "the acknowledgement of every record is awaited: leave it out"),
];

const OAUTHBEARER: &str =
    "OAUTHBEARER is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or TLS certificates";

/// Java names that only differ from librdkafka's.
pub const RENAMED: &Table = &[
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("request.timeout.ms", "socket.timeout.ms"),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
];

/// Names of Java's producer that only differ from librdkafka's.
pub const PRODUCER_RENAMED: &Table = &[
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("max.request.size", "message.max.bytes"),
    ("compression.type", "compression.codec"),
    ("retries", "message.send.max.retries"),
];

/// Second names of librdkafka's.
pub(super) const ALIASES: &Table = &[
    ("auto.commit.enable", "enable.auto.commit"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("request.required.acks", "acks"),
    ("sasl.mechanisms", "sasl.mechanism"),
];
