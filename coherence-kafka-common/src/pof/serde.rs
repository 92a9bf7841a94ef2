//! Rust types with serde's derives as POF: structs and enums become user types that Java reads as objects of the
//! class registered under the same id, and back.
//!
//! Owns: which POF form a Rust type takes. Never does: the bytes of that form, which are
//! [`PofWriter`]'s and the walker's.
//!
//! ```
//! use coherence_kafka_common::pof::PofContext;
//! use coherence_kafka_common::pof::serde::{from_binary, to_binary};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Person {
//!     name: Option<String>,     // property 0, String in Java
//!     age: i32,                 // property 1, int or Integer
//!     address: Option<Address>, // property 2, Address
//! }
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Address {
//!     city: String,
//! }
//!
//! let context = PofContext::builder().user_type("Person", 1001).user_type("Address", 1002).build()?;
//! let address = Some(Address { city: "Springfield".into() });
//! let person = Person { name: Some("Ann".into()), age: 50, address };
//! let binary = to_binary(&context, &person)?;
//! assert_eq!(from_binary::<Person>(&context, &binary)?, person);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Written
//!
//! Every value takes the form of Java's `PofWriter.writeObject`, which `readObject` and the typed methods of
//! `PofReader` both take.
//!
//! | Rust | Java |
//! |---|---|
//! | `bool`, `i8`, `i16`, `i32`, `i64`, `i128`, `f32`, `f64` | `Boolean`, `Byte`, `Short`, `Integer`, `Long`, `BigInteger`, `Float`, `Double` |
//! | `u8`, `u16`, `u32` | the next wider: `Short`, `Integer`, `Long` |
//! | `u64`, `u128` | `Long`, `BigInteger`; refused where they are too large for these |
//! | `char` | `Character`; refused above U+FFFF |
//! | `&str`, `String` | `String` |
//! | what serde calls bytes, see [`bytes`] | `byte[]` |
//! | `Vec<T>`, slices, sets | `Collection` |
//! | tuples, `[T; N]` | `Object[]` |
//! | maps | `Map` |
//! | `None`, `()` | `null` |
//! | newtypes, `Some` | what they hold |
//! | structs | user type, version 0: field number n (without fields under `#[serde(skip)]`) is property n |
//! | unit variants of a registered enum | Java enum as `EnumPofSerializer` writes it: the variant's name is property 0 |
//! | other variants | a class of their own, registered as `Enum::Variant`, fields as of a struct |
//! | [`JavaUuid`] | `java.util.UUID` |
//!
//! # Keys
//!
//! A grid compares keys byte by byte, and Java has two ways to write an object. What is above is that of a class under
//! `@Portable`. A class that writes itself (`PortableObject`, `PofSerializer`) calls a method for each property, and
//! `writeInt` and its like leave a 0 out and write a small number in one byte. **A key of such a class must be
//! registered by [`portable_object`](super::PofContextBuilder::portable_object)**, or Java does not find what Rust has
//! put; with values it does not matter, either form is read. There a field is written so:
//!
//! | Rust | Java |
//! |---|---|
//! | `bool`, `i8`, `char`, `i16`, `i32`, `i64`, `f32`, `f64` (and wider as above) | `writeBoolean`, `writeByte`, `writeChar`, `writeShort`, `writeInt`, `writeLong`, `writeFloat`, `writeDouble` |
//! | `None`, `()` | null of `writeString`, `writeDate`, `writeCollection` and every other method but `writeObject` |
//! | `Some`, and everything else | `writeString`, `writeObject` and every other method |
//!
//! For forms that this cannot express, a null of `writeObject` or a uniform collection, write the class by hand:
//! [`PofObject`](super::PofObject) with [`PofObjectSerde`](crate::serializer::PofObjectSerde).
//!
//! # Names
//!
//! A variant that takes over the name of a Java constant is renamed: `#[serde(rename_all = "…")]`. `#[serde(skip_serializing_if)]` leaves a property out. Fields that are skipped in one
//! direction only would shift the properties behind them; structs under `#[serde(flatten)]` and internally tagged
//! enums are maps to serde and lose their class.
//!
//! # Read
//!
//! All forms that Java writes, one-byte numbers and uniform containers among them. Numbers change their width and
//! kind where nothing is lost, otherwise they are refused; a Java `byte` in a wider integer is 0 to 255, as in
//! Java's numeric getters, and in a `u8` its eight bits.
//!
//! Java leaves out properties that are 0, false or null, so **a missing property and a null one are the same**:
//! `None`, 0, false, an empty string, an empty container. `#[serde(default)]` is not asked. Only a struct, an
//! enum or a tuple that is not in an `Option` is refused. Elsewhere null is `None` or `()`.
//!
//! Properties beyond the last field, which a newer class may have added, are left unread and are lost when the
//! value is written again, versions too. Values that share objects by reference are refused, and so are those of
//! classes under `@PortableType`, which hold a nested object for each class of their hierarchy.
//!
//! A field of the type [`PofValue`](super::PofValue) takes any value: decimals, dates, intervals, objects of
//! several classes.
//!
//! `&str` and `&[u8]` borrow from the input. `&str` refuses text in the modified encoding of old releases when
//! it differs from UTF-8; `Cow` or `String` takes both.

mod de;
mod error;
mod native;
mod ser;
#[cfg(test)]
mod tests;
mod visit;

pub mod bytes;

use ::serde::{Deserialize, Serialize};

pub use error::Error;
pub use native::JavaUuid;

use super::context::PofContext;
use super::writer::PofWriter;
use crate::binary::{FMT_EXT, FMT_IDO};
use crate::decoration::{undecorated_key, undecorated_value};
use crate::packed::{Cursor, DecodeError, Problem};
use de::Reader;
use ser::Serializer;

/// The POF of a value, without the format byte in front.
pub fn to_vec<T: Serialize + ?Sized>(context: &PofContext, value: &T) -> Result<Vec<u8>, Error> {
    append(context, value, Vec::new())
}

/// The value as a complete Coherence binary: `0x15`, then its POF.
pub fn to_binary<T: Serialize + ?Sized>(context: &PofContext, value: &T) -> Result<Vec<u8>, Error> {
    append(context, value, vec![FMT_EXT])
}

/// The POF of a value, behind what `writer` has written.
pub(crate) fn write<T: Serialize + ?Sized>(
    context: &PofContext,
    value: &T,
    writer: &mut PofWriter<'_>,
) -> Result<(), Error> {
    let mut serializer = Serializer::new(context, Vec::new());
    value.serialize(&mut serializer)?;
    writer.written(&serializer.out, serializer.is_marked());
    Ok(())
}

fn append<T: Serialize + ?Sized>(context: &PofContext, value: &T, out: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut serializer = Serializer::new(context, out);
    value.serialize(&mut serializer)?;
    Ok(serializer.out)
}

/// A value from all of `pof`, which starts behind the format byte of a binary.
pub fn from_slice<'de, T: Deserialize<'de>>(context: &PofContext, pof: &'de [u8]) -> Result<T, Error> {
    read(context, Cursor::new(pof))
}

/// A value from a complete Coherence binary, with or without decorations. Offsets in errors count from the start
/// of what was decorated, its `0x15`.
pub fn from_binary<'de, T: Deserialize<'de>>(context: &PofContext, binary: &'de [u8]) -> Result<T, Error> {
    let mut cursor = Cursor::new(undecorated(binary)?);
    let reading = "the format byte";
    if cursor.byte(reading)? != FMT_EXT {
        let problem = Problem::Invalid("a value of another serializer than POF");
        return Err(DecodeError { offset: 0, reading, problem }.into());
    }
    read(context, cursor)
}

fn read<'de, T: Deserialize<'de>>(context: &PofContext, cursor: Cursor<'de>) -> Result<T, Error> {
    let start = cursor.offset();
    let mut reader = Reader::new(context, cursor);
    let value =
        T::deserialize(reader.value(None)).map_err(|error| error.at(start, || "the value".to_owned()))?;
    reader.finish()?;
    Ok(value)
}

/// The key or value inside its decorations.
pub(crate) fn undecorated(binary: &[u8]) -> Result<&[u8], DecodeError> {
    match binary.first() {
        Some(&FMT_IDO) => undecorated_key(binary),
        _ => undecorated_value(binary)?.ok_or(DecodeError {
            offset: 0,
            reading: "a decorated value",
            problem: Problem::Invalid("decorations without a value"),
        }),
    }
}

/// The name under which a variant with data is registered.
fn variant_name(name: &str, variant: &str) -> String {
    [name, "::", variant].concat()
}
