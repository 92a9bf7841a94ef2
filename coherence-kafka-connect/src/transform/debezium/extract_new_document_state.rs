//! `ExtractNewDocumentState`: replaces a change event of MongoDB by the document after the change.

use std::sync::Arc;

use super::super::part::{Entries, of_struct, put};
use super::super::schemas::Fields;
use super::super::{Created, Transform, TransformClass, flatten};
use super::document::{ArrayEncoding, read, schema_of, under};
use super::envelope::{AFTER, BEFORE, UPDATE_DESCRIPTION, get, is_envelope};
use super::extract_new_record_state::{DELETED, Deleted, Deletes, KEYS as OF_ROWS, of_header};
use super::fields::Reference;
use crate::config::def::DefaultValue::Text;
use crate::config::def::Importance::{Low, Medium};
use crate::config::def::Validator::{Any, OneOfInAnyCase};
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Struct, Value};
use crate::error::ConnectError;
use crate::record::Record;

const NAME: &str = "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState";
const ID: &str = "id";

#[rustfmt::skip]
const KEYS: [ConfigKey; 10] = [
    OF_ROWS[0], OF_ROWS[1], OF_ROWS[2], OF_ROWS[3], OF_ROWS[4], OF_ROWS[5], OF_ROWS[6],
    key("array.encoding", Kind::String, Text("array"), OneOfInAnyCase(&["array", "document"]), ("", Medium),
        "What an array becomes. `array`: a list, whose elements must have one type. `document`: a struct with the fields `_0`, `_1` and so on."),
    key("flatten.struct", Kind::Boolean, Text("false"), Any, ("", Low),
        "Whether nested documents become fields of the outermost one."),
    key("flatten.struct.delimiter", Kind::String, Text("_"), Any, ("", Low),
        "What stands between the names of nested fields then."),
];

pub(in super::super) const CLASS: TransformClass =
    TransformClass { class: NAME, settings: ConfigDef { keys: &KEYS }, create };

fn create(values: &Values) -> Created {
    let delimiter = values.text("flatten.struct.delimiter").unwrap_or_default().to_owned();
    let is_document =
        values.text("array.encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("document"));
    Ok(Box::new(ExtractNewDocumentState {
        deletes: Deletes::of(values),
        fields: Reference::list(values, "add.fields")?,
        headers: Reference::list(values, "add.headers")?,
        arrays: if is_document { ArrayEncoding::Document } else { ArrayEncoding::Array },
        flatten: values.boolean("flatten.struct").then(|| flatten::of_values(delimiter.clone())),
        delimiter,
    }))
}

#[derive(Debug)]
struct ExtractNewDocumentState {
    deletes: Deletes,
    fields: Vec<Reference>,
    headers: Vec<Reference>,
    arrays: ArrayEncoding,
    flatten: Option<Box<dyn Transform>>,
    delimiter: String,
}

/// A field of the event that is added to the document or the headers.
struct Added {
    name: String,
    schema: Arc<Schema>,
    value: Value<'static>,
}

impl Transform for ExtractNewDocumentState {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let is_tombstone = record.value.value == Value::Null;
        if !is_tombstone && !is_envelope(&record.value) {
            return Ok(Some(record));
        }
        let id = match field(&record.key.value, ID) {
            None => return Ok(Some(record)),
            Some(Value::String(text)) => self.read(text, "the id of the key")?,
            Some(_) => return Err(ConnectError::data("the id of the key is not a text")),
        };
        if is_tombstone && self.deletes.drop_tombstones {
            return Ok(None);
        }
        let event = std::mem::replace(&mut record.value, SchemaAndValue { schema: None, value: Value::Null });
        record.key = self.under_schema(vec![(Value::String(ID.into()), id.clone())], None, Vec::new())?;
        if is_tombstone {
            let operation = self.headers.iter().filter(|header| header.is_operation());
            let schema = || Some(Arc::new(Schema::new(SchemaKind::String)));
            let headers =
                operation.map(|header| of_header(&header.name, schema(), Value::String("d".into())));
            record.headers.extend(headers);
            return Ok(Some(record));
        }
        for Added { name, schema, value } in self.added(&self.headers, &event.value)? {
            record.headers.push(of_header(name, Some(schema), value));
        }
        let Some(document) = self.document(&event.value, id)? else { return Ok(None) };
        if document.is_empty() {
            return Ok(Some(record));
        }
        let name = event.schema.as_ref().and_then(|schema| schema.name.as_deref());
        let name = name.map(|name| name.strip_suffix(".Envelope").unwrap_or(name).to_owned());
        record.value = self.under_schema(document, name, self.added(&self.fields, &event.value)?)?;
        match &self.flatten {
            Some(flatten) => flatten.apply(record),
            None => Ok(Some(record)),
        }
    }

    fn class_name(&self) -> &'static str {
        NAME
    }

    fn uses_headers(&self) -> bool {
        !self.headers.is_empty()
    }
}

