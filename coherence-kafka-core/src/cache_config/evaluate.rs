//! From the scheme of one cache, with that cache's macros, to what its map and its store are.

use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::Format;
use coherence_kafka_common::nearest::nearest;
use coherence_kafka_connect::config::Properties;
use coherence_kafka_connect::config::def::HIDDEN;

use super::known;
use super::schemes::Schemes;
use super::walk::Walk;
use super::xml::{Element, Space};
use super::{StoreScheme, value};
use crate::read_write_backing_map::{PublishExpirations, ReadWriteOptions};

mod producer;

const ENTRY_STORE: &str = "com.oracle.coherence.kafka.KafkaEntryStore";
/// Coherence's serializers that read POF settings of their own.
const POF_CONTEXTS: [&str; 2] =
    ["com.tangosol.io.pof.ConfigurablePofContext", "com.tangosol.io.pof.SafeConfigurablePofContext"];

/// The serializer of a cache that names none, by its class.
const DEFAULT_SERIALIZER: &str = "com.tangosol.io.DefaultSerializer";

/// The part of a scheme that concerns its map.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    pub serializer: Option<Format>,
    pub expiry_delay: Option<Duration>,
    pub store: Option<StoreScheme>,
    /// Where a federated scheme stands.
    pub federated: Option<String>,
}

/// One way down the scheme of one cache.
pub(super) struct Evaluation<'a, 'w> {
    schemes: &'a Schemes,
    /// `coherence.kafka.passthrough`, where it is set.
    passthrough: Option<&'a str>,
    walk: &'w mut Walk<'a>,
    pub result: Evaluated,
}

impl<'a, 'w> Evaluation<'a, 'w> {
    pub(super) fn new(schemes: &'a Schemes, passthrough: Option<&'a str>, walk: &'w mut Walk<'a>) -> Self {
        Evaluation { schemes, passthrough, walk, result: Evaluated::default() }
    }

    /// Evaluates the scheme that a cache is mapped to, or the back of a near cache.
    pub(super) fn scheme(&mut self, scheme: &Arc<Element>, back: bool) {
        match scheme.name.as_str() {
            "distributed-scheme" => self.distributed(scheme),
            known::FEDERATED => {
                self.result.federated = Some(self.walk.origin(scheme));
                self.distributed(scheme);
            }
            "near-scheme" if !back => self.near(scheme),
            "local-scheme" => self.local(scheme),
            plain if known::PLAIN.contains(&plain) => {}
            _ => {
                self.walk.impossible = true;
                self.walk.error(scheme, impossible(scheme));
            }
        }
    }

    fn near(&mut self, scheme: &Arc<Element>) {
        let Some(scheme) = self.schemes.resolve(scheme, self.walk) else { return };
        let children = self.walk.children(&scheme, &known::NEAR);
        let Some(back) = children.get("back-scheme") else {
            return self.walk.error(&scheme, "has no <back-scheme>".to_owned());
        };
        match &back.children[..] {
            [one] => self.scheme(one, true),
            _ => self.walk.error(back, "must hold one scheme".to_owned()),
        }
    }

    fn distributed(&mut self, scheme: &Arc<Element>) {
        let Some(scheme) = self.schemes.resolve(scheme, self.walk) else { return };
        let children = self.walk.children(&scheme, &known::DISTRIBUTED);
        if let Some(serializer) = children.get("serializer") {
            self.serializer(serializer);
        }
        let Some(backing_map) = children.get("backing-map-scheme") else { return };
        let children = self.walk.children(backing_map, &known::BACKING_MAP);
        if let Some(class) = children.get("class-scheme") {
            self.java_class(class, "the backing map");
        }
        if let Some(local) = children.get("local-scheme") {
            self.local(local);
        }
        if let Some(read_write) = children.get("read-write-backing-map-scheme") {
            self.read_write(read_write);
        }
    }

