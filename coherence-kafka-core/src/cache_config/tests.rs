use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::read_write_backing_map::PublishExpirations;

mod as_coherence;
mod hostile;
mod refused;

/// The shape of the configuration that the original's users have: one cache, one topic of its name.
const ORIGINAL: &str = r#"<?xml version="1.0"?>
<cache-config xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns="http://xmlns.oracle.com/coherence/coherence-cache-config"
    xmlns:kafka="class://com.oracle.coherence.kafka.KafkaNamespaceHandler"
    xsi:schemaLocation="http://xmlns.oracle.com/coherence/coherence-cache-config coherence-cache-config.xsd">
  <caching-scheme-mapping>
    <cache-mapping>
      <cache-name>foo</cache-name>
      <scheme-name>partitioned-rwbm-kafka</scheme-name>
    </cache-mapping>
  </caching-scheme-mapping>
  <caching-schemes>
    <distributed-scheme>
      <scheme-name>partitioned-rwbm-kafka</scheme-name>
      <backing-map-scheme>
        <partitioned>true</partitioned>
        <read-write-backing-map-scheme>
          <internal-cache-scheme>
            <local-scheme>
            </local-scheme>
          </internal-cache-scheme>
          <cachestore-scheme>
            <class-scheme>
              <kafka:producer>
                <!-- the default class -->
                <kafka:topic-name>{cache-name}</kafka:topic-name>
                <kafka:bootstrap-servers>localhost:9092</kafka:bootstrap-servers>
                <kafka:key-serializer>org.apache.kafka.common.serialization.StringSerializer</kafka:key-serializer>
                <kafka:value-serializer>org.apache.kafka.common.serialization.StringSerializer</kafka:value-serializer>
                <kafka:max-block-ms>5000</kafka:max-block-ms>
              </kafka:producer>
            </class-scheme>
          </cachestore-scheme>
        </read-write-backing-map-scheme>
      </backing-map-scheme>
      <autostart>true</autostart>
    </distributed-scheme>
  </caching-schemes>
</cache-config>
"#;

const EXAMPLE: &str = include_str!("../../../config/examples/cache-config.xml");

fn unset(_: &str) -> Option<String> {
    None
}

fn parse(text: &str) -> CacheConfig {
    CacheConfig::parse("cache.xml", text.as_bytes(), unset).unwrap()
}

/// A file with these mappings and schemes.
fn file(mappings: &str, schemes: &str) -> String {
    format!(
        "<cache-config xmlns:k='class://com.oracle.coherence.kafka.KafkaNamespaceHandler'>\n\
         <caching-scheme-mapping>{mappings}</caching-scheme-mapping>\n\
         <caching-schemes>{schemes}</caching-schemes>\n</cache-config>"
    )
}

fn mapping(cache: &str, scheme: &str) -> String {
    format!(
        "<cache-mapping><cache-name>{cache}</cache-name><scheme-name>{scheme}</scheme-name></cache-mapping>"
    )
}

/// A distributed scheme named `s` with these elements beside its store, and these properties of its producer.
fn scheme(read_write: &str, producer: &str) -> String {
    format!(
        "<distributed-scheme><scheme-name>s</scheme-name><backing-map-scheme><read-write-backing-map-scheme>\n\
         <internal-cache-scheme><local-scheme/></internal-cache-scheme>\n{read_write}\n\
         <cachestore-scheme><class-scheme><k:producer>\n{producer}\n</k:producer></class-scheme></cachestore-scheme>\n\
         </read-write-backing-map-scheme></backing-map-scheme></distributed-scheme>"
    )
}

fn stored(config: &CacheConfig, cache: &str) -> StoreScheme {
    config.cache(cache).unwrap().store.unwrap()
}

fn properties(store: &StoreScheme) -> BTreeMap<String, String> {
    store.properties.to_map()
}

#[test]
fn the_original_configuration_is_read_as_it_is() {
    let config = parse(ORIGINAL);
    let cache = config.cache("foo").unwrap();
    assert_eq!(
        (&*cache.scheme_name, cache.serializer, cache.expiry_delay),
        ("partitioned-rwbm-kafka", None, None)
    );
    let store = cache.store.unwrap();
    let written: Vec<_> = store
        .properties
        .iter()
        .map(|property| (property.key.as_str(), property.value.as_str(), property.origin.as_str()))
        .collect();
    let string = "org.apache.kafka.common.serialization.StringSerializer";
    assert_eq!(
        written,
        [
            ("topic.name", "foo", "cache.xml:26"),
            ("bootstrap.servers", "localhost:9092", "cache.xml:27"),
            ("key.serializer", string, "cache.xml:28"),
            ("value.serializer", string, "cache.xml:29"),
            ("max.block.ms", "5000", "cache.xml:30"),
        ]
    );
    assert_eq!(store.options, ReadWriteOptions::default());
}

