//! Everything that is refused, by its message.

use super::*;

fn errors(result: Result<impl fmt::Debug, ConfigErrors>) -> Vec<String> {
    result.unwrap_err().iter().map(Finding::to_string).collect()
}

fn file_errors(text: &str) -> Vec<String> {
    errors(CacheConfig::parse("cache.xml", text.as_bytes(), unset))
}

/// What is said of the cache `c` with this scheme, whose store has these elements.
fn scheme_errors(read_write: &str, producer: &str) -> Vec<String> {
    file_errors(&file(&mapping("c", "s"), &scheme(read_write, producer)))
}

/// What is said of the cache `c` when it is asked for.
fn cache_errors(scheme: &str) -> Vec<String> {
    errors(parse(&file(&mapping("c", "s"), scheme)).cache("c"))
}

fn distributed(inside: &str) -> String {
    format!("<distributed-scheme><scheme-name>s</scheme-name>{inside}</distributed-scheme>")
}

fn read_write(inside: &str) -> String {
    distributed(&format!(
        "<backing-map-scheme><read-write-backing-map-scheme><internal-cache-scheme><local-scheme/>\
         </internal-cache-scheme>{inside}</read-write-backing-map-scheme></backing-map-scheme>"
    ))
}

const TOPIC: &str = "<k:topic-name>t</k:topic-name>";

#[test]
fn a_producer_must_name_its_topic() {
    assert_eq!(
        scheme_errors("", "<k:client-id>a</k:client-id>"),
        [
            "cache.xml:6: <k:producer>: has no topic-name, the topic of its records: {cache-name} is the usual value"
        ]
    );
    assert_eq!(
        scheme_errors("", "<k:topic-nane>t</k:topic-nane>"),
        ["cache.xml:7: <k:topic-nane>: did you mean topic-name?"]
    );
    assert_eq!(scheme_errors("", "<k:topic-name/>"), ["cache.xml:7: <k:topic-name>: is empty"]);
}

#[test]
fn what_a_producer_cannot_have_is_refused() {
    let class = |name: &str| format!("{TOPIC}<k:entry-store-class-name>{name}</k:entry-store-class-name>");
    assert_eq!(
        scheme_errors("", &class("com.example.MyStore")),
        [
            "cache.xml:7: <k:entry-store-class-name>: com.example.MyStore is a Java class, which cannot be loaded \
          here: only com.oracle.coherence.kafka.KafkaEntryStore is possible"
        ]
    );
    let own =
        parse(&file(&mapping("c", "s"), &scheme("", &class("com.oracle.coherence.kafka.KafkaEntryStore"))));
    assert_eq!(properties(&stored(&own, "c")).len(), 1, "it is no property of the producer");
    assert_eq!(
        scheme_errors("", "<k:topic-name>t</k:topic-name>\n<k:acks>1</k:acks>\n<k:acks>all</k:acks>"),
        ["cache.xml:9: <k:acks>: acks is set in cache.xml:8 already: remove one of the two"]
    );
    assert_eq!(
        scheme_errors("", &format!("{TOPIC}<k:acks><k:value>1</k:value></k:acks>")),
        ["cache.xml:7: <k:acks>: holds elements: a property of a producer is text"]
    );
    assert_eq!(
        scheme_errors("", &format!("{TOPIC}<k:passthrough>yes</k:passthrough>")),
        ["cache.xml:7: <k:passthrough>: yes is not true or false"]
    );
    assert_eq!(
        scheme_errors("", &format!("{TOPIC}<k:publish-expirations>always</k:publish-expirations>")),
        ["cache.xml:7: <k:publish-expirations>: always is not ignore or tombstone"]
    );
    let text = file(&mapping("c", "s"), &scheme("", TOPIC));
    let property = |name: &str| (name == "coherence.kafka.passthrough").then(|| "1".to_owned());
    assert_eq!(
        errors(CacheConfig::parse("cache.xml", text.as_bytes(), property)),
        ["cache.xml:6: <k:producer>: the system property coherence.kafka.passthrough is not true or false"]
    );
}

#[test]
fn a_macro_without_a_value_is_refused_by_its_name() {
    assert_eq!(
        scheme_errors("", "<k:topic-name>{topic}</k:topic-name>"),
        [
            "cache.xml:7: <k:topic-name>: the macro {topic} has no value for this cache: name topic in the init-params \
          of its mapping, or write {topic default}"
        ]
    );
    assert_eq!(
        scheme_errors("", "<k:topic-name>${topic</k:topic-name>"),
        [
            "cache.xml:7: <k:topic-name>: a macro is not closed: write {name}, {name default}, or \\{ for a brace"
        ]
    );
}

