//! Objects in Coherence JSON, as the grid's own JSON serializer (25.03) writes them: `{"@class":"alias","name":…}`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use coherence_kafka_common::pof::{Date, Primitive, Time, Zone};
use coherence_kafka_common::serializer::json::text::{
    decimal_text, write_char, write_float, write_integer as integer, write_list, write_text as text,
};
use uuid::Uuid;

use super::Mapping;
use super::convert;
use super::error::{MappingError, Problem};
use super::temporal::{self, Moment};
use super::types::{EnumForm, Temporal, Type};
use super::write::find;
use crate::data::Value;

impl Mapping {
    /// Appends the JSON of a value; `levels` more may be inside each other.
    pub(super) fn write_json(
        &self,
        ty: &Type,
        value: &Value<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), MappingError> {
        if matches!(value, Value::Null) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        let inner = levels.checked_sub(1).ok_or(Problem::Depth);
        match ty {
            Type::Primitive(kind) | Type::Wrapper(kind) => primitive(convert::primitive(*kind, value)?, out),
            Type::String => text(convert::text(value)?, out),
            Type::BigInteger => number("math.BigInt", &convert::big_integer(value)?.to_string(), out),
            Type::BigDecimal(scale) => {
                let (unscaled, scale) = convert::decimal(*scale, value)?;
                number("math.BigDec", &decimal_text(&unscaled, scale), out);
            }
            Type::Temporal(class, unit) => moment(*class, temporal::moment(*class, *unit, value)?, out),
            Type::Uuid => text(&Uuid::from_u128(convert::uuid(value)?).to_string(), out),
            Type::ByteArray => text(&BASE64_STANDARD.encode(convert::bytes("byte[]", value)?), out),
            Type::Binary => text(&BASE64_STANDARD.encode(convert::bytes("Binary", value)?), out),
            Type::PrimitiveArray(kind) => {
                self.json_items(&Type::Primitive(*kind), convert::elements(value)?, inner?, out)?;
            }
            Type::Array(element) | Type::Collection(element) => {
                self.json_items(element, convert::elements(value)?, inner?, out)?;
            }
            Type::Map(key_type, value_type) => {
                let levels = inner?;
                out.extend_from_slice(br#"{"@class":"java.util.HashMap","entries":["#);
                for (index, (key, value)) in convert::entries(value)?.iter().enumerate() {
                    out.extend_from_slice(if index == 0 { br#"{"key":"# } else { br#",{"key":"# });
                    self.write_json(key_type, key, levels, out).map_err(|error| error.in_entry("key"))?;
                    out.extend_from_slice(br#","value":"#);
                    self.write_json(value_type, value, levels, out)
                        .map_err(|error| error.in_entry("value"))?;
                    out.push(b'}');
                }
                out.extend_from_slice(b"]}");
            }
            Type::User(index) => self.json_object(*index, value, inner?, out)?,
            Type::Enum(index) => {
                let constants = &self.enums[*index];
                let ordinal = convert::ordinal(constants, value)?;
                let name = &constants.constants[ordinal];
                match constants.form {
                    EnumForm::Ordinal => integer(ordinal, out),
                    EnumForm::Name => text(name, out),
                    EnumForm::Object => {
                        class(constants.class.as_deref().unwrap_or_default(), out);
                        out.extend_from_slice(br#","enum":"#);
                        text(name, out);
                        out.push(b'}');
                    }
                }
            }
        }
        Ok(())
    }

    fn json_items(
        &self,
        element: &Type,
        items: &[Value<'_>],
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), MappingError> {
        write_list(items.iter().enumerate(), out, |(index, item), out| {
            self.write_json(element, item, levels, out).map_err(|error| error.in_element(index))
        })
    }

    /// A member that is null is left out, as Java does it.
    fn json_object(
        &self,
        index: usize,
        value: &Value<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), MappingError> {
        let ty = &self.types[index];
        self.check_unmapped(ty, value)?;
        class(ty.class.as_deref().unwrap_or_default(), out);
        if ty.version > 0 {
            out.extend_from_slice(br#","@version":"#);
            integer(ty.version, out);
        }
        for level in ty.hierarchy.iter().map(|level| &self.types[*level]) {
            for field in &level.fields {
                let Some(of_field) = find(field, value, &ty.name)? else {
                    if field.required {
                        return Err(MappingError::from(Problem::Missing).in_field(&field.from));
                    }
                    continue;
                };
                out.push(b',');
                text(&field.name, out);
                out.push(b':');
                self.write_json(&field.ty, of_field, levels, out)
                    .map_err(|error| error.in_field(&field.from))?;
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// Opens an object of a class.
fn class(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"@class":"#);
    text(name, out);
}

fn number(alias: &str, digits: &str, out: &mut Vec<u8>) {
    class(alias, out);
    out.extend_from_slice(br#","value":"#);
    text(digits, out);
    out.push(b'}');
}

fn primitive(value: Primitive, out: &mut Vec<u8>) {
    match value {
        Primitive::Boolean(value) => integer(value, out),
        Primitive::Octet(value) => integer(value as i8, out),
        Primitive::Char(unit) => write_char(unit, out),
        Primitive::Int16(value) => integer(value, out),
        Primitive::Int32(value) => integer(value, out),
        Primitive::Int64(value) => integer(value, out),
        Primitive::Float32(value) => write_float(value, out),
        Primitive::Float64(value) => write_float(value, out),
    }
}

fn moment(of: Temporal, moment: Moment, out: &mut Vec<u8>) {
    let mut members: Vec<(&str, i64)> = Vec::new();
    let (date, time) = match moment {
        Moment::Millis(millis) => return integer(millis, out),
        Moment::Instant { seconds, nanos } => {
            members.extend([("second", seconds), ("nano", nanos.into())]);
            (None, None)
        }
        Moment::Date(date) => (Some(date), None),
        Moment::Time(time) => (None, Some(time)),
        Moment::DateTime(date, time) => (Some(date), Some(time)),
    };
    if let Some(Date { year, month, day }) = date {
        members.extend([("year", year.into()), ("month", month.into()), ("day", day.into())]);
    }
    if let Some(Time { hour, minute, second, nano, zone }) = time {
        members.extend([("hour", hour.into()), ("minute", minute.into())]);
        members.extend([("second", second.into()), ("nano", nano.into())]);
        members.extend(zone.map(|zone| match zone {
            Zone::Utc => ("offsetSeconds", 0),
            Zone::Offset(minutes) => ("offsetSeconds", i64::from(minutes) * 60),
        }));
    }
    class(&format!("java.time.{}", of.name()), out);
    for (name, value) in members {
        out.push(b',');
        text(name, out);
        out.push(b':');
        integer(value, out);
    }
    out.push(b'}');
}
