//! `ExtractNewRecordState`: replaces a change event by the row after the change.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::part::{Entries, of_struct, put};
use super::super::schemas::{Derived, Fields, basics, or_default};
use super::super::settings::DEFAULTS;
use super::super::{Created, Transform, TransformClass};
use super::drop_fields::{self, DropFields};
use super::envelope::{AFTER, BEFORE, OPERATION, is_envelope, take};
use super::fields::{Reference, Resolved};
use crate::config::def::DefaultValue::{Null, Text};
use crate::config::def::Importance::{Low, Medium};
use crate::config::def::Validator::{Any, OneOfInAnyCase};
use crate::config::def::{ConfigDef, ConfigKey, Kind, Typed, Values, key};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Struct, Value};
use crate::error::ConnectError;
use crate::record::{Header, Record};

const NAME: &str = "io.debezium.transforms.ExtractNewRecordState";
pub(super) const DELETED: &str = "__deleted";

#[rustfmt::skip]
pub(super) const KEYS: [ConfigKey; 12] = [
    key("delete.tombstone.handling.mode", Kind::String, Null, OneOfInAnyCase(&["tombstone", "delete-to-tombstone", "drop", "rewrite", "rewrite-with-tombstone"]), ("", Medium),
        "What becomes of a delete event and of the tombstone behind it. `tombstone` (default): the event becomes a null under the schema of the row, its tombstone is dropped. `delete-to-tombstone`: the same without a schema. `drop`: both are dropped. `rewrite`: the event becomes the deleted row with `__deleted`, its tombstone is dropped. `rewrite-with-tombstone`: the tombstone stays as well."),
    key("delete.handling.mode", Kind::String, Null, OneOfInAnyCase(&["drop", "none", "rewrite"]), ("", Medium),
        "The former setting for delete events, used where `delete.tombstone.handling.mode` is not set: `drop`, `none` (a null) or `rewrite`."),
    key("drop.tombstones", Kind::Boolean, Null, Any, ("", Low),
        "The former setting for tombstones, used where `delete.tombstone.handling.mode` is not set; `true` drops them."),
    key("add.fields", Kind::List, Text(""), Any, ("", Low),
        "Fields of the event that the row has too, such as `op`, `source.ts_ms` or `source.lsn:version`; a name behind a colon is the new one."),
    key("add.fields.prefix", Kind::String, Text("__"), Any, ("", Low),
        "What stands before the names of these fields."),
    key("add.headers", Kind::List, Text(""), Any, ("", Low),
        "Fields of the event that become headers, written as those of `add.fields`."),
    key("add.headers.prefix", Kind::String, Text("__"), Any, ("", Low),
        "What stands before the names of these headers."),
    key("route.by.field", Kind::String, Text(""), Any, ("", Low),
        "The field of the row whose text is the new topic."),
    drop_fields::HEADER_NAME,
    drop_fields::FROM_KEY,
    drop_fields::KEEP_SCHEMA_COMPATIBLE,
    DEFAULTS,
];

pub(in super::super) const CLASS: TransformClass =
    TransformClass { class: NAME, settings: ConfigDef { keys: &KEYS }, create };

fn create(values: &Values) -> Created {
    Ok(Box::new(ExtractNewRecordState {
        deletes: Deletes::of(values),
        fields: Reference::list(values, "add.fields")?,
        headers: Reference::list(values, "add.headers")?,
        route: values.text("route.by.field").filter(|field| !field.is_empty()).map(str::to_owned),
        drop: DropFields::of(values),
        defaults: values.boolean(DEFAULTS.name),
        plans: Derived::default(),
    }))
}

/// What becomes of delete events and tombstones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deletes {
    pub(super) event: Deleted,
    pub(super) drop_tombstones: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    Drop,
    /// A null, under the schema of the row.
    Null,
    /// A null without a schema.
    Tombstone,
    /// The row before, marked as deleted; every other row is marked as not deleted.
    Rewrite,
}

impl Deletes {
    pub(super) fn of(values: &Values) -> Self {
        let text = |name: &str| values.text(name).map(str::to_ascii_lowercase);
        let former = match values.typed("drop.tombstones") {
            Some(Typed::Boolean(drop)) => Some(*drop),
            _ => None,
        };
        let (event, drop_tombstones) = match text("delete.tombstone.handling.mode").as_deref() {
            Some("drop") => (Deleted::Drop, true),
            Some("delete-to-tombstone") => (Deleted::Tombstone, true),
            Some("rewrite") => (Deleted::Rewrite, true),
            Some("rewrite-with-tombstone") => (Deleted::Rewrite, false),
            Some(_) => (Deleted::Null, true),
            None => match (text("delete.handling.mode").as_deref(), former) {
                (None, None) => (Deleted::Null, true),
                (Some("none"), former) => (Deleted::Null, former.unwrap_or(true)),
                (Some("rewrite"), former) => (Deleted::Rewrite, former.unwrap_or(true)),
                (_, former) => (Deleted::Drop, former.unwrap_or(true)),
            },
        };
        Self { event, drop_tombstones }
    }
}

