#![doc = include_str!("../README.md")]
#![warn(unreachable_pub, missing_debug_implementations)]

use coherence_kafka_connect::converter::ConverterClass;

mod avro;
mod converter;
mod definitions;
mod framing;
mod json;
mod known;
mod names;
mod offline;
mod protobuf;
mod registry;
mod subject;
#[cfg(test)]
mod testing;

pub use definitions::CONVERTERS;
pub use framing::{Framed, SchemaId};
pub use registry::{RegisteredSchema, RegistryError, SchemaRegistry, SchemaType, Settings};

/// The converters of this crate, for [`create_from`](coherence_kafka_connect::converter::create_from).
pub static CLASSES: [ConverterClass; 3] = [
    converter::class::<avro::Avro>(),
    converter::class::<json::Json>(),
    converter::class::<protobuf::Protobuf>(),
];

/// For the fuzz targets of this project.
#[doc(hidden)]
pub mod internal {
    pub use crate::offline::{check, converter};
}
