//! Any records, and any changes.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["a", "a-0", "größe", ""];
const TARGETS: [TargetState; 3] = [TargetState::Running, TargetState::Paused, TargetState::Stopped];
const PREFIXES: [&str; 8] = [CONNECTOR, TARGET, TASK, COMMIT, RESTART, FENCING, LOGGER, SESSION_KEY];

fn name() -> impl Strategy<Value = String> {
    proptest::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn settings() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map("[a-c.\"\\\\\u{1}ü]{0,3}", "[ -~\n\tü€]{0,4}", 0..4)
}

fn target() -> impl Strategy<Value = TargetState> {
    proptest::sample::select(&TARGETS[..])
}

/// JSON of a shape that a record may have, right or wrong.
fn json() -> impl Strategy<Value = String> {
    let member = proptest::sample::select(vec![
        "properties",
        "state",
        "state.v2",
        "tasks",
        "task",
        "task-count",
        "include-tasks",
        "only-failed",
        "key",
        "algorithm",
        "creation-timestamp",
        "level",
        "x",
    ]);
    let leaf = proptest::sample::select(vec![
        "null",
        "true",
        "0",
        "-1",
        "2",
        "1.5",
        "1e400",
        "99999999999999999999",
        "\"PAUSED\"",
        "\"INFO\"",
        "\"AAAA\"",
        "\"*\"",
        "\"\\ud800\"",
        "[]",
        "{",
        "",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, move |inner| {
        vec((member.clone(), inner), 0..4).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        })
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![json().prop_map(String::into_bytes), vec(any::<u8>(), 0..40)]
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let prefix = proptest::sample::select(&PREFIXES[..]);
    let known = (prefix, name(), proptest::option::of(any::<i32>())).prop_map(|(prefix, name, number)| {
        format!("{prefix}{name}{}", number.map_or_else(String::new, |n| format!("-{n}"))).into_bytes()
    });
    prop_oneof![4 => known, 1 => vec(any::<u8>(), 0..40)]
}

#[derive(Debug, Clone)]
enum Change {
    Create(String, BTreeMap<String, String>, Option<TargetState>),
    Configure(String, BTreeMap<String, String>),
    Target(String, TargetState),
    Delete(String),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (name(), settings(), proptest::option::of(target()))
            .prop_map(|(name, settings, target)| Change::Create(name, settings, target)),
        (name(), settings()).prop_map(|(name, settings)| Change::Configure(name, settings)),
        (name(), target()).prop_map(|(name, target)| Change::Target(name, target)),
        name().prop_map(Change::Delete),
    ]
}

fn records(state: &ConfigState, change: &Change) -> Vec<Record> {
    match change {
        Change::Create(name, settings, target) => state.create(name, settings, *target),
        Change::Configure(name, settings) => state.configure(name, settings),
        Change::Target(name, target) => state.change_target(name, *target),
        Change::Delete(name) => state.delete(name),
    }
}

/// A record of Connect or of this project that is not malformed.
fn valid() -> impl Strategy<Value = Record> {
    let commit = (name(), 0..3).prop_map(|(name, tasks)| Record {
        key: format!("{COMMIT}{name}"),
        value: Some(format!("{{\"tasks\":{tasks}}}")),
    });
    let change = (change(), any::<prop::sample::Index>()).prop_map(|(change, index)| {
        let mut records = records(&ConfigState::default(), &change);
        records.swap_remove(index.index(records.len()))
    });
    prop_oneof![1 => commit, 4 => change]
}

fn fold(records: &[Record]) -> ConfigState {
    let mut state = ConfigState::default();
    apply_all(&mut state, records);
    state
}

proptest! {
    #[test]
    fn any_records_are_read(records in vec((proptest::option::weighted(0.95, key()), proptest::option::weighted(0.9, bytes())), 0..40)) {
        let mut state = ConfigState::default();
        for (key, value) in &records {
            let before = state.clone();
            let applied = state.apply(key.as_deref(), value.as_deref());
            match applied {
                Applied::Configured(name) => prop_assert!(state.connector(&name).is_some()),
                Applied::Removed(name) => prop_assert!(state.connector(&name).is_none()),
                Applied::Target(name) => {
                    prop_assert_ne!(before.connector(&name).unwrap().target, state.connector(&name).unwrap().target);
                }
                Applied::Restart { request, .. } => prop_assert!(state.connector(&request.name).is_some()),
                Applied::Nothing | Applied::LoggerLevel { .. } | Applied::Ignored(_) => {
                    prop_assert_eq!(before.connectors, state.connectors.clone());
                }
            }
        }
    }

    #[test]
    fn the_records_of_a_change_lead_to_the_changed_state(
        before in vec(prop_oneof![valid().prop_map(|record| (record.key.into_bytes(), record.value.map(String::into_bytes))), (key(), proptest::option::of(bytes()))], 0..20),
        change in change(),
    ) {
        let mut state = ConfigState::default();
        for (key, value) in &before {
            state.apply(Some(key), value.as_deref());
        }
        let before = state.clone();
        let records = records(&before, &change);
        for record in &records {
            prop_assert!(!record.key.starts_with(TASK));
            if record.key.starts_with(COMMIT) {
                prop_assert_eq!(record.value.as_deref(), Some(r#"{"tasks":0}"#));
            }
        }
        apply_all(&mut state, &records);
        let target_before = |name: &str| before.targets.get(name).copied().unwrap_or_default();
        let named = |name: &str, settings: &BTreeMap<String, String>| {
            let mut all = settings.clone();
            all.insert("name".to_owned(), name.to_owned());
            all
        };
        let (name, expected) = match change {
            Change::Create(name, settings, target) => {
                let all = named(&name, &settings);
                prop_assert!(!state.tasks_are_committed(&name));
                let target = target.unwrap_or(target_before(&name));
                (name, Some((all, target)))
            }
            Change::Configure(name, settings) => {
                let (all, target) = (named(&name, &settings), target_before(&name));
                let same = before.connector(&name).is_some_and(|connector| {
                    connector.fault.is_none() && named(&name, &connector.properties) == all
                });
                prop_assert!(same || !state.tasks_are_committed(&name));
                (name, Some((all, target)))
            }
            Change::Target(name, target) => {
                prop_assert!(target != TargetState::Stopped || !state.tasks_are_committed(&name));
                let all = before.connector(&name).map(|connector| (connector.properties.clone(), target));
                (name, all)
            }
            Change::Delete(name) => (name, None),
        };
        let found = state.connector(&name).map(|connector| (connector.properties.clone(), connector.target));
        prop_assert_eq!(found, expected);
        let others = |state: &ConfigState| {
            let others = state.connectors().filter(|(other, _)| *other != name);
            others.map(|(name, connector)| (name.to_owned(), connector.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(others(&before), others(&state));
    }

    #[test]
    fn compaction_changes_no_connector(records in vec(valid(), 0..40), dropped in vec(any::<bool>(), 40)) {
        let last = |at: usize| !records[at + 1..].iter().any(|later| later.key == records[at].key);
        let kept = (0..records.len()).filter(|at| last(*at) || !dropped[*at]);
        let compacted: Vec<Record> = kept.map(|at| records[at].clone()).collect();
        let cleaned: Vec<Record> =
            (0..records.len()).filter(|at| last(*at)).map(|at| records[at].clone()).filter(|record| record.value.is_some()).collect();
        let all = fold(&records);
        prop_assert_eq!(&all.connectors, &fold(&compacted).connectors);
        prop_assert_eq!(&all.connectors, &fold(&cleaned).connectors);
    }
}
