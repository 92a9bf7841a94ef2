//! Coherence JSON without types: what was read is written, and reads the same again.
#![no_main]

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::json::JsonValueSerde;
use coherence_kafka_common::serializer::{Deserializer, Serializer, SerializerError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    judge::<serde_json::Value>(bytes);
    judge::<PofValue>(bytes);
    let bytes = [&[FMT_EXT], bytes].concat();
    judge::<serde_json::Value>(&bytes);
    judge::<PofValue>(&bytes);
});

fn judge<T>(bytes: &[u8])
where
    JsonValueSerde: Serializer<T> + Deserializer<T>,
{
    let read = |bytes: &[u8]| -> Result<T, SerializerError> { JsonValueSerde.deserialize("t", &[], bytes) };
    match read(bytes) {
        Ok(value) => {
            // Compared as bytes, for a NaN equals nothing.
            let first = written(&value);
            assert_eq!(written(&read(&first).expect("what was written is read")), first);
        }
        Err(SerializerError::Malformed { offset, .. }) => assert!(offset <= bytes.len()),
        Err(_) => {}
    }
}

fn written<T>(value: &T) -> Vec<u8>
where
    JsonValueSerde: Serializer<T>,
{
    let mut out = Vec::new();
    JsonValueSerde.serialize("t", &mut Vec::new(), value, &mut out).expect("what was read is written");
    out
}
