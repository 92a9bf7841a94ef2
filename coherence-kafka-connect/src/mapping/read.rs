//! Objects in POF back to data with field names, each type as [`schema`](super::schema) describes it.

use std::borrow::Cow;

use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::json::text::decimal_text;

use super::Mapping;
use super::convert::rescaled;
use super::error::{MappingError, Problem};
use super::temporal::{self, Moment};
use super::types::{EnumForm, Kind, Shape, Temporal, Type, Unit, UserType};
use crate::data::{Struct, Value};

type Properties = Vec<(u32, PofValue)>;

impl Mapping {
    /// Returns the data of an object of this type, which is not one that contains itself. The recursion is as deep as
    /// the value, whose decoder bounds it.
    pub(super) fn read_pof(&self, ty: &Type, value: PofValue) -> Result<Value<'static>, MappingError> {
        if value == PofValue::Null {
            return match ty {
                Type::Primitive(kind) => Ok(default(*kind)),
                _ => Ok(Value::Null),
            };
        }
        let mismatch =
            |value: &PofValue| Problem::Mismatch { expected: self.shown(ty).into(), found: found(value) };
        Ok(match ty {
            Type::Primitive(kind) | Type::Wrapper(kind) => {
                read_kind(*kind, &value).ok_or_else(|| mismatch(&value))??
            }
            Type::String => match value {
                PofValue::String(text) => Value::String(text.into()),
                other => return Err(mismatch(&other).into()),
            },
            Type::BigInteger => {
                let (unscaled, scale) = decimal(&value).ok_or_else(|| mismatch(&value))?;
                let whole = rescaled(unscaled, scale, 0)
                    .ok_or(Problem::OutOfRange { expected: "BigInteger".into() })?;
                Value::Decimal { unscaled: whole.into(), scale: 0 }
            }
            Type::BigDecimal(fixed) => {
                let (unscaled, scale) = decimal(&value).ok_or_else(|| mismatch(&value))?;
                match fixed {
                    None => Value::String(decimal_text(&unscaled, scale).into()),
                    Some(fixed) => {
                        let unscaled = rescaled(unscaled, scale, *fixed)
                            .ok_or_else(|| Problem::OutOfRange { expected: self.shown(ty).into() })?;
                        Value::Decimal { unscaled: unscaled.into(), scale: *fixed }
                    }
                }
            }
            Type::Temporal(class, unit) => {
                let moment = moment(*class, &value)?.ok_or_else(|| mismatch(&value))?;
                read_moment(*class, *unit, moment)?
            }
            Type::Uuid => match value.uuid() {
                Some(uuid) => Value::String(uuid.to_string().into()),
                None => return Err(mismatch(&value).into()),
            },
            Type::ByteArray | Type::Binary => match value {
                PofValue::ByteArray(bytes) | PofValue::OctetString(bytes) => Value::Bytes(Cow::Owned(bytes)),
                // An empty one, which is written in one byte.
                PofValue::String(text) if text.is_empty() => Value::Bytes(Cow::Borrowed(&[])),
                PofValue::Collection(items) if items.is_empty() => Value::Bytes(Cow::Borrowed(&[])),
                other => return Err(mismatch(&other).into()),
            },
            Type::PrimitiveArray(kind) => {
                let items = elements(value).map_err(|other| mismatch(&other))?;
                self.read_items(&Type::Primitive(*kind), items)?
            }
            Type::Array(element) | Type::Collection(element) => {
                let items = elements(value).map_err(|other| mismatch(&other))?;
                self.read_items(element, items)?
            }
            Type::Map(key_type, value_type) => {
                let entries = match value {
                    PofValue::Map(entries) => entries,
                    PofValue::Collection(items) if items.is_empty() => Vec::new(),
                    other => return Err(mismatch(&other).into()),
                };
                let entries = entries.into_iter().map(|(key, value)| {
                    let key = self.read_pof(key_type, key).map_err(|error| error.in_entry("key"))?;
                    let value = self.read_pof(value_type, value).map_err(|error| error.in_entry("value"))?;
                    Ok((key, value))
                });
                Value::Map(entries.collect::<Result<_, MappingError>>()?)
            }
            Type::User(index) => self.read_user(&self.types[*index], value)?,
            Type::Enum(index) => self.read_constant(*index, value)?,
        })
    }

    fn read_items(&self, element: &Type, items: Vec<PofValue>) -> Result<Value<'static>, MappingError> {
        let items = items.into_iter().enumerate();
        let items =
            items.map(|(index, item)| self.read_pof(element, item).map_err(|error| error.in_element(index)));
        items.collect::<Result<_, _>>().map(Value::Array)
    }

    /// A name is kept even where the mapping does not list it: the enum in Java may have grown.
    fn read_constant(&self, index: usize, value: PofValue) -> Result<Value<'static>, MappingError> {
        let constants = &self.enums[index];
        let expected = || format!("a constant of enum {}", constants.name);
        match (constants.form, value) {
            (EnumForm::Object, PofValue::User { type_id, properties, .. }) => {
                if Some(type_id) != constants.id {
                    return Err(Problem::UserType { expected: expected(), found: type_id }.into());
                }
                match properties.into_iter().next() {
                    Some((0, PofValue::String(name))) => Ok(Value::String(name.into())),
                    _ => Err(Problem::Missing.into()),
                }
            }
            (EnumForm::Name, PofValue::String(name)) => Ok(Value::String(name.into())),
            (EnumForm::Ordinal, value) => {
                let ordinal = integer(&value)
                    .ok_or_else(|| Problem::Mismatch { expected: expected().into(), found: found(&value) })?;
                let name = usize::try_from(ordinal).ok().and_then(|ordinal| constants.constants.get(ordinal));
                match name {
                    Some(name) => Ok(Value::String(name.clone().into())),
                    None => Err(Problem::OutOfRange { expected: expected().into() }.into()),
                }
            }
            (_, other) => Err(Problem::Mismatch { expected: expected().into(), found: found(&other) }.into()),
        }
    }

    fn read_user(&self, ty: &UserType, value: PofValue) -> Result<Value<'static>, MappingError> {
        let expected = || match ty.id {
            Some(id) => format!("{} of user type {id}", ty.name),
            None => ty.name.clone(),
        };
        let (type_id, properties) = match value {
            PofValue::User { type_id, properties, .. } => (type_id, properties),
            other => {
                return Err(Problem::Mismatch { expected: expected().into(), found: found(&other) }.into());
            }
        };
        if Some(type_id) != ty.id {
            return Err(Problem::UserType { expected: expected(), found: type_id }.into());
        }
        let mut levels: Vec<(usize, Properties)> = Vec::with_capacity(ty.hierarchy.len());
        match ty.layout {
            super::types::Layout::PortableType => {
                for (_, level) in properties {
                    let PofValue::User { type_id, properties, .. } = level else { continue };
                    let of_level = ty.hierarchy.iter().find(|level| self.types[**level].id == Some(type_id));
                    levels.extend(of_level.map(|level| (*level, properties)));
                }
            }
            _ => levels.extend(ty.hierarchy.first().map(|level| (*level, properties))),
        }
        let Some(schema) = &ty.schema else {
            return Err(Problem::Recursive { ty: ty.name.clone() }.into());
        };
        let values = self.read_shape(&ty.shape, &mut levels)?;
        Ok(Value::Struct(Struct { schema: schema.clone(), values }))
    }

    fn read_shape(
        &self,
        shape: &[Shape],
        levels: &mut [(usize, Properties)],
    ) -> Result<Vec<Value<'static>>, MappingError> {
        let mut values = Vec::with_capacity(shape.len());
        for part in shape {
            values.push(match part {
                Shape::Inner(schema, shape) => {
                    Value::Struct(Struct { schema: schema.clone(), values: self.read_shape(shape, levels)? })
                }
                Shape::Field(level, position) => {
                    let field = &self.types[*level].fields[*position];
                    let properties = levels.iter_mut().find(|(known, _)| known == level);
                    let property = properties.and_then(|(_, properties)| {
                        properties.iter_mut().find(|(index, _)| Some(*index) == field.index)
                    });
                    let value = property
                        .map_or(PofValue::Null, |(_, value)| std::mem::replace(value, PofValue::Null));
                    let value = match (&field.ty, value) {
                        // A missing `int` is 0, and so is the ordinal that it may be.
                        (Type::Enum(index), PofValue::Null)
                            if self.enums[*index].form == EnumForm::Ordinal =>
                        {
                            self.read_constant(*index, PofValue::Int32(0))
                        }
                        (ty, value) => self.read_pof(ty, value),
                    };
                    let value = value.map_err(|error| error.in_field(&field.from))?;
                    if field.required && value == Value::Null {
                        return Err(MappingError::from(Problem::Missing).in_field(&field.from));
                    }
                    value
                }
            });
        }
        Ok(values)
    }
}

