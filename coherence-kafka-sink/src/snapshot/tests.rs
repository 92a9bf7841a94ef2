use std::fs;

use futures::FutureExt as _;

use coherence_kafka_common::map::{Expiry, NamedMap as _};

use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".to_owned(), partition }
}

fn open(directory: &Path) -> Result<Arc<Store>, Error> {
    Store::open(directory, "c", "connect-c", Format::Pof).map(Arc::new)
}

fn put(store: &Store, key: &str, value: &str) {
    let map = store.session().local_map("m").unwrap();
    map.put(key.as_bytes(), value.as_bytes(), Expiry::Default).now_or_never().unwrap().unwrap();
}

fn get(store: &Store, key: &str) -> Option<Vec<u8>> {
    let map = store.session().local_map("m").unwrap();
    map.get(key.as_bytes()).now_or_never().unwrap().unwrap().map(|value| value.to_vec())
}

fn outcome(pending: &Pending) -> Result<(), String> {
    let end = Instant::now() + DEADLINE;
    loop {
        match pending.outcome() {
            Some(outcome) => return outcome,
            None => assert!(Instant::now() < end, "the save does not end"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn maps_and_positions_are_there_again_after_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    assert_eq!((store.position(&tp(0)), get(&store, "k")), (None, None));
    put(&store, "k", "v");
    store.of_cluster(Some("abc".to_owned())).unwrap();
    outcome(&store.save(&[(tp(0), 7), (tp(1), 3)])).unwrap();
    put(&store, "k", "not saved any more");
    drop(store);

    let store = open(directory.path()).unwrap();
    assert_eq!(
        (store.position(&tp(0)), store.position(&tp(1)), store.position(&tp(2))),
        (Some(7), Some(3), None)
    );
    assert_eq!(get(&store, "k").as_deref(), Some(&b"v"[..]));
    store.of_cluster(Some("abc".to_owned())).unwrap();
    store.of_cluster(None).unwrap();
}

#[test]
fn positions_that_the_file_has_are_not_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.maps");
    let store = open(directory.path()).unwrap();
    outcome(&store.save(&[(tp(0), 7), (tp(1), 3)])).unwrap();
    fs::remove_file(&file).unwrap();
    outcome(&store.save(&[(tp(1), 3)])).unwrap();
    assert!(!file.exists());
    outcome(&store.save(&[(tp(1), 4)])).unwrap();
    drop(store);
    assert_eq!(open(directory.path()).unwrap().position(&tp(0)), Some(7), "those of other tasks stay");
}

#[test]
fn a_save_that_fails_is_answered_so_and_the_next_one_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    // Where the new file is first written.
    let obstacle = directory.path().join("c.maps.tmp");
    fs::create_dir(&obstacle).unwrap();
    let reason = outcome(&store.save(&[(tp(0), 7)])).unwrap_err();
    assert!(reason.contains("c.maps.tmp"), "{reason}");
    fs::remove_dir(&obstacle).unwrap();
    outcome(&store.save(&[(tp(0), 7)])).unwrap();
}

#[test]
fn many_tasks_are_all_answered_and_what_each_asked_for_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    std::thread::scope(|scope| {
        for partition in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for position in 1..=20 {
                    outcome(&store.save(&[(tp(partition), position)])).unwrap();
                    assert!(store.state.lock().on_disk[&tp(partition)] >= position);
                }
            });
        }
    });
    drop(store);
    let store = open(directory.path()).unwrap();
    assert!((0..8).all(|partition| store.position(&tp(partition)) == Some(20)));
}

#[test]
fn one_connector_has_its_maps_for_itself_and_others_have_theirs() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    for name in ["c2", "a/b", "..", "é", "c%"] {
        let other = Arc::new(Store::open(directory.path(), name, "g", Format::Json).unwrap());
        outcome(&other.save(&[(tp(0), 1)])).unwrap();
    }
    drop(store);
    assert_eq!(open(directory.path()).unwrap().position(&tp(0)), None);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5 * 2 + 1);
}

#[test]
fn what_belongs_to_others_or_is_damaged_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.maps");
    let store = open(directory.path()).unwrap();
    put(&store, "k", "v");
    store.of_cluster(Some("abc".to_owned())).unwrap();
    outcome(&store.save(&[(tp(0), 7)])).unwrap();
    let other = store.of_cluster(Some("xyz".to_owned())).unwrap_err().to_string();
    for part in ["c.maps", "cluster abc", "this is xyz", "choose another directory, or move the file away"] {
        assert!(other.contains(part), "{part:?} is not in {other}");
    }
    drop(store);

    let intact = fs::read(&file).unwrap();
    let other = Store::open(directory.path(), "c", "mine", Format::Pof).unwrap_err().to_string();
    assert!(other.contains("consumer group connect-c, not to mine"), "{other}");
    let other = Store::open(directory.path(), "c", "connect-c", Format::Json).unwrap_err().to_string();
    assert!(other.contains("holds maps in pof, not json"), "{other}");
    assert_eq!(fs::read(&file).unwrap(), intact);

    for damage in [&intact[..intact.len() - 1], &[&intact[..20], b"?", &intact[21..]].concat()] {
        fs::write(&file, damage).unwrap();
        let error = open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("not an intact snapshot") && error.contains("move the file away"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), damage);
    }
}

#[test]
fn a_snapshot_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.maps");
    let good = r#"{"version":1,"group":"connect-c","cluster":null,"offsets":{"t":{"0":5}}}"#;
    for (contents, says) in [
        ("", "EOF"),
        ("[]", "expected struct Contents"),
        (&good.replace(":1,", ":2,"), "version 2"),
        (&good.replace(":5", ":-5"), "negative"),
        (&good.replace("\"0\"", "\"-1\""), "negative"),
        (&good.replace("offsets", "more"), "unknown field `more`"),
    ] {
        LocalSession::new(Format::Pof).save(&file, contents.as_bytes()).unwrap();
        let error = open(directory.path()).unwrap_err().to_string();
        assert!(
            error.contains("does not hold the offsets of its maps") && error.contains(says),
            "{says:?} is not in {error}"
        );
    }
    LocalSession::new(Format::Pof).save(&file, good.as_bytes()).unwrap();
    assert_eq!(open(directory.path()).unwrap().position(&tp(0)), Some(5));
}
