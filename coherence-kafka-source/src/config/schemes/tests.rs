use std::fs;

use tempfile::NamedTempFile;

use super::super::{FormConfig, SourceConfig};
use coherence_kafka_connect::config::Environment;

use super::*;

const KAFKA: (&str, &str) = ("bootstrap.servers", "localhost:9092");

/// Mappings, elements of a read-write backing map, and what its producer is given.
fn file(mappings: &str, read_write: &str, producer: &str) -> NamedTempFile {
    let file = NamedTempFile::with_suffix(".xml").unwrap();
    let text = format!(
        "<cache-config xmlns:k='class://com.oracle.coherence.kafka.KafkaNamespaceHandler'>\n\
         <caching-scheme-mapping>{mappings}</caching-scheme-mapping>\n\
         <caching-schemes><distributed-scheme><scheme-name>s</scheme-name><backing-map-scheme>\n\
         <read-write-backing-map-scheme><internal-cache-scheme><local-scheme/></internal-cache-scheme>\n\
         {read_write}<cachestore-scheme><class-scheme><k:producer>\n{producer}\n</k:producer></class-scheme>\n\
         </cachestore-scheme></read-write-backing-map-scheme></backing-map-scheme></distributed-scheme>\n\
         <local-scheme><scheme-name>plain</scheme-name></local-scheme></caching-schemes></cache-config>"
    );
    fs::write(&file, text).unwrap();
    file
}

/// The same file, with a serializer among its defaults.
fn with_json(file: NamedTempFile) -> NamedTempFile {
    let text = fs::read_to_string(&file).unwrap();
    let defaults = "<defaults><serializer>json</serializer></defaults><caching-scheme-mapping>";
    fs::write(&file, text.replacen("<caching-scheme-mapping>", defaults, 1)).unwrap();
    file
}

fn mapping(cache: &str, parameters: &str) -> String {
    format!(
        "<cache-mapping><cache-name>{cache}</cache-name><scheme-name>s</scheme-name>\
         <init-params>{parameters}</init-params></cache-mapping>"
    )
}

fn parameter(name: &str, value: &str) -> String {
    format!("<init-param><param-name>{name}</param-name><param-value>{value}</param-value></init-param>")
}

fn check(file: &NamedTempFile, more: &[(&str, &str)]) -> Result<SourceConfig, String> {
    let path = file.path().display().to_string();
    let pairs = [&[KAFKA, (table::CACHE_CONFIG, path.as_str())][..], more].concat();
    let properties = Properties::from_pairs("test", pairs);
    let environment = Environment::from([("KAFKA_PLACE".to_owned(), "there:1".to_owned())]);
    let mut findings = ConfigErrors::default();
    let config = SourceConfig::check(&properties, environment, &mut findings);
    if findings.errors.is_empty() {
        return Ok(SourceConfig { warnings: findings.warnings, ..config });
    }
    Err(findings.to_string().replace(&path, "file.xml"))
}

/// The value of a setting of the producer of a map.
fn setting<'a>(map: &'a MapConfig, name: &str) -> Option<&'a str> {
    map.producer.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

const TOPIC_OF_ITS_NAME: &str = "<k:topic-name>{cache-name}</k:topic-name>";

#[test]
fn each_cache_has_its_own_topic_form_and_producer() {
    let mappings = [
        mapping("orders", &(parameter("pass", "true") + &parameter("linger", "7"))),
        mapping("people-*", &(parameter("pass", "false") + &parameter("linger", "9"))),
    ];
    let producer = "<k:topic-name>shop.{cache-name}</k:topic-name><k:passthrough>{pass}</k:passthrough>\
        <k:linger-ms>{linger}</k:linger-ms><k:bootstrap-servers>${kafka.place}</k:bootstrap-servers>\
        <k:publish-expirations>tombstone</k:publish-expirations>";
    let file = file(&mappings.concat(), "", producer);
    let names = [("coherence.caches", "orders,people-eu,people-us"), ("compression.type", "lz4")];
    let config = check(&file, &names).unwrap();
    let told: Vec<_> = config
        .maps
        .iter()
        .map(|map| {
            let passes = matches!(map.form, FormConfig::PassThrough(_));
            let linger = setting(map, "queue.buffering.max.ms").or_else(|| setting(map, "linger.ms"));
            (&*map.cache, &*map.topic, passes, linger.unwrap(), map.publish_expirations)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("orders", "shop.orders", true, "7", true),
            ("people-eu", "shop.people-eu", false, "9", true),
            ("people-us", "shop.people-us", false, "9", true)
        ]
    );
    for map in &config.maps {
        assert_eq!(setting(map, "compression.codec"), Some("lz4"), "a setting of the source is a default");
        assert_eq!(setting(map, "bootstrap.servers"), Some("there:1"), "the scheme's is stronger");
        assert!(map.consumer.contains(&("bootstrap.servers".to_owned(), "there:1".to_owned())));
    }
    assert_eq!(config.maps[1].producer, config.maps[2].producer, "so that they share one");
    assert!(config.consumer.contains(&("bootstrap.servers".to_owned(), "localhost:9092".to_owned())));
}

