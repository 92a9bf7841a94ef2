//! An object of one of Coherence's classes, with its properties in the form of both formats.

use std::sync::Arc;

use bytes::Bytes;

use super::literal::Literal;
use crate::binary::FMT_EXT;
use crate::map::Format;
use crate::pof::{PofContext, PofWriter, Primitive};
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;
use crate::serializer::json::text::{write_char, write_integer, write_list, write_text};

/// A class of Coherence's: the id of its built-in POF configuration, and the alias in its `type-aliases.properties`;
/// none where JSON does not have the class.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) type_id: u32,
    pub(super) alias: Option<&'static str>,
}

impl Class {
    /// One that both formats have.
    pub(super) const fn new(name: &'static str, type_id: u32, alias: &'static str) -> Self {
        Self { name, type_id, alias: Some(alias) }
    }

    /// One that JSON does not have.
    pub(super) const fn in_pof(name: &'static str, type_id: u32) -> Self {
        Self { name, type_id, alias: None }
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Object {
    class: &'static Class,
    properties: Arc<[Property]>,
}

/// A property that is in one of the formats, or in both.
#[derive(Debug, Clone)]
pub(super) struct Property {
    index: Option<u32>,
    name: Option<&'static str>,
    part: Part,
}

/// The value of a property, and with it the method by which its class writes it.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// `writeObject(null)`; left out in JSON.
    Null,
    /// `writeBoolean`.
    Boolean(bool),
    /// `writeInt`.
    Int(i32),
    /// `writeChar`.
    Char(u16),
    /// `writeString`.
    Text(String),
    /// `writeIntArray`.
    Ints(Vec<i32>),
    /// An object of Coherence's own.
    Object(Object),
    /// `writeObjectArray` of such objects.
    Objects(Vec<Object>),
    /// `writeObject` of a value.
    Value(Literal),
    /// `writeObjectArray` of values.
    Values(Vec<Literal>),
    /// `writeCollection`.
    Collection(Vec<Literal>),
    /// `writeMap`.
    Map(Vec<(Literal, Literal)>),
}

/// A property in both formats.
pub(super) fn both(index: u32, name: &'static str, part: Part) -> Property {
    Property { index: Some(index), name: Some(name), part }
}

/// A property that JSON does not have.
pub(super) fn in_pof(index: u32, part: Part) -> Property {
    Property { index: Some(index), name: None, part }
}

/// A property that POF does not have.
pub(super) fn in_json(name: &'static str, part: Part) -> Property {
    Property { index: None, name: Some(name), part }
}

impl Object {
    /// The properties stand in rising order of their indexes.
    pub(super) fn new(class: &'static Class, properties: impl IntoIterator<Item = Property>) -> Self {
        Self { class, properties: properties.into_iter().collect() }
    }

    /// The complete binary.
    pub(super) fn to_binary(
        &self,
        format: Format,
        context: &PofContext,
        classes: &JsonClasses,
    ) -> Result<Bytes, SerializerError> {
        let mut out = vec![FMT_EXT];
        match format {
            Format::Pof => {
                self.write_pof(context, &mut PofWriter::with_text(&mut out, context.text_encoding()))?;
            }
            Format::Json => self.write_json(classes, &mut out)?,
            Format::Java => {
                let what = format!("a {}: a session in pof or json can, with the same map", self.class.name);
                return Err(SerializerError::NotRepresentable { format: "java", what });
            }
        }
        Ok(out.into())
    }

    fn write_pof(&self, context: &PofContext, writer: &mut PofWriter<'_>) -> Result<(), SerializerError> {
        writer.user_type(self.class.type_id, 0);
        for Property { index, part, .. } in &*self.properties {
            let Some(index) = *index else { continue };
            let primitive = match part {
                Part::Boolean(value) => Some(Primitive::Boolean(*value)),
                Part::Int(value) => Some(Primitive::Int32(*value)),
                Part::Char(unit) => Some(Primitive::Char(*unit)),
                _ => None,
            };
            match primitive {
                Some(primitive) => writer.primitive_property(index, primitive),
                None => {
                    writer.property(index);
                    part.write_pof(context, writer)?;
                }
            }
        }
        writer.end();
        Ok(())
    }