#[test]
fn all_errors_come_at_once_each_with_its_line() {
    let elements = "<write-delay>soon</write-delay>\n<write-batch-factor>2</write-batch-factor>\n\
        <write-max-batch-size>0</write-max-batch-size>\n<write-requeue-threshold>many</write-requeue-threshold>\n\
        <rollback-cachestore-failures>no</rollback-cachestore-failures>\n\
        <cachestore-timeout>1 2</cachestore-timeout>\n<write-delay-seconds>1.5</write-delay-seconds>\n\
        <read-only>never</read-only>\n<write-dely>1</write-dely>\n<write-delay>1</write-delay>\n<colour/>";
    let mut found = scheme_errors(elements, "<k:acks>{acks}</k:acks>");
    found.sort_by_key(|line| line.split(':').nth(1).unwrap().parse::<u32>().unwrap());
    assert_eq!(
        found,
        [
            "cache.xml:5: <write-delay>: soon is not a time: write a number of seconds, or units as in 1m 30s or 500ms",
            "cache.xml:6: <write-batch-factor>: 2 is not a number from 0.0 to 1.0",
            "cache.xml:7: <write-max-batch-size>: 0 is not a whole number from 1",
            "cache.xml:8: <write-requeue-threshold>: many is not a whole number from 0",
            "cache.xml:9: <rollback-cachestore-failures>: no is not true or false",
            "cache.xml:10: <cachestore-timeout>: 1 2 is not a time: write a number of milliseconds, or units as in \
             1m 30s or 500ms",
            "cache.xml:11: <write-delay-seconds>: 1.5 is not a whole number of seconds from 0, at most a year",
            "cache.xml:12: <read-only>: never is not true or false",
            "cache.xml:13: <write-dely>: is not known in <read-write-backing-map-scheme>, did you mean <write-delay>?",
            "cache.xml:14: <write-delay>: is already in line 5: remove one of the two",
            "cache.xml:15: <colour>: is not known in <read-write-backing-map-scheme>",
            "cache.xml:16: <k:producer>: has no topic-name, the topic of its records: {cache-name} is the usual value",
            "cache.xml:17: <k:acks>: the macro {acks} has no value for this cache: name acks in the init-params of its \
             mapping, or write {acks default}",
        ]
    );
}

#[test]
fn a_store_that_is_a_java_class_is_refused_when_its_cache_is_asked_for() {
    let class = |inside: &str| {
        cache_errors(&read_write(&format!(
            "<cachestore-scheme><class-scheme>{inside}</class-scheme></cachestore-scheme>"
        )))
    };
    assert_eq!(
        class("<class-name>com.example.JdbcStore</class-name><init-params/>"),
        [
            "cache.xml:3: <class-name>: the store com.example.JdbcStore is a Java class, which cannot be loaded here"
        ]
    );
    assert_eq!(
        class("<class-name>com.oracle.coherence.kafka.KafkaEntryStore</class-name>"),
        ["cache.xml:3: <class-name>: the Kafka entry store is configured by <kafka:producer> in its place"]
    );
    assert_eq!(
        class("<class-factory-name>com.example.Stores</class-factory-name><method-name>make</method-name>"),
        [
            "cache.xml:3: <class-factory-name>: the store com.example.Stores is a Java class, which cannot be loaded \
          here"
        ]
    );
    assert_eq!(
        class(""),
        ["cache.xml:3: <class-scheme>: has no <kafka:producer>, its prefix bound to \
          class://com.oracle.coherence.kafka.KafkaNamespaceHandler"]
    );
    assert_eq!(
        class("<k:producr/>"),
        [
            "cache.xml:3: <k:producr>: is not known in this namespace, did you mean producer?",
            "cache.xml:3: <class-scheme>: has no <kafka:producer>, its prefix bound to \
             class://com.oracle.coherence.kafka.KafkaNamespaceHandler"
        ]
    );
    assert_eq!(
        class("<x:store xmlns:x='class://com.example.Handler'/>")[0],
        "cache.xml:3: <x:store>: is read by a Java class, the handler of its namespace, which cannot be loaded here"
    );
}

