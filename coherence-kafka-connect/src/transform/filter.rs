//! `Filter`: drops every record; used with a predicate.

use super::{Transform, TransformClass};
use crate::config::def::ConfigDef;
use crate::error::ConnectError;
use crate::record::Record;

const NAME: &str = "org.apache.kafka.connect.transforms.Filter";

pub(super) const CLASS: TransformClass =
    TransformClass { class: NAME, settings: ConfigDef { keys: &[] }, create: |_| Ok(Box::new(Filter)) };

#[derive(Debug)]
struct Filter;

impl Transform for Filter {
    fn apply<'a>(&'a self, _: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        Ok(None)
    }

    fn class_name(&self) -> &'static str {
        NAME
    }
}
