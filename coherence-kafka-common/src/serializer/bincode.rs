//! bincode 2, standard configuration: compact, fast, and for Rust on both ends only.
//!
//! The bytes name neither fields nor types: a reader needs the very type that was written, and neither Java nor a grid
//! can read them. They are for topics and embedded maps; a grid takes binaries that begin with `0x15` alone.

use bincode::config::{Config, standard};
use bincode::de::read::Reader;
use bincode::error::{DecodeError, EncodeError};
use bincode::serde::{decode_from_reader, encode_into_std_write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::depth::Shallow;
use super::{Deserializer, Header, Serializer, SerializerError};

/// Any type of serde's as bincode.
///
/// A length in the bytes may claim memory before its content is there: as much as the smallest of 64 KiB, 1 MiB,
/// 16 MiB and 1 GiB that is sixteen times the input or more. Inputs of more than 64 MiB are refused, and values more than
/// 256 levels deep. A sequence of values of no bytes, such as `Vec<()>`, is as long as the bytes claim: do not read one
/// from strangers.
#[derive(Debug, Clone, Copy, Default)]
pub struct BincodeSerde;

const FORMAT: &str = "bincode";

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
        // A number of 16 bytes may be written in one, and counts as 16.
        match bytes.len() {
            ..=0x1000 => decode(bytes, standard().with_limit::<0x1_0000>()),
            0x1001..=0x1_0000 => decode(bytes, standard().with_limit::<0x10_0000>()),
            0x1_0001..=0x10_0000 => decode(bytes, standard().with_limit::<0x100_0000>()),
            0x10_0001..=0x400_0000 => decode(bytes, standard().with_limit::<0x4000_0000>()),
            _ => Err(malformed("64 MiB at most".to_owned(), 0x400_0000, "more")),
        }
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8], config: impl Config) -> Result<T, SerializerError> {
    let mut rest = Rest { bytes, offset: 0 };
    let decoded = decode_from_reader::<Shallow<T>, _, _>(&mut rest, config);
    let Shallow(value) = decoded.map_err(|error| {
        let found = match error {
            DecodeError::UnexpectedEnd { .. } => "too few bytes",
            DecodeError::LimitExceeded => "a length beyond the input",
            DecodeError::Utf8 { .. } => "bytes that are not UTF-8",
            _ => "something else",
        };
        malformed(std::any::type_name::<T>().to_owned(), rest.offset, found)
    })?;
    if rest.offset < bytes.len() {
        return Err(malformed("the end".to_owned(), rest.offset, "more bytes"));
    }
    Ok(value)
}

fn malformed(expected: String, offset: usize, found: &'static str) -> SerializerError {
    SerializerError::Malformed { format: FORMAT, expected, offset, found }
}

/// The input, and how far it is read, which an error does not tell.
struct Rest<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Reader for Rest<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<(), DecodeError> {
        let rest = &self.bytes[self.offset..];
        let Some(taken) = rest.get(..into.len()) else {
            return Err(DecodeError::UnexpectedEnd { additional: into.len() - rest.len() });
        };
        into.copy_from_slice(taken);
        self.offset += into.len();
        Ok(())
    }

    fn peek_read(&mut self, len: usize) -> Option<&[u8]> {
        self.bytes[self.offset..].get(..len)
    }

    fn consume(&mut self, len: usize) {
        self.offset = (self.offset + len).min(self.bytes.len());
    }
}
