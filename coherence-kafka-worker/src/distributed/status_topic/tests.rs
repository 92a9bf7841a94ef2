use super::*;

fn apply(state: &mut StatusState, record: &Record) -> Option<String> {
    state.apply(Some(record.key.as_bytes()), record.value.as_deref().map(str::as_bytes))
}

fn status(state: State, worker: &str, generation: i64) -> StatusRecord {
    StatusRecord { state, trace: None, worker_id: worker.to_owned(), generation, version: None }
}

#[test]
fn records_of_statuses_are_connects_and_are_read_back() {
    let running = StatusRecord { version: Some("4.3.1".to_owned()), ..status(State::Running, "w:1", 3) };
    let failed = StatusRecord { trace: Some("a\n\tat b".to_owned()), ..status(State::Failed, "w:1", 3) };
    let topic = TopicRecord { task: 1, discovered_ms: 1_795_989_882_334 };
    let records = [
        connector_status("a-b", &running),
        task_status("a-b", 7, &failed),
        topic_status("a-b", "in", &topic),
    ];
    let values: Vec<_> = records.iter().map(|record| record.value.as_deref().unwrap()).collect();
    assert_eq!(
        values,
        [
            r#"{"state":"RUNNING","trace":null,"worker_id":"w:1","generation":3,"version":"4.3.1"}"#,
            r#"{"state":"FAILED","trace":"a\n\tat b","worker_id":"w:1","generation":3,"version":null}"#,
            r#"{"topic":{"name":"in","connector":"a-b","task":1,"discoverTimestamp":1795989882334}}"#,
        ]
    );
    let mut state = StatusState::default();
    for record in &records {
        assert_eq!(apply(&mut state, record), None);
    }
    assert_eq!(state.connector("a-b"), Some(&running));
    assert_eq!((state.task("a-b", 7), state.tasks("a-b").count()), (Some(&failed), 1));
    assert_eq!(state.topics("a-b").collect::<Vec<_>>(), [("in", &topic)]);

    let tombstones = state.tombstones("a-b");
    let keys: Vec<_> = tombstones.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["status-topic-in:connector-a-b", "status-task-a-b-7", "status-connector-a-b"]);
    for record in &tombstones {
        assert_eq!(apply(&mut state, record), None);
    }
    assert_eq!(state, StatusState::default());
}

#[test]
fn the_worker_that_has_a_task_sees_that_a_former_owner_has_overwritten_its_status() {
    let mut state = StatusState::default();
    apply(&mut state, &task_status("a", 0, &status(State::Running, "next:1", 5)));
    apply(&mut state, &task_status("a", 0, &status(State::Unassigned, "former:1", 4)));
    assert_eq!(state.task("a", 0).unwrap().worker_id, "former:1");
}

#[test]
fn leftovers_are_the_records_of_connectors_and_tasks_that_do_not_exist() {
    let mut state = StatusState::default();
    let running = status(State::Running, "w:1", 1);
    let topic = TopicRecord { task: 0, discovered_ms: 0 };
    for record in [
        connector_status("a", &running),
        task_status("a", 0, &running),
        task_status("a", 1, &running),
        topic_status("a", "in", &topic),
        connector_status("gone", &running),
        task_status("half-gone", 0, &running),
        topic_status("gone", "in", &topic),
    ] {
        apply(&mut state, &record);
    }
    let leftovers = state.leftovers(|name| (name == "a").then_some(1));
    let keys: Vec<_> = leftovers.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "status-task-a-1",
            "status-topic-in:connector-gone",
            "status-connector-gone",
            "status-task-half-gone-0"
        ]
    );
    assert!(leftovers.iter().all(|record| record.value.is_none()));
}

const TOPICS: &str = include_str!("../../../tests/vectors/connect-topics.jsonl");
const MALFORMED: &str = include_str!("../../../tests/vectors/connect-malformed.jsonl");

