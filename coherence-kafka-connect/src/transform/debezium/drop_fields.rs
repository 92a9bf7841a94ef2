//! Fields that `ExtractNewRecordState` leaves out because a header of the record lists them.

use std::sync::Arc;

use super::super::part::of_struct;
use super::super::schemas::{Fields, basics, or_default};
use crate::config::def::DefaultValue::{Null, Text};
use crate::config::def::Importance::Low;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigKey, Kind, Values, key};
use crate::data::{SchemaAndValue, Value};
use crate::error::{ConnectError, Exception};
use crate::record::Record;

#[rustfmt::skip]
pub(super) const HEADER_NAME: ConfigKey =
    key("drop.fields.header.name", Kind::String, Null, Any, ("", Low),
        "The header that lists the fields of the row that are left out, as `[\"a\", \"b\"]`.");
#[rustfmt::skip]
pub(super) const FROM_KEY: ConfigKey =
    key("drop.fields.from.key", Kind::Boolean, Text("false"), Any, ("", Low),
        "Whether the key loses these fields too.");
#[rustfmt::skip]
pub(super) const KEEP_SCHEMA_COMPATIBLE: ConfigKey =
    key("drop.fields.keep.schema.compatible", Kind::Boolean, Text("true"), Any, ("", Low),
        "Whether fields that the schema requires stay.");

#[derive(Debug)]
pub(super) struct DropFields {
    header: String,
    from_key: bool,
    keep_schema_compatible: bool,
}

impl DropFields {
    /// Returns what the settings ask for; `None` where they name no header.
    pub(super) fn of(values: &Values) -> Option<Self> {
        let header = values.text(HEADER_NAME.name).filter(|header| !header.trim().is_empty())?;
        Some(Self {
            header: header.to_owned(),
            from_key: values.boolean(FROM_KEY.name),
            keep_schema_compatible: values.boolean(KEEP_SCHEMA_COMPATIBLE.name),
        })
    }

    /// Returns the record without the fields that its header lists.
    ///
    /// # Errors
    /// The header is no list of texts.
    pub(super) fn apply<'a>(
        &self,
        mut record: Record<'a>,
        defaults: bool,
    ) -> Result<Record<'a>, ConnectError> {
        let names = match record.headers.iter().find(|header| header.key == self.header) {
            None => return Ok(record),
            Some(header) => match &header.data.value {
                Value::Null => return Ok(record),
                Value::Array(items) => items.iter().map(text_of).collect::<Option<Vec<_>>>(),
                _ => None,
            },
        };
        let names = names.ok_or_else(|| {
            let header = &self.header;
            ConnectError::new(
                Exception::ClassCast,
                format!("the header {header} is not a list of field names"),
            )
        })?;
        if names.is_empty() {
            return Ok(record);
        }
        let part = |data| self.without(data, &names, defaults);
        record.value = part(record.value)?;
        if self.from_key {
            record.key = part(record.key)?;
        }
        Ok(record)
    }

    fn without<'a>(
        &self,
        data: SchemaAndValue<'a>,
        names: &[String],
        defaults: bool,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let listed = |name: &str| names.iter().any(|listed| listed == name);
        match data.value {
            Value::Struct(of) => {
                let (mut fields, mut values) = (Fields::default(), Vec::with_capacity(of.values.len()));
                for (field, value) in of.schema.fields().iter().zip(of.values) {
                    let required = self.keep_schema_compatible && !field.schema.optional;
                    if required || !listed(&field.name) {
                        fields.add(&field.name, Arc::clone(&field.schema))?;
                        values.push(or_default(value, &field.schema, defaults));
                    }
                }
                Ok(of_struct(Arc::new(basics(&of.schema, fields.into_kind())), values))
            }
            Value::Map(mut entries) => {
                entries.retain(|(key, _)| !matches!(key, Value::String(name) if listed(name)));
                Ok(SchemaAndValue { value: Value::Map(entries), ..data })
            }
            value => Ok(SchemaAndValue { value, ..data }),
        }
    }
}

fn text_of(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}
