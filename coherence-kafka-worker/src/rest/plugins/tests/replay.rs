//! What Connect answered to the same requests.

use std::fs;
use std::path::Path;

use super::*;

const PLUGINS: &str = include_str!("../../../../tests/vectors/connector-plugins.jsonl");
const VALIDATIONS: &str = include_str!("../../../../tests/vectors/validate.jsonl");

/// A difference on purpose.
struct Different {
    /// The request.
    what: &'static str,
    /// Connect's answer.
    connect: &'static str,
    /// Ours, and why.
    reason: &'static str,
    /// The cases, each with the status of our answer and parts of its errors, in their order.
    cases: &'static [(&'static str, u16, &'static [&'static str])],
}

const DIFFERENT: &[Different] = &[
    Different {
        what: "the class of the connector is missing or unknown",
        connect: "500, with the whole configuration or the plugins of the worker",
        reason: "400, without values: they may be secrets",
        cases: &[
            ("cfg-010", 400, &["available connectors are"]),
            ("cfg-011", 400, &["available connectors are"]),
            ("cfg-012", 400, &["set connector.class"]),
            ("cfg-014", 400, &["available connectors are"]),
            ("cfg-194", 400, &["set connector.class"]),
        ],
    },
    Different {
        what: "a body that is not a JSON object of settings",
        connect: "500, with a text of the JSON library",
        reason: "400, with the fault of the request",
        cases: &[
            ("cfg-048", 400, &["topics: the value must be a text"]),
            ("cfg-049", 400, &["must be a JSON object"]),
            ("cfg-050", 400, &["is not JSON"]),
            ("cfg-051", 400, &["is not JSON"]),
            ("cfg-052", 400, &["must be a JSON object"]),
            ("cfg-053", 400, &["must be a JSON object"]),
        ],
    },
    Different {
        what: "`topics.regex` is not a pattern, and a dead letter queue is set",
        connect: "500",
        reason: "200, with the error at `topics.regex`, as without the queue",
        cases: &[("cfg-100", 200, &["Invalid regex"])],
    },
    Different {
        what: "a setting of a client has a value of a wrong type",
        connect: "500",
        reason: "200, with the error at the setting",
        cases: &[
            (
                "cfg-169",
                200,
                &["Invalid value x for configuration max.poll.records: Not a number of type INT"],
            ),
            ("cfg-173", 200, &["Invalid value x for configuration batch.size: Not a number of type INT"]),
            (
                "cfg-174",
                200,
                &["Invalid value x for configuration request.timeout.ms: Not a number of type INT"],
            ),
        ],
    },
    Different {
        what: "a setting of a client has a value that only the client refuses",
        connect: "no error; the task fails at its start",
        reason: "an error at the setting: every bad setting is refused before the start",
        cases: &[("cfg-178", 200, &["Invalid value newest for configuration auto.offset.reset"])],
    },
    Different {
        what: "a variable whose provider cannot read it",
        connect: "500, or no error and the text of the variable as the value",
        reason: "200, with the error at the setting: a typing slip does not become a value",
        cases: &[
            ("cfg-181", 200, &["has no key none"]),
            ("cfg-182", 200, &["could not read"]),
            ("cfg-186", 200, &["the environment variable is not set"]),
            ("cfg-188", 200, &["Path is not supported for EnvVarConfigProvider, invalid value 'x'"]),
        ],
    },
    Different {
        what: "a list of aliases that contains a variable",
        connect: "groups and keys with the value of the variable",
        reason: "no keys of aliases: the value of a variable is never shown",
        cases: &[("cfg-191", 200, &[])],
    },
    Different {
        what: "`plugin.version` has another version than the plugin",
        connect: "an error, or 500 for a range that it cannot read",
        reason: "accepted without effect, so that files for several versions of Connect can be used: each plugin has one \
                 version here",
        cases: &[("cfg-120", 200, &[]), ("cfg-121", 200, &[]), ("cfg-123", 200, &[]), ("cfg-149", 200, &[])],
    },
    Different {
        what: "a class of Java's own, or an interface, as a converter",
        connect: "the class has the wrong type",
        reason: "the class could not be found: there is no JVM",
        cases: &[
            ("cfg-108", 200, &["Class java.lang.String could not be found."]),
            ("cfg-110", 200, &["Class org.apache.kafka.connect.storage.Converter could not be found."]),
        ],
    },
    Different {
        what: "`admin.override.retries`",
        connect: "has a definition",
        reason: "has no definition: the admin client of librdkafka has no such setting",
        cases: &[
            ("cfg-204", 200, RETRIES),
            ("cfg-210", 200, &[ACKS, MAX_BLOCK, FETCH, ADMIN_RETRIES]),
            ("cfg-216", 200, &[ACKS, MAX_BLOCK, FETCH, ADMIN_RETRIES]),
        ],
    },
];

