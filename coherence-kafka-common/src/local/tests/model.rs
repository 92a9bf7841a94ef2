//! The map against a plain one, operation by operation, and its events against a mirror.

use proptest::collection::{hash_set, vec};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Operation {
    Put(u8, Vec<u8>, Expiry),
    PutAll(Vec<u8>, Vec<u8>, Expiry),
    PutIfAbsent(u8, Vec<u8>),
    Replace(u8, Vec<u8>),
    Remove(u8),
    RemoveAll(Vec<u8>),
    Get(u8),
    GetAll(Vec<u8>),
    Clear,
    Truncate,
    Destroy,
    Advance(u64),
    Look,
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..20_u8;
    let keys = || hash_set(key(), 0..8).prop_map(|keys| keys.into_iter().collect::<Vec<_>>());
    let value = || vec(any::<u8>(), 1..6);
    let expiry = || {
        prop_oneof![
            3 => Just(Expiry::Default),
            1 => Just(Expiry::Never),
            3 => (0..100_u64).prop_map(after_ms),
        ]
    };
    prop_oneof![
        8 => (key(), value(), expiry()).prop_map(|(k, v, e)| Operation::Put(k, v, e)),
        4 => (keys(), value(), expiry()).prop_map(|(k, v, e)| Operation::PutAll(k, v, e)),
        4 => (key(), value()).prop_map(|(k, v)| Operation::PutIfAbsent(k, v)),
        4 => (key(), value()).prop_map(|(k, v)| Operation::Replace(k, v)),
        4 => key().prop_map(Operation::Remove),
        2 => keys().prop_map(Operation::RemoveAll),
        4 => key().prop_map(Operation::Get),
        2 => keys().prop_map(Operation::GetAll),
        1 => Just(Operation::Clear),
        1 => Just(Operation::Truncate),
        1 => Just(Operation::Destroy),
        6 => (0..60_u64).prop_map(Operation::Advance),
        3 => Just(Operation::Look),
    ]
}

/// Keys of different lengths.
fn key(key: u8) -> Vec<u8> {
    [vec![key; usize::from(key % 5)], vec![key]].concat()
}

struct Model {
    entries: BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>,
    default_ms: Option<u64>,
    now_ms: u64,
}

impl Model {
    fn put(&mut self, key: Vec<u8>, value: &[u8], expiry: Expiry) -> Option<Vec<u8>> {
        let ms = match expiry {
            Expiry::Default => self.default_ms,
            Expiry::Never => None,
            Expiry::After(expiry) => Some(expiry.as_millis() as u64),
        };
        let deadline = ms.map(|ms| self.now_ms + ms.max(1));
        self.entries.insert(key, (value.to_vec(), deadline)).map(|(old, _)| old)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.entries.get(key).map(|(value, _)| value.clone())
    }

    fn advance(&mut self, ms: u64) {
        self.now_ms += ms;
        self.entries.retain(|_, (_, deadline)| deadline.is_none_or(|deadline| deadline > self.now_ms));
    }

    fn values(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.entries.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }
}

/// What someone who only listens believes to be in the map.
#[derive(Default)]
struct Mirror(BTreeMap<Vec<u8>, Vec<u8>>);

impl Mirror {
    /// True behind the end of the map.
    fn fold(&mut self, notices: &mut MapNotices) -> bool {
        let (notices, ended) = waiting(notices);
        for notice in notices {
            match notice {
                MapNotice::Event(event) => self.event(&event),
                MapNotice::Truncated | MapNotice::Destroyed => self.0.clear(),
                MapNotice::Gap(reason) => panic!("{reason}"),
            }
        }
        ended
    }

    fn event(&mut self, event: &MapEvent) {
        assert_eq!(self.0.get(&event.key[..]).map(Vec::as_slice), event.old_value.as_deref(), "{event:?}");
        let kind = match (&event.old_value, &event.new_value) {
            (None, Some(_)) => EventKind::Inserted,
            (Some(_), Some(_)) => EventKind::Updated,
            (_, None) => EventKind::Deleted,
        };
        assert_eq!(event.kind, kind);
        assert_eq!((event.priming, event.synthetic), (false, event.expired));
        assert!(!event.expired || kind == EventKind::Deleted);
        match &event.new_value {
            Some(value) => self.0.insert(event.key.to_vec(), value.to_vec()),
            None => self.0.remove(&event.key[..]),
        };
    }
}

fn owned(value: Option<Bytes>) -> Option<Vec<u8>> {
    value.map(|value| value.to_vec())
}

