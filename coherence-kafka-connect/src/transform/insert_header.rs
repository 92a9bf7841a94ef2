//! `InsertHeader`: adds a header with a constant.

use std::borrow::Cow;

use super::{Transform, TransformClass};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::High;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigDef, ConfigKey, Kind, key};
use crate::converter::header_values;
use crate::data::SchemaAndValue;
use crate::error::ConnectError;
use crate::record::{Header, Record};

const NAME: &str = "org.apache.kafka.connect.transforms.InsertHeader";

#[rustfmt::skip]
const KEYS: [ConfigKey; 2] = [
    key("header", Kind::String, Required, Any, ("", High),
        "The name of the header."),
    key("value.literal", Kind::String, Required, Any, ("", High),
        "The value of the header. Its type is that which `SimpleHeaderConverter` finds in the text."),
];

pub(super) const CLASS: TransformClass = TransformClass {
    class: NAME,
    settings: ConfigDef { keys: &KEYS },
    create: |values| {
        Ok(Box::new(InsertHeader {
            name: values.text("header").unwrap_or_default().to_owned(),
            data: header_values::parse(values.text("value.literal").unwrap_or_default()),
        }))
    },
};

#[derive(Debug)]
struct InsertHeader {
    name: String,
    data: SchemaAndValue<'static>,
}

impl Transform for InsertHeader {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        record.headers.push(Header { key: Cow::Borrowed(&self.name), data: self.data.clone() });
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        NAME
    }

    fn uses_headers(&self) -> bool {
        true
    }
}
