//! Where a record holds the id of its schema: in front of its data, or in a header.
//!
//! ```text
//! prefix  00 | id, 4 bytes            | [message indexes] | data
//! header  __key_schema_id, __value_schema_id:
//!         01 | GUID, 16 bytes         | [message indexes]
//! ```
//!
//! As in Confluent's `DualSchemaIdDeserializer` the header counts first, and either place may have either form.

use std::fmt;

use coherence_kafka_connect::converter::Role;
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::RawHeaders;

/// Message indexes inside each other at most: the types of a `.proto` file are not nested deeper.
const MAX_INDEXES: usize = 64;

/// What identifies a schema in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaId {
    /// The number that the registry has given to it.
    Number(u32),
    /// The identifier that is the same in every registry.
    Guid([u8; 16]),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaId::Number(id) => write!(f, "{id}"),
            SchemaId::Guid(guid) => {
                for (at, byte) in guid.iter().enumerate() {
                    let dash = if [4, 6, 8, 10].contains(&at) { "-" } else { "" };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// A record's data and what identifies its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The schema.
    pub id: SchemaId,
    /// Which message of a Protobuf file the data is: its position, and those of the messages inside. Empty for other formats.
    pub message: Vec<u32>,
    /// The data.
    pub data: &'a [u8],
}

impl<'a> Framed<'a> {
    /// Reads the frame of a key or value; `has_message` where message indexes follow the id.
    ///
    /// # Errors
    /// The bytes have no frame; the text names no byte of them.
    pub fn read(
        role: Role,
        headers: &dyn RawHeaders,
        bytes: &'a [u8],
        has_message: bool,
    ) -> Result<Self, ConnectError> {
        let header = match role {
            Role::Key => "__key_schema_id",
            Role::Value | Role::Header => "__value_schema_id",
        };
        if let Some(Some(value)) = headers.last(header) {
            let mut rest = &*value;
            let id = schema_id(&mut rest)
                .ok_or_else(|| ConnectError::data(format!("header {header} contains no id of a schema")))?;
            let message = if has_message { message_indexes(&mut rest)? } else { Vec::new() };
            return Ok(Self { id, message, data: bytes });
        }
        let mut rest = bytes;
        let id = schema_id(&mut rest).ok_or_else(|| {
            ConnectError::data("Unknown magic byte!").because(
                "the bytes do not begin with the id of a schema, as a schema registry's serializers write it: the topic \
                 needs another converter, or this record another producer",
            )
        })?;
        let message = if has_message { message_indexes(&mut rest)? } else { Vec::new() };
        Ok(Self { id, message, data: rest })
    }
}

/// Writes the frame of data whose schema has this number.
pub(crate) fn write(id: u32, out: &mut Vec<u8>) {
    out.push(0);
    out.extend_from_slice(&id.to_be_bytes());
}

/// Writes message indexes.
pub(crate) fn write_message_indexes(indexes: &[u32], out: &mut Vec<u8>) {
    if indexes == [0] {
        return out.push(0);
    }
    for number in std::iter::once(indexes.len() as u64).chain(indexes.iter().map(|&index| u64::from(index))) {
        let mut rest = number << 1;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
}

fn schema_id(bytes: &mut &[u8]) -> Option<SchemaId> {
    let (&magic, rest) = bytes.split_first()?;
    match magic {
        0 => {
            let (id, rest) = rest.split_first_chunk()?;
            *bytes = rest;
            Some(SchemaId::Number(u32::from_be_bytes(*id)))
        }
        1 => {
            let (guid, rest) = rest.split_first_chunk()?;
            *bytes = rest;
            Some(SchemaId::Guid(*guid))
        }
        _ => None,
    }
}

fn message_indexes(bytes: &mut &[u8]) -> Result<Vec<u32>, ConnectError> {
    let bad = || ConnectError::data("the message indexes behind the id of the schema cannot be read");
    let count = varint(bytes).and_then(|count| usize::try_from(count).ok()).ok_or_else(bad)?;
    match count {
        0 => Ok(vec![0]),
        1..=MAX_INDEXES => (0..count)
            .map(|_| varint(bytes).and_then(|index| u32::try_from(index).ok()).ok_or_else(bad))
            .collect(),
        _ => Err(bad()),
    }
}

/// Returns a zig-zag number of at most 32 bits, as Kafka's `ByteUtils.readVarint` does.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(headers: &dyn RawHeaders, bytes: &'a [u8], has_message: bool) -> Result<Framed<'a>, String> {
        Framed::read(Role::Value, headers, bytes, has_message).map_err(|error| error.to_string())
    }

    #[test]
    fn the_id_is_read_in_front_of_the_data() {
        let framed = read(&(), &[0, 0x80, 0, 0, 7, 1, 2], false).unwrap();
        assert_eq!(framed, Framed { id: SchemaId::Number(0x8000_0007), message: Vec::new(), data: &[1, 2] });
    }

    #[test]
    fn a_header_counts_before_the_prefix() {
        let guid: Vec<u8> = (0..16).collect();
        let headers = vec![("__value_schema_id".to_owned(), Some([&[1], &*guid].concat()))];
        let framed = read(&headers, &[0, 0, 0, 0, 7, 1, 2], false).unwrap();
        assert_eq!(framed.id.to_string(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(framed.data, &[0, 0, 0, 0, 7, 1, 2]);
        let key = Framed::read(Role::Key, &headers, &[0, 0, 0, 0, 7], false).unwrap();
        assert_eq!(key.id, SchemaId::Number(7));
        let null = vec![("__value_schema_id".to_owned(), None)];
        assert_eq!(read(&null, &[0, 0, 0, 0, 7], false).unwrap().id, SchemaId::Number(7));
    }

    #[test]
    fn message_indexes_have_a_short_and_a_long_form() {
        for (bytes, expected) in
            [(&[0][..], &[0][..]), (&[2, 0], &[0]), (&[4, 2, 0], &[1, 0]), (&[2, 0x80, 2], &[128])]
        {
            let framed = [&[0, 0, 0, 0, 1], bytes, &[9]].concat();
            let read = read(&(), &framed, true).unwrap();
            assert_eq!((&*read.message, read.data), (expected, &[9][..]));
            let mut written = Vec::new();
            write_message_indexes(expected, &mut written);
            assert!(written == bytes || bytes == [2, 0]);
        }
    }

    #[test]
    fn bytes_without_a_frame_are_refused_with_a_hint() {
        for bytes in [&[][..], &[0, 0, 0, 1], b"{\"a\":1}", &[1, 2]] {
            let error = read(&(), bytes, false).unwrap_err();
            assert!(error.starts_with("Unknown magic byte!: the bytes do not begin with the id"), "{error}");
        }
    }

    #[test]
    fn bad_message_indexes_are_refused() {
        for indexes in [&[][..], &[1], &[2], &[2, 1], &[0xff, 0xff, 0xff, 0xff, 0xff, 1], &[0x80, 0x80, 0x7f]]
        {
            let framed = [&[0, 0, 0, 0, 1], indexes].concat();
            assert!(read(&(), &framed, true).unwrap_err().contains("message indexes"), "{indexes:?}");
        }
    }
}
