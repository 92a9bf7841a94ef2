//! What converters and transforms cost, in the sink and in Kafka Connect: the same records, converters and transforms,
//! both into sinks that keep nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use integration_tests::connect::{Cluster, Connect};
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
    with_schema: bool,
    settings: &'static [(&'static str, &'static str)],
}

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

const FORMS: [Form; 3] = [
    Form {
        title: "JSON",
        with_schema: false,
        settings: &[("value.converter", JSON), ("value.converter.schemas.enable", "false")],
    },
    Form {
        title: "JSON with its schema",
        with_schema: true,
        settings: &[("value.converter", JSON), ("value.converter.schemas.enable", "true")],
    },
    Form {
        title: "JSON, and three transforms",
        with_schema: false,
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
];

impl Form {
    /// The record of a number.
    fn record(&self, number: u64) -> (String, String) {
        let payload = json!({
            "id": number, "name": format!("Customer {number}"), "city": "Lausanne", "amount": number as f64 / 4.0,
            "active": number.is_multiple_of(3),
        });
        let value = if self.with_schema { json!({"schema": schema(), "payload": payload}) } else { payload };
        (format!("key-{number}"), value.to_string())
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
    let mut topics = Vec::new();
    for form in &FORMS {
        let topic = unique("formats");
        peers.kafka.create_topic(&topic, Load::plain(records).partitions)?;
        let all = (0..records).map(|number| form.record(number));
        peers.kafka.produce(&topic, all.map(|(key, value)| (Some(key), Some(value))))?;
        topics.push(topic);
    }
    let warm = Connect::start_for_measurements(&Cluster::new(&peers.kafka, "formats"))?;
    for (form, topic) in FORMS.iter().zip(&topics) {
        of_connect(peers, &warm, form, topic, records)?;
    }
    let mut rows: [Vec<Cpu>; FORMS.len()] = Default::default();
    for round in 0..rounds as usize {
        for turn in 0..FORMS.len() {
            let place = (turn + round) % FORMS.len();
            let (form, topic) = (&FORMS[place], &topics[place]);
            let cpu = Cpu {
                sink: of_sink(peers, form, topic, records)?,
                new: of_new_connect(peers, form, topic, records)?,
                warm: of_connect(peers, &warm, form, topic, records)?,
            };
            eprintln!("round {}: {}: {cpu:?}", round + 1, form.title);
            rows[place].push(cpu);
        }
    }
    warm.stop()?;
    print(&rows, rounds, records);
    Ok(())
}

fn of_sink(peers: &Peers, form: &Form, topic: &str, records: u64) -> Result<f64> {
    let settings = converters(form).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings: Vec<_> = settings.collect();
    Ok(peers.run_child(Kind::Discard, Load::plain(records), vec![topic.to_owned()], &settings)?.cpu_ns)
}

/// The CPU of a whole worker, from its start until it has read everything.
fn of_new_connect(peers: &Peers, form: &Form, topic: &str, records: u64) -> Result<f64> {
    let connect = Connect::start_for_measurements(&Cluster::new(&peers.kafka, "formats"))?;
    let started = cpu_of(connect.process().id())?.as_nanos() as f64 / records as f64;
    let read = of_connect(peers, &connect, form, topic, records)?;
    connect.stop()?;
    Ok(started + read)
}

/// The CPU of a running worker for one connector that reads everything.
fn of_connect(peers: &Peers, connect: &Connect, form: &Form, topic: &str, records: u64) -> Result<f64> {
    let name = unique("formats");
    let mut config = json!({
        "connector.class": "DiscardSink", "topics": topic, "consumer.override.auto.offset.reset": "earliest",
    });
    for (setting, value) in converters(form) {
        config[setting] = json!(value);
    }
    let path = "/connectors";
    let before = cpu_of(connect.process().id())?;
    let created = rest::change(connect.rest(), "POST", path, &json!({"name": name, "config": config}))?;
    ensure!(created.status == 201, "{created:?}");
    let group = format!("connect-{name}");
    let read = || {
        let committed = peers.kafka.committed(&group, topic).unwrap_or_default();
        committed.iter().flatten().sum::<i64>() as u64 == records
    };
    ensure!(wait::within(DEADLINE, read), "not read within {DEADLINE:?}\n{}", connect.log());
    let spent = cpu_of(connect.process().id())? - before;
    rest::change(connect.rest(), "DELETE", &format!("{path}/{name}"), &Value::Null)?;
    Ok(spent.as_nanos() as f64 / records as f64)
}

fn converters(form: &Form) -> impl Iterator<Item = (&'static str, &'static str)> {
    [("key.converter", STRING)].into_iter().chain(form.settings.iter().copied())
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
