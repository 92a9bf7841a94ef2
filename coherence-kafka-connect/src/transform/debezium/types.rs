//! `DebeziumTypes`: Debezium's temporal types, decimals and UUIDs as dates, times, decimals and UUIDs of the entry.
//!
//! Not one of Debezium's classes: its sinks read the names of schemas themselves. Connect's data has no type for a
//! microsecond or for a time without a zone, so the result is POF or text.

use std::borrow::Cow;

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::pof::PofWriter;
use num_bigint::BigInt;
use uuid::Uuid;

use super::super::part::Part;
use super::super::schemas::Derived;
use super::super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::Text;
use crate::config::def::Importance::Medium;
use crate::config::def::Validator::OneOf;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Struct, Value};
use crate::error::ConnectError;
use crate::mapping::Problem;
use crate::mapping::temporal::{self, Moment};
use crate::mapping::types::{Temporal, Unit};
use crate::record::Record;

const NAMES: [&str; 2] = [
    "com.oracle.coherence.kafka.connect.transforms.DebeziumTypes$Key",
    "com.oracle.coherence.kafka.connect.transforms.DebeziumTypes$Value",
];

#[rustfmt::skip]
const KEYS: [ConfigKey; 1] = [
    key("form", Kind::String, Text("pof"), OneOf(&["pof", "text"]), ("", Medium),
        "`pof`: dates and times as `java.time` has them in POF, for maps in POF. `text`: in ISO 8601, for maps in JSON and for objects of a mapping file."),
];

pub(in super::super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let text = values.text("form") == Some("text");
    Ok(Box::new(DebeziumTypes { part, text, plans: Derived::default() }))
}

/// Debezium's names of schemas, each with the class of Java that has such values.
const TEMPORAL: [(&str, Temporal, Option<Unit>); 9] = [
    ("io.debezium.time.Date", Temporal::LocalDate, Some(Unit::Days)),
    ("io.debezium.time.Time", Temporal::LocalTime, Some(Unit::Millis)),
    ("io.debezium.time.MicroTime", Temporal::LocalTime, Some(Unit::Micros)),
    ("io.debezium.time.NanoTime", Temporal::LocalTime, Some(Unit::Nanos)),
    ("io.debezium.time.Timestamp", Temporal::LocalDateTime, Some(Unit::Millis)),
    ("io.debezium.time.MicroTimestamp", Temporal::LocalDateTime, Some(Unit::Micros)),
    ("io.debezium.time.NanoTimestamp", Temporal::LocalDateTime, Some(Unit::Nanos)),
    ("io.debezium.time.ZonedTimestamp", Temporal::OffsetDateTime, None),
    ("io.debezium.time.ZonedTime", Temporal::OffsetTime, None),
];
const DECIMAL: &str = "io.debezium.data.VariableScaleDecimal";
const UUID: &str = "io.debezium.data.Uuid";

#[derive(Debug)]
struct DebeziumTypes {
    part: Part,
    text: bool,
    plans: Derived<Plan>,
}

/// What becomes of the values under a schema.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Keep,
    Moment(Temporal, Option<Unit>),
    Decimal,
    Uuid,
    /// A plan for each field.
    Struct(Vec<Plan>),
    /// The plan of the elements, or of the values of a map.
    Each(Box<Plan>),
}

/// A value that its type cannot hold, and the fields that lead to it, the innermost first.
struct Fault<'s> {
    path: Vec<&'s str>,
    problem: Problem,
}

impl From<Problem> for Fault<'_> {
    fn from(problem: Problem) -> Self {
        Fault { path: Vec::new(), problem }
    }
}

