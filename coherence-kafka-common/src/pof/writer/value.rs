//! Dynamic values.

use super::{PofWriter, WriteError};
use crate::pof::builtin::{self, Property};
use crate::pof::value::PofValue;

impl PofWriter<'_> {
    /// The value as Java's `writeObject` writes it: every property and element in full, containers never uniform,
    /// no identities. After an error what was written is not whole.
    ///
    /// Objects of Coherence's own classes (`Duration`, `CompositeKey`, `TreeMap` and others) are written as their
    /// serializers in Java do it, primitives shortened and left out: byte for byte what a Java application gets. Those
    /// of other classes need their [`PofObject`](crate::pof::PofObject) for that.
    pub fn value(&mut self, value: &PofValue) -> Result<(), WriteError> {
        match value {
            PofValue::Null => self.null(),
            PofValue::Boolean(value) => self.boolean(*value),
            PofValue::Int16(value) => self.int16(*value),
            PofValue::Int32(value) => self.int32(*value),
            PofValue::Int64(value) => self.int64(*value),
            PofValue::Int128(value) => self.big_integer(*value),
            PofValue::Float32(value) => self.float32(*value),
            PofValue::Float64(value) => self.float64(*value),
            PofValue::Float128(bits) => self.float128(*bits),
            PofValue::Decimal { unscaled, scale } => self.decimal(*unscaled, *scale)?,
            PofValue::Octet(value) => self.octet(*value),
            PofValue::OctetString(bytes) => self.octet_string(bytes),
            PofValue::Char(unit) => self.char(*unit),
            PofValue::String(text) => self.string(text),
            PofValue::Date(date) => self.date(*date),
            PofValue::Time(time) => self.time(*time)?,
            PofValue::DateTime(date, time) => self.date_time(*date, *time)?,
            PofValue::YearMonthInterval { years, months } => self.year_month_interval(*years, *months),
            PofValue::TimeInterval { hours, minutes, seconds, nanos } => {
                self.time_interval(*hours, *minutes, *seconds, *nanos);
            }
            PofValue::DayTimeInterval { days, hours, minutes, seconds, nanos } => {
                self.day_time_interval(*days, *hours, *minutes, *seconds, *nanos);
            }
            PofValue::BooleanArray(elements) => self.uniform_array(elements)?,
            PofValue::ByteArray(bytes) => self.byte_array(bytes),
            PofValue::CharArray(elements) => self.uniform_array(elements)?,
            PofValue::Int16Array(elements) => self.uniform_array(elements)?,
            PofValue::Int32Array(elements) => self.uniform_array(elements)?,
            PofValue::Int64Array(elements) => self.uniform_array(elements)?,
            PofValue::Float32Array(elements) => self.uniform_array(elements)?,
            PofValue::Float64Array(elements) => self.uniform_array(elements)?,
            PofValue::Collection(_)
            | PofValue::Array(_)
            | PofValue::SparseArray { .. }
            | PofValue::Map(_)
            | PofValue::User { .. } => {
                self.deeper()?;
                self.container(value)?;
                self.depth -= 1;
            }
        }
        Ok(())
    }

    fn container(&mut self, container: &PofValue) -> Result<(), WriteError> {
        match container {
            PofValue::Collection(elements) => {
                self.collection(elements.len());
                elements.iter().try_for_each(|element| self.value(element))
            }
            PofValue::Array(elements) => {
                self.object_array(elements.len());
                elements.iter().try_for_each(|element| self.value(element))
            }
            PofValue::SparseArray { size, elements } => {
                self.sparse_array(*size);
                self.indexed(elements)
            }
            PofValue::Map(entries) => {
                self.map(entries.len());
                entries.iter().try_for_each(|(key, value)| {
                    self.value(key)?;
                    self.value(value)
                })
            }
            PofValue::User { type_id, version, properties } => {
                self.user_type(*type_id, *version);
                match builtin::properties(*type_id) {
                    Some(known) => self.built_in(known, properties),
                    None => self.indexed(properties),
                }
            }
            _ => Ok(()),
        }
    }

    fn built_in(&mut self, known: &[Property], values: &[(u32, PofValue)]) -> Result<(), WriteError> {
        let mut rest = values;
        for (index, property) in (0..).zip(known) {
            let value = match rest {
                [(at, value), behind @ ..] if *at == index => {
                    rest = behind;
                    Some(value)
                }
                _ => None,
            };
            match (value.map_or_else(|| property.default(), |value| property.primitive(value)), value) {
                (Some(primitive), _) => self.primitive_property(index, primitive),
                (None, Some(PofValue::Collection(elements))) if *property == Property::Strings => {
                    self.property(index);
                    self.strings(elements)?;
                }
                (None, Some(value)) => {
                    self.property(index);
                    self.value(value)?;
                }
                (None, None) => {}
            }
        }
        self.indexed(rest)
    }

    /// A collection whose elements are of the class `String`, unless one is not.
    fn strings(&mut self, elements: &[PofValue]) -> Result<(), WriteError> {
        let texts = elements.iter().map(|element| match element {
            PofValue::String(text) => Some(text.as_str()),
            _ => None,
        });
        match texts.collect::<Option<Vec<_>>>() {
            Some(texts) => self.uniform_collection(&texts),
            None => {
                self.collection(elements.len());
                elements.iter().try_for_each(|element| self.value(element))
            }
        }
    }

    fn indexed(&mut self, values: &[(u32, PofValue)]) -> Result<(), WriteError> {
        for (index, value) in values {
            self.property(*index);
            self.value(value)?;
        }
        self.end();
        Ok(())
    }
}
