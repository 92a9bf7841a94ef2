//! Dynamic values.

use super::{PofWriter, WriteError};
use crate::pof::value::PofValue;

impl PofWriter<'_> {
    /// The value as Java's `writeObject` writes it: every property and element in full, containers never uniform,
    /// no identities. After an error what was written is not whole.
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
                self.indexed(properties)
            }
            _ => Ok(()),
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