#[test]
fn a_store_stands_once_and_in_its_place() {
    let producer = "<k:producer><k:topic-name>t</k:topic-name></k:producer>";
    let text = read_write(&format!(
        "<cachestore-scheme><class-scheme>{producer}{producer}</class-scheme></cachestore-scheme>"
    ));
    assert_eq!(
        file_errors(&file(&mapping("c", "s"), &text)),
        ["cache.xml:3: <k:producer>: is already in line 3: only one store is possible"]
    );
    let text = read_write(&format!("<cachestore-scheme>{producer}</cachestore-scheme>"));
    assert_eq!(
        file_errors(&file(&mapping("c", "s"), &text))[0],
        "cache.xml:3: <k:producer>: is not possible in <cachestore-scheme>: move it into <class-scheme>"
    );
    assert_eq!(
        cache_errors(&read_write("<cachestore-scheme><operation-bundling/></cachestore-scheme>")),
        ["cache.xml:3: <cachestore-scheme>: has no <class-scheme>"]
    );
    assert_eq!(
        cache_errors(&read_write("<cachestore-scheme><remote-cache-scheme/></cachestore-scheme>")),
        [
            "cache.xml:3: <remote-cache-scheme>: cannot be a store here: use a <class-scheme> with <kafka:producer>"
        ]
    );
    assert_eq!(
        cache_errors(
            "<local-scheme><scheme-name>s</scheme-name><cachestore-scheme><class-scheme/></cachestore-scheme>\
             </local-scheme>"
        ),
        ["cache.xml:3: <cachestore-scheme>: a store is possible only in a <read-write-backing-map-scheme>"]
    );
    let no_memory = distributed("<backing-map-scheme><read-write-backing-map-scheme/></backing-map-scheme>");
    assert_eq!(
        cache_errors(&no_memory),
        ["cache.xml:3: <read-write-backing-map-scheme>: has no <internal-cache-scheme>"]
    );
    let own = distributed(
        "<backing-map-scheme><class-scheme><class-name>com.example.Map</class-name></class-scheme>\
        </backing-map-scheme>",
    );
    assert_eq!(
        cache_errors(&own),
        [
            "cache.xml:3: <class-name>: the backing map com.example.Map is a Java class, which cannot be loaded here"
        ]
    );
}

#[test]
fn a_scheme_of_another_kind_is_refused_when_its_cache_is_asked_for() {
    assert_eq!(
        cache_errors("<view-scheme><scheme-name>s</scheme-name></view-scheme>"),
        [
            "cache.xml:3: <view-scheme>: a cache of this scheme is not possible here: use one of distributed-scheme, \
          near-scheme, federated-scheme, local-scheme, replicated-scheme, optimistic-scheme, remote-cache-scheme, \
          remote-grpc-cache-scheme, grpc-remote-cache-scheme"
        ]
    );
    assert_eq!(
        cache_errors("<distribted-scheme><scheme-name>s</scheme-name></distribted-scheme>"),
        ["cache.xml:3: <distribted-scheme>: is not a known scheme, did you mean <distributed-scheme>?"]
    );
    assert_eq!(
        cache_errors("<near-scheme><scheme-name>s</scheme-name></near-scheme>"),
        ["cache.xml:3: <near-scheme>: has no <back-scheme>"]
    );
    assert_eq!(
        cache_errors("<near-scheme><scheme-name>s</scheme-name><back-scheme/></near-scheme>"),
        ["cache.xml:3: <back-scheme>: must hold one scheme"]
    );
    assert_eq!(
        cache_errors(&distributed("<serializer>kryo</serializer>")),
        [
            "cache.xml:3: <serializer>: kryo is not a serializer that is possible here: expected pof, json or java"
        ]
    );
}

#[test]
fn a_reference_that_leads_nowhere_or_back_is_refused() {
    let refer = |name: &str, to: &str| {
        format!(
            "<distributed-scheme><scheme-name>{name}</scheme-name><scheme-ref>{to}</scheme-ref></distributed-scheme>"
        )
    };
    assert_eq!(
        cache_errors(&refer("s", "sx")),
        ["cache.xml:3: <scheme-ref>: no scheme in <caching-schemes> has the name sx, did you mean s?"]
    );
    assert_eq!(
        cache_errors(&refer("s", "s")),
        ["cache.xml:3: <scheme-ref>: s refers to itself, directly or through other schemes"]
    );
    let circle = [refer("s", "a"), refer("a", "b"), refer("b", "a")].concat();
    assert_eq!(
        cache_errors(&circle),
        ["cache.xml:3: <scheme-ref>: a refers to itself, directly or through other schemes"]
    );
    let other =
        format!("{}<local-scheme><scheme-name>other</scheme-name></local-scheme>", refer("s", "other"));
    assert_eq!(
        cache_errors(&other),
        [
            "cache.xml:3: <scheme-ref>: other in line 3 is a <local-scheme>: only another <distributed-scheme> can be \
          referred to from here"
        ]
    );
}

