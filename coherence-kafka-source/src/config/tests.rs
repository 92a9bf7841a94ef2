use super::*;

fn check(pairs: &[(&str, &str)]) -> Result<SourceConfig, String> {
    let mut findings = ConfigErrors::default();
    let properties = Properties::from_pairs("test", pairs.iter().copied());
    let config = SourceConfig::check(&properties, Environment::default(), &mut findings);
    if findings.errors.is_empty() { Ok(config) } else { Err(findings.to_string()) }
}

const KAFKA: (&str, &str) = ("bootstrap.servers", "localhost:9092");
const GOOD: [(&str, &str); 3] =
    [KAFKA, ("coherence.cache.mappings", "orders->shop.orders"), ("coherence.passthrough", "true")];

fn with(more: &[(&str, &str)]) -> Result<SourceConfig, String> {
    check(&[&GOOD[..], more].concat())
}

fn topics(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let config = check(&[&[KAFKA, ("coherence.passthrough", "true")][..], more].concat()).unwrap();
    config.maps.into_iter().map(|map| (map.cache, map.topic)).collect()
}

fn pair(cache: &str, topic: &str) -> (String, String) {
    (cache.to_owned(), topic.to_owned())
}

#[test]
fn a_mapping_and_pass_through_are_enough() {
    let config = check(&GOOD).unwrap();
    let [map] = &config.maps[..] else { panic!("{config:?}") };
    assert_eq!((&*map.cache, &*map.topic), ("orders", "shop.orders"));
    assert_eq!(config.group(), "coherence-source-coherence-source");
    assert!(map.publish_expirations);
    let producer: std::collections::BTreeMap<_, _> = map.producer.iter().cloned().collect();
    assert_eq!(producer["acks"], "all");
    assert_eq!(producer["partitioner"], "murmur2_random");
}

#[test]
fn caches_go_to_the_topic_of_their_item_their_closest_pattern_or_their_own_name() {
    let mappings = [
        ("coherence.caches", "orders-eu,orders-eu-old,items,people"),
        ("coherence.cache.mappings", "orders-*->shop.*, orders-eu-*->old.{cache-name}, items->things"),
    ];
    assert_eq!(
        topics(&mappings),
        [
            pair("orders-eu", "shop.eu"),
            pair("orders-eu-old", "old.orders-eu-old"),
            pair("items", "things"),
            pair("people", "people")
        ]
    );
}

#[test]
fn mappings_that_would_mix_maps_or_name_no_cache_are_refused() {
    for (caches, mappings, reason) in [
        ("", "orders-*->{cache-name}", "list the caches that it stands for in coherence.caches"),
        ("orders-a,orders-b", "orders-*->orders", "sends many caches to one topic"),
        ("a,b", "a->t,b->t", "caches a and b go to one topic"),
        ("a", "b->t", "cache b is not listed in coherence.caches"),
        ("", "a->t,a->u", "cache a occurs twice"),
        ("", "a", "has no arrow"),
        ("", "a->b c", "not a topic name"),
        ("a*", "", "not possible in the name of a cache"),
        ("a,a", "", "cache a occurs twice"),
        ("", "*a->{cache-name}", "ends with its only *"),
        ("", "", "must be set"),
    ] {
        let settings = [
            KAFKA,
            ("coherence.passthrough", "true"),
            ("coherence.caches", caches),
            ("coherence.cache.mappings", mappings),
        ];
        let error = check(&settings).unwrap_err();
        assert!(error.contains(reason), "{caches:?} {mappings:?}: {error}");
    }
}