impl Transform for DebeziumTypes {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let Some(schema) = &self.part.of(&record).schema else { return Ok(Some(record)) };
        let plan = self.plans.of(schema, |schema| Ok(self.plan(schema)))?;
        if *plan == Plan::Keep {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let fields = schema.clone();
        let value =
            self.convert(&plan, fields.as_deref().map(|schema| &**schema), value).map_err(|fault| {
                let path: Vec<_> = fault.path.into_iter().rev().collect();
                let field =
                    if path.is_empty() { String::new() } else { format!("field {}: ", path.join(".")) };
                ConnectError::data(format!("{field}{}", fault.problem))
            })?;
        // The schema stays: what writes entries looks only at the names of fields.
        *self.part.of_mut(&mut record) = SchemaAndValue { schema, value };
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

impl DebeziumTypes {
    fn plan(&self, schema: &Schema) -> Plan {
        let each = |schema: &Schema| match self.plan(schema) {
            Plan::Keep => Plan::Keep,
            plan => Plan::Each(Box::new(plan)),
        };
        let name = schema.name.as_deref().unwrap_or_default();
        if let Some((_, class, unit)) = TEMPORAL.iter().find(|(known, ..)| *known == name) {
            return Plan::Moment(*class, *unit);
        }
        match &schema.kind {
            SchemaKind::Struct(_) if name == DECIMAL => Plan::Decimal,
            SchemaKind::String if name == UUID && !self.text => Plan::Uuid,
            SchemaKind::Struct(fields) => {
                let plans: Vec<_> = fields.iter().map(|field| self.plan(&field.schema)).collect();
                if plans.iter().all(|plan| *plan == Plan::Keep) { Plan::Keep } else { Plan::Struct(plans) }
            }
            SchemaKind::Array(Some(of_items)) => each(of_items),
            SchemaKind::Map(_, Some(of_values)) => each(of_values),
            _ => Plan::Keep,
        }
    }

    fn convert<'a, 's>(
        &self,
        plan: &Plan,
        schema: Option<&'s Schema>,
        value: Value<'a>,
    ) -> Result<Value<'a>, Fault<'s>> {
        match (plan, value) {
            (Plan::Moment(class, unit), value) if value != Value::Null => {
                Ok(self.written(temporal::moment(*class, *unit, &value)?)?)
            }
            (Plan::Uuid, Value::String(text)) => match Uuid::parse_str(&text) {
                Ok(uuid) => Ok(Value::Uuid(uuid.as_u128())),
                Err(_) => Err(Problem::Text { expected: "a UUID".into() }.into()),
            },
            (Plan::Decimal, Value::Struct(of)) => {
                let part = |name: &str| of.schema.field_index(name).and_then(|at| of.values.get(at));
                match (part("scale"), part("value")) {
                    (Some(Value::Int32(scale)), Some(Value::Bytes(digits))) => {
                        let unscaled = BigInt::from_signed_bytes_be(digits);
                        Ok(Value::Decimal { unscaled, scale: *scale })
                    }
                    _ => Err(Problem::Mismatch { expected: DECIMAL.into(), found: "STRUCT" }.into()),
                }
            }
            (Plan::Struct(plans), Value::Struct(Struct { schema: own, values })) => {
                let fields = schema.map(Schema::fields).unwrap_or_default();
                let values = plans.iter().zip(values).enumerate().map(|(at, (plan, value))| {
                    let field = fields.get(at);
                    let of_field = field.map(|field| &*field.schema);
                    self.convert(plan, of_field, value).map_err(|mut fault| {
                        fault.path.extend(field.map(|field| field.name.as_str()));
                        fault
                    })
                });
                let values = values.collect::<Result<_, _>>()?;
                Ok(Value::Struct(Struct { schema: own, values }))
            }
            (Plan::Each(plan), Value::Array(items)) => {
                let inner = match schema.map(|schema| &schema.kind) {
                    Some(SchemaKind::Array(inner)) => inner.as_deref(),
                    _ => None,
                };
                let items = items.into_iter().map(|item| self.convert(plan, inner, item));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            (Plan::Each(plan), Value::Map(entries)) => {
                let inner = match schema.map(|schema| &schema.kind) {
                    Some(SchemaKind::Map(_, inner)) => inner.as_deref(),
                    _ => None,
                };
                let entries = entries.into_iter();
                let entries =
                    entries.map(|(key, value)| self.convert(plan, inner, value).map(|value| (key, value)));
                entries.collect::<Result<_, _>>().map(Value::Map)
            }
            (_, value) => Ok(value),
        }
    }

    fn written(&self, moment: Moment) -> Result<Value<'static>, Problem> {
        let (date, time) = match moment {
            Moment::Date(date) => (Some(date), None),
            Moment::Time(time) => (None, Some(time)),
            Moment::DateTime(date, time) => (Some(date), Some(time)),
            // No type of Debezium is of these classes.
            Moment::Instant { .. } | Moment::Millis(_) => (None, None),
        };
        if self.text {
            let mut text = date.map(temporal::show_date).unwrap_or_default();
            if let Some(time) = time {
                text.push_str(if date.is_some() { "T" } else { "" });
                temporal::show_time(time, &mut text);
            }
            return Ok(Value::String(Cow::Owned(text)));
        }
        let mut binary = vec![FMT_EXT];
        let mut pof = PofWriter::new(&mut binary);
        match (date, time) {
            (Some(date), Some(time)) => pof.date_time(date, time)?,
            (Some(date), None) => pof.date(date),
            (None, Some(time)) => pof.time(time)?,
            (None, None) => pof.null(),
        }
        Ok(Value::Pof(Cow::Owned(binary)))
    }
}
