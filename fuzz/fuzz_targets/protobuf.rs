//! Files of Protobuf, and messages of them: what is read is written and reads the same, or is refused.
#![no_main]

use std::sync::{Arc, LazyLock};

use coherence_kafka_connect::converter::Converter;
use coherence_kafka_schema_registry::internal;
use libfuzzer_sys::fuzz_target;

const OPTIONS: &[&[(&str, &str)]] = &[
    &[],
    &[("optional.for.nullables", "true")],
    &[("wrapper.for.nullables", "true")],
    &[("int.for.enums", "true")],
];

static CONVERTERS: LazyLock<Vec<Arc<dyn Converter>>> = LazyLock::new(|| {
    OPTIONS.iter().map(|options| internal::converter("ProtobufConverter", options)).collect()
});

// The text of a schema, and behind a zero byte the data.
fuzz_target!(|bytes: &[u8]| {
    for converter in CONVERTERS.iter() {
        internal::check(&**converter, bytes);
    }
});