#[derive(Debug)]
struct ExtractNewRecordState {
    deletes: Deletes,
    fields: Vec<Reference>,
    headers: Vec<Reference>,
    route: Option<String>,
    drop: Option<DropFields>,
    defaults: bool,
    plans: Derived<Plan>,
}

/// What becomes of events with one schema.
#[derive(Debug)]
struct Plan {
    before: Option<usize>,
    after: Option<usize>,
    operation: Option<usize>,
    fields: Vec<Resolved>,
    headers: Vec<Resolved>,
    /// The schema of the row with what is added; `None` where nothing is.
    row: Option<Arc<Schema>>,
    /// The same of a row that was deleted.
    deleted_row: Option<Arc<Schema>>,
}

impl Transform for ExtractNewRecordState {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        if record.value.value == Value::Null {
            if self.deletes.drop_tombstones {
                return Ok(None);
            }
            for header in self.headers.iter().filter(|header| header.is_operation()) {
                let schema = Arc::new(Schema::new(SchemaKind::String));
                let value = Value::String(Cow::Borrowed("d"));
                record.headers.push(of_header(&header.name, Some(schema), value));
            }
            return Ok(Some(record));
        }
        if !is_envelope(&record.value) {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } =
            std::mem::replace(&mut record.value, SchemaAndValue { schema: None, value: Value::Null });
        let row = match (schema, value) {
            (_, Value::Struct(event)) => self.of_struct(record, event)?,
            (_, Value::Map(event)) => self.of_map(record, event)?,
            (schema, value) => Some(Record { value: SchemaAndValue { schema, value }, ..record }),
        };
        match (row, &self.drop) {
            (Some(row), Some(drop)) => drop.apply(row, self.defaults).map(Some),
            (row, _) => Ok(row),
        }
    }

    fn class_name(&self) -> &'static str {
        NAME
    }

    fn uses_headers(&self) -> bool {
        !self.headers.is_empty() || self.drop.is_some()
    }
}

