//! Mapping files, and entries under the mapping that a file gives: what is read is written and reads the same.
#![no_main]

use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof;
use coherence_kafka_connect::converter::Role;
use coherence_kafka_connect::mapping::{Mapping, PofConfig};
use libfuzzer_sys::fuzz_target;

// A file, and behind a zero byte an entry.
fuzz_target!(|bytes: &[u8]| {
    let (file, entry) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let Ok(text) = std::str::from_utf8(file) else { return };
    let config = PofConfig::read("pof-config.xml", &mut |_| Ok(text.to_owned())).unwrap_or_default();
    let Ok(mapping) = Mapping::parse(text) else { return };
    mapping.compare(&config);
    let usable = mapping.check_format(Format::Pof).is_ok();
    for map in mapping.maps() {
        let Some(part) = mapping.part(map, Role::Value) else { continue };
        let Ok(read) = part.read(entry) else { continue };
        let mut json = Vec::new();
        if part.write(Format::Json, &read.value, &mut json).is_ok() {
            assert!(std::str::from_utf8(&json).is_ok());
        }
        let mut written = Vec::new();
        if !usable || part.write(Format::Pof, &read.value, &mut written).is_err() {
            continue;
        }
        pof::check(&written[1..]).expect("POF that was written is whole");
        let again = part.read(&written).expect("an object that was written is read");
        let mut same = Vec::new();
        part.write(Format::Pof, &again.value, &mut same).expect("an object that was read is written");
        assert_eq!(same, written);
    }
});
