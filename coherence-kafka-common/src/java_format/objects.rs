//! Objects of Java's own that every program can write: their streams differ in a few bytes of fixed place.

use uuid::Uuid;

/// `0x0B`, and the stream of one `java.util.Date` up to its 8 bytes.
const DATE: &[u8] =
    b"\x0B\xAC\xED\x00\x05\x73\x72\x00\x0Ejava.util.Date\x68\x6A\x81\x01\x4B\x59\x74\x19\x03\x00\x00\
    \x78\x70\x77\x08";
/// The end of that stream.
const DATE_END: &[u8] = b"\x78";
/// `0x0B`, and the stream of one `java.util.UUID` up to its halves, the low one first.
const UUID: &[u8] =
    b"\x0B\xAC\xED\x00\x05\x73\x72\x00\x0Ejava.util.UUID\xBC\x99\x03\xF7\x98\x6D\x85\x2F\x02\x00\x02\
    J\x00\x0CleastSigBitsJ\x00\x0BmostSigBits\x78\x70";

/// Appends the binary of a `java.util.Date`, in milliseconds since 1970.
pub fn write_date(millis: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(DATE);
    out.extend_from_slice(&millis.to_be_bytes());
    out.extend_from_slice(DATE_END);
}

/// Returns the milliseconds since 1970 of a `java.util.Date`; `None` for any other binary.
pub fn date(binary: &[u8]) -> Option<i64> {
    let millis = binary.strip_prefix(DATE)?.strip_suffix(DATE_END)?;
    Some(i64::from_be_bytes(millis.try_into().ok()?))
}

/// Appends the binary of a `java.util.UUID`.
pub fn write_uuid(uuid: Uuid, out: &mut Vec<u8>) {
    let (high, low) = uuid.as_u64_pair();
    out.extend_from_slice(UUID);
    out.extend_from_slice(&low.to_be_bytes());
    out.extend_from_slice(&high.to_be_bytes());
}

/// Returns a `java.util.UUID`; `None` for any other binary.
pub fn uuid(binary: &[u8]) -> Option<Uuid> {
    let halves: [u8; 16] = binary.strip_prefix(UUID)?.try_into().ok()?;
    Some(Uuid::from_u128(u128::from_be_bytes(halves).rotate_left(64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_uuids_come_back_and_nothing_else_does() {
        for millis in [0, -1, i64::MAX, i64::MIN] {
            let mut binary = Vec::new();
            write_date(millis, &mut binary);
            assert_eq!((date(&binary), uuid(&binary)), (Some(millis), None));
            assert_eq!(date(&binary[..binary.len() - 1]), None);
        }
        let id = Uuid::from_u128(0xF81D_4FAE_7DEC_11D0_A765_00A0_C91E_6BF6);
        let mut binary = Vec::new();
        write_uuid(id, &mut binary);
        assert_eq!((uuid(&binary), date(&binary)), (Some(id), None));
        assert!(binary.ends_with(&0xF81D_4FAE_7DEC_11D0_u64.to_be_bytes()));
        assert_eq!(uuid(&[&binary[..], &[0]].concat()), None);
    }
}
