//! bincode 2, standard configuration: compact, fast, and for Rust on both ends only.
//!
//! The bytes name neither fields nor types: a reader needs the very type that was written, and neither Java nor a grid
//! can read them. They are for topics and embedded maps; a grid takes binaries that begin with `0x15` alone.

use std::cell::Cell;
use std::marker::PhantomData;

use bincode::config::standard;
use bincode::de::read::{BorrowReader, Reader};
use bincode::de::{BorrowDecode as _, Decoder as _, DecoderImpl};
use bincode::error::{DecodeError, EncodeError};
use bincode::serde::{BorrowCompat, encode_into_std_write, seed_decode_from_slice};
use serde::de::{DeserializeOwned, DeserializeSeed as _};
use serde::{Deserialize, Deserializer as SerdeDeserializer, Serialize};

use super::depth::{Bounded, TOO_MANY};
use super::{Deserializer, Header, Serializer, SerializerError};

/// Any type of serde's as bincode.
///
/// Memory for a length in the bytes is allocated only as its content is read. Values more than 256 levels deep are
/// refused, and those with more than sixteen elements for each byte of the input, which only elements of no bytes have,
/// as in a `Vec<()>`. Otherwise such a value takes the size of its Rust types.
#[derive(Debug, Clone, Copy, Default)]
pub struct BincodeSerde;

const FORMAT: &str = "bincode";

/// How many elements may stand for each byte of the input, because some have no bytes.
const ELEMENTS_A_BYTE: usize = 16;

impl<T: Serialize> Serializer<T> for BincodeSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        let what = match encode_into_std_write(value, out, standard()) {
            Ok(_) => return Ok(()),
            Err(EncodeError::OtherString(_) | EncodeError::Other(_)) => "a value that refused itself",
            Err(_) => "a sequence of unknown length, or a type that describes itself",
        };
        Err(SerializerError::NotRepresentable { format: FORMAT, what: what.to_owned() })
    }
}

impl<T: DeserializeOwned> Deserializer<T> for BincodeSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        let elements = Cell::new(bytes.len().saturating_mul(ELEMENTS_A_BYTE));
        let decoded = seed_decode_from_slice(Bounded::<T>::new(&elements), bytes, standard());
        match decoded {
            Ok((value, read)) if read == bytes.len() => Ok(value),
            Ok((_, read)) => Err(malformed("the end".to_owned(), read, "more bytes")),
            // Where there are too many elements, reading once more would not end.
            Err(DecodeError::OtherString(why)) if why == TOO_MANY => Err(malformed(
                std::any::type_name::<T>().to_owned(),
                0,
                "more elements than it has bytes for",
            )),
            Err(error) => {
                let found = match error {
                    DecodeError::UnexpectedEnd { .. } => "too few bytes",
                    DecodeError::Utf8 { .. } => "bytes that are not UTF-8",
                    _ => "something else",
                };
                Err(malformed(std::any::type_name::<T>().to_owned(), read_up_to::<T>(bytes), found))
            }
        }
    }
}

/// Returns how far faulty bytes can be read: the error itself does not hold the place.
fn read_up_to<T: DeserializeOwned>(bytes: &[u8]) -> usize {
    struct Again<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Again<T> {
        fn deserialize<D: SerdeDeserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let elements = Cell::new(usize::MAX);
            Bounded::<T>::new(&elements).deserialize(deserializer).map(|_| Self(PhantomData))
        }
    }
    let mut decoder = DecoderImpl::new(Rest { bytes, offset: 0 }, standard(), ());
    let _ = BorrowCompat::<Again<T>>::borrow_decode(&mut decoder);
    decoder.reader().offset
}

fn malformed(expected: String, offset: usize, found: &'static str) -> SerializerError {
    SerializerError::Malformed { format: FORMAT, expected, offset, found }
}

/// The input, and how far it is read.
struct Rest<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Reader for Rest<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<(), DecodeError> {
        into.copy_from_slice(self.take_bytes(into.len())?);
        Ok(())
    }

    fn peek_read(&mut self, len: usize) -> Option<&[u8]> {
        self.bytes[self.offset..].get(..len)
    }

    fn consume(&mut self, len: usize) {
        self.offset = (self.offset + len).min(self.bytes.len());
    }
}

impl<'a> BorrowReader<'a> for Rest<'a> {
    fn take_bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.offset..];
        let taken = rest
            .get(..len)
            .ok_or(DecodeError::UnexpectedEnd { additional: len.saturating_sub(rest.len()) })?;
        self.offset += len;
        Ok(taken)
    }
}