fn default(kind: Kind) -> Value<'static> {
    match kind {
        Kind::Boolean => Value::Boolean(false),
        Kind::Byte => Value::Int8(0),
        Kind::Char => Value::String("\0".into()),
        Kind::Short => Value::Int16(0),
        Kind::Int => Value::Int32(0),
        Kind::Long => Value::Int64(0),
        Kind::Float => Value::Float32(0.0),
        Kind::Double => Value::Float64(0.0),
    }
}

/// A number that was written in one byte has lost its type.
fn integer(value: &PofValue) -> Option<i128> {
    match value {
        PofValue::Octet(value) => Some(i128::from(*value as i8)),
        PofValue::Int16(value) => Some(i128::from(*value)),
        PofValue::Int32(value) => Some(i128::from(*value)),
        PofValue::Int64(value) => Some(i128::from(*value)),
        PofValue::Int128(value) => Some(*value),
        _ => None,
    }
}

fn decimal(value: &PofValue) -> Option<(i128, i32)> {
    match value {
        PofValue::Decimal { unscaled, scale } => Some((*unscaled, *scale)),
        _ => integer(value).map(|whole| (whole, 0)),
    }
}

/// Returns a primitive; `None` for a value of another type.
fn read_kind(kind: Kind, value: &PofValue) -> Option<Result<Value<'static>, Problem>> {
    let range = || Problem::OutOfRange { expected: kind.names().0.into() };
    let whole = integer(value);
    Some(match kind {
        Kind::Boolean => match value {
            PofValue::Boolean(value) => Ok(Value::Boolean(*value)),
            _ => return None,
        },
        Kind::Char => {
            let unit = match value {
                PofValue::Char(unit) => Ok(*unit),
                // 0 to 22, and FFFF as -1, are written in one byte.
                _ => u16::try_from(whole? & 0xFFFF).map_err(|_| range()),
            };
            unit.and_then(|unit| {
                let text = char::from_u32(u32::from(unit)).ok_or_else(range)?;
                Ok(Value::String(text.to_string().into()))
            })
        }
        Kind::Byte => i8::try_from(whole?).map(Value::Int8).map_err(|_| range()),
        Kind::Short => i16::try_from(whole?).map(Value::Int16).map_err(|_| range()),
        Kind::Int => i32::try_from(whole?).map(Value::Int32).map_err(|_| range()),
        Kind::Long => i64::try_from(whole?).map(Value::Int64).map_err(|_| range()),
        Kind::Float => match value {
            PofValue::Float32(value) => Ok(Value::Float32(*value)),
            PofValue::Float64(wide) => {
                let value = *wide as f32;
                let same = f64::from(value) == *wide || wide.is_nan();
                if same { Ok(Value::Float32(value)) } else { Err(range()) }
            }
            _ => {
                let whole = whole?;
                let value = whole as f32;
                if value as i128 == whole { Ok(Value::Float32(value)) } else { Err(range()) }
            }
        },
        Kind::Double => match value {
            PofValue::Float32(value) => Ok(Value::Float64(f64::from(*value))),
            PofValue::Float64(value) => Ok(Value::Float64(*value)),
            _ => {
                let whole = whole?;
                let value = whole as f64;
                if value as i128 == whole { Ok(Value::Float64(value)) } else { Err(range()) }
            }
        },
    })
}

