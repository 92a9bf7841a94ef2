//! What converters and transforms cost, in the sink and in Kafka Connect: the same records, converters and transforms,
//! both into sinks that keep nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use coherence_kafka_connect::converter::{self, Converter, Role, create_from};
use coherence_kafka_schema_registry::CLASSES;
use integration_tests::connect::{Cluster, Connect};
use integration_tests::registry::Registry;
use integration_tests::sandbox::unique;
use integration_tests::usage::cpu_of;
use integration_tests::{rest, wait};
use serde_json::{Value, json};

use crate::peers::Peers;
use crate::{Kind, Load, Spread};

const DEADLINE: Duration = Duration::from_secs(180);
/// A new process of Kafka Connect uses at least so much more CPU than a new process of the sink.
const GOAL: f64 = 8.0;

/// What a topic holds, and what is done with it.
struct Form {
    title: &'static str,
    value: Held,
    settings: &'static [(&'static str, &'static str)],
}

/// What a value of a topic is.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    Json,
    JsonWithSchema,
    Avro,
}

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

const FORMS: [Form; 4] = [
    Form {
        title: "JSON",
        value: Held::Json,
        settings: &[("value.converter", JSON), ("value.converter.schemas.enable", "false")],
    },
    Form {
        title: "JSON with its schema",
        value: Held::JsonWithSchema,
        settings: &[("value.converter", JSON), ("value.converter.schemas.enable", "true")],
    },
    Form {
        title: "JSON, and three transforms",
        value: Held::Json,
        settings: &[
            ("value.converter", JSON),
            ("value.converter.schemas.enable", "false"),
            ("transforms", "rename,mask,origin"),
            ("transforms.rename.type", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
            ("transforms.rename.renames", "city:town"),
            ("transforms.mask.type", "org.apache.kafka.connect.transforms.MaskField$Value"),
            ("transforms.mask.fields", "name"),
            ("transforms.origin.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
            ("transforms.origin.topic.field", "origin"),
        ],
    },
    // The converters differ.
    Form { title: "Avro with a registry", value: Held::Avro, settings: &[] },
];

/// What fills a topic.
struct Writer {
    json: Arc<dyn Converter>,
    avro: Arc<dyn Converter>,
}

impl Writer {
    fn new(registry: &str) -> Result<Self> {
        let create = |class, options| {
            let created = create_from(&[&converter::CLASSES, &CLASSES], class, Role::Value, &options);
            created.map_err(|errors| anyhow!("{class}: {errors:?}"))
        };
        let options = BTreeMap::from([("schema.registry.url".to_owned(), registry.to_owned())]);
        Ok(Self { json: create(JSON, BTreeMap::new())?, avro: create(AVRO, options)? })
    }

    /// The record of a number.
    fn record(&self, held: Held, topic: &str, number: u64) -> Result<(String, Vec<u8>)> {
        let payload = json!({
            "id": number, "name": format!("Customer {number}"), "city": "Lausanne", "amount": number as f64 / 4.0,
            "active": number.is_multiple_of(3),
        });
        let plain = held == Held::Json;
        let json = if plain { payload } else { json!({"schema": schema(), "payload": payload}) }.to_string();
        let value = if held == Held::Avro {
            let data = self.json.to_connect(topic, &(), Some(json.as_bytes()))?;
            let avro = self.avro.from_connect(topic, &mut Vec::new(), data.schema.as_deref(), &data.value)?;
            avro.context("a value")?
        } else {
            json.into_bytes()
        };
        Ok((format!("key-{number}"), value))
    }
}

fn schema() -> Value {
    let field = |name, of| json!({"field": name, "type": of, "optional": false});
    let fields = [
        field("id", "int64"),
        field("name", "string"),
        field("city", "string"),
        field("amount", "double"),
        field("active", "boolean"),
    ];
    json!({"type": "struct", "name": "Customer", "optional": false, "fields": fields})
}

/// CPU nanoseconds for each record.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    sink: f64,
    /// A new worker, whose start counts.
    new: f64,
    /// A worker that has read the same records before.
    warm: f64,
}

/// Makes all measurements and prints a table. The sink is a new process each time, whose start counts. Kafka Connect is
/// measured both ways: as a new process too, and as a worker that runs all the time and has read everything once before
/// it counts.
///
/// # Errors
///
/// When a measurement fails.
pub fn run(peers: &Peers, rounds: u64, records: u64) -> Result<()> {
    let registry = Registry::start()?;
    let writer = Writer::new(&registry.url())?;
    let mut topics = Vec::new();
    for form in &FORMS {
        let topic = unique("formats");
        peers.kafka.create_topic(&topic, Load::plain(records).partitions)?;
        let all = (0..records).map(|number| writer.record(form.value, &topic, number));
        // Memory for all of them, because producing ends with an error and not in the middle.
        let all = all.collect::<Result<Vec<_>>>()?;
        peers.kafka.produce(&topic, all.into_iter().map(|(key, value)| (Some(key), Some(value))))?;
        topics.push(topic);
    }
    let reader = Reader { peers, registry: &registry, records };
    let warm = Connect::start_for_measurements(&Cluster::new(&peers.kafka, "formats"))?;
    for (form, topic) in FORMS.iter().zip(&topics) {
        reader.warm_connect(&warm, form, topic)?;
    }
    let mut rows: [Vec<Cpu>; FORMS.len()] = Default::default();
    for round in 0..rounds as usize {
        for turn in 0..FORMS.len() {
            let place = (turn + round) % FORMS.len();
            let (form, topic) = (&FORMS[place], &topics[place]);
            let cpu = Cpu {
                sink: reader.sink(form, topic)?,
                new: reader.new_connect(form, topic)?,
                warm: reader.warm_connect(&warm, form, topic)?,
            };
            eprintln!("round {}: {}: {cpu:?}", round + 1, form.title);
            rows[place].push(cpu);
        }
    }
    warm.stop()?;
    print(&rows, rounds, records);
    Ok(())
}

/// Reads whole topics. Each measurement is in CPU nanoseconds for each record.
struct Reader<'a> {
    peers: &'a Peers,
    registry: &'a Registry,
    records: u64,
}

