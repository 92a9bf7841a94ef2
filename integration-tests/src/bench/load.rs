//! The records of the measurements: distinct keys, values of no meaning. Cheap to make, because one of the
//! measurements makes them while it is measured.

/// Length of a key.
pub const KEY_BYTES: usize = 16;
/// Length of a value.
pub const VALUE_BYTES: usize = 100;

/// Keys and values, as text: the records from number `first` on.
pub fn records(first: u64) -> impl Iterator<Item = ([u8; KEY_BYTES], [u8; VALUE_BYTES])> {
    (first..).map(|number| {
        // An odd factor: every number has a product of its own, and neighbours lie far apart.
        let product = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let key = std::array::from_fn(|digit| b"0123456789abcdef"[(product >> (4 * digit)) as usize & 15]);
        let mut value = [b'v'; VALUE_BYTES];
        value[..KEY_BYTES].copy_from_slice(&key);
        (key, value)
    })
}