/// Returns the elements of whatever holds elements, or the value itself.
fn elements(value: PofValue) -> Result<Vec<PofValue>, PofValue> {
    fn of<T>(items: Vec<T>, value: impl Fn(T) -> PofValue) -> Vec<PofValue> {
        items.into_iter().map(value).collect()
    }
    Ok(match value {
        PofValue::Collection(items) | PofValue::Array(items) => items,
        PofValue::BooleanArray(items) => of(items, PofValue::Boolean),
        PofValue::ByteArray(items) => of(items, PofValue::Octet),
        PofValue::CharArray(items) => of(items, PofValue::Char),
        PofValue::Int16Array(items) => of(items, PofValue::Int16),
        PofValue::Int32Array(items) => of(items, PofValue::Int32),
        PofValue::Int64Array(items) => of(items, PofValue::Int64),
        PofValue::Float32Array(items) => of(items, PofValue::Float32),
        PofValue::Float64Array(items) => of(items, PofValue::Float64),
        other => return Err(other),
    })
}

/// `java.time.Instant` in Coherence's own POF configuration.
const INSTANT: u32 = 941;

/// Returns the value of a class of `java.time`; `None` for a value of another type.
fn moment(class: Temporal, value: &PofValue) -> Result<Option<Moment>, Problem> {
    Ok(match (class, value) {
        (Temporal::LocalDate, PofValue::Date(date)) => Some(Moment::Date(*date)),
        (Temporal::LocalTime | Temporal::OffsetTime, PofValue::Time(time)) => Some(Moment::Time(*time)),
        (Temporal::LocalDateTime | Temporal::OffsetDateTime, PofValue::DateTime(date, time)) => {
            Some(Moment::DateTime(*date, *time))
        }
        (Temporal::Date, PofValue::DateTime(date, time)) => {
            Some(Moment::Millis(temporal::millis_of(*date, *time)?))
        }
        (Temporal::Instant, PofValue::User { type_id: INSTANT, properties, .. }) => {
            let property = |wanted| {
                let property = properties.iter().find(|(index, _)| *index == wanted);
                property.map_or(Some(0), |(_, value)| integer(value))
            };
            let seconds = property(0).and_then(|seconds| i64::try_from(seconds).ok());
            let nanos = property(1).and_then(|nanos| i32::try_from(nanos).ok());
            seconds.zip(nanos).map(|(seconds, nanos)| Moment::Instant { seconds, nanos })
        }
        _ => None,
    })
}

