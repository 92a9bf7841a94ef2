//! Objects in POF, each byte as Java's serializer of the class writes it.

use coherence_kafka_common::pof::{Date, PofValue, PofWriter, Primitive, UserTypeWriter};

use super::Mapping;
use super::convert;
use super::error::{MappingError, Problem};
use super::temporal::{self, Moment};
use super::types::{EnumForm, Family, Field, Kind, Layout, Type, UserType, Write};
use crate::data::Value;

/// `java.time.Instant` in Coherence's own POF configuration.
const INSTANT: u32 = 941;

impl Mapping {
    /// Writes a value as `writeObject` does.
    pub(super) fn write_pof(
        &self,
        ty: &Type,
        value: &Value<'_>,
        pof: &mut PofWriter<'_>,
    ) -> Result<(), MappingError> {
        if matches!(value, Value::Null) {
            pof.null();
            return Ok(());
        }
        match ty {
            Type::Primitive(kind) | Type::Wrapper(kind) => full(convert::primitive(*kind, value)?, pof),
            Type::String => pof.string(convert::text(value)?),
            Type::BigInteger => pof.big_integer(convert::big_integer(value)?),
            Type::BigDecimal(scale) => {
                let (unscaled, scale) = convert::decimal(*scale, value)?;
                pof.decimal(unscaled, scale).map_err(|error| Problem::Write(error.into()))?;
            }
            Type::Temporal(class, unit) => write_moment(temporal::moment(*class, *unit, value)?, pof)?,
            Type::Uuid => pof.uuid(convert::uuid(value)?),
            Type::ByteArray => pof.byte_array(&convert::bytes("byte[]", value)?),
            Type::Binary => pof.octet_string(&convert::bytes("Binary", value)?),
            Type::PrimitiveArray(kind) => uniform(*kind, convert::elements(value)?, true, pof)?,
            Type::Array(element) => {
                let items = convert::elements(value)?;
                pof.object_array(items.len());
                self.write_items(element, items, pof)?;
            }
            Type::Collection(element) => {
                let items = convert::elements(value)?;
                pof.collection(items.len());
                self.write_items(element, items, pof)?;
            }
            Type::Map(key_type, value_type) => {
                let entries = convert::entries(value)?;
                pof.map(entries.len());
                for (key, value) in &entries {
                    self.write_pof(key_type, key, pof).map_err(|error| error.in_entry("key"))?;
                    self.write_pof(value_type, value, pof).map_err(|error| error.in_entry("value"))?;
                }
            }
            Type::User(index) => self.write_user(*index, value, pof)?,
            Type::Enum(index) => self.write_constant(*index, value, pof)?,
        }
        Ok(())
    }