impl Reader<'_> {
    fn sink(&self, form: &Form, topic: &str) -> Result<f64> {
        let mut settings = settings(form);
        if form.value == Held::Avro {
            settings.extend([
                ("value.converter".to_owned(), AVRO.to_owned()),
                ("value.converter.schema.registry.url".to_owned(), self.registry.url()),
            ]);
        }
        let load = Load::plain(self.records);
        Ok(self.peers.run_child(Kind::Discard, load, vec![topic.to_owned()], &settings)?.cpu_ns)
    }

    /// A whole worker, from its start until it has read everything.
    fn new_connect(&self, form: &Form, topic: &str) -> Result<f64> {
        let connect = Connect::start_for_measurements(&Cluster::new(&self.peers.kafka, "formats"))?;
        let started = self.each(cpu_of(connect.process().id())?);
        let read = self.warm_connect(&connect, form, topic)?;
        connect.stop()?;
        Ok(started + read)
    }

    /// One connector of a running worker.
    fn warm_connect(&self, connect: &Connect, form: &Form, topic: &str) -> Result<f64> {
        let name = unique("formats");
        let mut config = json!({
            "connector.class": "DiscardSink", "topics": topic, "consumer.override.auto.offset.reset": "earliest",
        });
        for (setting, value) in settings(form) {
            config[setting] = json!(value);
        }
        if form.value == Held::Avro {
            config["value.converter"] = json!("io.apicurio.registry.utils.converter.AvroConverter");
            config["value.converter.apicurio.registry.url"] = json!(self.registry.own_url());
            config["value.converter.apicurio.registry.as-confluent"] = json!("true");
            config["value.converter.apicurio.registry.use-id"] = json!("contentId");
        }
        let path = "/connectors";
        let before = cpu_of(connect.process().id())?;
        let created = rest::change(connect.rest(), "POST", path, &json!({"name": name, "config": config}))?;
        ensure!(created.status == 201, "{created:?}");
        let group = format!("connect-{name}");
        let read = || {
            let committed = self.peers.kafka.committed(&group, topic).unwrap_or_default();
            committed.iter().flatten().sum::<i64>() as u64 == self.records
        };
        ensure!(wait::within(DEADLINE, read), "not read within {DEADLINE:?}\n{}", connect.log());
        let spent = cpu_of(connect.process().id())? - before;
        rest::change(connect.rest(), "DELETE", &format!("{path}/{name}"), &Value::Null)?;
        Ok(self.each(spent))
    }

    fn each(&self, cpu: Duration) -> f64 {
        cpu.as_nanos() as f64 / self.records as f64
    }
}

/// The settings that are the same on both sides.
fn settings(form: &Form) -> Vec<(String, String)> {
    let all = [("key.converter", STRING)].into_iter().chain(form.settings.iter().copied());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn print(rows: &[Vec<Cpu>], rounds: u64, records: u64) {
    println!("## Converters and transforms\n");
    println!("{records} records, {rounds} rounds, median (min–max); both into sinks that keep nothing\n");
    println!(
        "| records | CPU ns per record | Kafka Connect as new: CPU ns per record | ÷ ours, per round | goal | \
         Kafka Connect that is warm: CPU ns per record | ÷ ours, per round |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (form, row) in FORMS.iter().zip(rows) {
        let spread = |of: fn(&Cpu) -> f64| Spread::of(row.iter().map(of).collect());
        let new = spread(|cpu| cpu.new / cpu.sink);
        println!(
            "| {} | {} | {} | {} | ≥ {GOAL}: {} | {} | {} |",
            form.title,
            spread(|cpu| cpu.sink).whole(),
            spread(|cpu| cpu.new).whole(),
            new.exact(),
            if new.median >= GOAL { "met" } else { "missed" },
            spread(|cpu| cpu.warm).whole(),
            spread(|cpu| cpu.warm / cpu.sink).exact(),
        );
    }
    println!();
}
