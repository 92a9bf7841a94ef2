//! `ExtractField`: replaces a key or value by one of its fields.

use std::borrow::Cow;
use std::sync::Arc;

use super::field_path::FieldPath;
use super::part::{Part, require_map, require_struct};
use super::settings::DEFAULTS;
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::{Required, Text};
use crate::config::def::Importance::{High, Medium};
use crate::config::def::Validator::{Any, OneOfInAnyCase};
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::converter::OptionError;
use crate::data::{SchemaAndValue, Value};
use crate::error::{ConnectError, Exception};
use crate::record::Record;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.ExtractField$Key",
    "org.apache.kafka.connect.transforms.ExtractField$Value",
];
const PURPOSE: &str = "field extraction";

#[rustfmt::skip]
const KEYS: [ConfigKey; 3] = [
    key("field", Kind::String, Required, Any, ("", Medium),
        "The name of the field, or its path where `field.syntax.version` is `V2`."),
    key("field.syntax.version", Kind::String, Text("V1"), OneOfInAnyCase(&["V1", "V2"]), ("", High),
        "`V1`: the field is a name. `V2`: it is a path of names with dots between them; a name that contains dots stands in backticks."),
    DEFAULTS,
];

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let field = values.text("field").unwrap_or_default().to_owned();
    let path =
        if values.text("field.syntax.version").is_some_and(|version| version.eq_ignore_ascii_case("V2")) {
            FieldPath::parse(&field).map_err(|message| {
                vec![OptionError { key: "field".to_owned(), value: Some(field.clone()), message }]
            })?
        } else {
            FieldPath::of_name(&field)
        };
    Ok(Box::new(ExtractField { part, field, path, defaults: values.boolean(DEFAULTS.name) }))
}

#[derive(Debug)]
struct ExtractField {
    part: Part,
    field: String,
    path: FieldPath,
    defaults: bool,
}

impl Transform for ExtractField {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let extracted = match (schema, value) {
            (None, Value::Null) => SchemaAndValue { schema: None, value: Value::Null },
            (None, value) => {
                SchemaAndValue { schema: None, value: self.path.of_map(require_map(value, PURPOSE)?)? }
            }
            (Some(schema), value) => {
                let of = if value == Value::Null { None } else { Some(require_struct(value, PURPOSE)?) };
                let Some(of_field) = self.path.schema(&schema)? else {
                    let message = format!("Unknown field: {}", self.field);
                    return Err(ConnectError::new(Exception::IllegalArgument, message));
                };
                let value = of.map_or(Ok(Value::Null), |of| self.path.of_struct(of, self.defaults))?;
                SchemaAndValue { schema: Some(Cow::Owned(Arc::clone(of_field))), value }
            }
        };
        *self.part.of_mut(&mut record) = extracted;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}
