//! Avro schemas, and data under them: what is read is written and reads the same, or is refused.
#![no_main]

use std::sync::{Arc, LazyLock};

use coherence_kafka_connect::converter::Converter;
use coherence_kafka_schema_registry::internal;
use libfuzzer_sys::fuzz_target;

const OPTIONS: &[&[(&str, &str)]] =
    &[&[], &[("enhanced.avro.schema.support", "true")], &[("connect.meta.data", "false")]];

static CONVERTERS: LazyLock<Vec<Arc<dyn Converter>>> =
    LazyLock::new(|| OPTIONS.iter().map(|options| internal::converter("AvroConverter", options)).collect());

// The text of a schema, and behind a zero byte the data.
fuzz_target!(|bytes: &[u8]| {
    for converter in CONVERTERS.iter() {
        internal::check(&**converter, bytes);
    }
});
