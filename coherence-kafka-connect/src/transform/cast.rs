//! `Cast`: turns a key or value, or some of its fields, into another type.

use std::borrow::Cow;
use std::sync::Arc;

use super::part::{Entries, Part, of_struct, position, require_map, require_struct};
use super::schemas::{Derived, Fields, basics, fields_of, or_default};
use super::settings::{DEFAULTS, refusal};
use super::{Created, TransformClass, class};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::High;
use crate::config::def::{Check, ConfigDef, ConfigKey, Kind, Typed, Validator, Values, key};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::encode::key::order;
use crate::error::ConnectError;
use crate::record::Record;

mod value;

const NAMES: [&str; 2] =
    ["org.apache.kafka.connect.transforms.Cast$Key", "org.apache.kafka.connect.transforms.Cast$Value"];
const PURPOSE: &str = "cast types";

#[rustfmt::skip]
const KEYS: [ConfigKey; 2] = [
    key("spec", Kind::List, Required, SPEC, ("", High),
        "List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of Maps or Structs. A single type to cast the entire value. Valid types are int8, int16, int32, int64, float32, float64, boolean, and string. Note that binary fields can only be cast to string."),
    DEFAULTS,
];

const SPEC: Validator = Validator::Check(Check(|_, value| match value {
    Typed::List(items) => Spec::parse(items).map(|_| ()),
    _ => Ok(()),
}));

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let spec = Spec::parse(values.list("spec")).map_err(refusal)?;
    let defaults = values.boolean(DEFAULTS.name);
    Ok(Box::new(Cast { part, spec, defaults, whole: Derived::default(), plans: Derived::default() }))
}

/// The types that values are cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
}

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim().to_uppercase();
        Ok(match name.as_str() {
            "INT8" => Target::Int8,
            "INT16" => Target::Int16,
            "INT32" => Target::Int32,
            "INT64" => Target::Int64,
            "FLOAT32" => Target::Float32,
            "FLOAT64" => Target::Float64,
            "BOOLEAN" => Target::Boolean,
            "STRING" => Target::String,
            "BYTES" | "ARRAY" | "MAP" | "STRUCT" => {
                return Err(format!(
                    "Cast transformation does not support casting to {name}; supported types are [INT8, INT16, INT32, \
                     INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]"
                ));
            }
            _ => {
                return Err(format!(
                    "Invalid value java.lang.IllegalArgumentException: No enum constant \
                     org.apache.kafka.connect.data.Schema.Type.{name} for configuration Invalid type found in casting \
                     spec: {}",
                    text.trim()
                ));
            }
        })
    }

    fn kind(self) -> SchemaKind {
        match self {
            Target::Int8 => SchemaKind::Int8,
            Target::Int16 => SchemaKind::Int16,
            Target::Int32 => SchemaKind::Int32,
            Target::Int64 => SchemaKind::Int64,
            Target::Float32 => SchemaKind::Float32,
            Target::Float64 => SchemaKind::Float64,
            Target::Boolean => SchemaKind::Boolean,
            Target::String => SchemaKind::String,
        }
    }
}

/// What is cast, to which type.
#[derive(Debug, Clone)]
enum Spec {
    Whole(Target),
    Fields(Vec<(String, Target)>),
}

impl Spec {
    fn parse(items: &[String]) -> Result<Self, String> {
        let mut whole = None;
        let mut fields: Vec<(String, Target)> = Vec::new();
        for item in items {
            match item.trim_end_matches(':').split(':').collect::<Vec<_>>()[..] {
                [target] => whole = Some(Target::parse(target)?),
                [field, target] => {
                    let (field, target) = (field.trim(), Target::parse(target)?);
                    match fields.iter_mut().find(|(name, _)| name == field) {
                        Some(known) => known.1 = target,
                        None => fields.push((field.to_owned(), target)),
                    }
                }
                _ => {
                    let shown = items.join(", ");
                    return Err(format!(
                        "Invalid value [{shown}] for configuration renames: Invalid rename mapping: {item}"
                    ));
                }
            }
        }
        match whole {
            Some(_) if items.len() > 1 => {
                Err("Cast transformations that specify a type to cast the entire value to may \
                                               only specify a single cast in their spec"
                    .to_owned())
            }
            Some(target) => Ok(Spec::Whole(target)),
            None if fields.is_empty() => Err("Must specify at least one field to cast.".to_owned()),
            None => Ok(Spec::Fields(in_order_of_java(fields))),
        }
    }
}

