//! Requests, as a script sees them, and the script itself.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};

use crate::map::{Entries, Expiry, MapError, NamedMap, SendGate};

/// The answer to a request: for a write of one entry the value that it replaced.
pub type Answer = Result<Option<Bytes>, MapError>;

/// The call that a request stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Session::map`](crate::map::Session::map) and `gated_map`.
    Open,
    /// [`Session::until_resolved`](crate::map::Session::until_resolved); an error is a session that gave up.
    Resolve,
    /// [`NamedMap::get`].
    Get,
    /// [`NamedMap::put`].
    Put(Expiry),
    /// [`NamedMap::put_all`].
    PutAll(Expiry),
    /// [`NamedMap::remove`].
    Remove,
    /// [`NamedMap::remove_all`].
    RemoveAll,
    /// [`NamedMap::size`].
    Size,
    /// [`NamedMap::entries`].
    Entries,
    /// [`NamedMap::listen`].
    Listen,
}

impl Operation {
    /// Returns true for puts and removals.
    pub fn is_write(self) -> bool {
        self.is_removal() || matches!(self, Self::Put(_) | Self::PutAll(_))
    }

    /// Returns true for removals.
    pub fn is_removal(self) -> bool {
        matches!(self, Self::Remove | Self::RemoveAll)
    }

    /// Returns true for the calls that write a batch.
    pub fn is_batch(self) -> bool {
        matches!(self, Self::PutAll(_) | Self::RemoveAll)
    }
}

/// One request to a map. Clones are the same request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The call.
    pub operation: Operation,
    /// Its entries, with empty values where the call has keys alone.
    pub entries: Arc<Entries>,
    target: Target,
}

/// The map behind a faulty one, and what holds its writes back.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) map: Arc<dyn NamedMap>,
    pub(super) gate: Option<Arc<dyn SendGate>>,
}

impl Request {
    /// Creates a request to `map` that no caller has made, such as a write of an earlier process.
    pub fn new(operation: Operation, map: Arc<dyn NamedMap>, entries: Arc<Entries>) -> Self {
        Self::to(&Target { map, gate: None }, operation, entries)
    }

    pub(super) fn to(target: &Target, operation: Operation, entries: Arc<Entries>) -> Self {
        Self { operation, entries, target: target.clone() }
    }

    /// Returns the name of the map.
    pub fn map(&self) -> &str {
        self.target.map.name()
    }

    /// Returns one request for each entry, in order.
    pub fn split(&self) -> impl Iterator<Item = Self> {
        let alone = |entry| Arc::new(Entries::from_unique_pairs([entry]));
        self.entries.iter().map(move |entry| Self { entries: alone(entry), ..self.clone() })
    }

    /// Returns true where the request is for one of these keys of `map`.
    pub fn concerns(&self, map: &str, keys: &Entries) -> bool {
        let is_one = |key: &[u8]| keys.iter().any(|(other, _)| other == key);
        self.map() == map && self.entries.iter().any(|(key, _)| is_one(key))
    }

    /// Asks the gate of the map, if it has one.
    ///
    /// # Errors
    /// [`MapError::Unavailable`] where the request must not leave.
    pub fn check_gate(&self) -> Result<(), MapError> {
        let checked = self.target.gate.as_ref().map_or(Ok(()), |gate| gate.check());
        checked.map_err(|reason| MapError::Unavailable(format!("not sent: {reason}")))
    }

    /// Applies a write to the map behind the faulty one, and returns its answer. What is no write is answered by that map
    /// in any case, once the script has ended without an error; here it does nothing.
    ///
    /// # Errors
    /// Those of the map.
    pub async fn apply(&self) -> Answer {
        let Self { operation, entries, target: Target { map, .. } } = self;
        match (*operation, entries.get(0)) {
            (Operation::Put(expiry), Some((key, value))) => map.put(key, value, expiry).await,
            (Operation::Remove, Some((key, _))) => map.remove(key).await,
            (Operation::PutAll(expiry), _) => map.put_all(entries.clone(), expiry).await.map(|()| None),
            (Operation::RemoveAll, _) => map.remove_all(entries.clone()).await.map(|()| None),
            _ => Ok(None),
        }
    }
}

/// Writes in doubt: they were not applied, and may still be. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct LateWrites(Arc<Mutex<Vec<Request>>>);

impl LateWrites {
    /// Returns the list, for the test to add to it, and to take from it what it applies or drops.
    pub fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock()
    }

    /// Returns true where one of them concerns these keys of `map`.
    pub fn concern(&self, map: &str, keys: &Entries) -> bool {
        self.lock().iter().any(|write| write.concerns(map, keys))
    }
}

/// Requests that a test makes at most: a caller that repeats a request for ever fails its test before it takes all memory.
const MOST_REQUESTS: usize = 100_000;

/// The script of a map or of a session, and the requests that it was asked about.
pub(super) struct Script {
    decide: Box<dyn Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync>,
    requests: Mutex<Vec<Request>>,
}

impl Script {
    pub(super) fn new<F>(decide: impl Fn(Request) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let decide = Box::new(move |request| decide(request).boxed());
        Arc::new(Self { decide, requests: Mutex::default() })
    }

    pub(super) async fn answer(&self, request: Request) -> Answer {
        let made = {
            let mut requests = self.requests.lock();
            requests.push(request.clone());
            requests.len()
        };
        assert!(made <= MOST_REQUESTS, "more than {MOST_REQUESTS} requests: the caller repeats one for ever");
        (self.decide)(request).await
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("requests", &self.requests.lock().len()).finish_non_exhaustive()
    }
}
