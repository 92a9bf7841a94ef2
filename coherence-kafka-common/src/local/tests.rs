use std::collections::HashMap as Model;
use std::thread;

use futures::{FutureExt, TryStreamExt as _};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn ready<T>(future: BoxFuture<'_, T>) -> T {
    future.now_or_never().expect("the futures of this module never wait")
}

#[derive(Debug, Clone)]
enum Operation {
    Put(u8, Vec<u8>),
    Remove(u8),
    Get(u8),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0..20_u8, vec(any::<u8>(), 0..6)).prop_map(|(key, value)| Operation::Put(key, value)),
        (0..20_u8).prop_map(Operation::Remove),
        (0..20_u8).prop_map(Operation::Get),
    ]
}

/// Keys of different lengths, and none that two threads share.
fn key(thread: u8, key: u8) -> Vec<u8> {
    [vec![thread], vec![key; usize::from(key % 5)], vec![key]].concat()
}

fn run(map: &LocalMap, thread: u8, operations: &[Operation]) -> Model<Vec<u8>, Vec<u8>> {
    let mut model = Model::new();
    for operation in operations {
        match operation {
            Operation::Put(k, value) => {
                ready(
                    map.put_all(Arc::new(Entries::from_pairs([(key(thread, *k), value)])), Expiry::Default),
                )
                .unwrap();
                model.insert(key(thread, *k), value.clone());
            }
            Operation::Remove(k) => {
                ready(map.remove_all(Arc::new(Entries::from_keys([key(thread, *k)])))).unwrap();
                model.remove(&key(thread, *k));
            }
            Operation::Get(k) => {
                let found = ready(map.get(&key(thread, *k))).unwrap();
                assert_eq!(found.as_deref(), model.get(&key(thread, *k)).map(Vec::as_slice));
            }
        }
    }
    model
}

proptest! {
    #[test]
    fn threads_find_in_the_map_what_they_put_there(operations in vec(vec(operation(), 0..200), 4)) {
        let map = LocalMap::new("m");
        let model: Model<_, _> = thread::scope(|scope| {
            let threads: Vec<_> = (0..)
                .zip(&operations)
                .map(|(thread, operations)| {
                    let map = &map;
                    scope.spawn(move || run(map, thread, operations))
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let entries = ready(map.entries().try_collect::<Vec<_>>().boxed()).unwrap();
        prop_assert_eq!(entries.len(), model.len());
        prop_assert_eq!(ready(map.size()), Ok(model.len()));
        prop_assert_eq!(map.is_empty(), model.is_empty());
        let payload: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
        prop_assert_eq!(map.payload_bytes(), payload);
        let found: Model<_, _> = entries.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
        prop_assert_eq!(found, model);
    }
}

#[test]
fn a_key_written_by_all_threads_holds_one_whole_value() {
    let map = LocalMap::new("m");
    thread::scope(|scope| {
        for thread in 1..=4_u8 {
            let map = &map;
            scope.spawn(move || {
                for round in 0..2000 {
                    map.put(b"k", &[thread].repeat(50 + round % 2));
                    let value = map.value(b"k").unwrap();
                    assert!(value.len() >= 50 && value.iter().all(|byte| *byte == value[0]));
                }
            });
        }
    });
    assert_eq!(map.len(), 1);
    assert_eq!(map.payload_bytes(), 1 + map.value(b"k").unwrap().len());
}

#[test]
fn an_empty_key_and_an_empty_value_are_entries() {
    let map = LocalMap::new("m");
    map.put(b"", b"");
    assert_eq!(map.value(b""), Some(Bytes::new()));
    assert_eq!(map.len(), 1);
    assert!(map.remove(b""));
    assert!(!map.remove(b""));
}

#[test]
fn one_name_is_one_map() {
    let session = LocalSession::new(Format::Json);
    let map = ready(session.map("people")).unwrap();
    session.local_map("people").unwrap().put(b"k", b"v");
    assert_eq!(ready(map.size()), Ok(1));
    assert_eq!(map.name(), "people");
    assert_eq!(ready(ready(session.map("places")).unwrap().size()), Ok(0));
    assert_eq!(session.format(), Format::Json);
}

#[test]
fn a_map_without_name_is_refused() {
    let refused = LocalSession::new(Format::Pof).local_map("");
    assert!(matches!(refused, Err(MapError::Misuse(_))));
}

#[test]
fn a_write_happens_when_its_future_runs() {
    let map = LocalMap::new("m");
    drop(map.put_all(Arc::new(Entries::from_pairs([("k", "v")])), Expiry::Default));
    assert!(map.is_empty());
}