#[test]
fn serializers_are_needed_unless_the_bytes_pass_through_and_have_no_use_if_they_do() {
    let error = check(&GOOD[..2]).unwrap_err();
    assert!(error.contains("key.serializer: must be set") && error.contains("value.serializer: must be set"));
    assert!(with(&[("key.serializer", "string")]).unwrap_err().contains("leave one of them out"));
    let names = [
        KAFKA,
        ("coherence.cache.mappings", "a->b"),
        ("key.serializer", "org.apache.kafka.common.serialization.LongSerializer"),
        ("value.serializer", "com.oracle.coherence.io.json.JsonSerializer"),
    ];
    assert!(matches!(check(&names).unwrap().maps[0].form, FormConfig::Serialized { .. }));
    let slip = [
        KAFKA,
        ("coherence.cache.mappings", "a->b"),
        ("key.serializer", "strng"),
        ("value.serializer", "json"),
    ];
    assert!(check(&slip).unwrap_err().contains("did you mean string"));
}

#[test]
fn converters_transforms_and_a_mapping_file_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("types.toml");
    std::fs::write(&file, "[maps.orders]\nkey = \"Integer\"\n[maps.others]\nkey = \"Integer\"\n").unwrap();
    let file = file.display().to_string();
    let converters = [
        KAFKA,
        GOOD[1],
        ("key.converter", "JsonConverter"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", "JsonConverter"),
        ("transforms", "mask"),
        ("transforms.mask.type", "org.apache.kafka.connect.transforms.MaskField$Value"),
        ("transforms.mask.fields", "secret"),
        ("coherence.mapping.file", &file),
        ("errors.tolerance", "none"),
    ];
    let mut findings = ConfigErrors::default();
    let properties = Properties::from_pairs("test", converters);
    let config = SourceConfig::check(&properties, Environment::default(), &mut findings);
    assert!(findings.errors.is_empty(), "{findings}");
    assert_eq!(findings.warnings.len(), 1, "{findings}");
    assert!(findings.to_string().contains("describes map others, which is not published"), "{findings}");
    assert_eq!(config.errors, ErrorConfig { tolerates: false, logs: true });
    let FormConfig::Converted(conversion) = &config.maps[0].form else { panic!("no converters") };
    assert!(!conversion.transforms.is_empty());
    assert_eq!(conversion.decoder.typed.as_ref().map(|(_, map)| map.as_str()), Some("orders"));
    for (more, why) in [
        (("coherence.passthrough", "true"), "transforms: needs key.converter and value.converter"),
        (("value.serializer", "json"), "coherence.mapping.file: needs key.converter and value.converter"),
        (("coherence.session.format", "json"), "coherence.mapping.file: needs coherence.session.format=pof"),
        (
            ("coherence.session.format", "java"),
            "coherence.mapping.file: needs coherence.session.format=pof: only Java",
        ),
        (("coherence.kafka.key.form", "decorated"), "decorated needs coherence.passthrough=true"),
        (("value.converter.decimal.format", "x"), "decimal.format"),
    ] {
        let refused = check(&[&converters[..], &[more]].concat()).unwrap_err();
        assert!(refused.contains(why), "{more:?}: {refused}");
    }
}

#[test]
fn transforms_of_what_belongs_to_the_map_are_refused_by_name() {
    for (class, why) in [
        ("org.apache.kafka.connect.transforms.ExtractField$Key", "by which a source finds the entry"),
        ("ValueToKey", "by which a source finds the entry"),
        ("org.apache.kafka.connect.transforms.RegexRouter", "coherence.cache.mappings chooses"),
    ] {
        let settings = [
            KAFKA,
            GOOD[1],
            ("key.converter", "StringConverter"),
            ("value.converter", "StringConverter"),
            ("transforms", "a"),
            ("transforms.a.type", class),
        ];
        let refused = check(&settings).unwrap_err();
        assert!(
            refused.contains("transforms.a.type: changes") && refused.contains(why),
            "{class}: {refused}"
        );
    }
}

