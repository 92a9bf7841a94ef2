//! Typed entries: a mapping file that describes the Java classes of a grid, and entries written and read by it.
//!
//! Owns: the mapping file, and the bytes of Java objects: those that the class's own serializer writes. Never does: read a
//! file from a disk, or choose the map of a record.
//!
//! ```text
//! mapping file ── file ──► Mapping ── part(map, key | value) ──► Part
//!                 expression.rs   types as text      schema.rs   what reading gives
//!
//! record → Value ── Part::write ──┬─ write.rs  a POF object     convert.rs temporal.rs  scalars
//!                                 └─ json.rs   Coherence JSON with @class
//! entry  → bytes ── Part::read ───── read.rs   a struct with field names and its schema
//!
//! pof_config.rs   compares the mapping with pof-config.xml
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof::{self, PofWriter};

use crate::converter::Role;
use crate::data::{Schema, SchemaAndValue, Value};
use crate::encode::key;

mod convert;
mod error;
mod expression;
mod file;
mod json;
mod pof_config;
mod read;
mod schema;
pub(crate) mod temporal;
pub(crate) mod types;
mod write;

pub use error::{MappingError, Problem};
pub use file::FileError;
pub use pof_config::{Compared, PofConfig, PofConfigError};
pub(crate) use temporal::{show_date, show_date_time, show_time};

use types::{Enum, Type, UserType};

/// A mapping file, checked.
#[derive(Debug)]
pub struct Mapping {
    types: Vec<UserType>,
    enums: Vec<Enum>,
    maps: BTreeMap<String, MapTypes>,
}

/// The types of the entries of a map. A part without one is written as the map's serializer writes data.
#[derive(Debug, Default)]
struct MapTypes {
    key: Option<PartType>,
    value: Option<PartType>,
}

#[derive(Debug)]
struct PartType {
    ty: Type,
    /// What reading gives; none where the type contains itself.
    schema: Option<Arc<Schema>>,
}

/// The keys or the values of a map, as a mapping describes them.
#[derive(Debug, Clone, Copy)]
pub struct Part<'m> {
    mapping: &'m Mapping,
    of: &'m PartType,
    role: Role,
}

impl Mapping {
    /// Reads the text of a mapping file.
    ///
    /// # Errors
    /// All that is wrong with it, each with its line.
    pub fn parse(text: &str) -> Result<Self, Vec<FileError>> {
        file::parse(text)
    }

    /// Returns the names of the maps that it describes.
    pub fn maps(&self) -> impl Iterator<Item = &str> {
        self.maps.keys().map(String::as_str)
    }