/// Digits below a millisecond are not dropped: a unit in the mapping keeps them.
fn read_moment(class: Temporal, unit: Option<Unit>, moment: Moment) -> Result<Value<'static>, Problem> {
    match (class, moment) {
        (Temporal::OffsetTime, Moment::Time(time)) => {
            let mut text = String::new();
            temporal::show_time(time, &mut text);
            return Ok(Value::String(text.into()));
        }
        (Temporal::OffsetDateTime, Moment::DateTime(date, time)) if unit.is_none() => {
            return Ok(Value::String(temporal::show_date_time(date, time).into()));
        }
        _ => {}
    }
    let nanos = temporal::nanos(moment);
    let one = unit.unwrap_or(Unit::Millis).nanos();
    let count = i64::try_from(nanos / one).ok().filter(|_| nanos % one == 0);
    let count = count.ok_or(Problem::OutOfRange {
        expected: match unit {
            None => "milliseconds: name a unit in the mapping file, such as (nanos)".into(),
            Some(unit) => format!("a number of {} in 64 bits", Unit::ALL[unit as usize].1).into(),
        },
    })?;
    Ok(match (unit, class) {
        (Some(_), _) => Value::Int64(count),
        (None, Temporal::LocalDate) => Value::Date(count),
        (None, Temporal::LocalTime) => Value::Time(count),
        (None, _) => Value::Timestamp(count),
    })
}

/// Returns the type of a POF value, as Java names it.
fn found(value: &PofValue) -> &'static str {
    match value {
        PofValue::Null => "null",
        PofValue::Boolean(_) => "Boolean",
        PofValue::Int16(_) => "Short",
        PofValue::Int32(_) => "Integer",
        PofValue::Int64(_) => "Long",
        PofValue::Int128(_) => "BigInteger",
        PofValue::Float32(_) => "Float",
        PofValue::Float64(_) => "Double",
        PofValue::Float128(_) => "a float of 128 bits",
        PofValue::Decimal { .. } => "BigDecimal",
        PofValue::Octet(_) => "Byte",
        PofValue::OctetString(_) => "Binary",
        PofValue::Char(_) => "Character",
        PofValue::String(_) => "String",
        PofValue::Date(_) => "a date",
        PofValue::Time(_) => "a time",
        PofValue::DateTime(..) => "a date and time",
        PofValue::YearMonthInterval { .. }
        | PofValue::TimeInterval { .. }
        | PofValue::DayTimeInterval { .. } => "an interval",
        PofValue::Collection(_) => "Collection",
        PofValue::Map(_) => "Map",
        PofValue::SparseArray { .. } => "a sparse array",
        PofValue::User { .. } => "an object",
        _ => "an array",
    }
}
