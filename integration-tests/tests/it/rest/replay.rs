//! A conversation with a real Kafka Connect, step by step: what it answered, and what the sink's worker answers.
//!
//! The file `vectors/connect-rest.jsonl` holds the requests and the answers of Kafka Connect 4.3.1 in standalone mode, with the
//! connector `FileStreamSink`; `vectors/connect-rest-distributed.jsonl` those that differ in distributed mode. The requests
//! go to a sink in the same order, for the same topics.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use integration_tests::fleet::Fleet;
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::wait::within;
use integration_tests::{require_peers, shared};
use serde_json::{Map, Value};

use super::*;

mod differences;

use differences::{DIFFERENT, DIFFERENT_DISTRIBUTED, DIFFERENT_STANDALONE, Differences};

const STEPS: &str = include_str!("../../vectors/connect-rest.jsonl");
const STEPS_IN_DISTRIBUTED_MODE: &str = include_str!("../../vectors/connect-rest-distributed.jsonl");

/// Keys of which half go to each of two partitions.
const KEYS: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/// What Connect's plugins and classes are here.
const WORDS: [(&str, &str); 5] = [
    (
        "org.apache.kafka.connect.file.FileStreamSinkTask",
        "com.oracle.coherence.kafka.connect.CoherenceSinkTask",
    ),
    (
        "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "com.oracle.coherence.kafka.connect.CoherenceSinkConnector",
    ),
    ("FileStreamSink", "CoherenceSink"),
    ("<dir>", "/nowhere"),
    ("4.3.1", env!("CARGO_PKG_VERSION")),
];

/// A request that Connect refuses, and that here would delete the connector which later steps show.
const NOT_SENT: u32 = 73;

/// A sink, its broker, and the words in which the conversation speaks of it.
struct Conversation<'a> {
    kafka: &'a Kafka,
    sink: Sink,
    words: Vec<(String, String)>,
}

