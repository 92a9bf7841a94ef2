//! A `PofValue` through the writer.

use coherence_kafka_common::pof::{PofValue, PofWriter};

/// Appends `value`; false, with a part of it written, where POF cannot hold it.
pub fn encode(value: &PofValue, writer: &mut PofWriter<'_>) -> bool {
    writer.value(value).is_ok()
}
