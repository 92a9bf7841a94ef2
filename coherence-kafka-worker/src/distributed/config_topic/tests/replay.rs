//! What Connect wrote, in its order, and what it answered.

use serde_json::Value;

use super::*;

const TOPICS: &str = include_str!("../../../../tests/vectors/connect-topics.jsonl");
const MALFORMED: &str = include_str!("../../../../tests/vectors/connect-malformed.jsonl");

fn lines(vectors: &str) -> Vec<Value> {
    vectors.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_record(line: &Value) -> bool {
    line["topic"] == "config"
}

fn apply_line(state: &mut ConfigState, line: &Value) -> Applied {
    apply(state, line["key"].as_str().unwrap(), line["value"].as_str())
}

/// The target with which a connector is in this state.
fn target_in(state: &str) -> TargetState {
    match state {
        "PAUSED" => TargetState::Paused,
        "STOPPED" => TargetState::Stopped,
        _ => TargetState::Running,
    }
}

fn check(state: &ConfigState, line: &Value) {
    if let Some(answer) = line["config"].as_object() {
        let connector = state.connector(answer["name"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::to_value(&connector.properties).unwrap(), answer["config"], "{line}");
        assert_eq!(connector.fault, None, "{line}");
    }
    let all = line["states"].as_object();
    for (name, states) in all.or(line["some_states"].as_object()).into_iter().flatten() {
        let connector = state.connector(name).unwrap();
        assert_eq!(connector.target, target_in(states[0].as_str().unwrap()), "{name} {line}");
    }
    if let Some(all) = all {
        assert_eq!(state.connectors().count(), all.len(), "{line}");
    }
}

#[test]
fn connects_records_lead_to_what_connect_answers() {
    let lines = lines(TOPICS);
    let mut checked = 0;
    for run in lines.chunk_by(|a, b| a["run"] == b["run"]) {
        let mut state = ConfigState::default();
        for step in run.chunk_by(|a, b| a["step"] == b["step"]) {
            for line in step.iter().filter(|line| is_record(line)) {
                let applied = apply_line(&mut state, line);
                assert!(!matches!(applied, Applied::Ignored(_)), "{applied:?} {line}");
            }
            for line in step {
                check(&state, line);
                checked += usize::from(line["topic"].is_null());
            }
        }
    }
    assert_eq!(checked, 60, "every answer was compared");
}

#[test]
fn records_are_written_as_connect_writes_them() {
    let mut state = ConfigState::default();
    let mut written = 0;
    for line in lines(TOPICS).iter().filter(|line| is_record(line) && line["run"] == "main") {
        let applied = apply_line(&mut state, line);
        let key = line["key"].as_str().unwrap();
        let record = match applied {
            Applied::Restart { request, warning: None } => request.record(),
            Applied::Target(name) => {
                state.change_target(&name, state.connector(&name).unwrap().target).pop().unwrap()
            }
            Applied::Removed(name) => state.delete(&name).remove(0),
            Applied::Configured(name) => {
                let record =
                    state.configure(&name, &state.connector(&name).unwrap().properties).pop().unwrap();
                let ours: Value = serde_json::from_str(record.value.as_deref().unwrap()).unwrap();
                let connects: Value = serde_json::from_str(line["value"].as_str().unwrap()).unwrap();
                assert_eq!((record.key.as_str(), ours), (key, connects));
                continue;
            }
            Applied::LoggerLevel { logger, level } => {
                let record = logger_level(&logger, level.name());
                let ours = record.value.unwrap();
                assert!(ours.eq_ignore_ascii_case(line["value"].as_str().unwrap()), "{ours} {line}");
                continue;
            }
            Applied::Nothing => continue,
            other => panic!("{other:?} {line}"),
        };
        assert_eq!((record.key.as_str(), record.value.as_deref()), (key, line["value"].as_str()));
        written += 1;
    }
    assert!(written > 20, "{written}");
}

/// Values of a connector that are no texts, with our words; Connect's answer to the list of connectors is 500 then.
const FAULTS: [(&str, &str); 2] = [
    (
        "numbers and booleans",
        "Non-string value found in original settings for key tasks.max: java.lang.Long; \
         Non-string value found in original settings for key x: java.lang.Boolean",
    ),
    ("nested property", "Non-string value found in original settings for key x: java.util.HashMap"),
];

/// Connect's words come from Java's decoder, and end its worker.
const NOT_BASE64: &str = "Input byte[] should at least have 2 bytes for base64 bytes";

#[test]
fn malformed_records_have_connects_effects_and_words() {
    let mut state = ConfigState::default();
    apply(&mut state, "connector-good", Some(r#"{"properties":{"name":"good"}}"#));
    for case in lines(MALFORMED).iter().filter(|case| is_record(case)) {
        let mut words = Vec::new();
        for record in case["records"].as_array().unwrap() {
            let key: &[u8] = match record[0].as_str().unwrap() {
                r"\xff\xfe" => &[0xff, 0xfe],
                key => key.as_bytes(),
            };
            match state.apply(Some(key), record[1].as_str().map(str::as_bytes)) {
                Applied::Ignored(reason) => words.push(reason),
                Applied::Restart { warning, .. } => words.extend(warning),
                Applied::Configured(name) => words.extend(state.connector(&name).unwrap().fault.clone()),
                Applied::Nothing | Applied::Removed(_) | Applied::Target(_) | Applied::LoggerLevel { .. } => {
                }
            }
        }
        let words = words.join("\n");
        let connects: Vec<_> =
            case["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
        let name = case["case"].as_str().unwrap();
        if let Some((_, fault)) = FAULTS.iter().find(|(case, _)| *case == name) {
            assert_eq!(words, *fault);
            continue;
        }
        if connects == [NOT_BASE64] {
            assert_eq!(words, "Invalid data for session key 'key' field should be base64");
            continue;
        }
        assert!(connects.iter().all(|connects| words.contains(connects)), "{words} {case}");
        assert_eq!(words.is_empty(), connects.is_empty(), "{words} {case}");
        // A connector without a name has no status, so Connect's list does not show it.
        let listed: Vec<_> =
            state.connectors().map(|(name, _)| name).filter(|name| !["", "good"].contains(name)).collect();
        if let Some(expected) = case.get("listed") {
            assert_eq!(*expected, Value::from(listed), "{case}");
        }
        if let Some(good) = case["good"].as_str() {
            assert_eq!(state.connector("good").unwrap().target, target_in(good), "{case}");
        }
    }
}