impl Conversation<'_> {
    fn ours(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    /// Sends the request of a step. Returns the status, the headers and the body.
    fn call(&self, step: &Value) -> (u16, BTreeMap<String, String>, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let url = format!("{}{}", self.sink.rest(), self.ours(step["path"].as_str().unwrap()));
        let mut request = ureq::http::Request::builder().method(step["method"].as_str().unwrap()).uri(url);
        for (name, value) in step["request_headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        let body = match &step["request_body"] {
            Value::Null => Vec::new(),
            Value::String(text) => self.ours(text).into_bytes(),
            json => self.ours(&json.to_string()).into_bytes(),
        };
        let request = request.body(body).unwrap();
        let mut response = agent.run(request).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(_) if text.is_empty() => Value::Null,
            Err(_) => Value::String(text),
        };
        (response.status().as_u16(), headers, body)
    }

    /// Sends the request of a step, and compares the answer with the recorded one.
    fn compare(&self, step: &Value) -> Compared {
        let (status, headers, body) = self.call(step);
        let expected_status = step["status"].as_u64().unwrap() as u16;
        let expected_body: Value =
            serde_json::from_str(&self.ours(&step["response_body"].to_string())).unwrap();
        let expected_headers = step["response_headers"].as_object().cloned().unwrap_or_else(Map::new);
        let headers_match = expected_headers.iter().all(|(name, value)| {
            let value = self.ours(value.as_str().unwrap());
            match (name.as_str(), headers.get(&name.to_ascii_lowercase())) {
                ("Content-Length", length) => (value == "0") == length.is_none_or(|length| length == "0"),
                ("Allow", Some(allowed)) => {
                    let sorted = |methods: &str| {
                        let mut methods: Vec<String> = methods.split(',').map(str::to_owned).collect();
                        methods.sort();
                        methods
                    };
                    sorted(&value) == sorted(allowed)
                }
                (_, Some(header)) => like(&value, header),
                (_, None) => false,
            }
        });
        let is_same = status == expected_status
            && headers_match
            && (step["method"] == "OPTIONS" || matches(&expected_body, &body));
        let shown = format!(
            "expected {expected_status} {expected_body} {expected_headers:?}\n   answered {status} {body} {headers:?}"
        );
        Compared { is_same, status, shown }
    }

    /// Waits for what the conversation waited for, such as `one: connector RUNNING, tasks ['RUNNING']; one: offsets sum 10`.
    /// `restarts` are the connectors whose task was restarted. Until such a task has failed again, its status may be that
    /// of the failure before.
    fn wait(&self, conditions: &str, restarts: &[String]) -> bool {
        conditions.split("; ").all(|condition| {
            let (name, condition) = condition.split_once(": ").unwrap();
            let path = format!("/connectors/{name}");
            within(SOON, || match condition.split_once(", tasks ") {
                Some((state, tasks)) => {
                    let status = get(&self.sink, &format!("{path}/status")).body;
                    let states = status["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let states: Vec<_> = states.iter().map(|task| task["state"].clone()).collect();
                    let expected = tasks.replace('\'', "\"");
                    state
                        == format!("connector {}", status["connector"]["state"].as_str().unwrap_or_default())
                        && (tasks == "None" || expected.parse::<Value>().unwrap() == Value::Array(states))
                        && (!tasks.contains("FAILED")
                            || self.failures(name) > restarts.iter().filter(|of| *of == name).count())
                }
                None if condition.contains("active topics") => {
                    get(&self.sink, &format!("{path}/topics")).body[name]["topics"] != json!([])
                }
                None if condition.contains("offsets sum") => {
                    let offsets = get(&self.sink, &format!("{path}/offsets")).body;
                    let offsets = offsets["offsets"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let offsets =
                        offsets.iter().map(|offset| offset["offset"]["kafka_offset"].as_u64().unwrap());
                    condition.ends_with(&format!(" {}", offsets.sum::<u64>()))
                }
                // A member that left while the group was rebalancing may be one until its session ends.
                None if condition == "consumer group empty" => {
                    self.kafka.members(&format!("connect-{name}")).is_ok_and(|members| members == 0)
                }
                None => false,
            })
        })
    }

    /// How often the task of a connector was reported as failed, and at least once where it was never made.
    fn failures(&self, connector: &str) -> usize {
        let (task, log) = (format!("{connector}-0"), self.sink.log());
        let reports =
            log.lines().filter(|line| line.contains("task failed and stopped") && line.contains(&task));
        reports.count().max(1)
    }
}

/// Returns the connector whose task a step restarts.
fn restarted(step: &Value) -> Option<String> {
    let path = step["path"].as_str()?.strip_prefix("/connectors/")?;
    let (name, rest) = path.split_once('/')?;
    let restarts = rest == "tasks/0/restart" || rest.starts_with("restart?includeTasks=true");
    (step["method"] == "POST" && restarts).then(|| name.to_owned())
}

/// An answer next to the recorded one.
struct Compared {
    is_same: bool,
    status: u16,
    shown: String,
}

/// Whether a step may be repeated: it reads, or restarts what has failed where nothing has.
fn changes_nothing(step: &Value) -> bool {
    step["method"] == "GET" || step["path"].as_str().unwrap().ends_with("onlyFailed=true")
}

/// Whether an answer is the expected one. In a text `<…>` stands for anything; of a trace only that there is one counts.
fn matches(expected: &Value, answer: &Value) -> bool {
    match (expected, answer) {
        (Value::Object(expected), Value::Object(answer)) => {
            expected.len() == answer.len()
                && expected.iter().all(|(key, value)| match answer.get(key) {
                    Some(Value::String(_)) if key == "trace" => true,
                    // A message may go on with the cause.
                    Some(Value::String(message)) if key == "message" => {
                        let expected = value.as_str().unwrap_or_default();
                        like(expected, message)
                            || message.strip_prefix(expected).is_some_and(|more| more.starts_with(": "))
                    }
                    // Of a task that was never made.
                    Some(_) if key == "version" && value.is_null() => true,
                    Some(other) => matches(value, other),
                    None => false,
                })
        }
        (Value::Array(expected), Value::Array(answer)) => {
            expected.len() == answer.len()
                && (expected.iter().zip(answer).all(|(a, b)| matches(a, b))
                    || expected.iter().all(|a| answer.iter().any(|b| matches(a, b))))
        }
        (Value::String(expected), Value::String(answer)) => like(expected, answer),
        (Value::String(_), Value::Number(_)) => expected == "<ms>",
        _ => expected == answer,
    }
}

fn like(expected: &str, answer: &str) -> bool {
    let Some((before, rest)) = expected.split_once('<') else { return expected == answer };
    let Some((_, after)) = rest.split_once('>') else { return expected == answer };
    answer.strip_prefix(before).is_some_and(|rest| {
        after.is_empty() || (0..=rest.len()).any(|at| rest.is_char_boundary(at) && like(after, &rest[at..]))
    })
}

/// The mode of a worker of Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Standalone,
    Distributed,
}