    /// Returns the type of the keys or values of a map, if the mapping has one.
    pub fn part(&self, map: &str, role: Role) -> Option<Part<'_>> {
        let types = self.maps.get(map)?;
        let of = match role {
            Role::Key => types.key.as_ref(),
            Role::Value => types.value.as_ref(),
            Role::Header => None,
        };
        of.map(|of| Part { mapping: self, of, role })
    }

    /// Checks that the types of the maps can be written in this format: POF needs type ids and indexes, JSON needs classes.
    /// Java's default serializer has no form for them.
    ///
    /// # Errors
    /// What is missing, each with its line.
    pub fn check_format(&self, format: Format) -> Result<(), Vec<FileError>> {
        let mut missing = Vec::new();
        let (types, enums) = self.used();
        for ty in types.iter().filter_map(|index| self.types.get(*index)) {
            let message = match format {
                Format::Pof if ty.id.is_none() => {
                    format!(
                        "type {}: no id, which a map in POF needs: set id to the type-id of pof-config.xml",
                        ty.name
                    )
                }
                Format::Json if ty.class.is_none() => {
                    format!(
                        "type {}: no class, which a map in JSON needs: set class to the alias of the class",
                        ty.name
                    )
                }
                Format::Java => format!("type {}: {NO_FORM_IN_JAVA}", ty.name),
                Format::Pof | Format::Json => continue,
            };
            missing.push(FileError { line: ty.line, message });
        }
        for constants in enums.iter().filter_map(|index| self.enums.get(*index)) {
            let name = &constants.name;
            let message = match format {
                _ if constants.form != types::EnumForm::Object => continue,
                Format::Pof if constants.id.is_none() => {
                    format!(
                        "enum {name}: no id, which a map in POF needs: set id, or form to \"ordinal\" or \"name\""
                    )
                }
                Format::Json if constants.class.is_none() => {
                    format!(
                        "enum {name}: no class, which a map in JSON needs: set class to the alias of the class"
                    )
                }
                Format::Java => format!("enum {name}: {NO_FORM_IN_JAVA}"),
                Format::Pof | Format::Json => continue,
            };
            missing.push(FileError { line: constants.line, message });
        }
        missing.sort_by_key(|error| error.line);
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Returns the types and enums that the maps reach, in the order of the file.
    fn used(&self) -> (Vec<usize>, Vec<usize>) {
        let mut types = vec![false; self.types.len()];
        let mut enums = vec![false; self.enums.len()];
        let parts = self.maps.values().flat_map(|map| [&map.key, &map.value]);
        let mut open: Vec<&Type> = parts.flatten().map(|part| &part.ty).collect();
        while let Some(ty) = open.pop() {
            match ty {
                Type::Array(element) | Type::Collection(element) => open.push(element),
                Type::Map(key, value) => open.extend([&**key, &**value]),
                Type::Enum(index) => enums[*index] = true,
                Type::User(index) => {
                    for level in &self.types[*index].hierarchy {
                        if !std::mem::replace(&mut types[*level], true) {
                            open.extend(self.types[*level].fields.iter().map(|field| &field.ty));
                        }
                    }
                }
                _ => {}
            }
        }
        let set = |flags: Vec<bool>| (0..flags.len()).filter(|index| flags[*index]).collect();
        (set(types), set(enums))
    }

    fn shown(&self, ty: &Type) -> String {
        let mut text = String::new();
        // A string takes any text.
        let _ = write!(text, "{}", types::Shown { ty, types: &self.types, enums: &self.enums });
        text
    }
}

/// Of types, in a map of Java's default serializer.
const NO_FORM_IN_JAVA: &str =
    "a map in java has no form for it that other programs write: use a map in POF or JSON";

impl Part<'_> {
    /// Appends the binary of `value`: `0x15`, then what Java's serializer writes for the object. After an error `out` is
    /// as it was.
    ///
    /// # Errors
    /// Why the value is not of the type, with the path to the field.
    pub fn write(&self, format: Format, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), MappingError> {
        if let (Format::Pof, Value::Pof(binary)) = (format, value) {
            out.extend_from_slice(binary);
            return Ok(());
        }
        let mut ordered;
        let value = match self.role {
            Role::Key => {
                ordered = value.clone();
                // The entries of a map in a key have one order, as in keys without a type.
                key::order(&mut ordered);
                &ordered
            }
            _ => value,
        };
        let start = out.len();
        let written = match format {
            Format::Pof => {
                out.push(FMT_EXT);
                self.mapping.write_pof(&self.of.ty, value, &mut PofWriter::new(out))
            }
            Format::Json => {
                out.push(FMT_EXT);
                self.mapping.write_json(&self.of.ty, value, error::MAX_DEPTH, out)
            }
            Format::Java => Err(Problem::Java.into()),
        };
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// Reads the binary of an entry in POF, which is undecorated: `0x15`, then an object of the type.
    ///
    /// # Errors
    /// Why it is no object of the type, with the path to the field.
    pub fn read(&self, binary: &[u8]) -> Result<SchemaAndValue<'static>, MappingError> {
        let Some(schema) = &self.of.schema else {
            return Err(Problem::Recursive { ty: self.mapping.shown(&self.of.ty) }.into());
        };
        let Some((&FMT_EXT, bytes)) = binary.split_first() else { return Err(Problem::NotPof.into()) };
        let value = pof::decode(bytes).map_err(Problem::Pof)?;
        let value = self.mapping.read_pof(&self.of.ty, value)?;
        Ok(SchemaAndValue { schema: Some(std::borrow::Cow::Owned(schema.clone())), value })
    }

    /// Returns the schema of what [`Part::read`] returns; none where the type contains itself.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.of.schema.as_ref()
    }
}

#[cfg(test)]
mod tests;
