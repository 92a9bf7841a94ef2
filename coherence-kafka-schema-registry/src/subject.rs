//! Which subject of the registry a schema belongs to.

use coherence_kafka_connect::converter::{Options, Role};

/// `SubjectNameStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The topic and whether it is the key or the value.
    Topic,
    /// The name of the schema.
    Record,
    /// The topic and the name of the schema.
    TopicRecord,
}

impl Strategy {
    /// Reads the option; `None` where it was refused.
    pub(crate) fn read(role: Role, options: &mut Options<'_>) -> Option<Self> {
        let key = match role {
            Role::Key => "key.subject.name.strategy",
            Role::Value | Role::Header => "value.subject.name.strategy",
        };
        let class = options.text(key).unwrap_or("TopicNameStrategy");
        let simple = class.strip_prefix("io.confluent.kafka.serializers.subject.").unwrap_or(class);
        match simple {
            "TopicNameStrategy" => Some(Strategy::Topic),
            "RecordNameStrategy" => Some(Strategy::Record),
            "TopicRecordNameStrategy" => Some(Strategy::TopicRecord),
            _ => {
                let why = format!(
                    "Class {class} could not be found; known are TopicNameStrategy, RecordNameStrategy and \
                     TopicRecordNameStrategy of io.confluent.kafka.serializers.subject"
                );
                options.invalid(key, &why);
                None
            }
        }
    }

    /// Returns true where the topic alone determines the subject.
    pub(crate) fn is_of_topic(self) -> bool {
        self == Strategy::Topic
    }

    /// Returns the subject of a schema; `name` is that of the record, which two of the strategies need.
    pub(crate) fn of_record(
        self,
        role: Role,
        topic: &str,
        name: Option<&str>,
    ) -> Result<String, &'static str> {
        let name = name.ok_or("the strategy of subjects needs a schema with a name");
        match self {
            Strategy::Topic => Ok(self.of_topic(role, topic).unwrap_or_default()),
            Strategy::Record => name.map(str::to_owned),
            Strategy::TopicRecord => name.map(|name| format!("{topic}-{name}")),
        }
    }

    /// Returns the subject where the topic alone determines it.
    pub(crate) fn of_topic(self, role: Role, topic: &str) -> Option<String> {
        let part = match role {
            Role::Key => "key",
            Role::Value | Role::Header => "value",
        };
        self.is_of_topic().then(|| format!("{topic}-{part}"))
    }
}