    fn local(&mut self, scheme: &Arc<Element>) {
        let Some(scheme) = self.schemes.resolve(scheme, self.walk) else { return };
        let children = self.walk.children(&scheme, &known::LOCAL);
        if let Some(store) = children.get("cachestore-scheme")
            && !is_empty(store)
        {
            self.walk
                .error(store, "a store is possible only in a <read-write-backing-map-scheme>".to_owned());
        }
        let expiry = self.walk.value(children.get("expiry-delay"), Duration::ZERO, value::seconds);
        if !expiry.is_zero() {
            self.result.expiry_delay = Some(expiry);
        }
    }

    /// Returns the name of a serializer, or the one that a Java class stands for.
    pub(super) fn serializer(&mut self, serializer: &Arc<Element>) {
        let class = serializer.child("instance").unwrap_or(serializer).child("class-name").cloned();
        // The name of a serializer is no secret, wherever it comes from.
        let Some((name, _)) = self.walk.text(class.as_ref().unwrap_or(serializer)) else { return };
        if name.is_empty() {
            return;
        }
        let format = match &class {
            Some(_) if name == DEFAULT_SERIALIZER => Some(Format::Java),
            Some(_) => POF_CONTEXTS.contains(&name.as_str()).then_some(Format::Pof),
            None => name.parse().ok(),
        };
        match format {
            Some(format) => self.result.serializer = Some(format),
            None => {
                let message =
                    format!("{name} is not a serializer that is possible here: expected pof, json or java");
                self.walk.error(class.as_ref().unwrap_or(serializer), message);
            }
        }
    }

    fn read_write(&mut self, scheme: &Arc<Element>) {
        let Some(scheme) = self.schemes.resolve(scheme, self.walk) else { return };
        let children = self.walk.children(&scheme, &known::READ_WRITE);
        if let Some(class) = children.get("class-name") {
            self.java_class(class, "the backing map");
        }
        match children.get("internal-cache-scheme") {
            None => self.walk.error(&scheme, "has no <internal-cache-scheme>".to_owned()),
            Some(internal) => {
                let children = self.walk.children(internal, &known::INTERNAL);
                if let Some(local) = children.get("local-scheme") {
                    self.local(local);
                }
            }
        }
        let store = children.get("cachestore-scheme").filter(|store| !is_empty(store));
        let store = store.and_then(|store| self.cache_store(store));
        let walk = &mut *self.walk;
        let get = |name: &str| children.get(name);
        let default = ReadWriteOptions::default();
        let delay = walk.value(get("write-delay"), Duration::ZERO, value::seconds);
        let delay_seconds = walk.value(get("write-delay-seconds"), Duration::ZERO, value::whole_seconds);
        let timeout = walk.value(get("cachestore-timeout"), Duration::ZERO, value::millis);
        let options = ReadWriteOptions {
            write_delay: if delay.is_zero() { delay_seconds } else { delay },
            write_batch_factor: walk.value(
                get("write-batch-factor"),
                default.write_batch_factor,
                value::factor,
            ),
            write_requeue_threshold: walk.value(
                get("write-requeue-threshold"),
                default.write_requeue_threshold,
                value::count,
            ),
            write_max_batch_size: walk.value(
                get("write-max-batch-size"),
                default.write_max_batch_size,
                value::positive,
            ),
            rollback_cachestore_failures: walk.value(
                get("rollback-cachestore-failures"),
                default.rollback_cachestore_failures,
                value::truth,
            ),
            cachestore_timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
            ..default
        };
        let read_only = walk.value(get("read-only"), false, value::truth);
        // Removals wait as puts do in either case.
        walk.value(get("write-behind-remove"), true, value::truth);
        let Some((properties, publish_expirations)) = store else { return };
        if read_only {
            let element = children.get("read-only").unwrap_or(&scheme);
            walk.warn(element, "the store of this map is never written, and it cannot be read".to_owned());
        } else {
            if !options.write_delay.is_zero()
                && let Some(element) = get("write-delay").or_else(|| get("write-delay-seconds"))
            {
                let message = "a Java member ignores it for its Kafka store, which sends each change at once; a cache that \
                               is opened here writes its changes behind, removals too, after this time";
                walk.warn(element, message.to_owned());
            }
            let options = ReadWriteOptions { publish_expirations, ..options };
            self.result.store = Some(StoreScheme { properties, options });
        }
    }

