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
fn a_former_owner_does_not_overwrite_the_status_of_the_next_one() {
    let present = status(State::Running, "next:1", 5);
    for (state, worker, generation, replaces) in [
        (State::Running, "former:1", 4, true),
        (State::Restarting, "former:1", 4, true),
        (State::Paused, "former:1", 4, true),
        (State::Stopped, "former:1", 4, true),
        (State::Failed, "former:1", 4, false),
        (State::Unassigned, "former:1", 4, false),
        (State::Failed, "former:1", 5, true),
        (State::Unassigned, "former:1", 5, true),
        (State::Unassigned, "next:1", 4, true),
    ] {
        let status = status(state, worker, generation);
        assert_eq!(status.may_replace(Some(&present)), replaces, "{status:?}");
        assert!(status.may_replace(None));
    }
}

#[test]
fn a_late_record_of_a_former_owner_is_skipped() {
    let mut state = StatusState::default();
    apply(&mut state, &task_status("a", 0, &status(State::Running, "next:1", 5)));
    apply(&mut state, &task_status("a", 0, &status(State::Unassigned, "former:1", 5)));
    assert_eq!(state.task("a", 0).unwrap().worker_id, "next:1");
    apply(&mut state, &task_status("a", 0, &status(State::Unassigned, "former:1", 6)));
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