impl ExtractNewRecordState {
    fn of_struct<'a>(
        &'a self,
        mut record: Record<'a>,
        mut event: Struct<'a>,
    ) -> Result<Option<Record<'a>>, ConnectError> {
        let plan = self.plans.of(&event.schema, |schema| self.plan(schema))?;
        for header in &plan.headers {
            let header =
                of_header(header.name.clone(), Some(Arc::clone(&header.schema)), header.value(&event));
            record.headers.push(header);
        }
        let mut added: Vec<_> = plan.fields.iter().map(|field| field.value(&event)).collect();
        let mut part = |at: Option<usize>| {
            let at = at.filter(|at| *at < event.values.len())?;
            Some((&event.schema.fields()[at].schema, std::mem::replace(&mut event.values[at], Value::Null)))
        };
        let is_truncation = part(plan.operation).is_some_and(|(_, operation)| is_text(&operation, "t"));
        let Some((after_schema, after)) = part(plan.after) else { return Ok(None) };
        let deleted = after == Value::Null;
        let (schema, row) = if deleted {
            if is_truncation {
                return Ok(None);
            }
            let before = part(plan.before);
            if let Some((_, Value::Struct(row))) = &before {
                self.route(&mut record, |field| {
                    row.schema.field_index(field).and_then(|at| row.values.get(at))
                })?;
            }
            match self.deletes.event {
                Deleted::Drop => return Ok(None),
                Deleted::Tombstone => return Ok(Some(record)),
                Deleted::Null => (after_schema, Value::Null),
                Deleted::Rewrite => before.unwrap_or((after_schema, Value::Null)),
            }
        } else {
            if let Value::Struct(row) = &after {
                self.route(&mut record, |field| {
                    row.schema.field_index(field).and_then(|at| row.values.get(at))
                })?;
            }
            (after_schema, after)
        };
        let extended = if deleted { &plan.deleted_row } else { &plan.row };
        record.value = match (row, extended) {
            (Value::Struct(row), Some(extended)) => {
                let fields = row.schema.fields().iter().zip(row.values);
                let mut values: Vec<_> =
                    fields.map(|(field, value)| or_default(value, &field.schema, self.defaults)).collect();
                if self.deletes.event == Deleted::Rewrite {
                    values.push(deleted_mark(deleted));
                }
                values.append(&mut added);
                of_struct(Arc::clone(extended), values)
            }
            (row, _) => SchemaAndValue { schema: Some(Cow::Owned(Arc::clone(schema))), value: row },
        };
        Ok(Some(record))
    }

    fn plan(&self, event: &Schema) -> Result<Plan, ConnectError> {
        let resolve = |references: &[Reference]| -> Vec<Resolved> {
            references.iter().filter_map(|reference| reference.resolve(event)).collect()
        };
        let (before, after) = (event.field_index(BEFORE), event.field_index(AFTER));
        let mut plan = Plan {
            before,
            after,
            operation: event.field_index(OPERATION),
            fields: resolve(&self.fields),
            headers: resolve(&self.headers),
            row: None,
            deleted_row: None,
        };
        let marked = self.deletes.event == Deleted::Rewrite;
        if marked || !plan.fields.is_empty() {
            let extended = |at: Option<usize>| -> Result<Option<Arc<Schema>>, ConnectError> {
                let Some(row) = at.map(|at| &event.fields()[at].schema) else { return Ok(None) };
                let SchemaKind::Struct(columns) = &row.kind else { return Ok(None) };
                let mut fields = Fields::default();
                for column in columns {
                    fields.add(&column.name, Arc::clone(&column.schema))?;
                }
                if marked {
                    fields.add(DELETED, Arc::new(Schema::optional(SchemaKind::String)))?;
                }
                for field in &plan.fields {
                    fields.add(&field.name, Arc::clone(&field.schema))?;
                }
                Ok(Some(Arc::new(basics(row, fields.into_kind()))))
            };
            (plan.row, plan.deleted_row) = (extended(after)?, extended(before)?);
        }
        Ok(plan)
    }

    fn of_map<'a>(
        &'a self,
        mut record: Record<'a>,
        mut event: Entries<'a>,
    ) -> Result<Option<Record<'a>>, ConnectError> {
        for header in &self.headers {
            if let Some(value) = header.of_map(&event) {
                record.headers.push(of_header(&header.name, None, value));
            }
        }
        let added: Vec<_> = self.fields.iter().map(|field| (&field.name, field.of_map(&event))).collect();
        let (after, operation) = (take(&mut event, AFTER), take(&mut event, OPERATION));
        let deleted = after == Value::Null;
        if deleted && is_text(&operation, "t") {
            return Ok(None);
        }
        let row = if deleted { take(&mut event, BEFORE) } else { after };
        if let Value::Map(row) = &row {
            self.route(&mut record, |field| super::envelope::get(row, field))?;
        }
        let row = match self.deletes.event {
            Deleted::Drop if deleted => return Ok(None),
            Deleted::Null | Deleted::Tombstone if deleted => Value::Null,
            _ => row,
        };
        record.value.value = match row {
            Value::Map(mut row) => {
                if self.deletes.event == Deleted::Rewrite {
                    put(&mut row, DELETED, deleted_mark(deleted));
                }
                for (name, value) in added {
                    if let Some(value) = value {
                        put(&mut row, name, value);
                    }
                }
                Value::Map(row)
            }
            row => row,
        };
        Ok(Some(record))
    }

    /// Changes the topic to the text of a field of the row.
    fn route<'v, 'a: 'v>(
        &self,
        record: &mut Record<'a>,
        row: impl Fn(&str) -> Option<&'v Value<'a>>,
    ) -> Result<(), ConnectError> {
        let Some(field) = &self.route else { return Ok(()) };
        match row(field) {
            None => Err(ConnectError::data(format!("{field} is not a valid field name"))),
            Some(Value::String(topic)) if !topic.trim().is_empty() => {
                record.topic = topic.clone();
                Ok(())
            }
            Some(Value::String(_) | Value::Null) => Ok(()),
            Some(_) => Err(ConnectError::data(format!("Field '{field}' is not of type STRING"))),
        }
    }
}

fn is_text(value: &Value<'_>, expected: &str) -> bool {
    matches!(value, Value::String(text) if text == expected)
}

fn deleted_mark(deleted: bool) -> Value<'static> {
    Value::String(Cow::Borrowed(if deleted { "true" } else { "false" }))
}

pub(super) fn of_header<'a>(
    name: impl Into<Cow<'a, str>>,
    schema: Option<Arc<Schema>>,
    value: Value<'a>,
) -> Header<'a> {
    Header { key: name.into(), data: SchemaAndValue { schema: schema.map(Cow::Owned), value } }
}
