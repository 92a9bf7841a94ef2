//! Files that a Coherence member loads, and what each of them comes to here.

use std::path::Path;

use super::*;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cache_config/tests/files")
}

/// A file of the folder, with one system property.
fn read_with(name: &str, property: &str, value: &str) -> Result<CacheConfig, ConfigErrors> {
    let property = |asked: &str| (asked == property).then(|| value.to_owned());
    let bytes = std::fs::read(folder().join(name)).unwrap();
    // The messages are to be short, and files beside it found.
    CacheConfig::parse(&folder().join("f.xml").display().to_string(), &bytes, property)
}

fn read(name: &str) -> Result<CacheConfig, ConfigErrors> {
    read_with(name, "", "")
}

fn shown(findings: &[Finding]) -> Vec<String> {
    let folder = format!("{}/", folder().display());
    findings.iter().map(|finding| finding.to_string().replace(&folder, "")).collect()
}

fn notes(name: &str) -> Vec<String> {
    shown(read(name).unwrap().notes())
}

fn errors(result: Result<impl Sized, ConfigErrors>) -> Vec<String> {
    let Err(errors) = result else { panic!("it is read") };
    shown(&errors.errors)
}

/// The topic of the cache.
fn topic(config: &CacheConfig, cache: &str) -> String {
    properties(&stored(config, cache)).remove("topic.name").unwrap()
}

#[test]
fn a_serializer_that_is_empty_or_comes_from_a_property_that_is_not_set_is_that_of_the_session() {
    for name in ["serializer-property.xml", "serializer-attribute.xml", "serializer-empty.xml"] {
        let config = read(name).unwrap();
        assert_eq!(
            (config.cache("orders").unwrap().serializer, &*topic(&config, "orders")),
            (None, "orders")
        );
    }
    let pof = read_with("serializer-property.xml", "coherence.serializer", "pof").unwrap();
    assert_eq!(pof.cache("orders").unwrap().serializer, Some(Format::Pof));
    let java = read_with("serializer-property.xml", "coherence.serializer", "java").unwrap();
    assert_eq!(java.cache("orders").unwrap().serializer, Some(Format::Java));
    let kryo =
        "f.xml:4: <serializer>: kryo is not a serializer that is possible here: expected pof, json or java";
    assert_eq!(errors(read_with("serializer-property.xml", "coherence.serializer", "kryo")), [kryo]);
    assert_eq!(
        errors(read_with("serializer-attribute.xml", "tangosol.coherence.serializer", "kryo")),
        [kryo]
    );
}

#[test]
fn an_override_that_is_not_there_changes_nothing_and_one_that_is_there_is_refused() {
    let config = read("override-absent.xml").unwrap();
    assert_eq!(topic(&config, "orders"), "orders");
    assert_eq!(
        shown(config.notes()),
        ["f.xml:2: <cache-config>: xml-override=\"{coherence.cacheconfig.override \
          coherence-cacheconfig-override.xml}\" names a file that does not exist, so it changes nothing: copy what a \
          Java member finds on its class path into this file"]
    );
    assert!(notes("override-unset.xml").is_empty());
    let refused = |written: &str| {
        format!(
            "f.xml:2: <cache-config>: xml-override=\"{written}\" is not followed: copy what it changes into this file"
        )
    };
    assert_eq!(errors(read("override-base.xml")), [refused("override.xml")]);
    let property = "coherence.cacheconfig.override";
    for value in ["override.xml", "http://example.com/override.xml"] {
        assert_eq!(
            errors(read_with("override-unset.xml", property, value)),
            [refused("{coherence.cacheconfig.override}")]
        );
    }
    let there = format!("file:{}", folder().join("override.xml").display());
    assert_eq!(
        errors(read_with("override-unset.xml", property, &there)),
        [refused("{coherence.cacheconfig.override}")]
    );
}

#[test]
fn an_empty_store_is_no_store() {
    assert_eq!(topic(&read("empty-store-in-local-scheme.xml").unwrap(), "orders"), "orders");
}

#[test]
fn what_concerns_only_a_jvm_is_in_one_note() {
    assert_eq!(topic(&read("newer-elements.xml").unwrap(), "orders"), "orders");
    assert_eq!(
        notes("newer-elements.xml"),
        [
            "f.xml: ignored, because they concern only a JVM (with their lines): <health> (28), <read-locator> (14), \
             <scope-name> (12)"
        ]
    );
}

#[test]
fn an_element_that_nobody_knows_is_passed_over_with_a_note_unless_it_looks_like_a_slip() {
    let with = |element: &str| {
        let scheme = scheme("", "<k:topic-name>t</k:topic-name>")
            .replace("<backing-map-scheme>", &format!("{element}<backing-map-scheme>"));
        CacheConfig::parse("cache.xml", file(&mapping("c", "s"), &scheme).as_bytes(), unset)
    };
    let config = with("<elasticity><of-the-grid/></elasticity>").unwrap();
    assert_eq!(topic(&config, "c"), "t");
    let note = "cache.xml: ignored, because they are not known here (with their lines): <elasticity> (3)";
    assert_eq!(shown(config.notes()), [note]);
    let slip = "cache.xml:3: <serialiser>: is not known in <distributed-scheme>, did you mean <serializer>?";
    assert_eq!(errors(with("<serialiser>pof</serialiser>")), [slip]);
}

