//! A session whose maps are faulty, and whose writes may be in doubt.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::FaultyMap;
use super::request::{Answer, LateWrites, Operation, Request, Script, Target};
use crate::map::{Format, MapError, NamedMap, OfMap, SendGate, Session};

/// A session that asks one script about the requests to all its maps, and about its own: see [`testing`](super).
#[derive(Debug)]
pub struct FaultySession {
    maps: Arc<dyn Session>,
    script: Arc<Script>,
    late: LateWrites,
}

impl FaultySession {
    /// Creates a session before `maps`.
    pub fn new<F>(maps: Arc<dyn Session>, script: impl Fn(Request) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self { maps, script: Script::new(script), late: LateWrites::default() }
    }

    /// The same session, whose writes in doubt are those of `late`. A script has a clone of it, and adds to it.
    pub fn with_late_writes(self, late: LateWrites) -> Self {
        Self { late, ..self }
    }

    /// Returns the writes in doubt.
    pub fn late_writes(&self) -> &LateWrites {
        &self.late
    }

    /// Returns all requests, in the order in which they were made. More than 100,000 fail the test.
    pub fn requests(&self) -> Vec<Request> {
        self.script.requests()
    }

    async fn open(&self, name: &str, gate: Option<Arc<dyn SendGate>>) -> Result<Arc<dyn NamedMap>, MapError> {
        let target = Target { map: self.maps.map(name).await?, gate };
        self.script.answer(Request::to(&target, Operation::Open, Arc::default())).await?;
        Ok(Arc::new(FaultyMap { target, script: self.script.clone() }))
    }
}

impl Session for FaultySession {
    fn format(&self) -> Format {
        self.maps.format()
    }

    fn max_entry_bytes(&self) -> usize {
        self.maps.max_entry_bytes()
    }

    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        self.maps.check_map_name(name)
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        self.open(name, None).boxed()
    }

    fn gated_map<'a>(
        &'a self,
        name: &'a str,
        gate: &'a Arc<dyn SendGate>,
    ) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        self.open(name, Some(gate.clone())).boxed()
    }

    fn has_writes_in_doubt(&self) -> bool {
        !self.late.lock().is_empty()
    }

    fn in_doubt(&self, entries: &[OfMap<'_>]) -> Option<String> {
        let any = entries.iter().any(|of| self.late.concern(of.map, of.entries));
        any.then(|| "an earlier attempt is unanswered".to_owned())
    }

    /// The script waits; the session does not look at the list again.
    fn until_resolved<'a>(&'a self, entries: &'a [OfMap<'a>]) -> BoxFuture<'a, bool> {
        async move {
            for of in entries {
                let Ok(map) = self.maps.map(of.map).await else { return false };
                let request = Request::new(Operation::Resolve, map, Arc::new(of.entries.clone()));
                if self.script.answer(request).await.is_err() {
                    return false;
                }
            }
            true
        }
        .boxed()
    }
}