/// Connect has the fields in a `HashMap`, whose order decides which of two failures is the first.
fn in_order_of_java(fields: Vec<(String, Target)>) -> Vec<(String, Target)> {
    let names = fields.iter().map(|(name, _)| (Value::String(Cow::Borrowed(name)), Value::Null));
    let mut names = Value::Map(names.collect());
    order(&mut names);
    let Value::Map(names) = names else { return fields };
    let place = |name: &String| position(&names, name);
    let mut places: Vec<_> =
        fields.iter().map(|(name, target)| (place(name), name.clone(), *target)).collect();
    places.sort_by_key(|(place, ..)| *place);
    places.into_iter().map(|(_, name, target)| (name, target)).collect()
}

#[derive(Debug)]
struct Cast {
    part: Part,
    spec: Spec,
    defaults: bool,
    whole: Derived<Schema>,
    plans: Derived<Plan>,
}

/// What becomes of the fields of a struct.
#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// The cast of each field, in the order of the schema.
    casts: Vec<Option<Target>>,
}

impl super::Transform for Cast {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        if self.part.of(&record).value == Value::Null {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let cast = match (&self.spec, schema) {
            (Spec::Whole(target), None) => {
                SchemaAndValue { schema: None, value: value::cast(None, value, *target)? }
            }
            (Spec::Whole(target), Some(schema)) => {
                let updated = self.whole.of(&schema, |schema| cast_schema(schema, schema, *target))?;
                let value = value::cast(Some(&schema), value, *target)?;
                SchemaAndValue { schema: Some(Cow::Owned(updated)), value }
            }
            (Spec::Fields(fields), None) => {
                SchemaAndValue { schema: None, value: Value::Map(cast_entries(fields, value)?) }
            }
            (Spec::Fields(fields), Some(schema)) => {
                let plan = self.plans.of(&schema, |schema| plan(schema, fields))?;
                let of = require_struct(value, PURPOSE)?;
                let mut values = of.values;
                for ((value, field), cast) in values.iter_mut().zip(of.schema.fields()).zip(&plan.casts) {
                    let taken =
                        or_default(std::mem::replace(value, Value::Null), &field.schema, self.defaults);
                    *value = match cast {
                        Some(target) => value::cast(Some(&field.schema), taken, *target)?,
                        None => taken,
                    };
                }
                of_struct(Arc::clone(&plan.schema), values)
            }
        };
        *self.part.of_mut(&mut record) = cast;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

fn cast_entries<'a>(fields: &'a [(String, Target)], value: Value<'a>) -> Result<Entries<'a>, ConnectError> {
    let mut entries = require_map(value, PURPOSE)?;
    for (name, target) in fields {
        match position(&entries, name) {
            Some(at) => {
                let value = std::mem::replace(&mut entries[at].1, Value::Null);
                entries[at].1 = value::cast(None, value, *target)?;
            }
            None => entries.push((Value::String(Cow::Borrowed(name)), Value::Null)),
        }
    }
    Ok(entries)
}

/// Returns the schema of `of`, cast to a type, with what belongs to `named`.
fn cast_schema(of: &Schema, named: &Schema, target: Target) -> Result<Schema, ConnectError> {
    let default = of.default.clone().map(|default| value::cast(Some(of), default, target)).transpose()?;
    Ok(Schema { optional: of.optional, default, ..basics(named, target.kind()) })
}

fn plan(schema: &Schema, fields: &[(String, Target)]) -> Result<Plan, ConnectError> {
    let mut updated = Fields::default();
    let mut casts = Vec::new();
    let nothing = Schema::new(SchemaKind::Boolean);
    for field in fields_of(schema)? {
        let cast = fields.iter().find(|(name, _)| *name == field.name).map(|(_, target)| *target);
        let of_field = match cast {
            Some(target) => Arc::new(cast_schema(&field.schema, &nothing, target)?),
            None => Arc::clone(&field.schema),
        };
        updated.add(&field.name, of_field)?;
        casts.push(cast);
    }
    if schema.default.is_some() {
        return Err(value::unsupported(&schema.kind));
    }
    let schema = Schema { optional: schema.optional, ..basics(schema, updated.into_kind()) };
    Ok(Plan { schema: Arc::new(schema), casts })
}
