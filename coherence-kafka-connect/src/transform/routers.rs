//! `RegexRouter` and `TimestampRouter`: change the topic of a record, from which the name of its map is made.

use std::borrow::Cow;

use super::rename::Rename;
use super::settings::refusal;
use super::topics::Topics;
use super::{Created, Transform, TransformClass};
use crate::config::def::DefaultValue::{Required, Text};
use crate::config::def::Importance::High;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::error::{ConnectError, Exception};
use crate::java::date_format::DateFormat;
use crate::java::regex::REGEX;
use crate::record::Record;

const REGEX_ROUTER: &str = "org.apache.kafka.connect.transforms.RegexRouter";
const TIMESTAMP_ROUTER: &str = "org.apache.kafka.connect.transforms.TimestampRouter";

const REGEX_KEYS: [ConfigKey; 2] = [
    key("regex", Kind::String, Required, REGEX, ("", High), "Regular expression to use for matching."),
    key("replacement", Kind::String, Required, Any, ("", High), "Replacement string."),
];

#[rustfmt::skip]
const TIMESTAMP_KEYS: [ConfigKey; 2] = [
    key("topic.format", Kind::String, Text("${topic}-${timestamp}"), Any, ("", High),
        "The new topic, in which `${topic}` stands for the old one and `${timestamp}` for the timestamp of the record."),
    key("timestamp.format", Kind::String, Text("yyyyMMdd"), Any, ("", High),
        "The form of the timestamp, as `java.text.SimpleDateFormat` has it."),
];

pub(super) const CLASSES: [TransformClass; 2] = [
    TransformClass { class: REGEX_ROUTER, settings: ConfigDef { keys: &REGEX_KEYS }, create: regex_router },
    TransformClass {
        class: TIMESTAMP_ROUTER,
        settings: ConfigDef { keys: &TIMESTAMP_KEYS },
        create: |values| {
            Ok(Box::new(TimestampRouter {
                topic: values.text("topic.format").unwrap_or_default().to_owned(),
                format: DateFormat::new(values.text("timestamp.format").unwrap_or_default())
                    .map_err(|why| ConnectError::new(Exception::IllegalArgument, why)),
            }))
        },
    },
];

fn regex_router(values: &Values) -> Created {
    let text = |key| values.text(key).unwrap_or_default();
    let rename = Rename::new(text("regex"), text("replacement")).map_err(refusal)?;
    Ok(Box::new(RegexRouter { rename, topics: Topics::default() }))
}

#[derive(Debug)]
struct RegexRouter {
    rename: Rename,
    topics: Topics,
}

impl Transform for RegexRouter {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let renamed = self.topics.renamed(&record.topic, |topic| self.rename.apply(topic))?;
        if let Some(topic) = renamed {
            record.topic = topic;
        }
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        REGEX_ROUTER
    }
}

#[derive(Debug)]
struct TimestampRouter {
    topic: String,
    /// As in Connect a form that is none is found at the first record.
    format: Result<DateFormat, ConnectError>,
}

impl Transform for TimestampRouter {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let Some(timestamp) = record.timestamp else {
            return Err(ConnectError::data("Timestamp missing on record"));
        };
        let timestamp = self.format.as_ref().map_err(Clone::clone)?.format(timestamp);
        let topic = self.topic.replace("${topic}", &record.topic).replace("${timestamp}", &timestamp);
        record.topic = Cow::Owned(topic);
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        TIMESTAMP_ROUTER
    }
}
