//! Portable Object Format: the serializer that a grid knows as `pof`.
//!
//! Owns: the grammar, in both directions. Never does: write or read the format byte in front of the POF of a
//! binary, which is [`FMT_EXT`](crate::binary::FMT_EXT).
//!
//! ```text
//! values of known types    object.rs   PofObject: classes written and read by hand
//!                          writer.rs   PofWriter, UserTypeWriter: the bytes that Java gives for the same calls
//!                          reader.rs   PofReader, UserTypeReader: property by property, with Java's conversions
//! values of any type       value.rs    PofValue
//!                          decode.rs   decode: bytes to a PofValue     check: whether bytes are whole
//! below both               walker.rs   the grammar for reading, as a series of events   scalar.rs   values without parts
//!                          identity.rs objects that bear identities    text.rs     the two encodings of text
//! ```

mod decode;
mod identity;
mod object;
mod reader;
mod scalar;
mod text;
mod types;
mod value;
mod walker;
mod writer;

pub use decode::{check, decode};
pub use object::{Evolvable, PofObject};
pub use reader::{PofReader, UserTypeReader};
pub use text::TextEncoding;
pub use value::{Date, PofValue, Time, Zone};
pub use writer::{
    DecimalOutOfRange, PofWriter, Primitive, RawElement, UniformElement, UserTypeWriter, WriteError,
};
