//! Decorations: what is inside lies inside, and a decorated key gives its key back.
#![no_main]

use coherence_kafka_common::binary::{FMT_BIN_DECO, FMT_BIN_EXT_DECO, FMT_IDO, natural_hash};
use coherence_kafka_common::decoration::{int_decorated_key, undecorated_key, undecorated_value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    judge(bytes);
    for first in [FMT_IDO, FMT_BIN_DECO, FMT_BIN_EXT_DECO] {
        judge(&[&[first], bytes].concat());
    }
    assert_eq!(undecorated_key(&int_decorated_key(bytes, natural_hash(bytes))), Ok(bytes));
});

fn judge(binary: &[u8]) {
    match undecorated_key(binary) {
        Ok(key) => assert!(binary.ends_with(key)),
        Err(error) => assert!(error.offset <= binary.len()),
    }
    match undecorated_value(binary) {
        Ok(Some(value)) => {
            assert!(binary.as_ptr_range().start <= value.as_ptr_range().start);
            assert!(value.as_ptr_range().end <= binary.as_ptr_range().end);
            assert_eq!(undecorated_value(value), Ok(Some(value)));
        }
        Ok(None) => {}
        Err(error) => assert!(error.offset <= binary.len()),
    }
}