const MAX_BLOCK: &str = "'max.block.ms'";
const ACKS: &str = "'acks'";
const FETCH: &str = "'fetch.min.bytes'";
const ADMIN_RETRIES: &str = "'retries'";
const RETRIES: &[&str] = &[ACKS, MAX_BLOCK, FETCH, "'sasl.mechanism'", ADMIN_RETRIES];

/// What the tables of transforms in these tests do not check: the texts of patterns and of casts.
const VALIDATORS_OF_TRANSFORMS: &[&str] = &["cfg-135", "cfg-142", "cfg-162", "cfg-163"];

fn cases(file: &str) -> Vec<Value> {
    // The version of the plugins is ours.
    file.lines().map(|line| serde_json::from_str(&line.replace(CAPTURED, VERSION)).unwrap()).collect()
}

/// The folder of the vectors.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret.properties"), "pw=sesame\nn=3\n").unwrap();
    fs::create_dir(folder.path().join("secrets")).unwrap();
    fs::write(folder.path().join("secrets/n"), "4\n").unwrap();
    folder
}

/// The worker of a validation.
fn served(case: &Value) -> Served {
    let setting = case["worker"].as_str().unwrap().split_once(", ").map(|(_, setting)| setting);
    let mut settings: Vec<_> = setting.into_iter().filter_map(|setting| setting.split_once('=')).collect();
    if setting.is_some_and(|setting| setting.ends_with("=Allowlist")) {
        settings.push(("connector.client.config.override.allowlist", "max.poll.records,sasl.mechanism"));
    }
    let is_source = case["request"]["connector.class"].as_str().is_some_and(|class| class.contains("Source"));
    let kind = if is_source { ConnectorType::Source } else { ConnectorType::Sink };
    Served::new(FileStream(kind), &settings)
}

fn body(case: &Value, folder: &Path) -> String {
    let text = match &case["request"] {
        Value::String(text) => text.clone(),
        object => object.to_string(),
    };
    text.replace("<dir>", folder.to_str().unwrap())
}

/// Why a pattern is not one is the library's text.
fn without_reason_of_a_pattern(text: &str) -> String {
    match text.split_once("Invalid regex:") {
        Some((before, _)) => format!("{before}Invalid regex"),
        None => text.to_owned(),
    }
}

fn errors(value: &Value) -> Vec<String> {
    let texts = value["errors"].as_array().unwrap().iter();
    texts.map(|text| without_reason_of_a_pattern(text.as_str().unwrap())).collect()
}