#[test]
fn without_a_list_the_caches_mapped_by_their_names_are_published_and_an_expiry_is_none() {
    let mappings = [mapping("a", ""), mapping("b", "")].concat()
        + "<cache-mapping><cache-name>*</cache-name><scheme-name>plain</scheme-name></cache-mapping>";
    let config = check(&file(&mappings, "", TOPIC_OF_ITS_NAME), &[]).unwrap();
    let names: Vec<_> = config.maps.iter().map(|map| (&*map.cache, map.publish_expirations)).collect();
    assert_eq!(names, [("a", false), ("b", false)]);
    let listed = check(&file(&mappings, "", TOPIC_OF_ITS_NAME), &[("coherence.caches", "b")]).unwrap();
    assert_eq!(listed.maps.len(), 1);
    let note = "<cache-name>: a is not published, because it is not listed in coherence.caches";
    assert!(listed.warnings[0].to_string().ends_with(note), "{:?}", listed.warnings);
}

#[test]
fn what_cannot_be_honoured_is_refused_with_its_line_and_what_has_no_effect_is_told_once() {
    let one_topic = "<k:topic-name>all</k:topic-name>";
    let both = [mapping("a", ""), mapping("b", "")].concat();
    let of_a = mapping("a", "");
    let pattern = mapping("a-*", "");
    for (mappings, producer, more, reason) in [
        (
            &*pattern,
            TOPIC_OF_ITS_NAME,
            &[][..],
            "file.xml:2: <cache-name>: a-* is a pattern: list the caches",
        ),
        (&*both, one_topic, &[], "file.xml:6: topic.name: caches a and b go to one topic, all"),
        (
            &*of_a,
            "<k:topic-name>a b</k:topic-name>",
            &[],
            "file.xml:6: topic.name: \"a b\" is not a topic name",
        ),
        (
            &*of_a,
            "<k:topic-name>t</k:topic-name>\n<k:coherence-ttl-header>ttl</k:coherence-ttl-header>",
            &[],
            "file.xml:7: coherence.ttl.header: a grid does not report",
        ),
        (
            &*of_a,
            "<k:topic-name>t</k:topic-name>\n<k:coherence-caches>x</k:coherence-caches>",
            &[],
            "file.xml:7: coherence.caches: is not a property of a producer",
        ),
        (
            &*of_a,
            "<k:topic-name>t</k:topic-name>\n<k:delivery-timeout-ms>120000</k:delivery-timeout-ms>",
            &[],
            "file.xml:7: delivery.timeout.ms: 120000 must be at most",
        ),
        (&*of_a, "<k:topic-name>t</k:topic-name>\n<k:acks>1</k:acks>", &[], "file.xml:7: acks: "),
        (
            &*of_a,
            "<k:topic-name>t</k:topic-name>\n<k:key-serializer>com.example.Mine</k:key-serializer>",
            &[],
            "file.xml:7: key.serializer: ",
        ),
        (&*of_a, TOPIC_OF_ITS_NAME, &[("coherence.caches", "a,none")], "no mapping matches cache none"),
        (
            &*of_a,
            TOPIC_OF_ITS_NAME,
            &[("coherence.cache.mappings", "a->t")],
            "test: coherence.cache.mappings: is set by the schemes",
        ),
        (
            &*of_a,
            TOPIC_OF_ITS_NAME,
            &[("coherence.passthrough", "true")],
            "test: coherence.passthrough: is set by the schemes",
        ),
        (&*of_a, TOPIC_OF_ITS_NAME, &[("acks", "1")], "test: acks: "),
    ] {
        let error = check(&file(mappings, "", producer), more).unwrap_err();
        assert!(error.contains(reason), "{error}, expected {reason}");
        assert!(error.starts_with("one setting is refused"), "{error}");
    }
    let json = check(&with_json(file(&of_a, "", TOPIC_OF_ITS_NAME)), &[]).unwrap_err();
    assert!(json.contains("<serializer>: that of a is json, and coherence.session.format is pof"), "{json}");

    let slip = "<k:topic-name>t</k:topic-name>\n<k:lingr-ms>1</k:lingr-ms>";
    let config = check(&file(&of_a, "", slip), &[("retris", "1")]).unwrap();
    let noted: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert!(noted[0].ends_with("test: retris: unknown setting, did you mean retries?"), "{noted:?}");
    assert!(noted[1].ends_with(".xml:7: lingr.ms: unknown setting, did you mean linger.ms?"), "{noted:?}");

    let config = check(&file(&both, "<write-delay>5s</write-delay>", TOPIC_OF_ITS_NAME), &[]).unwrap();
    let told: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("write-delay and the other elements"), "{told:?}");
}
