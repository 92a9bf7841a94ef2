//! Packed integers: what is read is written in no more bytes, and reads the same again.
#![no_main]

use coherence_kafka_common::packed::{self, Cursor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut of_32, mut of_64, mut of_128) = (Cursor::new(bytes), Cursor::new(bytes), Cursor::new(bytes));
    let wide = of_128.packed_i128("a number");
    if let Ok(number) = wide {
        assert!(of_128.offset() <= 19);
        let mut written = Vec::new();
        packed::write_i128(&mut written, number);
        assert!(written.len() <= of_128.offset());
        assert_eq!(Cursor::new(&written).packed_i128("a number"), Ok(number));
    }
    if let Ok(number) = of_64.packed_i64("a number") {
        assert!(of_64.offset() <= 10);
        assert_eq!(wide, Ok(number.into()));
    }
    if let Ok(number) = of_32.packed_i32("a number") {
        assert!(of_32.offset() <= 5);
        assert_eq!(wide, Ok(number.into()));
        assert!(packed::len_i32(number) <= of_32.offset());
    }
    let mut len = Cursor::new(bytes);
    if let Ok(announced) = len.packed_len("a length") {
        assert!(announced <= len.remaining());
    }
});