    fn write_items(
        &self,
        element: &Type,
        items: &[Value<'_>],
        pof: &mut PofWriter<'_>,
    ) -> Result<(), MappingError> {
        for (index, item) in items.iter().enumerate() {
            self.write_pof(element, item, pof).map_err(|error| error.in_element(index))?;
        }
        Ok(())
    }

    fn write_constant(
        &self,
        index: usize,
        value: &Value<'_>,
        pof: &mut PofWriter<'_>,
    ) -> Result<(), MappingError> {
        let constants = &self.enums[index];
        let ordinal = convert::ordinal(constants, value)?;
        match constants.form {
            EnumForm::Object => pof.try_user(constants.id.unwrap_or_default(), 0, |properties| {
                properties.string(0, Some(&constants.constants[ordinal])).map_err(MappingError::from)
            })?,
            EnumForm::Ordinal => pof.int32(ordinal as i32),
            EnumForm::Name => pof.string(&constants.constants[ordinal]),
        }
        Ok(())
    }

    fn write_user(
        &self,
        index: usize,
        value: &Value<'_>,
        pof: &mut PofWriter<'_>,
    ) -> Result<(), MappingError> {
        let ty = &self.types[index];
        self.check_unmapped(ty, value)?;
        let id = ty.id.unwrap_or_default();
        if ty.layout != Layout::PortableType {
            return pof.try_user(id, ty.version, |properties| self.write_fields(ty, value, properties));
        }
        // Each class of the hierarchy has the version of the most derived one, and the object itself has none.
        pof.try_user(id, 0, |levels| {
            for level in ty.hierarchy.iter().map(|level| &self.types[*level]) {
                let id = level.id.unwrap_or_default();
                levels
                    .value(id)?
                    .try_user(id, ty.version, |properties| self.write_fields(level, value, properties))?;
            }
            Ok(())
        })
    }

    fn write_fields(
        &self,
        ty: &UserType,
        value: &Value<'_>,
        properties: &mut UserTypeWriter<'_, '_>,
    ) -> Result<(), MappingError> {
        for field in &ty.fields {
            let of_field = find(field, value, &ty.name)?;
            self.write_field(field, of_field, properties).map_err(|error| error.in_field(&field.from))?;
        }
        Ok(())
    }

    fn write_field(
        &self,
        field: &Field,
        value: Option<&Value<'_>>,
        properties: &mut UserTypeWriter<'_, '_>,
    ) -> Result<(), MappingError> {
        let index = field.index.unwrap_or_default();
        let family = match field.write {
            Write::Object => Family::Object,
            Write::Typed | Write::Uniform => field.ty.family(&self.enums),
        };
        let Some(value) = value else {
            match (family, &field.ty) {
                _ if field.required => return Err(Problem::Missing.into()),
                (Family::Primitive, Type::Primitive(kind)) => {
                    properties.primitive(index, convert::default(*kind))?;
                }
                (_, Type::Primitive(kind)) => full(convert::default(*kind), properties.value(index)?),
                // An `int` has no null, and 0 is the first constant.
                (_, Type::Enum(constants)) if self.enums[*constants].form == EnumForm::Ordinal => {
                    return Err(Problem::Missing.into());
                }
                (Family::Reference, _) => properties.absent(index)?,
                _ => properties.value(index)?.null(),
            }
            return Ok(());
        };
        match (family, &field.ty) {
            (Family::Primitive, Type::Primitive(kind)) => {
                properties.primitive(index, convert::primitive(*kind, value)?)?;
            }
            (Family::Primitive, Type::Enum(constants)) => {
                let ordinal = convert::ordinal(&self.enums[*constants], value)?;
                properties.int32(index, ordinal as i32)?;
            }
            (_, Type::Array(element) | Type::Collection(element)) if field.write == Write::Uniform => {
                let items = convert::elements(value)?;
                let pof = properties.value(index)?;
                match &**element {
                    // Java writes a container with a null in its usual form.
                    _ if items.iter().any(|item| matches!(item, Value::Null)) => {
                        self.write_pof(&field.ty, value, pof)?
                    }
                    Type::Wrapper(kind) => uniform(*kind, items, matches!(field.ty, Type::Array(_)), pof)?,
                    _ => {
                        let texts = items.iter().enumerate().map(|(index, item)| {
                            convert::text(item)
                                .map_err(|problem| MappingError::from(problem).in_element(index))
                        });
                        let texts = texts.collect::<Result<Vec<_>, _>>()?;
                        match field.ty {
                            Type::Array(_) => pof.uniform_array(&texts)?,
                            _ => pof.uniform_collection(&texts)?,
                        }
                    }
                }
            }
            _ => self.write_pof(&field.ty, value, properties.value(index)?)?,
        }
        Ok(())
    }

    /// Refuses a record with a field that the type does not name, where the type refuses these.
    pub(super) fn check_unmapped(&self, ty: &UserType, value: &Value<'_>) -> Result<(), MappingError> {
        if !ty.refuses_unmapped {
            return Ok(());
        }
        let levels = ty.hierarchy.iter().flat_map(|level| &self.types[*level].fields);
        let known: Vec<&str> = levels.filter_map(|field| field.from.first()).map(String::as_str).collect();
        match value {
            Value::Struct(of) => {
                let mut fields = of.schema.fields().iter();
                match fields.find(|field| !known.contains(&field.name.as_str())) {
                    // The name is one of the schema.
                    Some(field) => {
                        Err(MappingError::from(Problem::Unmapped).in_field(std::slice::from_ref(&field.name)))
                    }
                    None => Ok(()),
                }
            }
            Value::Map(entries) => {
                let is_known =
                    |key: &Value<'_>| matches!(key, Value::String(name) if known.contains(&&**name));
                // The name is data here, so it is not shown.
                if entries.iter().all(|(key, _)| is_known(key)) {
                    Ok(())
                } else {
                    Err(Problem::Unmapped.into())
                }
            }
            _ => Ok(()),
        }
    }
}

/// Returns the value of a field; `None` where it is null or missing, or a part of its path is.
pub(super) fn find<'v, 'a>(
    field: &Field,
    value: &'v Value<'a>,
    of: &str,
) -> Result<Option<&'v Value<'a>>, MappingError> {
    let mut at = value;
    for (depth, name) in field.from.iter().enumerate() {
        let inner = convert::field(at, name).map_err(|found| {
            if depth == 0 {
                return MappingError::from(Problem::Mismatch { expected: of.to_owned().into(), found });
            }
            MappingError::from(Problem::NotStruct { found }).in_field(&field.from[..depth])
        })?;
        match inner {
            None | Some(Value::Null) => return Ok(None),
            Some(inner) => at = inner,
        }
    }
    Ok(Some(at))
}

fn full(value: Primitive, pof: &mut PofWriter<'_>) {
    match value {
        Primitive::Boolean(value) => pof.boolean(value),
        Primitive::Octet(value) => pof.octet(value),
        Primitive::Char(unit) => pof.char(unit),
        Primitive::Int16(value) => pof.int16(value),
        Primitive::Int32(value) => pof.int32(value),
        Primitive::Int64(value) => pof.int64(value),
        Primitive::Float32(value) => pof.float32(value),
        Primitive::Float64(value) => pof.float64(value),
    }
}

fn write_moment(moment: Moment, pof: &mut PofWriter<'_>) -> Result<(), MappingError> {
    match moment {
        Moment::Date(date) => pof.date(date),
        Moment::Time(time) => pof.time(time)?,
        Moment::DateTime(date, time) => pof.date_time(date, time)?,
        Moment::Millis(millis) => {
            let (date, time): (Date, _) = temporal::java_date(millis)?;
            pof.date_time(date, time)?;
        }
        Moment::Instant { seconds, nanos } => {
            let properties = vec![(0, PofValue::Int64(seconds)), (1, PofValue::Int32(nanos))];
            pof.value(&PofValue::User { type_id: INSTANT, version: 0, properties })?;
        }
    }
    Ok(())
}

/// Writes a container whose elements are of one kind, none of them null.
fn uniform(
    kind: Kind,
    items: &[Value<'_>],
    array: bool,
    pof: &mut PofWriter<'_>,
) -> Result<(), MappingError> {
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let value = convert::primitive(kind, item);
        values.push(value.map_err(|problem| MappingError::from(problem).in_element(index))?);
    }
    macro_rules! of {
        ($variant:ident) => {{
            let of_kind = |value: &Primitive| match value {
                Primitive::$variant(value) => Some(*value),
                _ => None,
            };
            // Every primitive of a kind has the variant of the kind.
            let values: Vec<_> = values.iter().filter_map(of_kind).collect();
            if array { pof.uniform_array(&values)? } else { pof.uniform_collection(&values)? }
        }};
    }
    match kind {
        Kind::Boolean => of!(Boolean),
        Kind::Byte => of!(Octet),
        Kind::Char => of!(Char),
        Kind::Short => of!(Int16),
        Kind::Int => of!(Int32),
        Kind::Long => of!(Int64),
        Kind::Float => of!(Float32),
        Kind::Double => of!(Float64),
    }
    Ok(())
}
