//! Operations that only a grid has: agents that run where the entries are, queries and indexes.
//!
//! Agents, filters, aggregators and extractors are complete binaries in the format of the session (`0x15` and a
//! serialized object) whose classes the grid knows; nothing here looks into them.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::key_locks::{Access, KeyGuard, Keys};
use coherence_kafka_common::map::{Entries, MapError};

use super::{BYTES_VALUE, RemoteMap, entries_of, entry_of};
use crate::answer::{self, Answer};
use crate::proto::cache::NamedCacheRequestType as Kind;
use crate::request::{Batch, Request};
use crate::split::{Purpose, check_agent, check_key, split};

/// The entries that an agent works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// Those of the keys of a batch (its values are ignored); none for an empty batch.
    Keys(Arc<Entries>),
    /// Those for which a serialized filter is true.
    Filter(Bytes),
    /// Every entry of the map.
    All,
}

impl RemoteMap {
    /// Runs an entry processor on the entry of `key`, which need not be present. Returns its result; `None` for null
    /// and for nothing.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for an agent too large for a request; else as every call.
    pub async fn invoke(&self, key: &[u8], agent: Bytes) -> Result<Option<Bytes>, MapError> {
        check_agent(&[&agent])?;
        check_key(key, agent.len())?;
        let claim = self.claim_key(key, Access::Write).await;
        let bytes = key.len() + agent.len();
        let mut answer = self.call(claim, bytes, |cache_id| Request::invoke(cache_id, agent, key)).await?;
        let Some(result) = answer.pop() else { return Ok(None) };
        if !answer.is_empty() {
            return Err(answer::unreadable(format!("{} results for one key", answer.len() + 1)));
        }
        Ok(answer::value_or_none(entry_of(result)?.1))
    }

    /// Runs an entry processor on many entries. Returns the keys with its results, in no order; a processor may return
    /// nothing for a key. All of it is in memory at once.
    ///
    /// Keys go in as many requests as they need; its changes are not undone where one of them fails.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for an agent or filter too large for a request; else as every call.
    pub async fn invoke_all(&self, targets: Targets, agent: Bytes) -> Result<Vec<(Bytes, Bytes)>, MapError> {
        let answers = match targets {
            Targets::Keys(keys) => self.invoke_batches(keys, agent).await?,
            others => vec![self.execute(Kind::Invoke, others, agent, Access::Write).await?],
        };
        let mut results = Vec::new();
        for answer in answers {
            entries_of(answer, &mut results)?;
        }
        Ok(results)
    }

    pub(super) async fn invoke_batches(
        &self,
        keys: Arc<Entries>,
        agent: Bytes,
    ) -> Result<Vec<Answer>, MapError> {
        check_agent(&[&agent])?;
        let batches = split(&keys, Purpose::Keys, agent.len())?;
        let claim = self.claim(Keys::Batch(keys), Access::Write).await;
        let request =
            |cache_id, batch| Request::Execute { kind: Kind::Invoke, cache_id, agent: agent.clone(), batch };
        self.call_batches(batches, agent.len(), claim, request).await
    }

    /// Computes one result over many entries. Keys must fit into one request, because results of several could not
    /// be put together here. A serialized null comes as it is.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for what does not fit into one request; else as every call.
    pub async fn aggregate(&self, targets: Targets, aggregator: Bytes) -> Result<Bytes, MapError> {
        let answer = self.execute(Kind::Aggregate, targets, aggregator, Access::Read).await?;
        answer::single(answer, BYTES_VALUE)
    }

    /// Runs an agent by one request.
    async fn execute(
        &self,
        kind: Kind,
        targets: Targets,
        agent: Bytes,
        access: Access,
    ) -> Result<Answer, MapError> {
        match targets {
            Targets::Keys(keys) => {
                check_agent(&[&agent])?;
                let batch = whole(&keys, agent.len())?;
                let claim = self.claim(Keys::Batch(keys), access).await;
                let bytes = batch.encoded_len + agent.len();
                self.call(claim, bytes, |cache_id| Request::Execute { kind, cache_id, agent, batch }).await
            }
            Targets::Filter(filter) => {
                check_agent(&[&agent, &filter])?;
                let claim = self.claim_changed(access).await;
                let bytes = agent.len() + filter.len();
                self.call(claim, bytes, |cache_id| Request::execute_where(kind, cache_id, agent, filter))
                    .await
            }
            Targets::All => {
                check_agent(&[&agent])?;
                let claim = self.claim_changed(access).await;
                let bytes = agent.len();
                self.call(claim, bytes, |cache_id| Request::execute_on_all(kind, cache_id, agent)).await
            }
        }
    }

    /// Claims all keys for a request that changes entries that it does not name, and none for one that reads them.
    async fn claim_changed(&self, access: Access) -> Option<Arc<KeyGuard>> {
        match access {
            Access::Write => self.claim(Keys::All, access).await,
            Access::Read => None,
        }
    }

    /// Returns the entries for which `filter` is true, in no order. All of them are in memory at once: unlike
    /// [`entries`](coherence_kafka_common::map::NamedMap::entries), the protocol has no pages for them.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for a filter too large for a request; else as every call.
    pub async fn entries_where(&self, filter: Bytes) -> Result<Vec<(Bytes, Bytes)>, MapError> {
        let mut entries = Vec::new();
        entries_of(self.query(Kind::QueryEntries, filter).await?, &mut entries)?;
        Ok(entries)
    }

    /// Returns the keys of the entries for which `filter` is true, as [`RemoteMap::entries_where`].
    ///
    /// # Errors
    /// As those of [`RemoteMap::entries_where`].
    pub async fn keys_where(&self, filter: Bytes) -> Result<Vec<Bytes>, MapError> {
        let answer = self.query(Kind::QueryKeys, filter).await?;
        answer.into_iter().map(|message| answer::inner(message, BYTES_VALUE)).collect()
    }

    async fn query(&self, kind: Kind, filter: Bytes) -> Result<Answer, MapError> {
        check_agent(&[&filter])?;
        self.ask(filter.len(), |cache_id| Request::query(kind, cache_id, filter)).await
    }

    /// Adds an index over the values of a serialized extractor; a sorted one serves ranges too. No error where it
    /// exists.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for an extractor too large for a request; else as every call.
    pub async fn add_index(&self, extractor: Bytes, sorted: bool) -> Result<(), MapError> {
        self.index(extractor, Some(sorted)).await
    }

    /// Removes the index over the values of a serialized extractor. No error where it does not exist.
    ///
    /// # Errors
    /// As those of [`RemoteMap::add_index`].
    pub async fn remove_index(&self, extractor: Bytes) -> Result<(), MapError> {
        self.index(extractor, None).await
    }

    async fn index(&self, extractor: Bytes, sorted: Option<bool>) -> Result<(), MapError> {
        check_agent(&[&extractor])?;
        let bytes = extractor.len();
        self.ask(bytes, |cache_id| Request::index(cache_id, extractor, sorted)).await.map(|_| ())
    }
}

/// Returns all keys as one batch.
fn whole(keys: &Arc<Entries>, beside: usize) -> Result<Batch, MapError> {
    let mut batches = split(keys, Purpose::Keys, beside)?;
    match batches.len() {
        0 => Ok(Batch { entries: keys.clone(), range: 0..0, encoded_len: 0 }),
        1 => Ok(batches.remove(0)),
        requests => Err(MapError::Misuse(format!(
            "{} keys would need {requests} requests, an aggregation is one: use a filter",
            keys.len()
        ))),
    }
}