#[test]
fn a_delay_is_read_with_a_note_of_what_a_java_member_does() {
    let note = "<write-delay>: a Java member ignores it for its Kafka store, which sends each change at once; a cache that \
                is opened here writes its changes behind, removals too, after this time";
    for name in ["write-delay.xml", "write-behind-remove-false.xml", "write-behind-remove-true.xml"] {
        let config = read(name).unwrap();
        assert_eq!(stored(&config, "orders").options.write_delay, Duration::from_secs(5), "{name}");
        assert_eq!(shown(config.notes()), [format!("f.xml:24: {note}")], "{name}");
    }
    let text = std::fs::read_to_string(folder().join("write-behind-remove-true.xml")).unwrap();
    let text = text.replace("remove>true<", "remove>maybe<");
    let refused = CacheConfig::parse("f.xml", text.as_bytes(), unset);
    assert_eq!(errors(refused), ["f.xml:25: <write-behind-remove>: maybe is not true or false"]);
}

#[test]
fn a_requeue_threshold_is_read() {
    let config = read("requeue-threshold-1.xml").unwrap();
    assert_eq!(stored(&config, "orders").options.write_requeue_threshold, 1);
}

#[test]
fn an_element_of_another_namespace_is_passed_over_with_a_note() {
    assert_eq!(topic(&read("foreign-at-root.xml").unwrap(), "orders"), "orders");
    assert_eq!(
        notes("foreign-at-root.xml"),
        [
            "f.xml: ignored, because Java classes handle their namespaces (with their lines): <helidon:http> (4)"
        ]
    );
}

#[test]
fn a_federated_scheme_has_its_store_and_where_it_stands() {
    let federated = read("federated.xml").unwrap().cache("orders").unwrap();
    assert!(federated.store.is_some());
    assert!(federated.federated.unwrap().ends_with("f.xml:10"));
    let config = read("federated-beside-another.xml").unwrap();
    assert_eq!(config.cache("orders").unwrap().federated, None);
    assert_eq!((&*topic(&config, "orders"), &*topic(&config, "trades")), ("orders", "trades"));
}

#[test]
fn a_scheme_that_is_not_possible_keeps_no_other_cache_from_being_read() {
    let text = std::fs::read_to_string(folder().join("federated-beside-another.xml")).unwrap();
    for (name, why) in [
        ("transactional-scheme", "a cache of this scheme is not possible here"),
        ("remarkable-scheme", "is not a known scheme"),
    ] {
        let text = text.replace("federated-scheme", name);
        let config = CacheConfig::parse("f.xml", text.as_bytes(), unset).unwrap();
        assert_eq!(topic(&config, "orders"), "orders");
        let start = format!("f.xml:31: <{name}>: {why}");
        assert!(shown(config.notes())[0].starts_with(&start), "{:?}", shown(config.notes()));
        assert!(errors(config.cache("trades"))[0].starts_with(&start));
        assert_eq!(config.stored().map(|(name, _)| name).collect::<Vec<_>>(), ["orders"]);
    }
}

#[test]
fn a_document_type_is_refused_and_no_entity_is_read() {
    let refused =
        "f.xml:2: a document type declaration is not read, and its entities are not: remove <!DOCTYPE …>";
    assert_eq!(errors(read("doctype.xml")), [refused]);
    assert_eq!(errors(read("entity.xml")), [refused]);
}

#[test]
fn a_file_is_read_in_the_encoding_of_its_mark_or_of_its_declaration() {
    let config = read("bom-crlf.xml").unwrap();
    let store = stored(&config, "orders");
    assert!(store.properties.get("topic.name").unwrap().origin.ends_with("f.xml:19"));
    assert_eq!(topic(&read("latin1.xml").unwrap(), "orders"), "orders");
    let text = std::fs::read_to_string(folder().join("write-delay.xml")).unwrap();
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(topic(&CacheConfig::parse("f.xml", &utf16, unset).unwrap(), "orders"), "orders");
    let declared = |encoding: &str, comment: &[u8]| {
        let declaration = format!("<?xml version='1.0' encoding = '{encoding}' ?><!--");
        let rest = text.strip_prefix("<?xml version=\"1.0\"?>").unwrap();
        let bytes = [declaration.as_bytes(), comment, b"-->", rest.as_bytes()].concat();
        CacheConfig::parse("f.xml", &bytes, unset)
    };
    assert!(declared("Shift_JIS", b"\x93\xfa").is_ok());
    assert!(declared("utf-8", "日".as_bytes()).is_ok());
    assert_eq!(errors(declared("UTF-8", b"\x93")), ["f.xml: is not UTF-8 at byte 45"]);
    assert_eq!(
        errors(declared("shift_jis", b"\xff\xff")),
        ["f.xml: is not Shift_JIS, which is its encoding"]
    );
    let unknown = "f.xml: declares the encoding klingon, which is not known: write it in UTF-8";
    assert_eq!(errors(declared("klingon", b"")), [unknown]);
}

#[test]
fn names_of_caches_are_read_as_they_are() {
    let config = read("any-name.xml").unwrap();
    for name in ["a/b", "\u{fc}", "trail ", "trail"] {
        assert_eq!(topic(&config, name), name);
    }
    let config = read("colliding-names.xml").unwrap();
    assert_eq!(config.stored().count(), 2);
    assert_eq!(topic(&read("names.xml").unwrap(), "query.1"), "query.1");
}
