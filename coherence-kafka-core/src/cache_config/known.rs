//! The elements of Coherence's schema on the way to a store: those that mean something here, and those that do not.

use super::walk::Known;

pub(super) const ROOT: Known = Known {
    strict: false,
    used: &["defaults", "caching-scheme-mapping", "caching-schemes"],
    jvm: &["scope-name", "interceptors", "topic-scheme-mapping", "introduction-date"],
};

pub(super) const DEFAULTS: Known = Known {
    strict: false,
    used: &["serializer"],
    jvm: &["socket-provider", "health-check", "scope-name", "resource-config"],
};

/// What every clustered scheme may have, a federated one too, and what only the members of a grid act upon.
pub(super) const DISTRIBUTED: Known = Known {
    strict: false,
    used: &["scheme-name", "serializer", "backing-map-scheme"],
    jvm: &[
        "service-name",
        "listener",
        "autostart",
        "partitioned-quorum-policy-scheme",
        "partition-count",
        "partition-assignment-strategy",
        "partition-listener",
        "key-associator",
        "key-partitioning",
        "backup-count",
        "backup-count-after-writebehind",
        "backup-storage",
        "async-backup",
        "local-storage",
        "persistence",
        "read-locator",
        "compressor",
        "lease-granularity",
        "transfer-threshold",
        "thread-count",
        "thread-count-min",
        "thread-count-max",
        "worker-priority",
        "service-priority",
        "event-dispatcher-priority",
        "task-hung-threshold",
        "task-timeout",
        "request-timeout",
        "guardian-timeout",
        "service-failure-policy",
        "member-listener",
        "reliable-transport",
        "message-delivery-mode",
        "standard-lease-milliseconds",
        "operation-bundling",
        "resource-config",
        "service-dependencies",
        "interceptors",
        "scope-name",
        "health",
        // Of a federated scheme.
        "topologies",
        "address-provider",
        "journalcache-backing-map-scheme",
        "journalcache-highunits",
        "load-balancer",
        "participant-destination-name",
        "send-old-value",
        "socket-provider",
    ],
};

pub(super) const NEAR: Known = Known {
    strict: false,
    used: &["scheme-name", "back-scheme"],
    jvm: &[
        "front-scheme",
        "invalidation-strategy",
        "listener",
        "autostart",
        "class-name",
        "init-params",
        "service-name",
    ],
};

pub(super) const BACKING_MAP: Known = Known {
    strict: false,
    used: &["read-write-backing-map-scheme", "local-scheme", "class-scheme"],
    jvm: &[
        "partitioned",
        "transient",
        "sliding-expiry",
        "caffeine-scheme",
        "external-scheme",
        "paged-external-scheme",
        "overflow-scheme",
        "ramjournal-scheme",
        "flashjournal-scheme",
        "journal-scheme",
        "storage-authorizer",
        "read-locator",
        "federate-apply-synthetic",
    ],
};

pub(super) const READ_WRITE: Known = Known {
    strict: true,
    used: &[
        "scheme-name",
        "internal-cache-scheme",
        "cachestore-scheme",
        "class-name",
        "read-only",
        "write-delay",
        "write-delay-seconds",
        "write-batch-factor",
        "write-requeue-threshold",
        "write-max-batch-size",
        "write-behind-remove",
        "rollback-cachestore-failures",
        "cachestore-timeout",
    ],
    jvm: &["miss-cache-scheme", "refresh-ahead-factor", "listener", "init-params"],
};

pub(super) const INTERNAL: Known = Known {
    strict: false,
    used: &["local-scheme"],
    jvm: &[
        "caffeine-scheme",
        "external-scheme",
        "paged-external-scheme",
        "overflow-scheme",
        "ramjournal-scheme",
        "flashjournal-scheme",
        "journal-scheme",
        "class-scheme",
    ],
};

pub(super) const LOCAL: Known = Known {
    strict: false,
    used: &["scheme-name", "expiry-delay", "cachestore-scheme"],
    jvm: &[
        "service-name",
        "scope-name",
        "high-units",
        "low-units",
        "unit-calculator",
        "unit-factor",
        "eviction-policy",
        "flush-delay",
        "pre-load",
        "listener",
        "class-name",
        "init-params",
        "autostart",
    ],
};

pub(super) const STORE: Known = Known {
    strict: true,
    used: &["class-scheme", "remote-cache-scheme", "remote-grpc-cache-scheme", "extend-cache-scheme"],
    jvm: &["operation-bundling", "scheme-name", "federated-loading"],
};

pub(super) const CLASS: Known = Known {
    strict: true,
    used: &["scheme-name", "class-name", "class-factory-name", "method-name", "init-params"],
    jvm: &[],
};

/// Schemes of maps without a store, which are the session's own maps here.
pub(super) const PLAIN: &[&str] = &[
    "local-scheme",
    "replicated-scheme",
    "optimistic-scheme",
    "remote-cache-scheme",
    "remote-grpc-cache-scheme",
    "grpc-remote-cache-scheme",
];

/// Schemes that a cache may be mapped to.
pub(super) const SCHEMES: &[&str] = &["distributed-scheme", "near-scheme", FEDERATED];

/// As a distributed scheme, in a grid; changes from other clusters are not visible to a process here.
pub(super) const FEDERATED: &str = "federated-scheme";

/// Further schemes of Coherence.
pub(super) const OTHER_SCHEMES: &[&str] = &[
    "near-scheme",
    "view-scheme",
    "transactional-scheme",
    "continuous-query-cache-scheme",
    "overflow-scheme",
    "external-scheme",
    "paged-external-scheme",
    "class-scheme",
    "caffeine-scheme",
    "ramjournal-scheme",
    "flashjournal-scheme",
    "proxy-scheme",
    "invocation-scheme",
    "remote-invocation-scheme",
    "paged-topic-scheme",
    "read-write-backing-map-scheme",
];