#[test]
fn what_the_table_does_not_know_is_a_producer_setting_and_a_slip_is_noted_as_in_the_sink() {
    let settings =
        [("linger.ms", "20"), ("compression.type", "lz4"), ("partitioner.class", DEFAULT_PARTITIONER)];
    let config = with(&settings).unwrap();
    assert!(config.maps[0].producer.contains(&("compression.codec".to_owned(), "lz4".to_owned())));
    assert!(!config.maps[0].consumer.iter().any(|(name, _)| name == "linger.ms"));
    let mut findings = ConfigErrors::default();
    let slips = [("coherence.source.control.topik", "t"), ("lingr.ms", "1"), ("port", "1")];
    let properties = Properties::from_pairs("test", [&GOOD[..], &slips].concat());
    SourceConfig::check(&properties, Environment::default(), &mut findings);
    assert!(findings.errors.is_empty(), "{findings}");
    let warnings: Vec<_> = findings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "test: coherence.source.control.topik: unknown setting, did you mean coherence.source.control.topic?",
            "test: lingr.ms: unknown setting, did you mean linger.ms?",
            "test: port: unknown setting",
        ]
    );
    for (key, value) in [("acks", "1"), ("partitioner", "random"), ("partitioner.class", "com.acme.Mine")] {
        let error = with(&[(key, value)]).unwrap_err();
        assert!(error.starts_with("one setting is refused") && error.contains(key), "{error}");
    }
}

const DEFAULT_PARTITIONER: &str = "org.apache.kafka.clients.producer.internals.DefaultPartitioner";

#[test]
fn what_leads_the_producer_to_its_cluster_leads_every_client_there() {
    let settings = [
        ("enable.ssl.certificate.verification", "false"),
        ("broker.address.family", "v4"),
        ("client.dns.lookup", "use_all_dns_ips"),
        ("socket.keepalive.enable", "true"),
    ];
    let config = with(&settings).unwrap();
    for (name, value) in settings {
        let setting = (name.to_owned(), value.to_owned());
        let map = &config.maps[0];
        for client in [&map.producer, &map.consumer, &config.consumer] {
            assert!(client.contains(&setting), "{name}");
        }
    }
}

#[test]
fn what_kubernetes_sets_for_a_service_of_this_name_keeps_no_source_from_starting() {
    let environment = [
        ("COHERENCE_KAFKA_SOURCE_SERVICE_HOST", "10.0.0.1"),
        ("COHERENCE_KAFKA_SOURCE_SERVICE_PORT_METRICS", "8080"),
        ("COHERENCE_KAFKA_SOURCE_PORT", "tcp://10.0.0.1:8080"),
        ("COHERENCE_KAFKA_SOURCE_PORT_8080_TCP_ADDR", "10.0.0.1"),
    ];
    let text: String = GOOD.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    let (_file, sources) = sources(&text, &environment);
    assert_eq!(load(&sources).unwrap().warnings, []);
}

#[test]
fn what_is_sent_must_end_before_another_process_takes_over() {
    let slow = [("delivery.timeout.ms", "30000"), ("linger.ms", "5")];
    let error = with(&slow).unwrap_err();
    assert!(
        error.contains(
            "must be at most 20000, two thirds of coherence.source.session.timeout.ms, which is 30000"
        ),
        "{error}"
    );
    assert!(with(&[slow[0], ("coherence.source.session.timeout.ms", "45000")]).is_ok());
    assert!(with(&[("coherence.source.session.timeout.ms", "15000")]).is_err(), "the default counts too");
}

#[test]
fn transactions_end_before_the_session_and_are_those_of_the_name() {
    let config = with(&[]).unwrap();
    assert_eq!(config.transactions.id, config.group());
    assert_eq!(config.transactions.interval, Duration::from_millis(100));
    assert_eq!(config.transactions.timeout, Duration::from_secs(25));
    let long = [("coherence.source.session.timeout.ms", "1800000"), ("delivery.timeout.ms", "900000")];
    assert_eq!(with(&long).unwrap().transactions.timeout, Duration::from_secs(900), "what a broker allows");
    assert!(with(&[long[0], ("delivery.timeout.ms", "900001")]).is_err());
    assert!(with(&[("coherence.source.session.timeout.ms", "1800001")]).is_err());
}