fn lines(vectors: &str) -> Vec<serde_json::Value> {
    vectors.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn connects_records_lead_to_the_states_that_connect_answers() {
    let lines = lines(TOPICS);
    let mut checked = 0;
    for run in lines.chunk_by(|a, b| a["run"] == b["run"]) {
        let mut state = StatusState::default();
        if !run.iter().any(|line| line["topic"] == "status") {
            continue;
        }
        for step in run.chunk_by(|a, b| a["step"] == b["step"]) {
            for line in step.iter().filter(|line| line["topic"] == "status") {
                let key = line["key"].as_str().map(str::as_bytes);
                assert_eq!(state.apply(key, line["value"].as_str().map(str::as_bytes)), None, "{line}");
            }
            for line in step {
                let states = line["states"].as_object();
                for (name, expected) in states.into_iter().flatten() {
                    let connector = state.connector(name).unwrap().state.name();
                    let tasks: Vec<_> = state.tasks(name).map(|(_, status)| status.state.name()).collect();
                    assert_eq!(*expected, json!([connector, tasks]), "{name} {line}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn records_of_connect_are_written_byte_for_byte() {
    for line in lines(TOPICS).iter().filter(|line| line["topic"] == "status" && !line["value"].is_null()) {
        let (key, value) = (line["key"].as_str().unwrap(), line["value"].as_str().unwrap());
        let mut state = StatusState::default();
        assert_eq!(state.apply(Some(key.as_bytes()), Some(value.as_bytes())), None, "{line}");
        let connectors = state.connectors.iter().map(|(name, status)| connector_status(name, status));
        let tasks = state.tasks.keys().flat_map(|name| {
            state.tasks(name).map(move |(number, status)| task_status(name, number, status))
        });
        let topics = state.topics.keys().flat_map(|name| {
            state.topics(name).map(move |(topic, record)| topic_status(name, topic, record))
        });
        let written: Vec<Record> = connectors.chain(tasks).chain(topics).collect();
        assert_eq!(written, [Record { key: key.to_owned(), value: Some(value.to_owned()) }], "{line}");
    }
}

#[test]
fn malformed_records_are_ignored_with_connects_words() {
    let mut state = StatusState::default();
    apply(&mut state, &connector_status("good", &status(State::Running, "w:1", 1)));
    for case in lines(MALFORMED).iter().filter(|case| case["topic"] == "status") {
        let record = &case["records"][0];
        let before = state.clone();
        let key = record[0].as_str().map(str::as_bytes);
        let words = state.apply(key, record[1].as_str().map(str::as_bytes));
        let connects: Vec<_> =
            case["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
        match words {
            // Connect logs some records twice; one of its lines is enough.
            Some(words) => {
                assert!(connects.iter().any(|connects| words.contains(connects)), "{words} {case}");
                assert_eq!(state, before, "{case}");
            }
            None => assert!(connects.is_empty(), "{case}"),
        }
    }
    let good = state.connector("good").unwrap();
    assert_eq!((good.state, good.worker_id.as_str(), &good.version), (State::Paused, "a:1", &None));
}

mod any {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        let prefix = proptest::sample::select(vec![CONNECTOR, TASK, TOPIC, "x"]);
        let rest = proptest::sample::select(vec![
            "",
            "a",
            "a-0",
            "a-x",
            "in:connector-a",
            ":connector-",
            "-4294967296",
        ]);
        let known = (prefix, rest).prop_map(|(prefix, rest)| format!("{prefix}{rest}").into_bytes());
        prop_oneof![4 => known, 1 => vec(any::<u8>(), 0..40)]
    }

    fn value() -> impl Strategy<Value = Vec<u8>> {
        let member = proptest::sample::select(vec![
            r#""state":"RUNNING""#,
            r#""state":1"#,
            r#""trace":null"#,
            r#""trace":[]"#,
            r#""worker_id":"w""#,
            r#""generation":3"#,
            r#""generation":99999999999999999999"#,
            r#""generation":-1"#,
            r#""topic":{"task":0}"#,
            r#""topic":{"task":0,"discoverTimestamp":1}"#,
        ]);
        let object = vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes());
        prop_oneof![4 => object, 1 => vec(any::<u8>(), 0..40)]
    }

    /// A record that is not malformed.
    fn valid() -> impl Strategy<Value = Record> {
        let name = proptest::sample::select(vec!["a", "a-0"]);
        let state = proptest::sample::select(&STATES[..]);
        (name, 0..3, state, 0..3_i64, any::<bool>()).prop_map(
            |(name, kind, (state, _), generation, deletes)| {
                let status = status(state, "w:1", generation);
                let record = match kind {
                    0 => connector_status(name, &status),
                    1 => task_status(name, 0, &status),
                    _ => topic_status(name, "in", &TopicRecord { task: generation, discovered_ms: 0 }),
                };
                if deletes { Record::tombstone(record.key) } else { record }
            },
        )
    }

    proptest! {
        #[test]
        fn any_records_are_read(records in vec((proptest::option::weighted(0.95, key()), proptest::option::weighted(0.8, value())), 0..40)) {
            let mut state = StatusState::default();
            for (key, value) in &records {
                let before = state.clone();
                if state.apply(key.as_deref(), value.as_deref()).is_some() {
                    prop_assert_eq!(&before, &state);
                }
            }
            for record in state.leftovers(|_| None) {
                prop_assert_eq!(apply(&mut state, &record), None);
            }
            prop_assert_eq!(state, StatusState::default());
        }

        #[test]
        fn compaction_changes_no_status(records in vec(valid(), 0..40)) {
            let fold = |records: &[Record]| {
                let mut state = StatusState::default();
                for record in records {
                    assert_eq!(apply(&mut state, record), None);
                }
                state
            };
            let is_last = |at: &usize| !records[at + 1..].iter().any(|later| later.key == records[*at].key);
            let last: Vec<Record> = (0..records.len()).filter(is_last).map(|at| records[at].clone()).collect();
            prop_assert_eq!(fold(&records), fold(&last));
        }
    }
}
