//! Queries, processors, aggregators, indexes and filters of listeners, typed.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::Codec;
use super::{Lend, Outcome, TypedListenTo, TypedMap, TypedMapError, TypedNotice};
use crate::map::{Entries, Format, MapError, Targets};
use crate::pof::PofContext;
use crate::query::{Aggregator, EventFilter, Extractor, Filter, Processor};
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

/// The entries that a processor or aggregator works on: a [`Filter`] and a list of keys become one.
#[derive(Debug, Clone)]
pub enum Select<K> {
    /// Every entry.
    All,
    /// Those of these keys, whether they are present or not.
    Keys(Vec<K>),
    /// Those for which the filter is true.
    Where(Filter),
}

impl<K> From<Filter> for Select<K> {
    fn from(filter: Filter) -> Self {
        Select::Where(filter)
    }
}

impl<K> From<&Filter> for Select<K> {
    fn from(filter: &Filter) -> Self {
        Select::Where(filter.clone())
    }
}

impl<K> From<Vec<K>> for Select<K> {
    fn from(keys: Vec<K>) -> Self {
        Select::Keys(keys)
    }
}

/// They run on a grid: an embedded map answers [`MapError::Misuse`].
impl<K, V> TypedMap<K, V>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// As [`NamedMap::entries_where`](crate::map::NamedMap::entries_where).
    pub async fn entries_where(&self, filter: &Filter) -> Outcome<Vec<(K, V)>> {
        let entries = self.map.entries_where(self.filter(filter)?).await?;
        entries.iter().map(|(key, value)| self.read_entry(key, value)).collect()
    }

    /// As [`NamedMap::keys_where`](crate::map::NamedMap::keys_where).
    pub async fn keys_where(&self, filter: &Filter) -> Outcome<Vec<K>> {
        let keys = self.map.keys_where(self.filter(filter)?).await?;
        keys.iter().map(|key| self.read_key(key)).collect()
    }

    /// As [`NamedMap::values_where`](crate::map::NamedMap::values_where).
    pub async fn values_where(&self, filter: &Filter) -> Outcome<Vec<V>> {
        let values = self.map.values_where(self.filter(filter)?).await?;
        values.iter().map(|value| self.read_present(value)).collect()
    }

    /// Runs a processor on the entry of `key`, which need not be present. Returns its result; `None` for null and for
    /// nothing.
    pub async fn invoke<R: DeserializeOwned>(
        &self,
        key: &(impl Lend<K> + ?Sized),
        processor: &Processor<R>,
    ) -> Outcome<Option<R>> {
        let agent = self.agent(|format, pof, json| processor.to_binary(format, pof, json))?;
        let key = self.key_bytes(key)?;
        match self.map.invoke(&key, agent).await? {
            Some(result) => self.result(&result),
            None => Ok(None),
        }
    }

    /// Runs a processor on many entries. Returns its results that it has, by their keys and in no order. Changes are not
    /// undone where some of them fail.
    pub async fn invoke_all<R: DeserializeOwned>(
        &self,
        entries: impl Into<Select<K>>,
        processor: &Processor<R>,
    ) -> Outcome<Vec<(K, Option<R>)>> {
        let agent = self.agent(|format, pof, json| processor.to_binary(format, pof, json))?;
        let targets = self.targets(entries.into())?;
        let results = self.map.invoke_all(targets, agent).await?;
        let typed = |(key, result): &(Bytes, Bytes)| Ok((self.read_key(key)?, self.result(result)?));
        results.iter().map(typed).collect()
    }

    /// Computes one result over many entries.
    pub async fn aggregate<R: DeserializeOwned>(
        &self,
        entries: impl Into<Select<K>>,
        aggregator: &Aggregator<R>,
    ) -> Outcome<R> {
        let agent = self.agent(|format, pof, json| aggregator.to_binary(format, pof, json))?;
        let targets = self.targets(entries.into())?;
        let result = self.map.aggregate(targets, agent).await?;
        self.result(&result)
    }

    /// Adds an index over what the extractor returns, for the queries with the same extractor; a sorted one serves ranges
    /// too. No error where it exists.
    pub async fn add_index(&self, extractor: impl Into<Extractor>, sorted: bool) -> Outcome<()> {
        let extractor = extractor.into();
        let extractor = self.agent(|format, pof, json| extractor.to_binary(format, pof, json))?;
        Ok(self.map.add_index(extractor, sorted).await?)
    }

    /// Removes such an index. No error where it does not exist.
    pub async fn remove_index(&self, extractor: impl Into<Extractor>) -> Outcome<()> {
        let extractor = extractor.into();
        let extractor = self.agent(|format, pof, json| extractor.to_binary(format, pof, json))?;
        Ok(self.map.remove_index(extractor).await?)
    }

    /// Listens to the changes that the filter is about, from the moment in which the future is ready until the stream is
    /// dropped.
    pub async fn listen_where(&self, filter: &EventFilter) -> Outcome<BoxStream<'static, TypedNotice<K, V>>> {
        let filter = self.agent(|format, pof, json| filter.to_binary(format, pof, json))?;
        self.listen(TypedListenTo::Filter(filter), false).await
    }

    /// The same for a filter that has an extractor: the values in the events are what it makes of them, an `E`.
    pub async fn listen_extracted<E>(
        &self,
        filter: &EventFilter,
    ) -> Outcome<BoxStream<'static, TypedNotice<K, E>>>
    where
        E: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let codec = self.codec()?;
        let extracted = TypedMap::<K, E> {
            map: self.map.clone(),
            keys: self.keys.clone(),
            values: codec.serde(),
            codec: self.codec.clone(),
        };
        extracted.listen_where(filter).await
    }

    fn filter(&self, filter: &Filter) -> Outcome<Bytes> {
        self.agent(|format, pof, json| filter.to_binary(format, pof, json))
    }

    fn targets(&self, entries: Select<K>) -> Outcome<Targets> {
        Ok(match entries {
            Select::All => Targets::All,
            Select::Where(filter) => Targets::Filter(self.filter(&filter)?),
            Select::Keys(keys) => {
                let keys = keys.iter().map(|key| self.key_bytes(key)).collect::<Outcome<Vec<_>>>()?;
                Targets::Keys(Arc::new(Entries::from_keys(keys)))
            }
        })
    }

    fn agent(
        &self,
        write: impl FnOnce(Format, &PofContext, &JsonClasses) -> Result<Bytes, SerializerError>,
    ) -> Outcome<Bytes> {
        let Codec { format, classes } = self.codec()?;
        write(*format, &classes.pof, &classes.json).map_err(TypedMapError::Query)
    }

    fn result<R: DeserializeOwned>(&self, result: &[u8]) -> Outcome<R> {
        self.codec()?.read(result).map_err(TypedMapError::Result)
    }

    fn codec(&self) -> Outcome<&Codec> {
        self.codec.as_deref().ok_or_else(|| {
            let why = format!("map {} was made from serdes alone: queries need with_classes", self.name());
            TypedMapError::Map(MapError::Misuse(why))
        })
    }
}
