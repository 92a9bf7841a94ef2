//! A complete Coherence binary: its first byte, and the hash that decides where a key lives.
//!
//! Owns: format bytes, key hash, partition. Never does: decode what follows the format byte.

/// A partition decoration follows, then the key itself. Keys only.
pub const FMT_IDO: u8 = 0x0D;
/// Value with decorations of ids 0 to 7, the mask in one byte.
pub const FMT_BIN_DECO: u8 = 0x12;
/// Value with decorations of ids 0 to 63, the mask a packed long.
pub const FMT_BIN_EXT_DECO: u8 = 0x13;
/// The payload of whatever serializer the map is configured with: POF and JSON alike. The byte does not identify which
/// one.
pub const FMT_EXT: u8 = 0x15;

/// Java's `Binary.hashCode()` of an undecorated key: CRC-32 (reflected 0xEDB88320) without its final inversion.
///
/// `i32::MIN` is Java's marker for "not computed", so it gives 17 instead.
pub fn natural_hash(binary: &[u8]) -> i32 {
    match !crc32fast::hash(binary) as i32 {
        i32::MIN => 17,
        hash => hash,
    }
}

/// Returns the partition in which a distributed map of `count` partitions (Coherence's default is 257) holds a key of
/// this hash; `None` without partitions.
///
/// Keys with key association and partition-aware keys hash something else than their own bytes.
pub fn partition(hash: i32, count: u32) -> Option<u32> {
    (hash as u32).checked_rem(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_crc_without_final_inversion() {
        assert_eq!(natural_hash(b"123456789"), 0x340B_C6D9);
        assert_eq!(natural_hash(&[0x15, 0x41, 0x01]), -2_076_833_372);
        assert_eq!(partition(-2_076_833_372, 257), Some(77));
        assert_eq!(partition(1, 0), None);
    }
}