    /// Reads the producer of a `cachestore-scheme`.
    fn cache_store(&mut self, store: &Arc<Element>) -> Option<(Properties, PublishExpirations)> {
        let children = self.walk.children(store, &known::STORE);
        for name in ["remote-cache-scheme", "remote-grpc-cache-scheme", "extend-cache-scheme"] {
            if let Some(remote) = children.get(name) {
                self.walk.error(
                    remote,
                    "cannot be a store here: use a <class-scheme> with <kafka:producer>".to_owned(),
                );
            }
        }
        let Some(class) = children.get("class-scheme") else {
            if children.is_empty() {
                self.walk.error(store, "has no <class-scheme>".to_owned());
            }
            return None;
        };
        let class = self.schemes.resolve(class, self.walk)?;
        let mut producers = Vec::new();
        let mut rest = Vec::new();
        for child in &class.children {
            if child.is_producer() {
                producers.push(Arc::clone(child));
            } else if child.space == Space::Kafka {
                let mean = nearest(&child.name, ["producer"]).map(|_| ", did you mean producer?");
                let message = format!("is not known in this namespace{}", mean.unwrap_or_default());
                self.walk.error(child, message);
            } else {
                rest.push(Arc::clone(child));
            }
        }
        self.class_scheme(&class, rest, producers.is_empty());
        match &producers[..] {
            [] => None,
            [producer] => self.producer(producer),
            [first, second, ..] => {
                let message = format!("is already in line {}: only one store is possible", first.line);
                self.walk.error(second, message);
                None
            }
        }
    }

    /// Evaluates the other elements of a `class-scheme`: a Java class, or the rest of one.
    fn class_scheme(&mut self, class: &Element, rest: Vec<Arc<Element>>, no_producer: bool) {
        let errors = self.walk.findings.errors.len();
        let rest = Element { children: rest, ..class.without_children() };
        let children = self.walk.children(&rest, &known::CLASS);
        for name in ["class-name", "class-factory-name"] {
            if let Some(name) = children.get(name) {
                self.java_class(name, "the store");
            }
        }
        let told = self.walk.findings.errors.len() > errors;
        if no_producer && !told {
            let message = "has no <kafka:producer>, its prefix bound to \
                           class://com.oracle.coherence.kafka.KafkaNamespaceHandler";
            self.walk.error(class, message.to_owned());
        }
    }

    /// Refuses a Java class by its name.
    fn java_class(&mut self, element: &Arc<Element>, role: &str) {
        let named = element.child("class-name").unwrap_or(element).clone();
        let Some((class, secret)) = self.walk.text(&named) else { return };
        let message = if class == ENTRY_STORE {
            "the Kafka entry store is configured by <kafka:producer> in its place".to_owned()
        } else {
            let class = if secret { HIDDEN } else { &class };
            format!("{role} {class} is a Java class, which cannot be loaded here")
        };
        self.walk.error(&named, message);
    }
}

/// Returns the error for a scheme that no cache can have here.
fn impossible(scheme: &Element) -> String {
    let possible = known::SCHEMES.iter().chain(known::PLAIN).copied();
    if scheme.space == Space::Coherence && known::OTHER_SCHEMES.contains(&scheme.name.as_str()) {
        let possible: Vec<_> = possible.collect();
        return format!("a cache of this scheme is not possible here: use one of {}", possible.join(", "));
    }
    let mean = nearest(&scheme.name, possible);
    let mean = mean.map(|known| format!(", did you mean <{known}>?")).unwrap_or_default();
    format!("is not a known scheme{mean}")
}

/// Returns true for an empty store, which is none, as in Coherence.
fn is_empty(store: &Element) -> bool {
    store.children.is_empty()
}
