//! Type ids of POF and their bytes: every id fits one packed byte.

pub(super) const INT16: i32 = -1;
pub(super) const INT32: i32 = -2;
pub(super) const INT64: i32 = -3;
pub(super) const INT128: i32 = -4;
pub(super) const FLOAT32: i32 = -5;
pub(super) const FLOAT64: i32 = -6;
pub(super) const FLOAT128: i32 = -7;
pub(super) const DECIMAL32: i32 = -8;
pub(super) const DECIMAL64: i32 = -9;
pub(super) const DECIMAL128: i32 = -10;
pub(super) const BOOLEAN: i32 = -11;
pub(super) const OCTET: i32 = -12;
pub(super) const OCTET_STRING: i32 = -13;
pub(super) const CHAR: i32 = -14;
pub(super) const CHAR_STRING: i32 = -15;
pub(super) const DATE: i32 = -16;
pub(super) const YEAR_MONTH_INTERVAL: i32 = -17;
pub(super) const TIME: i32 = -18;
pub(super) const TIME_INTERVAL: i32 = -19;
pub(super) const DATETIME: i32 = -20;
pub(super) const DAY_TIME_INTERVAL: i32 = -21;
pub(super) const COLLECTION: i32 = -22;
pub(super) const UNIFORM_COLLECTION: i32 = -23;
pub(super) const ARRAY: i32 = -24;
pub(super) const UNIFORM_ARRAY: i32 = -25;
pub(super) const SPARSE_ARRAY: i32 = -26;
pub(super) const UNIFORM_SPARSE_ARRAY: i32 = -27;
pub(super) const MAP: i32 = -28;
pub(super) const UNIFORM_KEYS_MAP: i32 = -29;
pub(super) const UNIFORM_MAP: i32 = -30;
pub(super) const IDENTITY: i32 = -31;
pub(super) const REFERENCE: i32 = -32;
pub(super) const FALSE: i32 = -33;
pub(super) const TRUE: i32 = -34;
pub(super) const STRING_ZERO_LENGTH: i32 = -35;
pub(super) const COLLECTION_EMPTY: i32 = -36;
pub(super) const NULL: i32 = -37;
pub(super) const POS_INFINITY: i32 = -38;
pub(super) const NEG_INFINITY: i32 = -39;
pub(super) const NAN: i32 = -40;
/// Ids from here down to [`INT_22`] are the integers -1 to 22: `n` is `INT_0 - n`.
pub(super) const INT_NEG_1: i32 = -41;
pub(super) const INT_0: i32 = -42;
pub(super) const INT_22: i32 = -64;

/// Ends the properties of a user type and the elements of a sparse array.
pub(super) const END: i32 = -1;

/// Returns the byte of an intrinsic type id, its packed form.
pub(super) const fn byte(type_id: i32) -> u8 {
    0x40 | !type_id as u8
}