impl ExtractNewDocumentState {
    /// Returns the document after the change, without members where it is removed; `None` drops the event.
    fn document(
        &self,
        event: &Value<'_>,
        id: Value<'static>,
    ) -> Result<Option<Entries<'static>>, ConnectError> {
        let of = |name: &str| match field(event, name) {
            Some(Value::String(text)) => self.members(text, name).map(Some),
            _ => Ok(None),
        };
        let after = of(AFTER)?;
        let update = field(event, UPDATE_DESCRIPTION).filter(|update| **update != Value::Null);
        let deleted = after.is_none() && update.is_none();
        let mut document = match (after, update) {
            (Some(after), _) => after,
            (None, Some(update)) => self.updated(update, id)?,
            (None, None) => match self.deletes.event {
                Deleted::Drop => return Ok(None),
                Deleted::Null | Deleted::Tombstone => Vec::new(),
                Deleted::Rewrite => of(BEFORE)?.unwrap_or_default(),
            },
        };
        if self.deletes.event == Deleted::Rewrite {
            put(&mut document, DELETED, Value::Boolean(deleted));
        }
        Ok(Some(document))
    }

    /// Returns the members that an update has changed, which is not the whole document.
    fn updated(&self, update: &Value<'_>, id: Value<'static>) -> Result<Entries<'static>, ConnectError> {
        let mut document = match field(update, "updatedFields") {
            Some(Value::String(text)) => self.members(text, "updatedFields")?,
            _ => Vec::new(),
        };
        if let Some(Value::Array(removed)) = field(update, "removedFields") {
            document.retain(|(name, _)| !removed.contains(name));
        }
        if get(&document, "_id").is_none() {
            document.push((Value::String("_id".into()), id));
        }
        if self.flatten.is_some() {
            for (name, _) in &mut document {
                if let Value::String(text) = name {
                    *text = text.replace('.', &self.delimiter).into();
                }
            }
        }
        Ok(document)
    }

    fn read(&self, text: &str, what: &str) -> Result<Value<'static>, ConnectError> {
        let value = read(text, what)?;
        Ok(value.unwrap_or(Value::Null))
    }

    fn members(&self, text: &str, what: &str) -> Result<Entries<'static>, ConnectError> {
        match self.read(text, what)? {
            Value::Map(members) => Ok(members),
            _ => Err(ConnectError::data(format!("{what} is not a document"))),
        }
    }

    fn added(&self, references: &[Reference], event: &Value<'_>) -> Result<Vec<Added>, ConnectError> {
        let mut added = Vec::new();
        for reference in references {
            match event {
                Value::Struct(event) => {
                    added.extend(reference.resolve(&event.schema).map(|resolved| Added {
                        value: resolved.value(event).into_owned(),
                        name: resolved.name,
                        schema: resolved.schema,
                    }))
                }
                Value::Map(event) => {
                    if let Some(value) = reference.of_map(event) {
                        let (name, value) = (reference.name.clone(), value.into_owned());
                        let schema = Arc::new(schema_of(&value, self.arrays, &name)?);
                        added.push(Added { name, value: under(&schema, value), schema });
                    }
                }
                _ => {}
            }
        }
        Ok(added)
    }

    /// Returns the document, and what is added to it, as a struct.
    fn under_schema<'a>(
        &self,
        document: Entries<'static>,
        name: Option<String>,
        added: Vec<Added>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let document = Value::Map(document);
        let schema = Arc::new(schema_of(&document, self.arrays, "")?);
        let Value::Struct(Struct { mut values, .. }) = under(&schema, document) else {
            return Err(ConnectError::data("the document has no members"));
        };
        let mut fields = Fields::default();
        for field in schema.fields() {
            fields.add(&field.name, Arc::clone(&field.schema))?;
        }
        for Added { name, schema, value } in added {
            fields.add(&name, schema)?;
            values.push(value);
        }
        Ok(of_struct(Arc::new(Schema { name, ..Schema::new(fields.into_kind()) }), values))
    }
}

/// Returns a field of a struct, or an entry of a map.
fn field<'v, 'a>(of: &'v Value<'a>, name: &str) -> Option<&'v Value<'a>> {
    match of {
        Value::Struct(of) => of.schema.field_index(name).and_then(|at| of.values.get(at)),
        Value::Map(entries) => get(entries, name),
        _ => None,
    }
}
