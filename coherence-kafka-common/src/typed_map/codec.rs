//! The format of a map and the classes of its application.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::map::Format;
use crate::pof::{self, PofContext};
use crate::serializer::json::{self, JsonClasses, JsonSerde};
use crate::serializer::{Deserializer as _, JavaSerde, PofSerde, Serde, SerializerError};

/// The Java classes that Rust types stand for, in each format of a grid's maps. Types that exist in Java without a
/// class of the application, such as numbers, texts, lists and maps of them, need none: the default.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// Their type ids, for maps of POF, which holds no object of another class.
    pub pof: PofContext,
    /// Their aliases, for maps of JSON, where an object of another class is a map to Java.
    pub json: JsonClasses,
}

/// The set and the map of `NullImplementation`: a grid's answers where an aggregator has nothing to collect.
const EMPTY_SET: &[u8] = &[0x15, 0x0B, 0x00, 0x40];
const EMPTY_MAP: &[u8] = &[0x15, 0x11, 0x00, 0x40];
/// The empty collection or map, whichever is read.
const EMPTY: &[u8] = &[0x15, 0x63];

/// For values of any type, whose format and classes are those of the map.
#[derive(Debug)]
pub(super) struct Codec {
    pub(super) format: Format,
    pub(super) classes: Classes,
}

impl Codec {
    pub(super) fn serde<T: Serialize + DeserializeOwned>(&self) -> Arc<dyn Serde<T>> {
        match self.format {
            Format::Pof => Arc::new(PofSerde::new(self.classes.pof.clone())),
            Format::Json => Arc::new(JsonSerde::new(self.classes.json.clone())),
            Format::Java => Arc::new(JavaSerde::default()),
        }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, binary: &[u8]) -> Result<T, SerializerError> {
        match self.format {
            Format::Pof if binary == EMPTY_SET || binary == EMPTY_MAP => {
                Ok(pof::serde::from_binary(&self.classes.pof, EMPTY)?)
            }
            Format::Pof => Ok(pof::serde::from_binary(&self.classes.pof, binary)?),
            Format::Json => json::from_binary(binary, &self.classes.json),
            Format::Java => JavaSerde::default().deserialize("", &[], binary),
        }
    }
}
