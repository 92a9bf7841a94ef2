//! Portable Object Format: the serializer that a grid knows as `pof`.
//!
//! Owns: the grammar, in both directions. Never does: write or read the format byte in front of the POF of a
//! binary, which is [`FMT_EXT`](crate::binary::FMT_EXT).
//!
//! ```text
//! writer.rs   PofWriter: appends values as Java's writeObject gives them
//! walker.rs   the grammar for reading, as a series of events   scalar.rs   values without parts
//! reader.rs   decode: events to a PofValue     check: events to nothing
//! text.rs     the two encodings of text
//! value.rs    PofValue
//! context.rs  PofContext: the user types of a grid
//! serde.rs    Rust types with serde's derives as user types
//! ```

mod context;
mod reader;
mod scalar;
pub mod serde;
mod text;
mod types;
mod value;
mod walker;
mod writer;

pub use self::serde::{from_binary, from_slice, to_binary, to_vec};
pub use context::{PofContext, PofContextBuilder, PofContextError};
pub use reader::{check, decode};
pub(crate) use text::Text;
pub use value::{Date, PofValue, Time, Zone};
pub use writer::{DecimalOutOfRange, PofWriter};
