//! Pass-through: what travels is a part of what came, starts with 15 unless the map is in java, and passes as it is a
//! second time.
#![no_main]

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::pass_through;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for format in [Format::Pof, Format::Json, Format::Java] {
        if let Ok(key) = pass_through::key(bytes, format) {
            assert!(bytes.ends_with(key));
            assert_eq!(key[0] == FMT_EXT, format != Format::Java);
            assert_eq!(pass_through::key(key, format), Ok(key));
        }
        if let Ok(value) = pass_through::value(bytes, format) {
            assert_eq!(value[0] == FMT_EXT, format != Format::Java);
            assert_eq!(pass_through::value(value, format), Ok(value));
        }
    }
});
