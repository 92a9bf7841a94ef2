//! Operations that only a grid has: agents that run where the entries are, queries and indexes.
//!
//! Agents, filters, aggregators and extractors are complete binaries in the format of the session (`0x15` and a
//! serialized object) whose classes the grid knows; nothing here looks into them.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::key_locks::{Access, KeyGuard, Keys};
use coherence_kafka_common::map::{Entries, MapError, Targets};

use super::{BYTES_VALUE, RemoteMap, entries_of, entry_of};
use crate::answer::{self, Answer};
use crate::proto::cache::NamedCacheRequestType as Kind;
use crate::request::{Batch, Request};
use crate::split::{Purpose, check_agent, check_key, split};

impl RemoteMap {
    /// `NamedMap::invoke`.
    pub(super) async fn run_on_key(&self, key: &[u8], agent: Bytes) -> Result<Option<Bytes>, MapError> {
        check_agent(&[&agent])?;
        check_key(key, agent.len())?;
        let claim = self.claim_key(key, Access::Write).await?;
        let bytes = key.len() + agent.len();
        let mut answer = self.call(claim, bytes, |cache_id| Request::invoke(cache_id, agent, key)).await?;
        let Some(result) = answer.pop() else { return Ok(None) };
        if !answer.is_empty() {
            return Err(answer::unreadable(format!("{} results for one key", answer.len() + 1)));
        }
        Ok(answer::value_or_none(entry_of(result)?.1))
    }

    /// Keys go in as many requests as they need.
    pub(super) async fn run_on(
        &self,
        targets: Targets,
        agent: Bytes,
    ) -> Result<Vec<(Bytes, Bytes)>, MapError> {
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
        let claim = self.claim(Keys::Batch(keys), Access::Write).await?;
        let request =
            |cache_id, batch| Request::Execute { kind: Kind::Invoke, cache_id, agent: agent.clone(), batch };
        self.call_batches(batches, agent.len(), claim, request).await
    }

    /// Keys must fit into one request, because results of several could not be put together here.
    pub(super) async fn compute(&self, targets: Targets, aggregator: Bytes) -> Result<Bytes, MapError> {
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
                let claim = self.claim(Keys::Batch(keys), access).await?;
                let bytes = batch.encoded_len + agent.len();
                self.call(claim, bytes, |cache_id| Request::Execute { kind, cache_id, agent, batch }).await
            }
            Targets::Filter(filter) => {
                check_agent(&[&agent, &filter])?;
                let claim = self.claim_changed(access).await?;
                let bytes = agent.len() + filter.len();
                self.call(claim, bytes, |cache_id| Request::execute_where(kind, cache_id, agent, filter))
                    .await
            }
            Targets::All => {
                check_agent(&[&agent])?;
                let claim = self.claim_changed(access).await?;
                let bytes = agent.len();
                self.call(claim, bytes, |cache_id| Request::execute_on_all(kind, cache_id, agent)).await
            }
        }
    }

    /// Claims all keys for a request that changes entries that it does not name, and none for one that reads them.
    async fn claim_changed(&self, access: Access) -> Result<Option<Arc<KeyGuard>>, MapError> {
        match access {
            Access::Write => self.claim(Keys::All, access).await,
            Access::Read => Ok(None),
        }
    }

    /// Unlike `NamedMap::entries` the protocol has no pages for them.
    pub(super) async fn query_entries(&self, filter: Bytes) -> Result<Vec<(Bytes, Bytes)>, MapError> {
        let mut entries = Vec::new();
        entries_of(self.query(Kind::QueryEntries, filter).await?, &mut entries)?;
        Ok(entries)
    }

    pub(super) async fn query_keys(&self, filter: Bytes) -> Result<Vec<Bytes>, MapError> {
        let answer = self.query(Kind::QueryKeys, filter).await?;
        answer.into_iter().map(|message| answer::inner(message, BYTES_VALUE)).collect()
    }

    pub(super) async fn query_values(&self, filter: Bytes) -> Result<Vec<Bytes>, MapError> {
        let answer = self.query(Kind::QueryValues, filter).await?;
        let values = answer.into_iter().map(|message| answer::inner(message, BYTES_VALUE));
        values.map(|value| value.map(answer::undecorated)).collect()
    }

    async fn query(&self, kind: Kind, filter: Bytes) -> Result<Answer, MapError> {
        check_agent(&[&filter])?;
        self.ask(filter.len(), |cache_id| Request::query(kind, cache_id, filter)).await
    }

    pub(super) async fn create_index(&self, extractor: Bytes, sorted: bool) -> Result<(), MapError> {
        self.index(extractor, Some(sorted)).await
    }

    pub(super) async fn drop_index(&self, extractor: Bytes) -> Result<(), MapError> {
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
