//! A conversation with a real Kafka Connect, step by step: what it answered, and what the sink's worker answers.
//!
//! The file `vectors/connect-rest.jsonl` holds the requests and the answers of Kafka Connect 4.3.1 in standalone mode, with the
//! connector `FileStreamSink`. The requests go to a sink in the same order, for the same topics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use integration_tests::wait::within;
use integration_tests::{require_peers, shared};
use serde_json::{Map, Value};

use super::*;

const STEPS: &str = include_str!("../../vectors/connect-rest.jsonl");

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

/// A request that Connect cannot read.
const UNREADABLE: &str = "A body that cannot be read is the client's mistake: 400 with the place, not 500.";
/// A connector that Connect creates, and whose task fails.
const REFUSED: &str = "A configuration with which no task can run is refused when it is created.";
const UNKNOWN: &str = "A name that no connector has is 404 in every request, as in distributed mode.";
const PATHS: &str = "A name with any letters is found by its encoded form, and no answer is HTML.";
const NO_LEFTOVER: &str = "A refused restart leaves no failed task behind.";
const PLUGINS: &str = "The worker has its own plugins.";
const TRANSFORMS: &str = "Transforms and predicates are not supported yet.";
const LOGGERS: &str = "Loggers have the names of this program's modules.";

/// The steps whose answers differ on purpose, with our status, and why. `docs/rest-api.md` shows them.
const DIFFERENT: &[(RangeInclusive<u32>, u16, &str)] = &[
    (12..=12, 404, PATHS),
    (20..=20, 200, "Metrics are served, for Prometheus."),
    (26..=31, 400, UNREADABLE),
    (37..=38, 400, UNREADABLE),
    (42..=42, 400, PLUGINS),
    (50..=53, 400, UNREADABLE),
    (54..=54, 400, "A client setting that is refused is an error of the configuration."),
    (55..=55, 400, TRANSFORMS),
    (66..=66, 400, UNREADABLE),
    (67..=67, 400, "The error names the setting."),
    (71..=71, 200, PATHS),
    (72..=72, 404, PATHS),
    (119..=121, 400, UNREADABLE),
    (132..=132, 400, "A change of the name is refused: it would have no effect."),
    (133..=133, 200, "A change of the name is refused: it would have no effect."),
    (135..=135, 400, UNREADABLE),
    (153..=153, 404, UNKNOWN),
    (176..=178, 400, UNREADABLE),
    (207..=207, 404, UNKNOWN),
    (213..=213, 404, UNKNOWN),
    (218..=218, 200, NO_LEFTOVER),
    (234..=234, 200, "There is no file that could be missing."),
    (236..=236, 400, REFUSED),
    (237..=238, 404, REFUSED),
    (239..=239, 400, REFUSED),
    (240..=241, 404, REFUSED),
    (242..=242, 400, REFUSED),
    (243..=244, 404, REFUSED),
    (245..=245, 400, REFUSED),
    (246..=247, 404, REFUSED),
    (251..=251, 400, REFUSED),
    (252..=253, 404, REFUSED),
    (254..=254, 400, REFUSED),
    (255..=256, 404, REFUSED),
    (257..=262, 200, PLUGINS),
    (264..=266, 404, TRANSFORMS),
    (269..=269, 404, "Headers are not stored in maps: there is no header converter."),
    (274..=274, 400, "A class that does not exist is the client's mistake: 400, not 500."),
    (275..=275, 200, LOGGERS),
    (286..=287, 400, UNREADABLE),
    (295..=297, 200, LOGGERS),
    (305..=305, 200, NO_LEFTOVER),
];

/// A request that Connect refuses, and that here would delete the connector which later steps show.
const NOT_SENT: u32 = 73;

/// A sink, and the words in which the conversation speaks of it.
struct Conversation {
    sink: Sink,
    words: Vec<(String, String)>,
}

impl Conversation {
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

    /// Waits for what the conversation waited for, such as `one: connector RUNNING, tasks ['RUNNING']; one: offsets sum 10`.
    fn wait(&self, conditions: &str) -> bool {
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
                    shared::kafka().members(&format!("connect-{name}")).is_ok_and(|members| members == 0)
                }
                None => false,
            })
        })
    }
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