fn apply(map: &LocalMap, clock: &ManualClock, model: &mut Model, operation: &Operation) {
    let keys_of = |keys: &[u8]| keys.iter().copied().map(key).collect::<Vec<_>>();
    match operation {
        Operation::Put(k, value, expiry) => {
            let old = put(map, &key(*k), value, *expiry);
            assert_eq!(owned(old), model.put(key(*k), value, *expiry));
        }
        Operation::PutAll(keys, value, expiry) => {
            let batch = Entries::from_pairs(keys_of(keys).iter().map(|key| (key, value)));
            ready(map.put_all(Arc::new(batch), *expiry)).unwrap();
            for key in keys_of(keys) {
                model.put(key, value, *expiry);
            }
        }
        Operation::PutIfAbsent(k, value) => {
            let present = owned(ready(map.put_if_absent(&key(*k), value)).unwrap());
            assert_eq!(present, model.get(&key(*k)));
            if present.is_none() {
                model.put(key(*k), value, Expiry::Default);
            }
        }
        Operation::Replace(k, value) => {
            let old = owned(ready(map.replace(&key(*k), value)).unwrap());
            assert_eq!(old, model.get(&key(*k)));
            if old.is_some() {
                model.put(key(*k), value, Expiry::Default);
            }
        }
        Operation::Remove(k) => {
            let old = owned(ready(map.remove(&key(*k))).unwrap());
            assert_eq!(old, model.entries.remove(&key(*k)).map(|(value, _)| value));
        }
        Operation::RemoveAll(keys) => {
            ready(map.remove_all(Arc::new(Entries::from_keys(keys_of(keys))))).unwrap();
            model.entries.retain(|key, _| !keys_of(keys).contains(key));
        }
        Operation::Get(k) => {
            assert_eq!(owned(value(map, &key(*k))), model.get(&key(*k)));
            assert_eq!(ready(map.contains_key(&key(*k))), Ok(model.get(&key(*k)).is_some()));
        }
        Operation::GetAll(keys) => {
            let found = ready(map.get_all(Arc::new(Entries::from_keys(keys_of(keys))))).unwrap();
            let found: BTreeMap<_, _> = found.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            let mut expected = model.values();
            expected.retain(|key, _| keys_of(keys).contains(key));
            assert_eq!(found, expected);
        }
        Operation::Clear => {
            ready(map.clear()).unwrap();
            model.entries.clear();
        }
        Operation::Truncate => {
            ready(map.truncate()).unwrap();
            model.entries.clear();
        }
        Operation::Destroy => {
            ready(map.destroy()).unwrap();
            model.entries.clear();
        }
        Operation::Advance(ms) => {
            clock.advance(Duration::from_millis(*ms));
            model.advance(*ms);
        }
        Operation::Look => {
            assert_eq!(contents(map), model.values());
            assert_eq!(map.len(), model.entries.len());
            assert_eq!(map.is_empty(), model.entries.is_empty());
            let payload: usize = model.values().iter().map(|(key, value)| key.len() + value.len()).sum();
            assert_eq!(map.payload_bytes(), payload);
            let keys: Vec<_> = ready(map.keys().try_collect::<Vec<_>>().boxed()).unwrap();
            assert!(keys.iter().all(|key| model.entries.contains_key(&key[..])));
            assert_eq!(keys.len(), model.entries.len());
        }
    }
}

proptest! {
    #[test]
    fn a_map_and_what_it_tells_are_those_of_a_plain_model(
        default_ms in proptest::option::of(1..100_u64),
        listens in any::<bool>(),
        operations in vec(operation(), 0..300),
    ) {
        let (map, clock) = timed(default_ms.map(Duration::from_millis));
        let mut model = Model { entries: BTreeMap::new(), default_ms, now_ms: 0 };
        let mut notices = listens.then(|| listen(&map, ListenTo::All));
        let mut mirror = Mirror::default();
        for operation in operations.iter().chain([&Operation::Look]) {
            apply(&map, &clock, &mut model, operation);
            if let Some(notices) = &mut notices
                && mirror.fold(notices)
            {
                prop_assert!(matches!(operation, Operation::Destroy));
                *notices = listen(&map, ListenTo::All);
            }
        }
        prop_assert!(!listens || mirror.0 == model.values());
    }

    #[test]
    fn threads_find_in_the_map_what_they_put_there(
        operations in vec(vec((0..20_u8, proptest::option::of(vec(any::<u8>(), 1..6))), 0..200), 4),
    ) {
        let map = LocalMap::new("m");
        let run = |thread: u8, operations: &[(u8, Option<Vec<u8>>)]| {
            let mut model = BTreeMap::new();
            for (k, written) in operations {
                // No two threads share a key.
                let key = [vec![thread], key(*k)].concat();
                match written {
                    Some(value) => {
                        put(&map, &key, value, Expiry::Default);
                        model.insert(key.clone(), value.clone());
                    }
                    None => {
                        ready(map.remove_all(Arc::new(Entries::from_keys([&key])))).unwrap();
                        model.remove(&key);
                    }
                }
                assert_eq!(owned(value(&map, &key)), model.get(&key).cloned());
            }
            model
        };
        let model: BTreeMap<_, _> = thread::scope(|scope| {
            let run = &run;
            let threads: Vec<_> =
                (0..).zip(&operations).map(|(thread, ops)| scope.spawn(move || run(thread, ops))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        prop_assert_eq!(contents(&map), model);
    }
}