#[test]
fn a_mapping_that_cannot_be_read_is_refused() {
    let param = |inside: &str| {
        format!(
            "<cache-mapping><cache-name>c</cache-name><scheme-name>s</scheme-name><init-params>{inside}</init-params>\
             </cache-mapping>"
        )
    };
    let plain = "<local-scheme><scheme-name>s</scheme-name></local-scheme>";
    let of = |mappings: &str| file_errors(&file(mappings, plain));
    assert_eq!(
        of("<cache-mapping/>"),
        [
            "cache.xml:2: <cache-mapping>: has no <cache-name>",
            "cache.xml:2: <cache-mapping>: has no <scheme-name>"
        ]
    );
    assert_eq!(
        of(&mapping("c", "t")),
        ["cache.xml:2: <scheme-name>: no scheme in <caching-schemes> has the name t, did you mean s?"]
    );
    assert_eq!(
        of(&format!("{}\n{}", mapping("c", "s"), mapping("c", "s"))),
        ["cache.xml:3: <cache-mapping>: c is already mapped in line 2: remove one of the two"]
    );
    assert_eq!(
        of("<cache-maping/>"),
        [
            "cache.xml:2: <cache-maping>: is not known in <caching-scheme-mapping>, did you mean <cache-mapping>?"
        ]
    );
    assert_eq!(
        of(&param("<init-param><param-type>string</param-type></init-param>")),
        ["cache.xml:2: <init-param>: has no <param-name>", "cache.xml:2: <init-param>: has no <param-value>"]
    );
    let named = |name: &str| {
        format!("<init-param><param-name>{name}</param-name><param-value>1</param-value></init-param>")
    };
    assert_eq!(
        of(&param(&[named("a"), named("a"), named("cache-name")].concat())),
        [
            "cache.xml:2: <init-param>: the macro {a} already has a value",
            "cache.xml:2: <init-param>: the macro {cache-name} already has a value"
        ]
    );
    assert_eq!(
        file_errors(&file(&mapping("c", "s"), &format!("{plain}\n{plain}"))),
        ["cache.xml:4: <scheme-name>: s is already the name of the scheme in line 3"]
    );
}

#[test]
fn a_pattern_that_fits_no_cache_is_noticed() {
    let config =
        parse(&file(&mapping("a*b", "s"), "<local-scheme><scheme-name>s</scheme-name></local-scheme>"));
    assert_eq!(
        config.notes().iter().map(Finding::to_string).collect::<Vec<_>>(),
        ["cache.xml:2: <cache-name>: a*b matches no cache: a * is possible only at the end"]
    );
}

#[test]
fn a_cache_without_a_mapping_is_refused() {
    let config =
        parse(&file(&mapping("orders", "s"), "<local-scheme><scheme-name>s</scheme-name></local-scheme>"));
    assert_eq!(
        errors(config.cache("order")),
        ["cache.xml: <caching-scheme-mapping>: no mapping matches cache order, did you mean orders?"]
    );
}

#[test]
fn another_document_is_refused() {
    assert_eq!(
        file_errors("<coherence/>"),
        ["cache.xml:1: <coherence>: is not a cache configuration: expected the root element <cache-config>"]
    );
    assert_eq!(
        file_errors("<cache-config/>"),
        ["cache.xml:1: <cache-config>: has no <caching-scheme-mapping>, which lists the caches"]
    );
    assert_eq!(
        file_errors("<cache-config><caching-scheme-mapping/><caching-sheme/></cache-config>"),
        ["cache.xml:1: <caching-sheme>: is not known in <cache-config>, did you mean <caching-schemes>?"]
    );
    assert_eq!(
        file_errors("<cache-config xml-override='${more'><caching-scheme-mapping/></cache-config>"),
        [
            "cache.xml:1: <cache-config>: xml-override: a macro is not closed: write {name}, {name default}, or \\{ for a \
             brace"
        ]
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.xml");
    let found = errors(CacheConfig::from_file(&path, unset));
    assert!(found[0].starts_with(&format!("{}: cannot be read: ", path.display())), "{found:?}");
}

#[test]
fn a_secret_is_not_shown_where_it_is_refused() {
    let text = file(&mapping("c", "s"), &scheme("<write-delay>${delay}</write-delay>", TOPIC));
    let property = |name: &str| (name == "delay").then(|| "hidden-word".to_owned());
    let found = errors(CacheConfig::parse("cache.xml", text.as_bytes(), property));
    assert_eq!(
        found,
        [
            "cache.xml:5: <write-delay>: [hidden] is not a time: write a number of seconds, or units as in 1m 30s or \
          500ms"
        ]
    );
}