/// An answer without what follows from the order of hash maps; in `full` with all settings, else with the refused ones.
fn comparable(body: &Value, full: bool) -> Value {
    let mut groups: Vec<&str> =
        body["groups"].as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
    groups.sort_unstable();
    let mut settings: Vec<Value> = body["configs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|setting| full || !errors(&setting["value"]).is_empty())
        .map(|setting| {
            let (definition, value) = (&setting["definition"], &setting["value"]);
            // Of a client's setting Connect has the documentation and the default of Java's client.
            let of_client = value["name"].as_str().unwrap().starts_with("consumer.override.");
            let definition =
                if full && !of_client { definition.clone() } else { json!(definition.is_object()) };
            json!({
                "definition": definition,
                "name": value["name"],
                "value": value["value"],
                "errors": errors(value),
                "recommended_values": of_connect(&value["recommended_values"]),
            })
        })
        .collect();
    settings.sort_by_key(|setting| setting["name"].to_string());
    json!({"name": body["name"], "error_count": body["error_count"], "groups": groups, "settings": settings})
}

/// Without the converters that Connect does not have.
fn of_connect(classes: &Value) -> Vec<&str> {
    let classes = classes.as_array().unwrap().iter().map(|class| class.as_str().unwrap());
    classes.filter(|class| !class.starts_with("com.oracle.")).collect()
}

/// The captured answer in the same form.
fn expected(case: &Value) -> Value {
    if case["body_full"].is_object() {
        return comparable(&case["body_full"], true);
    }
    let body = &case["body"];
    let settings = body["errors"].as_array().unwrap().iter().map(|setting| {
        json!({
            "definition": {"definition": setting["has_definition"]},
            "value": setting,
        })
    });
    let mut found = comparable(
        &json!({
            "name": body["name"],
            "error_count": body["error_count"],
            "groups": body["groups"],
            "configs": settings.collect::<Vec<_>>(),
        }),
        false,
    );
    for setting in found["settings"].as_array_mut().unwrap() {
        let name = &setting["name"];
        let of = body["errors"].as_array().unwrap().iter().find(|entry| &entry["name"] == name).unwrap();
        setting["definition"] = of["has_definition"].clone();
    }
    found
}

/// The texts of the errors.
fn texts(answer: &Answer) -> Vec<String> {
    match answer.body["configs"].as_array() {
        Some(settings) => settings.iter().flat_map(|setting| errors(&setting["value"])).collect(),
        None => vec![answer.body["message"].as_str().unwrap().to_owned()],
    }
}

/// What differs from the captured answer.
fn difference(case: &Value, answer: &Answer) -> Option<String> {
    let text = |body: &Value| serde_json::to_string(body).unwrap();
    if case["status"] != answer.status {
        return Some(format!(
            "expected {} {}, got {} {}",
            case["status"], case["body"], answer.status, answer.body
        ));
    }
    if answer.status != 200 {
        return (case["body"] != answer.body)
            .then(|| format!("expected {}, got {}", case["body"], answer.body));
    }
    let full = case["body_full"].is_object();
    let (ours, theirs) = (comparable(&answer.body, full), expected(case));
    if ours != theirs {
        return Some(format!("expected {}\n     got {}", text(&theirs), text(&ours)));
    }
    let (number, keys) = (answer.body["configs"].as_array().unwrap().len(), &case["body"]["keys"]);
    (!full && json!(number) != *keys).then(|| format!("expected {keys} settings, got {number}"))
}

#[test]
fn plugins_and_their_definitions_are_those_of_connect() {
    let sink = sink();
    let mut compared = 0;
    for case in cases(PLUGINS).into_iter().filter(|case| case["method"] == "GET") {
        let (step, path) = (case["step"].to_string(), case["path"].as_str().unwrap());
        let answer = sink.get(path);
        let mut expected = case["response_body"].clone();
        if let Some(plugins) = expected.as_array_mut() {
            // One program has one connector.
            plugins.retain(|plugin| plugin["type"] != "source");
        }
        assert_eq!(json!(answer.status), case["status"], "{step} {path}");
        assert_eq!(answer.body, expected, "{step} {path}");
        compared += 1;
    }
    assert_eq!(compared, 15);
    let source = Served::new(FileStream(ConnectorType::Source), &[]);
    let list = source.get("/connector-plugins").body;
    assert_eq!(
        list,
        json!([{
            "class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "type": "source",
            "version": VERSION,
        }])
    );
    let post = sink.call(
        "POST",
        "/connector-plugins/FileStreamSink/config/validate",
        Some("application/json"),
        "{}",
    );
    assert_eq!(post.body, json!({"error_code": 405, "message": "HTTP 405 Method Not Allowed"}));
}

#[test]
fn validations_are_answered_as_connect_answers_them() {
    let folder = folder();
    let cases = cases(VALIDATIONS);
    assert_eq!(cases.len(), 216);
    let mut failed = Vec::new();
    let mut shared: Option<(String, Served)> = None;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let worker =
            format!("{} {}", case["worker"], case["request"]["connector.class"] == "FileStreamSource");
        if shared.as_ref().is_none_or(|(of, _)| *of != worker) {
            shared = Some((worker, served(case)));
        }
        let (_, served) = shared.as_ref().unwrap();
        let answer = served.validate(case["plugin"].as_str().unwrap(), &body(case, folder.path()));
        let different = DIFFERENT.iter().flat_map(|different| different.cases).find(|(of, ..)| *of == id);
        match (difference(case, &answer), different) {
            (Some(_), None) if VALIDATORS_OF_TRANSFORMS.contains(&id) => {}
            (None, None) => {}
            (None, Some(_)) => failed.push(format!("{id}: is as in Connect")),
            (Some(what), None) => failed.push(format!("{id} ({}): {what}", case["note"])),
            (Some(_), Some((_, status, parts))) => {
                let texts = texts(&answer);
                let same = texts.len() == parts.len()
                    && texts.iter().zip(parts.iter()).all(|(text, part)| text.contains(part));
                if *status != answer.status || !same {
                    failed
                        .push(format!("{id}: expected {status} {parts:?}, got {} {texts:?}", answer.status));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// The beginning and the end of the table in the document.
const MARKS: [&str; 2] = [
    "<!-- Rendered from the tests. UPDATE_DOCS=1 cargo test -p coherence-kafka-worker rest_api_md renders it again. -->",
    "<!-- The end of the rendered part. -->",
];

#[test]
fn rest_api_md_shows_each_difference_of_a_validation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rest-api.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(MARKS[0]).unwrap();
    let (_, behind) = rest.split_once(MARKS[1]).unwrap();
    let rows = DIFFERENT.iter().map(|row| format!("| {} | {} | {} |\n", row.what, row.connect, row.reason));
    let table = format!("| Request | Kafka Connect | Here |\n|---|---|---|\n{}", rows.collect::<String>());
    let rendered = format!("{before}{}\n\n{table}\n{}{behind}", MARKS[0], MARKS[1]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    assert!(document == rendered || std::env::var_os("UPDATE_DOCS").is_some(), "{path:?} is not up to date");
}