#[test]
fn one_note_lists_what_concerns_only_a_jvm() {
    let config = parse(ORIGINAL);
    let notes: Vec<_> = config.notes().iter().map(Finding::to_string).collect();
    let note = "cache.xml: ignored, because they concern only a JVM (with their lines): \
                <autostart> (36), <partitioned> (16)";
    assert_eq!(notes, [note]);
}

#[test]
fn two_caches_of_one_scheme_have_their_own_values() {
    let config = parse(EXAMPLE);
    let invoices = stored(&config, "invoices");
    let first = stored(&config, "stock-eu");
    let second = stored(&config, "stock-us");
    assert_eq!(stored(&config, "invoices"), invoices, "asked again behind others");
    let of = |store: &StoreScheme, key: &str| properties(store).remove(key).unwrap();
    assert_eq!(of(&invoices, "topic.name"), "invoices");
    assert_eq!((of(&first, "topic.name"), of(&second, "topic.name")), ("stock-eu".into(), "stock-us".into()));
    assert_eq!(
        (of(&invoices, "compression.type"), of(&first, "compression.type")),
        ("none".into(), "lz4".into())
    );
    assert_eq!(
        (invoices.options.write_delay, first.options.write_delay),
        (Duration::ZERO, Duration::from_millis(500))
    );
    assert_eq!(of(&invoices, "bootstrap.servers"), "localhost:9092");
    assert_eq!(config.cache("invoices").unwrap().serializer, Some(Format::Pof));
    assert_eq!(config.cache("anything").unwrap().store, None);
}

#[test]
fn a_cache_has_the_mapping_of_its_name_or_the_longest_pattern() {
    let mappings =
        ["*", "dist-*", "dist-a*", "dist-all", "exact"].map(|name| mapping(name, &format!("of-{name}")));
    let schemes = ["*", "dist-*", "dist-a*", "dist-all", "exact"]
        .map(|name| format!("<local-scheme><scheme-name>of-{name}</scheme-name></local-scheme>"));
    let config = parse(&file(&mappings.concat(), &schemes.concat()));
    for (cache, of) in [
        ("exact", "exact"),
        ("exactly", "*"),
        ("dist-", "dist-*"),
        ("dist-b", "dist-*"),
        ("dist-a", "dist-a*"),
        ("dist-all", "dist-all"),
        ("dist-all2", "dist-a*"),
        ("dist-*", "dist-*"),
    ] {
        assert_eq!(config.cache(cache).unwrap().scheme_name, format!("of-{of}"), "{cache}");
    }
}

#[test]
fn the_elements_of_a_read_write_backing_map_are_read() {
    let elements = "<read-only>false</read-only><write-delay>{delay 2s}</write-delay>\
        <write-delay-seconds>7</write-delay-seconds><write-batch-factor>0.25</write-batch-factor>\
        <write-requeue-threshold>1000</write-requeue-threshold><write-max-batch-size>64</write-max-batch-size>\
        <rollback-cachestore-failures>false</rollback-cachestore-failures>\
        <cachestore-timeout>30000</cachestore-timeout>";
    let topic = "<k:topic-name>t</k:topic-name>";
    let store = stored(&parse(&file(&mapping("c", "s"), &scheme(elements, topic))), "c");
    assert_eq!(
        store.options,
        ReadWriteOptions {
            write_delay: Duration::from_secs(2),
            write_batch_factor: 0.25,
            write_requeue_threshold: 1000,
            write_max_batch_size: 64,
            rollback_cachestore_failures: false,
            cachestore_timeout: Some(Duration::from_secs(30)),
            ..ReadWriteOptions::default()
        }
    );
    let delay = |elements: &str| {
        stored(&parse(&file(&mapping("c", "s"), &scheme(elements, topic))), "c").options.write_delay
    };
    assert_eq!(delay("<write-delay>5</write-delay>"), Duration::from_secs(5), "seconds, as in Coherence");
    assert_eq!(delay("<write-delay-seconds>7</write-delay-seconds>"), Duration::from_secs(7));
    let both = "<write-delay>0</write-delay><write-delay-seconds>7</write-delay-seconds>";
    assert_eq!(delay(both), Duration::from_secs(7));
}

