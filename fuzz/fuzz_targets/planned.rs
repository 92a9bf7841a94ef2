//! POF through the typed reader: whatever it is asked for, in whatever order.
#![no_main]

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::pof::PofReader;
use libfuzzer_sys::fuzz_target;

#[path = "../../coherence-kafka-common/tests/support/planned.rs"]
mod planned;

use planned::read_as_planned;

// The last bytes say what is asked for, up to a format byte.
fuzz_target!(|bytes: &[u8]| {
    let (bytes, plan) = match bytes.iter().rposition(|byte| *byte == FMT_EXT) {
        Some(at) if at > 0 => (&bytes[..at], &bytes[at + 1..]),
        _ => (bytes, &[21, 11, 5, 21, 17][..]),
    };
    let bytes = bytes.strip_prefix(&[FMT_EXT]).unwrap_or(bytes);
    judge(PofReader::new(bytes), bytes.len(), plan);
    if let Ok(reader) = PofReader::resolving(bytes) {
        judge(reader, bytes.len(), plan);
    }
});

fn judge(mut reader: PofReader<'_>, len: usize, plan: &[u8]) {
    match read_as_planned(&mut reader, &mut plan.iter().copied()) {
        Ok(()) => assert!(reader.offset() <= len),
        Err(error) => assert!(error.offset <= len),
    }
}