    /// Names in the order of the alphabet, as Java writes them.
    fn write_json(&self, classes: &JsonClasses, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        let alias = self.class.alias.ok_or_else(|| SerializerError::NotRepresentable {
            format: "json",
            what: format!("a {}: grids do not have it there", self.class.name),
        })?;
        out.extend_from_slice(br#"{"@class":"#);
        write_text(alias, out);
        let mut properties: Vec<_> =
            self.properties.iter().filter_map(|property| Some((property.name?, &property.part))).collect();
        properties.sort_by_key(|(name, _)| *name);
        for (name, part) in properties {
            if matches!(part, Part::Null) {
                continue;
            }
            let start = out.len();
            out.push(b',');
            write_text(name, out);
            out.push(b':');
            let value = out.len();
            part.write_json(classes, out)?;
            // Java leaves a null out.
            if out.get(value..) == Some(b"null") {
                out.truncate(start);
            }
        }
        out.push(b'}');
        Ok(())
    }
}

impl Part {
    fn write_pof(&self, context: &PofContext, writer: &mut PofWriter<'_>) -> Result<(), SerializerError> {
        match self {
            Part::Null => writer.null(),
            Part::Boolean(value) => writer.boolean(*value),
            Part::Int(value) => writer.int32(*value),
            Part::Char(unit) => writer.char(*unit),
            Part::Text(text) => writer.string(text),
            Part::Ints(ints) => writer.int32_array(ints),
            Part::Object(object) => object.write_pof(context, writer)?,
            Part::Objects(objects) => {
                writer.object_array(objects.len());
                objects.iter().try_for_each(|object| object.write_pof(context, writer))?;
            }
            Part::Value(value) => value.write_pof(context, writer)?,
            Part::Values(values) => {
                writer.object_array(values.len());
                values.iter().try_for_each(|value| value.write_pof(context, writer))?;
            }
            Part::Collection(values) => {
                writer.collection(values.len());
                values.iter().try_for_each(|value| value.write_pof(context, writer))?;
            }
            Part::Map(entries) => {
                writer.map(entries.len());
                for (key, value) in entries {
                    key.write_pof(context, writer)?;
                    value.write_pof(context, writer)?;
                }
            }
        }
        Ok(())
    }

    fn write_json(&self, classes: &JsonClasses, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        match self {
            Part::Null => out.extend_from_slice(b"null"),
            Part::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Part::Int(value) => write_integer(value, out),
            Part::Char(unit) => write_char(*unit, out),
            Part::Text(text) => write_text(text, out),
            Part::Ints(ints) => write_list(ints, out, |int, out| {
                write_integer(int, out);
                Ok::<_, SerializerError>(())
            })?,
            Part::Object(object) => object.write_json(classes, out)?,
            Part::Objects(objects) => {
                write_list(objects, out, |object, out| object.write_json(classes, out))?
            }
            Part::Value(value) => value.write_json(classes, out)?,
            Part::Values(values) | Part::Collection(values) => {
                write_list(values, out, |value, out| value.write_json(classes, out))?;
            }
            Part::Map(entries) => {
                out.extend_from_slice(br#"{"entries":"#);
                write_list(entries, out, |(key, value), out| {
                    out.extend_from_slice(br#"{"key":"#);
                    key.write_json(classes, out)?;
                    out.extend_from_slice(br#","value":"#);
                    value.write_json(classes, out)?;
                    out.push(b'}');
                    Ok::<_, SerializerError>(())
                })?;
                out.push(b'}');
            }
        }
        Ok(())
    }
}
