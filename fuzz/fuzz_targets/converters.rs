//! Every converter and header converter over the same bytes: whatever one reads can be written in every format and by the
//! converter, or is refused.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::java_format;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::{DecodeError, Problem};
use coherence_kafka_common::pof;
use coherence_kafka_connect::converter::{self, Converter, HeaderConverter, Role};
use coherence_kafka_connect::encode::{ArrayForm, Encoder};
use libfuzzer_sys::fuzz_target;

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const CUSTOM: &str = "com.oracle.coherence.kafka.connect.util.CustomConverter";

/// Converters whose options choose another decoder.
const WITH_OPTIONS: &[(&str, &[(&str, &str)])] = &[
    (JSON, &[("schemas.enable", "false")]),
    (STRING, &[("converter.encoding", "UTF-16")]),
    (STRING, &[("converter.encoding", "ISO-8859-1")]),
    (CUSTOM, &[("deserializer", "org.apache.kafka.common.serialization.UUIDDeserializer")]),
    (
        CUSTOM,
        &[
            LIST,
            ("default.list.value.serde.inner", "org.apache.kafka.common.serialization.Serdes$StringSerde"),
        ],
    ),
    (
        CUSTOM,
        &[LIST, ("default.list.value.serde.inner", "org.apache.kafka.common.serialization.Serdes$LongSerde")],
    ),
];
const LIST: (&str, &str) = ("deserializer", "org.apache.kafka.common.serialization.ListDeserializer");

static CONVERTERS: LazyLock<Vec<Arc<dyn Converter>>> = LazyLock::new(|| {
    let plain = converter::known_classes().map(|class| (class, &[] as &[_]));
    let converters = plain.chain(WITH_OPTIONS.iter().copied()).map(|(class, options)| {
        let options: BTreeMap<String, String> =
            options.iter().map(|(key, value): &(&str, &str)| ((*key).into(), (*value).into())).collect();
        converter::create(class, Role::Value, &options).expect("the options are good")
    });
    converters.collect()
});

static HEADER_CONVERTERS: LazyLock<Vec<Arc<dyn HeaderConverter>>> = LazyLock::new(|| {
    let plain = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
    converter::known_header_classes()
        .map(|class| converter::create_header(class, &plain).expect("the options are good"))
        .collect()
});

fuzz_target!(|bytes: &[u8]| {
    for converter in HEADER_CONVERTERS.iter() {
        if let Ok(data) = converter.to_connect_header("topic", "header", Some(bytes)) {
            let _ = converter.from_connect_header("topic", "header", data.schema.as_deref(), &data.value);
        }
    }
    for converter in CONVERTERS.iter() {
        let Ok(data) = converter.to_connect("topic", &(), Some(bytes)) else { continue };
        let _ = converter.from_connect("topic", &mut Vec::new(), data.schema.as_deref(), &data.value);
        for format in [Format::Pof, Format::Json, Format::Java] {
            let mut binary = Vec::new();
            let encoder = Encoder { format, arrays: ArrayForm::List };
            if encoder.encode(&data.value, &mut binary).is_err() {
                continue;
            }
            assert_eq!(binary[0] == FMT_EXT, format != Format::Java);
            match format {
                Format::Pof => match pof::check(&binary[1..]) {
                    // JSON nests to 1000 levels, as in Java, and Java reads POF of any depth; this reader does not.
                    Err(DecodeError { problem: Problem::Invalid(problem), .. })
                        if problem.ends_with("inside each other") => {}
                    checked => checked.expect("POF that was written is whole"),
                },
                Format::Json => assert!(std::str::from_utf8(&binary).is_ok()),
                Format::Java => java_format::check(&binary).expect("a binary that was written is whole"),
            }
        }
    }
});
