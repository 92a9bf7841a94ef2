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
//!                          builtin.rs  how Java writes Coherence's own classes
//!                          primitive.rs the arguments of Java's methods for primitives
//!                          identity.rs objects that bear identities    text.rs     the two encodings of text
//! derived types            serde.rs    Rust types with serde's derives as user types
//!                          context.rs  PofContext: the user types of a grid, by name
//! ```

mod builtin;
mod context;
mod decode;
mod identity;
mod object;
mod primitive;
mod reader;
mod scalar;
pub mod serde;
mod text;
mod types;
mod value;
mod walker;
mod writer;

pub use context::{PofContext, PofContextBuilder, PofContextError};
pub use decode::{check, decode};
pub use object::{Evolvable, PofObject};
pub use primitive::Primitive;
pub use reader::{PofReader, UserTypeReader};
pub(crate) use text::Text;
pub use text::TextEncoding;
pub use value::{Date, PofValue, Time, Zone};
pub use writer::{DecimalOutOfRange, PofWriter, RawElement, UniformElement, UserTypeWriter, WriteError};