#[test]
fn a_conversation_with_connect_goes_the_same_way_with_the_sink() {
    require_peers!();
    let (kafka, flow) = (shared::kafka(), flow("replay"));
    let topic = |name: &str| format!("{name}-{}", flow.name);
    for (name, partitions) in [("r-one", 2), ("r-bad", 1)] {
        kafka.create_topic(&topic(name), partitions).unwrap();
    }
    let records = KEYS.map(|n| (Some(format!("\"{n}\"")), Some(format!("{{\"n\":{n}}}"))));
    kafka.produce(&topic("r-one"), records).unwrap();
    kafka.produce(&topic("r-bad"), [(Some("\"k\""), Some("poison"))]).unwrap();
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let address = shared::grid().address();
    let worker = flow.worker(&[
        ("coherence.session.address", &address),
        ("key.converter", json),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", json),
        ("value.converter.schemas.enable", "false"),
    ]);
    let sink = Sink::start(&worker, &[]).unwrap();
    let mut words: Vec<(String, String)> =
        WORDS.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect();
    words.push(("<worker>".to_owned(), sink.rest().trim_start_matches("http://").to_owned()));
    words.extend(["r-one", "r-bad"].map(|name| (name.to_owned(), topic(name))));
    let conversation = Conversation { sink, words };

    let mut wrong = String::new();
    for line in STEPS.lines() {
        let step: Value = serde_json::from_str(line).unwrap();
        let number = step["step"].as_u64().unwrap() as u32;
        if number == NOT_SENT {
            continue;
        }
        let different = DIFFERENT.iter().find(|(steps, _, _)| steps.contains(&number));
        let waited = different.is_some()
            || step["waited_for"].as_str().is_none_or(|conditions| conversation.wait(conditions));
        let (status, headers, body) = conversation.call(&step);
        let expected_status = step["status"].as_u64().unwrap() as u16;
        let expected_body: Value =
            serde_json::from_str(&conversation.ours(&step["response_body"].to_string())).unwrap();
        let expected_headers = step["response_headers"].as_object().cloned().unwrap_or_else(Map::new);
        let headers_match = expected_headers.iter().all(|(name, value)| {
            let value = conversation.ours(value.as_str().unwrap());
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
        let same = waited
            && status == expected_status
            && headers_match
            && (step["method"] == "OPTIONS" || matches(&expected_body, &body));
        let fine = match different {
            None => same,
            Some((_, ours, _)) => !same && status == *ours,
        };
        if !fine {
            writeln!(
                wrong,
                "{number} {} {} {}\n   {waited} expected {expected_status} {expected_body} {expected_headers:?}\n   answered {status} {body} {headers:?}",
                step["method"], step["path"], step["request_body"]
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The reasons and their steps, as a table.
fn table() -> String {
    let mut steps: Vec<(&str, Vec<String>)> = Vec::new();
    for (range, status, reason) in DIFFERENT {
        let numbers = match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}–{last}"),
        };
        let step = format!("{numbers} ({status})");
        match steps.iter_mut().find(|(known, _)| known == reason) {
            Some((_, steps)) => steps.push(step),
            None => steps.push((reason, vec![step])),
        }
    }
    let mut table = "| Difference | Steps, with the status here |\n|---|---|\n".to_owned();
    for (reason, steps) in steps {
        writeln!(table, "| {reason} | {} |", steps.join(", ")).unwrap();
    }
    table
}

#[test]
fn the_steps_that_differ_are_those_of_docs_rest_api_md() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rest-api.md");
    let document = fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once("| Difference | Steps").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let rendered = format!("{before}{}\n{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &rendered).unwrap();
    }
    assert!(
        document == rendered || std::env::var_os("UPDATE_DOCS").is_some(),
        "docs/rest-api.md is out of date: UPDATE_DOCS=1 cargo test -p integration-tests --test it steps_that_differ"
    );
}
