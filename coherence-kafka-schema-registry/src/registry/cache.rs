//! Schemas by their id: each is asked for once, however many records wait for it at the same time.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hashbrown::{Equivalent, HashMap};
use parking_lot::Mutex;

use super::RegistryError;
use crate::framing::SchemaId;

/// Time until an id that the registry does not know is asked for again: a topic can be full of such records.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);

type Outcome<V> = Result<Arc<V>, RegistryError>;

/// What was read of at most `capacity` schemas; the oldest makes room.
pub(crate) struct SchemaCache<V> {
    capacity: usize,
    schemas: Mutex<Schemas<V>>,
}

struct Schemas<V> {
    slots: HashMap<Key, Slot<V>>,
    /// The keys of `slots`, the oldest first.
    order: VecDeque<Key>,
}

struct Slot<V> {
    /// Empty while its first caller asks the registry.
    outcome: Arc<OnceLock<Outcome<V>>>,
    /// When the registry did not know the schema.
    unknown_since: Option<Instant>,
}

/// A schema's id, and the topic where the number may mean another schema in another subject.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    id: SchemaId,
    topic: Option<Box<str>>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Asked { id: self.id, topic: self.topic.as_deref() }.hash(state);
    }
}

#[derive(Hash)]
struct Asked<'a> {
    id: SchemaId,
    topic: Option<&'a str>,
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.id == key.id && self.topic == key.topic.as_deref()
    }
}

impl<V> fmt::Debug for SchemaCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaCache")
            .field("schemas", &self.schemas.lock().order.len())
            .finish_non_exhaustive()
    }
}

impl<V> SchemaCache<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let schemas = Schemas { slots: HashMap::new(), order: VecDeque::new() };
        Self { capacity: capacity.max(1), schemas: Mutex::new(schemas) }
    }

    /// Returns what was read of this schema, or what `load` reads now; callers that come meanwhile wait for it.
    ///
    /// # Errors
    /// That of `load`. It is not kept, except for an unknown schema, and for that not long.
    pub(crate) fn get(
        &self,
        id: SchemaId,
        topic: Option<&str>,
        load: impl FnOnce() -> Result<V, RegistryError>,
    ) -> Outcome<V> {
        let asked = Asked { id, topic };
        let outcome = self.slot(&asked);
        let result = outcome.get_or_init(|| load().map(Arc::new)).clone();
        if let Err(error) = &result {
            let mut schemas = self.schemas.lock();
            if let Some(slot) = schemas.slots.get_mut(&asked)
                && Arc::ptr_eq(&slot.outcome, &outcome)
            {
                if error.is_retriable() {
                    schemas.remove(&asked);
                } else {
                    slot.unknown_since.get_or_insert_with(Instant::now);
                }
            }
        }
        result
    }

    fn slot(&self, asked: &Asked<'_>) -> Arc<OnceLock<Outcome<V>>> {
        let mut schemas = self.schemas.lock();
        match schemas.slots.get(asked) {
            Some(slot) if slot.unknown_since.is_none_or(|since| since.elapsed() < UNKNOWN_FOR) => {
                return slot.outcome.clone();
            }
            Some(_) => schemas.remove(asked),
            None => {}
        }
        if schemas.order.len() >= self.capacity
            && let Some(oldest) = schemas.order.pop_front()
        {
            schemas.slots.remove(&oldest);
        }
        let key = Key { id: asked.id, topic: asked.topic.map(Into::into) };
        let outcome = Arc::new(OnceLock::new());
        schemas.order.push_back(key.clone());
        schemas.slots.insert(key, Slot { outcome: outcome.clone(), unknown_since: None });
        outcome
    }
}

impl<V> Schemas<V> {
    fn remove(&mut self, asked: &Asked<'_>) {
        if self.slots.remove(asked).is_some() {
            self.order.retain(|key| !asked.equivalent(key));
        }
    }
}
