use super::*;
use crate::distributed::record::Record;

mod any;
mod replay;

fn apply(state: &mut ConfigState, key: &str, value: Option<&str>) -> Applied {
    state.apply(Some(key.as_bytes()), value.map(str::as_bytes))
}

fn apply_all(state: &mut ConfigState, records: &[Record]) -> Vec<Applied> {
    records.iter().map(|record| apply(state, &record.key, record.value.as_deref())).collect()
}

fn texts(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| format!("{} {}", record.key, record.value.as_deref().unwrap_or("null"));
    records.iter().map(text).collect()
}

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn records_of_a_change_are_connects_and_lead_to_the_changed_state() {
    let mut state = ConfigState::default();
    let sink = properties(&[("connector.class", "Sink"), ("topics", "größe")]);
    let created = state.create("a", &sink, Some(TargetState::Stopped));
    assert_eq!(
        texts(&created),
        [
            r#"target-state-a {"state":"PAUSED","state.v2":"STOPPED"}"#,
            r#"connector-a {"properties":{"connector.class":"Sink","topics":"größe","name":"a"}}"#,
        ]
    );
    assert_eq!(apply_all(&mut state, &created), [Applied::Nothing, Applied::Configured("a".into())]);
    let a = state.connector("a").unwrap();
    assert_eq!((a.target, &a.fault, a.properties["name"].as_str()), (TargetState::Stopped, &None, "a"));

    let resumed = state.change_target("a", TargetState::Running);
    assert_eq!(texts(&resumed), [r#"target-state-a {"state":"STARTED","state.v2":"STARTED"}"#]);
    assert_eq!(apply_all(&mut state, &resumed), [Applied::Target("a".into())]);
    assert_eq!(apply_all(&mut state, &resumed), [Applied::Nothing]);
    assert_eq!(state.connector("a").unwrap().target, TargetState::Running);

    let deleted = state.delete("a");
    assert_eq!(texts(&deleted), ["connector-a null", "target-state-a null"]);
    assert_eq!(apply_all(&mut state, &deleted), [Applied::Removed("a".into()), Applied::Nothing]);
    assert_eq!(state, ConfigState::default());
}

#[test]
fn committed_tasks_of_connect_are_withdrawn_before_a_change_of_what_they_depend_on() {
    let mut state = ConfigState::default();
    let sink = properties(&[("name", "a"), ("topics", "in")]);
    let created = state.create("a", &sink, None);
    apply_all(&mut state, &created);
    apply(&mut state, "commit-a", Some(r#"{"tasks":2}"#));
    assert!(state.tasks_are_committed("a"));

    assert_eq!(
        texts(&state.configure("a", &sink)).len(),
        1,
        "the tasks of the same configuration remain valid"
    );
    assert_eq!(state.change_target("a", TargetState::Paused).len(), 1);
    let other = properties(&[("topics", "other")]);
    for records in [
        state.configure("a", &other),
        state.change_target("a", TargetState::Stopped),
        state.create("a", &other, None),
    ] {
        assert_eq!(texts(&records)[0], r#"commit-a {"tasks":0}"#);
        assert_eq!(records.len(), 2);
    }
    let configured = state.configure("a", &other);
    apply_all(&mut state, &configured);
    assert!(!state.tasks_are_committed("a"));
    assert_eq!(state.change_target("a", TargetState::Stopped).len(), 1, "once is enough");
}

#[test]
fn restarts_are_orders_for_existing_connectors() {
    let mut state = ConfigState::default();
    let mut request =
        RestartRequest { name: "a".to_owned(), include_tasks: true, only_failed: false, task: None };
    let all = request.record();
    assert_eq!(
        texts(std::slice::from_ref(&all)),
        [r#"restart-connector-a {"include-tasks":true,"only-failed":false}"#]
    );
    assert_eq!(apply_all(&mut state, std::slice::from_ref(&all)), [Applied::Nothing]);

    let created = state.create("a", &BTreeMap::new(), None);
    apply_all(&mut state, &created);
    assert_eq!(apply_all(&mut state, &[all]), [Applied::Restart { request: request.clone(), warning: None }]);

    (request.include_tasks, request.task) = (false, Some(3));
    let one = request.record();
    assert_eq!(
        texts(std::slice::from_ref(&one)),
        [r#"restart-connector-a {"include-tasks":false,"only-failed":false,"task":3}"#]
    );
    assert_eq!(apply_all(&mut state, &[one]), [Applied::Restart { request, warning: None }]);
}

#[test]
fn a_level_keeps_the_text_of_the_request() {
    let record = logger_level("org.x", "info");
    assert_eq!(texts(std::slice::from_ref(&record)), [r#"logger-cluster-org.x {"level":"info"}"#]);
    let applied = apply_all(&mut ConfigState::default(), &[record]);
    assert_eq!(applied, [Applied::LoggerLevel { logger: "org.x".to_owned(), level: Level::Info }]);
}

#[test]
fn no_output_for_debugging_contains_a_value_of_a_configuration() {
    let mut state = ConfigState::default();
    let created = state.create("a", &properties(&[("password", "sesame")]), None);
    apply_all(&mut state, &created);
    let shown = format!("{created:?} {state:?}");
    assert!(shown.contains("password") && !shown.contains("sesame"), "{shown}");
}

#[test]
fn what_is_handed_back_is_the_least_that_connect_needs() {
    // Sets with which a cluster of Connect started, each connector in the right state, with all tasks after a resume.
    let sink = properties(&[("connector.class", "Sink"), ("name", "n")]);
    let connector = r#"connector-n {"properties":{"connector.class":"Sink","name":"n"}}"#;
    for (target, state) in [
        (TargetState::Running, r#"target-state-n {"state":"STARTED","state.v2":"STARTED"}"#),
        (TargetState::Paused, r#"target-state-n {"state":"PAUSED","state.v2":"PAUSED"}"#),
        (TargetState::Stopped, r#"target-state-n {"state":"PAUSED","state.v2":"STOPPED"}"#),
    ] {
        let mut state_of_topic = ConfigState::default();
        let created = state_of_topic.create("n", &sink, Some(target));
        assert_eq!(texts(&created), [state, connector]);
        // Connect has run it in the meantime.
        apply_all(&mut state_of_topic, &created);
        apply(&mut state_of_topic, "commit-n", Some(r#"{"tasks":2}"#));
        let stopped = state_of_topic.change_target("n", TargetState::Stopped);
        assert_eq!(
            texts(&stopped),
            [r#"commit-n {"tasks":0}"#, r#"target-state-n {"state":"PAUSED","state.v2":"STOPPED"}"#]
        );
        apply_all(&mut state_of_topic, &stopped);
        let resumed = state_of_topic.change_target("n", TargetState::Running);
        assert_eq!(texts(&resumed), [r#"target-state-n {"state":"STARTED","state.v2":"STARTED"}"#]);
        assert_eq!(texts(&state_of_topic.delete("n")), ["connector-n null", "target-state-n null"]);
    }
}

#[test]
fn a_number_of_tasks_that_ends_a_worker_of_connect_is_repaired_by_the_next_change() {
    for commit in
        [r#"{"tasks":-1}"#, r#"{"tasks":"1"}"#, r#"{"tasks":1.5}"#, "{}", r#"{"tasks":18446744073709551616}"#]
    {
        let mut state = ConfigState::default();
        let created = state.create("a", &BTreeMap::new(), None);
        apply_all(&mut state, &created);
        assert!(matches!(apply(&mut state, "commit-a", Some(commit)), Applied::Ignored(_)), "{commit}");
        let stopped = state.change_target("a", TargetState::Stopped);
        assert_eq!(texts(&stopped)[0], r#"commit-a {"tasks":0}"#, "{commit}");
    }
}

#[test]
fn numbers_keep_all_their_digits() {
    let mut state = ConfigState::default();
    let record = r#"{"properties":{"a":18446744073709551616,"b":1e400,"c":[1, 2],"d":null,"name":"n"}}"#;
    assert_eq!(apply(&mut state, "connector-n", Some(record)), Applied::Configured("n".to_owned()));
    let connector = state.connector("n").unwrap();
    let expected =
        properties(&[("a", "18446744073709551616"), ("b", "1e400"), ("c", "[1, 2]"), ("name", "n")]);
    assert_eq!(connector.properties, expected);
    assert_eq!(
        connector.fault.as_deref().unwrap(),
        "Non-string value found in original settings for key a: java.lang.Long; \
         Non-string value found in original settings for key b: java.lang.Double; \
         Non-string value found in original settings for key c: java.util.ArrayList; \
         Non-string value found in original settings for key d: null"
    );
    // A client that sends back what it has read repairs the connector.
    let repaired = state.configure("n", &expected);
    apply_all(&mut state, &repaired);
    assert_eq!(state.connector("n").unwrap().fault, None);
}
