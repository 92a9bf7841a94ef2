//! `ReplaceField`: leaves fields out, or renames them.

use std::borrow::Cow;
use std::sync::Arc;

use super::part::{Part, of_struct, require_map, require_struct};
use super::schemas::{Derived, Fields, basics, or_default};
use super::settings::{DEFAULTS, refusal};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::{Null, Text};
use crate::config::def::Importance::{Low, Medium};
use crate::config::def::Validator::Any;
use crate::config::def::{Check, ConfigDef, ConfigKey, Kind, Typed, Validator, Values, key};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::{ConnectError, Exception};
use crate::record::Record;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.ReplaceField$Key",
    "org.apache.kafka.connect.transforms.ReplaceField$Value",
];
const PURPOSE: &str = "field replacement";

#[rustfmt::skip]
const KEYS: [ConfigKey; 6] = [
    key("exclude", Kind::List, Text(""), Any, ("", Medium),
        "The fields that are left out, even where `include` names them."),
    key("include", Kind::List, Text(""), Any, ("", Medium),
        "The fields that stay, by their former names; all where this is empty."),
    key("renames", Kind::List, Text(""), RENAMES, ("", Medium),
        "New names of fields, as `old:new`."),
    key("blacklist", Kind::List, Null, Any, ("", Low),
        "The former name of `exclude`."),
    key("whitelist", Kind::List, Null, Any, ("", Low),
        "The former name of `include`."),
    DEFAULTS,
];

const RENAMES: Validator = Validator::Check(Check(|_, value| match value {
    Typed::List(items) => renames(items).map(|_| ()),
    _ => Ok(()),
}));

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    // The new name wins where both are set.
    let list = |name: &str, former: &str| {
        let items = values.list(name);
        if items.is_empty() { values.list(former).to_vec() } else { items.to_vec() }
    };
    Ok(Box::new(ReplaceField {
        part,
        exclude: list("exclude", "blacklist"),
        include: list("include", "whitelist"),
        renames: renames(values.list("renames")).map_err(refusal)?,
        defaults: values.boolean(DEFAULTS.name),
        plans: Derived::default(),
    }))
}

/// Reads pairs of names; of two for one field the last one counts.
fn renames(items: &[String]) -> Result<Vec<(String, String)>, String> {
    let mut renames: Vec<(String, String)> = Vec::new();
    for item in items {
        let [old, new] = item.trim_end_matches(':').split(':').collect::<Vec<_>>()[..] else {
            let shown = items.join(", ");
            return Err(format!(
                "Invalid value [{shown}] for configuration renames: Invalid rename mapping: {item}"
            ));
        };
        match renames.iter_mut().find(|(known, _)| known == old) {
            Some(known) => known.1 = new.to_owned(),
            None => renames.push((old.to_owned(), new.to_owned())),
        }
    }
    Ok(renames)
}

#[derive(Debug)]
struct ReplaceField {
    part: Part,
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, String)>,
    defaults: bool,
    plans: Derived<Plan>,
}

/// The new struct of an old one.
#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// The position in the old struct of each field of the new one.
    sources: Vec<usize>,
}

impl Transform for ReplaceField {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        if self.part.of(&record).value == Value::Null {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let replaced = match schema {
            None => {
                let entries = self.entries(require_map(value, PURPOSE)?)?;
                SchemaAndValue { schema: None, value: Value::Map(entries) }
            }
            Some(_) => {
                let mut of = require_struct(value, PURPOSE)?;
                let plan = self.plans.of(&of.schema, |schema| self.plan(schema))?;
                let fields = of.schema.fields();
                let values = plan.sources.iter().map(|&at| {
                    let value = of.values.get_mut(at).map(|value| std::mem::replace(value, Value::Null));
                    or_default(value.unwrap_or(Value::Null), &fields[at].schema, self.defaults)
                });
                of_struct(Arc::clone(&plan.schema), values.collect())
            }
        };
        *self.part.of_mut(&mut record) = replaced;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

impl ReplaceField {
    fn stays(&self, name: &str) -> bool {
        let is = |known: &String| known == name;
        !self.exclude.iter().any(is) && (self.include.is_empty() || self.include.iter().any(is))
    }

    fn renamed(&self, name: &str) -> Option<&str> {
        self.renames.iter().find(|(old, _)| old == name).map(|(_, new)| new.as_str())
    }

    fn entries<'a>(
        &'a self,
        entries: super::part::Entries<'a>,
    ) -> Result<super::part::Entries<'a>, ConnectError> {
        let mut replaced = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Value::String(name) = key else {
                return Err(ConnectError::new(Exception::ClassCast, "a key of the map is no text"));
            };
            if !self.stays(&name) {
                continue;
            }
            match self.renamed(&name) {
                Some(new) => super::part::put(&mut replaced, new, value),
                // Only a renamed field can have the same name.
                None if self.renames.is_empty() => replaced.push((Value::String(name), value)),
                None => match super::part::position(&replaced, &name) {
                    Some(at) => replaced[at].1 = value,
                    None => replaced.push((Value::String(name), value)),
                },
            }
        }
        Ok(replaced)
    }

    fn plan(&self, schema: &Schema) -> Result<Plan, ConnectError> {
        let mut fields = Fields::default();
        for field in schema.fields().iter().filter(|field| self.stays(&field.name)) {
            let name = self.renamed(&field.name).map_or(Cow::Borrowed(field.name.as_str()), Cow::Borrowed);
            fields.add(&name, Arc::clone(&field.schema))?;
        }
        let updated = basics(schema, fields.into_kind());
        // As in Connect, the new name alone decides where the value comes from, also where another field had it before.
        let source = |name: &str| {
            let old =
                self.renames.iter().rev().find(|(_, new)| new == name).map_or(name, |(old, _)| old.as_str());
            schema
                .field_index(old)
                .ok_or_else(|| ConnectError::data(format!("{old} is not a valid field name")))
        };
        let sources = updated.fields().iter().map(|field| source(&field.name)).collect::<Result<_, _>>()?;
        Ok(Plan { schema: Arc::new(updated), sources })
    }
}
