//! Connect's predicates.

use super::settings::refusal;
use super::{Predicate, PredicateClass};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::Medium;
use crate::config::def::Validator::NonEmpty;
use crate::config::def::{ConfigDef, ConfigKey, Kind, key};
use crate::data::Value;
use crate::java::regex::{Pattern, REGEX};
use crate::record::Record;

const HEADER: &str = "org.apache.kafka.connect.transforms.predicates.HasHeaderKey";
const TOPIC: &str = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches";
const TOMBSTONE: &str = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone";

const HEADER_KEYS: [ConfigKey; 1] =
    [key("name", Kind::String, Required, NonEmpty, ("", Medium), "The header name.")];

pub(super) const HAS_HEADER_KEY: PredicateClass = PredicateClass {
    class: HEADER,
    settings: ConfigDef { keys: &HEADER_KEYS },
    create: |values| Ok(Box::new(HasHeaderKey { name: values.text("name").unwrap_or_default().to_owned() })),
};

const TOPIC_KEYS: [ConfigKey; 1] = [key(
    "pattern",
    Kind::String,
    Required,
    REGEX,
    ("", Medium),
    "A Java regular expression for matching against the name of a record's topic.",
)];

pub(super) const TOPIC_NAME_MATCHES: PredicateClass = PredicateClass {
    class: TOPIC,
    settings: ConfigDef { keys: &TOPIC_KEYS },
    create: |values| {
        let pattern = Pattern::new(values.text("pattern").unwrap_or_default()).map_err(refusal)?;
        Ok(Box::new(TopicNameMatches { pattern }))
    },
};

pub(super) const RECORD_IS_TOMBSTONE: PredicateClass = PredicateClass {
    class: TOMBSTONE,
    settings: ConfigDef { keys: &[] },
    create: |_| Ok(Box::new(RecordIsTombstone)),
};

#[derive(Debug)]
struct HasHeaderKey {
    name: String,
}

impl Predicate for HasHeaderKey {
    fn test(&self, record: &Record<'_>) -> bool {
        record.headers.iter().any(|header| header.key == self.name)
    }

    fn class_name(&self) -> &'static str {
        HEADER
    }

    fn uses_headers(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &Record<'_>) -> bool {
        record.value.value == Value::Null
    }

    fn class_name(&self) -> &'static str {
        TOMBSTONE
    }
}

#[derive(Debug)]
struct TopicNameMatches {
    pattern: Pattern,
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &Record<'_>) -> bool {
        self.pattern.matches(&record.topic)
    }

    fn class_name(&self) -> &'static str {
        TOPIC
    }
}
