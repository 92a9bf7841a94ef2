//! A transform of one's own: it takes the customer's number out of a key such as `customer-7`.
//!
//! `cargo run -p coherence-kafka-connect --example own_transform`

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;

use coherence_kafka_connect::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Importance, Kind, Validator, key,
};
use coherence_kafka_connect::data::{SchemaAndValue, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::Record;
use coherence_kafka_connect::transform::{Classes, Transform, TransformClass, Transforms};

const NAME: &str = "com.example.NumberInKey";

/// The settings, as `transforms.<alias>.prefix`; they are checked before one is created.
const KEYS: [ConfigKey; 1] = [key(
    "prefix",
    Kind::String,
    DefaultValue::Required,
    Validator::NonEmpty,
    ("", Importance::High),
    "What stands before the number.",
)];

const CLASS: TransformClass = TransformClass {
    class: NAME,
    settings: ConfigDef { keys: &KEYS },
    create: |values| {
        Ok(Box::new(NumberInKey { prefix: values.text("prefix").unwrap_or_default().to_owned() }))
    },
};

#[derive(Debug)]
struct NumberInKey {
    prefix: String,
}

impl Transform for NumberInKey {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let Value::String(text) = &record.key.value else { return Ok(Some(record)) };
        let number = text.strip_prefix(&self.prefix).and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| ConnectError::data("the key has no number"))?;
        record.key = SchemaAndValue { schema: None, value: Value::Int64(number) };
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        NAME
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let classes = Classes::default().with_transform(CLASS);
    let properties = BTreeMap::from(
        [
            ("transforms", "number,topic"),
            ("transforms.number.type", "com.example.NumberInKey"),
            ("transforms.number.prefix", "customer-"),
            ("transforms.topic.type", "org.apache.kafka.connect.transforms.RegexRouter"),
            ("transforms.topic.regex", r"(.*)\.v\d+"),
            ("transforms.topic.replacement", "$1"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let transforms = Transforms::new(&classes, &properties).map_err(|errors| format!("{errors:?}"))?;
    for key in ["customer-7", "nothing"] {
        let text = Value::String(Cow::Borrowed(key));
        let record = Record {
            topic: Cow::Borrowed("customers.v2"),
            partition: Some(0),
            offset: Some(0),
            timestamp: None,
            key: SchemaAndValue { schema: None, value: text },
            value: SchemaAndValue { schema: None, value: Value::Null },
            headers: Vec::new(),
        };
        match transforms.apply(record) {
            Ok(Some(changed)) => println!("{}: {:?}", changed.topic, changed.key.value),
            Ok(None) => println!("dropped"),
            Err(failure) => println!("{failure}: {}", failure.error),
        }
    }
    Ok(())
}