#[test]
fn credentials_reach_all_clients_and_are_shown_nowhere() {
    let secret = "hunter2";
    let jaas = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"{secret}\";"
    );
    let sasl = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", jaas.as_str()),
    ];
    let config = with(&sasl).unwrap();
    let password = ("sasl.password".to_owned(), secret.to_owned());
    let map = &config.maps[0];
    assert!(
        [&map.producer, &map.consumer, &config.consumer].iter().all(|settings| settings.contains(&password))
    );
    assert!(!format!("{config:?}").contains(secret));
    let broken = [sasl[0], sasl[1], ("sasl.jaas.config", "hunter2")];
    assert!(!with(&broken).unwrap_err().contains(secret));
}

/// A file of a source's own, with the variables of the environment.
fn sources(text: &str, environment: &[(&str, &str)]) -> (tempfile::NamedTempFile, Sources) {
    let file = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
    std::fs::write(&file, text).unwrap();
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sources = Sources { file: Some(file.path().to_owned()), environment, set: Vec::new() };
    (file, sources)
}

const FILE: &str =
    "name=file\nbootstrap.servers=a:1\ncoherence.cache.mappings=a->b\ncoherence.passthrough=true\n";

#[test]
fn the_environment_lies_over_the_file_and_arguments_over_both() {
    let variables = [("CONNECT_NAME", "worker"), ("CONNECTOR_NAME", "connector")];
    for (variables, name) in
        [(&variables[..0], "file"), (&variables[..1], "worker"), (&variables[..], "connector")]
    {
        let (_file, mut sources) = sources(FILE, variables);
        let config = load(&sources).unwrap();
        assert_eq!((&*config.name, &config.warnings[..]), (name, &[][..]));
        sources.set.push("name=argument".to_owned());
        assert_eq!(load(&sources).unwrap().name, "argument");
    }
}

#[test]
fn a_variable_with_the_former_prefix_works_as_before_and_a_warning_names_the_new_one() {
    let variables = [("COHERENCE_KAFKA_SOURCE_NAME", "former"), ("CONNECT_NAME", "worker")];
    let (_file, mut sources) = sources(FILE, &variables);
    let config = load(&sources).unwrap();
    assert_eq!(config.name, "former");
    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "environment variable COHERENCE_KAFKA_SOURCE_NAME: name: former name of the variable, write CONNECT_NAME"
        ]
    );
    sources.set.push("name=argument".to_owned());
    assert_eq!(load(&sources).unwrap().name, "argument");
}

#[test]
fn maps_that_the_environment_has_for_connectors_make_no_source_of_a_workers_file() {
    let of_connectors = [("CONNECTOR_COHERENCE_CACHE_MAPPINGS", "a->b")];
    let are_a_workers = |text: &str, variables: &[(&str, &str)]| {
        let (_file, sources) = sources(text, variables);
        sources.read().are_a_workers()
    };
    assert!(are_a_workers("listeners=http://:8083\n", &of_connectors));
    assert!(!are_a_workers(FILE, &of_connectors));
    assert!(!are_a_workers("name=file\nbootstrap.servers=a:1\n", &of_connectors));
    for class in ["CONNECT_CONNECTOR_CLASS", "CONNECTOR_CONNECTOR_CLASS"] {
        assert!(are_a_workers(FILE, &[(class, "CoherenceSource")]), "{class}");
    }
}

#[test]
fn a_metrics_listener_is_an_address() {
    assert_eq!(
        with(&[("metrics.listener", "http://127.0.0.1:0")]).unwrap().metrics,
        Some(("127.0.0.1".to_owned(), 0))
    );
    assert!(with(&[("metrics.listener", "127.0.0.1:9")]).unwrap_err().contains("write http://host:port"));
}
