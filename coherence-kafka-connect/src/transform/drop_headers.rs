//! `DropHeaders`: removes the headers with listed names.

use super::settings::FILLED;
use super::{Transform, TransformClass};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::High;
use crate::config::def::{ConfigDef, ConfigKey, Kind, key};
use crate::error::ConnectError;
use crate::record::Record;

const NAME: &str = "org.apache.kafka.connect.transforms.DropHeaders";

const KEYS: [ConfigKey; 1] =
    [key("headers", Kind::List, Required, FILLED, ("", High), "The names of the headers that are removed.")];

pub(super) const CLASS: TransformClass = TransformClass {
    class: NAME,
    settings: ConfigDef { keys: &KEYS },
    create: |values| Ok(Box::new(DropHeaders { names: values.list("headers").to_vec() })),
};

#[derive(Debug)]
struct DropHeaders {
    names: Vec<String>,
}

impl Transform for DropHeaders {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        record.headers.retain(|header| !self.names.iter().any(|name| *name == header.key));
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        NAME
    }

    fn uses_headers(&self) -> bool {
        true
    }
}
