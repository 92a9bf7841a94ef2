//! Kafka's deserializers, by name: what one has read its serializer writes, and it reads the same again.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::{Deserializer, Serializer, registry};
use libfuzzer_sys::fuzz_target;

type Pair = (&'static str, Arc<dyn Deserializer<PofValue>>, Option<Arc<dyn Serializer<PofValue>>>);

static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let of = |name: &'static str, set: &[(&str, &str)]| {
        let properties: BTreeMap<String, String> =
            set.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let deserializer = registry::deserializer(name, Part::Value, &properties).expect("a good setting");
        // Not every encoding is written.
        let serializer = registry::serializer(name, Part::Value, &properties).ok();
        (name, deserializer, serializer)
    };
    let plain = [
        "short",
        "integer",
        "long",
        "float",
        "double",
        "boolean",
        "void",
        "bytearray",
        "bytes",
        "pof",
        "json",
    ];
    let encodings =
        ["UTF-8", "UTF-16", "UTF-16LE", "ISO-8859-1", "US-ASCII", "windows-1252", "Shift_JIS", "GB18030"];
    let mut pairs: Vec<Pair> = plain.iter().map(|name| of(name, &[])).collect();
    for encoding in encodings {
        let set = [("serializer.encoding", encoding), ("deserializer.encoding", encoding)];
        pairs.extend(["string", "uuid"].map(|name| of(name, &set)));
    }
    for inner in ["string", "integer", "uuid", "bytearray"] {
        pairs.push(of("list", &[("default.list.value.serde.inner", inner)]));
    }
    pairs
});

fuzz_target!(|bytes: &[u8]| {
    for (name, deserializer, serializer) in PAIRS.iter() {
        let Ok(value) = deserializer.deserialize("t", &[], bytes) else { continue };
        let Some(serializer) = serializer else { continue };
        let written = |value: &PofValue| {
            let mut out = Vec::new();
            serializer.serialize("t", &mut Vec::new(), value, &mut out).ok().map(|()| out)
        };
        // An encoding may lack U+FFFD, which stands for what could not be read, and POF has values that are only read.
        let Some(first) = written(&value) else { continue };
        let again = deserializer.deserialize("t", &[], &first).expect("what was written is read");
        assert_eq!(written(&again), Some(first), "{name}");
    }
});