impl Mode {
    const ALL: [Self; 2] = [Self::Standalone, Self::Distributed];

    /// The steps of the conversation by their numbers.
    fn steps(self) -> BTreeMap<u32, Value> {
        let other = if self == Self::Distributed { STEPS_IN_DISTRIBUTED_MODE } else { "" };
        let steps = STEPS.lines().chain(other.lines()).map(|line| serde_json::from_str(line).unwrap());
        steps.map(|step: Value| (step["step"].as_u64().unwrap() as u32, step)).collect()
    }

    /// The steps that differ in this mode only.
    fn different(self) -> Differences {
        match self {
            Self::Standalone => DIFFERENT_STANDALONE,
            Self::Distributed => DIFFERENT_DISTRIBUTED,
        }
    }
}

#[test]
fn a_conversation_with_connect_goes_the_same_way_with_the_sink() {
    require_peers!();
    converse(Mode::Standalone, shared::kafka());
}

#[test]
fn a_conversation_with_connect_in_distributed_mode_goes_the_same_way_with_the_sink() {
    require_peers!();
    // Of its own: the groups of both conversations have the same names.
    let options = KafkaOptions { properties: KafkaOptions::impatient(), ..KafkaOptions::default() };
    converse(Mode::Distributed, &Kafka::start(options).unwrap());
}

fn converse(mode: Mode, kafka: &Kafka) {
    let flow = Flow::new(kafka, shared::grid(), "replay", 1);
    let topic = |name: &str| format!("{name}-{}", flow.name);
    for (name, partitions) in [("r-one", 2), ("r-bad", 1)] {
        kafka.create_topic(&topic(name), partitions).unwrap();
    }
    let records = KEYS.map(|n| (Some(format!("\"{n}\"")), Some(format!("{{\"n\":{n}}}"))));
    kafka.produce(&topic("r-one"), records).unwrap();
    kafka.produce(&topic("r-bad"), [(Some("\"k\""), Some("poison"))]).unwrap();
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let address = shared::grid().address();
    let settings = [
        ("coherence.session.address", address.as_str()),
        ("key.converter", json),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", json),
        ("value.converter.schemas.enable", "false"),
    ];
    let fleet = Fleet::new(kafka, shared::grid(), "replay");
    let sink = match mode {
        Mode::Standalone => Sink::start(&flow.worker(&settings), &[]).unwrap(),
        Mode::Distributed => fleet.start_with(&settings).unwrap(),
    };
    let mut words: Vec<(String, String)> =
        WORDS.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect();
    words.push(("<worker>".to_owned(), sink.rest().trim_start_matches("http://").to_owned()));
    words.extend(["r-one", "r-bad"].map(|name| (name.to_owned(), topic(name))));
    let conversation = Conversation { kafka, sink, words };

    let (mut wrong, mut restarts) = (String::new(), Vec::new());
    for (number, step) in mode.steps() {
        if number == NOT_SENT {
            continue;
        }
        let mut different = DIFFERENT.iter().chain(mode.different());
        let different = different.find(|(steps, _, _)| steps.contains(&number));
        let waited = different.is_some()
            || step["waited_for"].as_str().is_none_or(|conditions| conversation.wait(conditions, &restarts));
        restarts.extend(restarted(&step));
        let mut compared = conversation.compare(&step);
        if mode == Mode::Distributed && different.is_none() && changes_nothing(&step) {
            // A state is shown a moment after the change that leads to it.
            within(SOON, || {
                if !compared.is_same {
                    compared = conversation.compare(&step);
                }
                compared.is_same
            });
        }
        let is_same = waited && compared.is_same;
        let fine = match different {
            None => is_same,
            Some((_, ours, _)) => !is_same && compared.status == *ours,
        };
        if !fine {
            let (method, path, body) = (&step["method"], &step["path"], &step["request_body"]);
            writeln!(wrong, "{number} {method} {path} {body}\n   {waited} {}", compared.shown).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