#[test]
fn a_scheme_takes_from_those_that_it_refers_to_what_it_has_not() {
    let mapped = mapping("c", "top");
    let schemes = "\
        <distributed-scheme><scheme-name>top</scheme-name><scheme-ref>middle</scheme-ref>\
        <serializer>json</serializer></distributed-scheme>\
        <distributed-scheme><scheme-name>middle</scheme-name><scheme-ref>bottom</scheme-ref>\
        <backing-map-scheme><read-write-backing-map-scheme><scheme-ref>delayed</scheme-ref>\
        <write-max-batch-size>5</write-max-batch-size>\
        </read-write-backing-map-scheme></backing-map-scheme></distributed-scheme>\
        <distributed-scheme><scheme-name>bottom</scheme-name><serializer>pof</serializer>\
        <backing-map-scheme><local-scheme/></backing-map-scheme></distributed-scheme>\
        <read-write-backing-map-scheme><scheme-name>delayed</scheme-name>\
        <internal-cache-scheme><local-scheme><scheme-ref>expiring</scheme-ref></local-scheme></internal-cache-scheme>\
        <write-delay>3s</write-delay><write-max-batch-size>9</write-max-batch-size>\
        <cachestore-scheme><class-scheme><scheme-ref>store</scheme-ref></class-scheme></cachestore-scheme>\
        </read-write-backing-map-scheme>\
        <local-scheme><scheme-name>expiring</scheme-name><expiry-delay>1h</expiry-delay></local-scheme>\
        <class-scheme><scheme-name>store</scheme-name>\
        <k:producer><k:topic-name>t-{cache-name}</k:topic-name></k:producer></class-scheme>";
    let cache = parse(&file(&mapped, schemes)).cache("c").unwrap();
    assert_eq!(cache.serializer, Some(Format::Json));
    assert_eq!(cache.expiry_delay, Some(Duration::from_secs(3600)));
    let store = cache.store.unwrap();
    assert_eq!((store.options.write_delay, store.options.write_max_batch_size), (Duration::from_secs(3), 5));
    assert_eq!(properties(&store)["topic.name"], "t-c");
}

#[test]
fn the_back_of_a_near_cache_has_the_store() {
    let near = "<near-scheme><scheme-name>n</scheme-name><front-scheme><local-scheme/></front-scheme>\
        <back-scheme><distributed-scheme><scheme-ref>s</scheme-ref></distributed-scheme></back-scheme></near-scheme>";
    let stores = scheme("", "<k:topic-name>t</k:topic-name>");
    let config = parse(&file(&mapping("c", "n"), &format!("{near}{stores}")));
    assert_eq!(properties(&stored(&config, "c"))["topic.name"], "t");
}

#[test]
fn expirations_are_published_where_the_file_says_so() {
    let producer = "<k:topic-name>t</k:topic-name><k:publish-expirations>tombstone</k:publish-expirations>";
    let store = stored(&parse(&file(&mapping("c", "s"), &scheme("", producer))), "c");
    assert_eq!(store.options.publish_expirations, PublishExpirations::Tombstone);
    assert_eq!(properties(&store).len(), 1, "it is no property of the producer");
}

#[test]
fn a_read_only_map_has_no_store_and_a_note_says_so() {
    let text =
        file(&mapping("c", "s"), &scheme("<read-only>true</read-only>", "<k:topic-name>t</k:topic-name>"));
    let config = parse(&text);
    assert_eq!(config.cache("c").unwrap().store, None);
    let note = "cache.xml:5: <read-only>: the store of this map is never written, and it cannot be read";
    assert_eq!(config.notes()[0].to_string(), note);
}

#[test]
fn system_properties_are_put_in_and_what_they_held_is_a_secret() {
    let producer = "<k:topic-name system-property='topic'>t</k:topic-name>\n\
        <k:client-id system-property='not.set'>c-{cache-name}</k:client-id>\n\
        <k:bootstrap-servers>${servers nowhere:1}</k:bootstrap-servers>\n\
        <k:sasl-jaas-config>${jaas}</k:sasl-jaas-config>";
    let text = file(&mapping("c", "s"), &scheme("", producer));
    let property = |name: &str| match name {
        "topic" => Some("t-{cache-name}".to_owned()),
        "jaas" => Some("word".to_owned()),
        "coherence.kafka.passthrough" => Some("true".to_owned()),
        _ => None,
    };
    let config = CacheConfig::parse("cache.xml", text.as_bytes(), property).unwrap();
    let store = stored(&config, "c");
    let of = |key: &str| {
        let property = store.properties.get(key).unwrap();
        (property.value.as_str(), property.secret)
    };
    assert_eq!(of("topic.name"), ("t-c", true));
    assert_eq!(of("client.id"), ("c-c", false));
    assert_eq!(of("bootstrap.servers"), ("nowhere:1", false));
    assert_eq!(of("sasl.jaas.config"), ("word", true));
    assert_eq!(of("passthrough"), ("true", false));
    assert!(!format!("{config:?}{store:?}").contains("word"));
}

