//! A cache configuration file names the topics, and what keys and values become in them.

use std::fs;
use std::path::PathBuf;

use integration_tests::kafka::Kafka;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::source::{Source, run};
use integration_tests::wait::within;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON};

/// One scheme, whose macros decide everything.
const CONFIG: &str = r#"<cache-config xmlns:kafka="class://com.oracle.coherence.kafka.KafkaNamespaceHandler">
  <caching-scheme-mapping>
    <cache-mapping>
      <cache-name>EXACT</cache-name>
      <scheme-name>published</scheme-name>
      <init-params>
        <init-param><param-name>suffix</param-name><param-value>bytes</param-value></init-param>
        <init-param><param-name>pass</param-name><param-value>true</param-value></init-param>
        <init-param><param-name>compression</param-name><param-value>lz4</param-value></init-param>
      </init-params>
    </cache-mapping>
    <cache-mapping>
      <cache-name>PATTERN*</cache-name>
      <scheme-name>published</scheme-name>
      <init-params>
        <init-param><param-name>suffix</param-name><param-value>texts</param-value></init-param>
      </init-params>
    </cache-mapping>
  </caching-scheme-mapping>
  <caching-schemes>
    <distributed-scheme>
      <scheme-name>published</scheme-name>
      <service-name>PartitionedCache</service-name>
      <backing-map-scheme>
        <read-write-backing-map-scheme>
          <internal-cache-scheme><local-scheme/></internal-cache-scheme>
          <write-delay>10s</write-delay>
          <cachestore-scheme>
            <class-scheme>
              <kafka:producer>
                <kafka:topic-name>{cache-name}.{suffix}</kafka:topic-name>
                <kafka:passthrough>{pass false}</kafka:passthrough>
                <kafka:bootstrap-servers>SERVERS</kafka:bootstrap-servers>
                <kafka:key-serializer>org.apache.kafka.common.serialization.StringSerializer</kafka:key-serializer>
                <kafka:value-serializer>org.apache.kafka.common.serialization.StringSerializer</kafka:value-serializer>
                <kafka:compression-type>{compression none}</kafka:compression-type>
                <kafka:delivery-timeout-ms>4000</kafka:delivery-timeout-ms>
              </kafka:producer>
            </class-scheme>
          </cachestore-scheme>
        </read-write-backing-map-scheme>
      </backing-map-scheme>
    </distributed-scheme>
  </caching-schemes>
</cache-config>
"#;

/// The file, and the settings of a source that reads it.
struct World {
    file: PathBuf,
    settings: Vec<(String, String)>,
    _folder: Folder,
}

impl World {
    fn new(kafka: &Kafka, text: &str, caches: &str) -> Self {
        let folder = Folder::new("scheme").unwrap();
        let file = folder.path().join("cache-config.xml");
        fs::write(&file, text).unwrap();
        let settings = [
            ("name", unique("scheme")),
            ("bootstrap.servers", kafka.bootstrap()),
            ("coherence.session.address", shared::grid().address()),
            ("coherence.cacheconfig", file.display().to_string()),
            ("coherence.caches", caches.to_owned()),
            ("coherence.source.session.timeout.ms", "6000".to_owned()),
            ("delivery.timeout.ms", "4000".to_owned()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value)).into();
        Self { file, settings, _folder: folder }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }
}

#[test]
fn caches_of_one_scheme_are_published_as_their_own_macros_say() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (exact, pattern) = (unique("scheme-exact"), unique("scheme-pattern"));
    let maps = [
        (exact.clone(), "bytes", Form::PassThrough),
        (format!("{pattern}-eu"), "texts", Form::Strings),
        (format!("{pattern}-us"), "texts", Form::Strings),
    ];
    let topics = maps.each_ref().map(|(cache, suffix, _)| format!("{cache}.{suffix}"));
    for topic in &topics {
        kafka.create_topic(topic, 3).unwrap();
    }
    let text =
        CONFIG.replace("EXACT", &exact).replace("PATTERN", &pattern).replace("SERVERS", &kafka.bootstrap());
    let caches = maps.each_ref().map(|(cache, ..)| cache.as_str()).join(",");
    let world = World::new(kafka, &text, &caches);

    let checked = run(&["check"], &world.settings()).unwrap();
    let told = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{told}");
    let line = text.lines().position(|line| line.contains("service-name")).unwrap() + 1;
    let notes = [
        "ok       configuration: 3 map(s)".to_owned(),
        format!(
            "note     {}: ignored, because they concern only a JVM (with their lines): <service-name> ({line})",
            world.file.display()
        ),
        format!("ok       topic {}: 3 partition(s)", topics[2]),
    ];
    assert!(notes.iter().all(|note| told.contains(note)), "{told}, expected {notes:?}");
    assert_eq!(told.matches("control how a member writes").count(), 1, "{told}");

    for (seed, (cache, ..)) in (1..).zip(&maps) {
        grid.tool().churn(cache, seed, 1_000, 200).unwrap();
    }
    let source = Source::start(&world.settings()).unwrap();
    for (seed, (cache, ..)) in (4..).zip(&maps) {
        grid.tool().churn(cache, seed, 1_000, 200).unwrap();
    }
    for ((cache, _, form), topic) in maps.iter().zip(&topics) {
        let published = Published { name: cache.clone(), form: *form, settings: Vec::new() };
        let map = grid.tool().entries(cache).unwrap();
        assert!(!map.is_empty());
        // A text of the other form, or of another map, would be another one.
        let equal = within(SOON, || published.rebuilt(&kafka.records(topic).unwrap()) == map);
        assert!(equal, "{topic} is not {cache}\n{}", source.process().log_end());
    }
    assert_eq!(source.stop().unwrap().code(), Some(143));
}

#[test]
fn what_cannot_be_honoured_is_told_with_file_line_and_element_all_at_once() {
    require_peers!();
    let kafka = shared::kafka();
    let text = CONFIG
        .replace("PATTERN*", "stock-*")
        .replace("<kafka:compression-type>", "<kafka:entry-store-class-name>com.example.Mine</kafka:entry-store-class-name><kafka:compression-type>")
        .replace("<write-delay>10s", "<write-delay>soon");
    let world = World::new(kafka, &text, "EXACT");
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let file = world.file.display();
    let output = run(&["check"], &world.settings()).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    for expected in [
        format!(
            "{file}:{}: <kafka:entry-store-class-name>: com.example.Mine is a Java class",
            line("entry-store-class-name")
        ),
        format!("{file}:{}: <write-delay>: soon is not a time", line("write-delay")),
    ] {
        assert!(told.contains(&expected), "{told}, expected {expected}");
    }
    let mut both = World::new(kafka, CONFIG, "EXACT");
    both.settings.push(("coherence.cache.mappings".to_owned(), "EXACT->t".to_owned()));
    let output = run(&[], &both.settings()).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    let expected = "coherence.cache.mappings: is set by the schemes of the file in coherence.cacheconfig";
    assert!(told.contains(expected), "{told}");
}