#[test]
fn a_written_passthrough_is_stronger_than_the_system_property() {
    let producer = "<k:topic-name>t</k:topic-name><k:passthrough>false</k:passthrough>";
    let text = file(&mapping("c", "s"), &scheme("", producer));
    let config = CacheConfig::parse("cache.xml", text.as_bytes(), |_| Some("true".to_owned())).unwrap();
    assert_eq!(properties(&stored(&config, "c"))["passthrough"], "false");
}

#[test]
fn any_prefix_may_be_bound_to_the_handler() {
    let text = ORIGINAL.replace("kafka:", "p:").replace("xmlns:kafka", "xmlns:p");
    assert_eq!(properties(&stored(&parse(&text), "foo"))["topic.name"], "foo");
}

#[test]
fn schemes_of_other_caches_do_not_disturb() {
    let schemes = "<proxy-scheme><service-name>p</service-name></proxy-scheme>\
        <distributed-scheme><scheme-name>java</scheme-name><backing-map-scheme><read-write-backing-map-scheme>\
        <internal-cache-scheme><local-scheme/></internal-cache-scheme><cachestore-scheme><class-scheme>\
        <class-name>com.example.JdbcStore</class-name></class-scheme></cachestore-scheme>\
        </read-write-backing-map-scheme></backing-map-scheme></distributed-scheme>\
        <view-scheme><scheme-name>view</scheme-name></view-scheme>";
    let mappings = [mapping("c", "s"), mapping("j", "java"), mapping("v", "view")].concat();
    let stores = scheme("", "<k:topic-name>t</k:topic-name>");
    let config = parse(&file(&mappings, &format!("{schemes}{stores}")));
    assert!(config.cache("c").is_ok());
    assert!(config.cache("j").is_err() && config.cache("v").is_err());
}

proptest! {
    /// The model: every exact name, then the longest prefix.
    #[test]
    fn the_mapping_of_a_cache_is_that_of_the_model(
        patterns in proptest::collection::btree_set("[ab]{1,3}\\*?|\\*", 1..8),
        cache in "[ab]{1,4}",
    ) {
        let mappings: String = patterns.iter().map(|pattern| mapping(pattern, pattern)).collect();
        let schemes: String = patterns
            .iter()
            .map(|name| format!("<local-scheme><scheme-name>{name}</scheme-name></local-scheme>"))
            .collect();
        let config = parse(&file(&mappings, &schemes));
        let prefix = |pattern: &&String| {
            pattern.strip_suffix('*').is_some_and(|prefix| cache.starts_with(prefix))
        };
        let model = patterns.get(&cache).or_else(|| patterns.iter().filter(prefix).max_by_key(|p| p.len()));
        let found = config.cache(&cache).ok().map(|scheme| scheme.scheme_name);
        prop_assert_eq!(found.as_ref(), model);
    }

    /// The model: what was written, dashes as dots.
    #[test]
    fn the_properties_of_a_producer_are_those_written(
        names in proptest::collection::btree_map("[a-z]{3,8}(-[a-z]{1,5}){0,2}", "[a-zA-Z0-9:,;=. ]{0,20}", 0..8),
    ) {
        let own = ["topic-name", "passthrough", "entry-store-class-name", "publish-expirations"];
        prop_assume!(names.keys().all(|name| !own.contains(&name.as_str())));
        let mut producer = "<k:topic-name>{cache-name}</k:topic-name>".to_owned();
        for (name, value) in &names {
            producer.push_str(&format!("<k:{name}>{value}</k:{name}>"));
        }
        let store = stored(&parse(&file(&mapping("c", "s"), &scheme("", &producer))), "c");
        let mut model: BTreeMap<_, _> =
            names.iter().map(|(name, value)| (name.replace('-', "."), value.trim().to_owned())).collect();
        model.insert("topic.name".to_owned(), "c".to_owned());
        prop_assert_eq!(properties(&store), model);
    }
}
