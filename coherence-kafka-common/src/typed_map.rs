//! A map of typed entries over a [`NamedMap`] of binaries.
//!
//! Owns: serializing on the way in, deserializing on the way out. Never does: I/O, or anything that the map below does
//! not do.
//!
//! ```
//! use coherence_kafka_common::local::LocalSession;
//! use coherence_kafka_common::map::Format;
//! use coherence_kafka_common::pof::PofContext;
//! use coherence_kafka_common::serializer::json::JsonClasses;
//! use coherence_kafka_common::typed_map::{Classes, TypedMap};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Order {
//!     customer: String,
//!     pieces: i32,
//! }
//!
//! # futures::FutureExt::now_or_never(async {
//! // As the grid knows them: a type id of its POF configuration, an alias of its type-aliases.properties.
//! let classes = Classes {
//!     pof: PofContext::builder().user_type("Order", 1001).build()?,
//!     json: JsonClasses::default().class("Order", "shop.Order"),
//! };
//! for format in [Format::Pof, Format::Json] {
//!     let session = LocalSession::new(format);
//!     let orders = TypedMap::<i64, Order>::open(&session, "orders", &classes).await?;
//!     let order = Order { customer: "Ann".to_owned(), pieces: 3 };
//!     orders.put(&7, &order).await?;
//!     assert_eq!(orders.get(&7).await?, Some(order));
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).expect("an embedded map never waits")?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::map::{
    Entries, EventKind, Expiry, Format, Listen, ListenTo, MapError, MapEvent, MapNotice, NamedMap, Session,
};
use crate::pass_through::Part;
use crate::serializer::{Serde, SerializerError};

mod codec;
mod lend;
mod query;

pub use codec::Classes;
use codec::Codec;
pub use lend::Lend;
pub use query::Select;

/// Why a call of a [`TypedMap`] failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypedMapError {
    /// The map refused or failed.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A key or value has no bytes, or bytes are no key or value. Where it has none, nothing was sent.
    #[error("{part}: {error}")]
    Serializer {
        /// Which half of the entry.
        part: Part,
        /// What is wrong.
        error: SerializerError,
    },
    /// A query has no bytes in the format of the map. Nothing was sent.
    #[error("query: {0}")]
    Query(SerializerError),
    /// The result of a processor or aggregator is of another type.
    #[error("result: {0}")]
    Result(SerializerError),
}

/// A [`NamedMap`] whose keys are of type `K` and values of type `V`. Cheap to clone.
///
/// Its serdes must write what the map can hold: a grid takes binaries alone, as
/// [`PofSerde`](crate::serializer::PofSerde), [`JsonSerde`](crate::serializer::json::JsonSerde) and
/// [`JavaSerde`](crate::serializer::JavaSerde) write them, whichever its session's [`Format`] names; an embedded map takes
/// any bytes.
///
/// A `&str` stands for a `String` wherever a key or value is needed: `map.put("apples", &12)`.
///
/// **Keys are found by their bytes**, so that two serializers for one map make two maps of it. A key that is an object
/// must have the bytes that its Java class writes, which are not always those of `user_type`: see
/// [`pof::serde`](crate::pof::serde#keys), and [`PofObjectSerde`](crate::serializer::PofObjectSerde) for classes that
/// are written by hand.
pub struct TypedMap<K, V> {
    map: Arc<dyn NamedMap>,
    keys: Arc<dyn Serde<K>>,
    values: Arc<dyn Serde<V>>,
    /// For the values in queries and the results of them.
    codec: Option<Arc<Codec>>,
}

impl<K, V> Clone for TypedMap<K, V> {
    fn clone(&self) -> Self {
        Self {
            map: self.map.clone(),
            keys: self.keys.clone(),
            values: self.values.clone(),
            codec: self.codec.clone(),
        }
    }
}

impl<K, V> fmt::Debug for TypedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedMap")
            .field("map", &self.map)
            .field("keys", &self.keys)
            .field("values", &self.values)
            .finish()
    }
}

/// What happened to an entry: [`MapEvent`], typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedEvent<K, V> {
    /// What happened.
    pub kind: EventKind,
    /// The key.
    pub key: K,
    /// The value before; `None` where there was none, or where a lite event leaves it out.
    pub old_value: Option<V>,
    /// The value after; `None` where the entry was removed, or where a lite event leaves it out.
    pub new_value: Option<V>,
    /// Made by the map itself, such as an expiry, not by one of its users.
    pub synthetic: bool,
    /// The entry was deleted because its time was over.
    pub expired: bool,
    /// The answer to [`ListenTo::PrimedKey`], not a change.
    pub priming: bool,
}

/// A notice to a listener: [`MapNotice`], typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypedNotice<K, V> {
    /// An entry changed.
    Event(TypedEvent<K, V>),
    /// An entry changed whose bytes are no `K` or `V`. The next notice comes as usual.
    Unreadable(TypedMapError),
    /// As [`MapNotice::Truncated`].
    Truncated,
    /// As [`MapNotice::Destroyed`].
    Destroyed,
    /// As [`MapNotice::Gap`].
    Gap(String),
}

/// Which entries a typed listener hears of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypedListenTo<K> {
    /// As [`ListenTo::All`].
    All,
    /// As [`ListenTo::Key`].
    Key(K),
    /// As [`ListenTo::PrimedKey`].
    PrimedKey(K),
    /// As [`ListenTo::Filter`].
    Filter(Bytes),
}

type Outcome<T> = Result<T, TypedMapError>;

impl<K, V> TypedMap<K, V>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Returns the map `name` of `session`, its entries in the format of the session and of these classes.
    pub async fn open(session: &dyn Session, name: &str, classes: &Classes) -> Result<Self, MapError>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        let map = session.map(name).await?;
        let codec = Codec { format: session.format(), classes: classes.clone() };
        let (keys, values) = (codec.serde(), codec.serde());
        Ok(Self { map, keys, values, codec: Some(Arc::new(codec)) })
    }

    /// `map`, with `keys` and `values` as the serdes of its entries. Queries need [`TypedMap::with_classes`].
    pub fn new(map: Arc<dyn NamedMap>, keys: Arc<dyn Serde<K>>, values: Arc<dyn Serde<V>>) -> Self {
        Self { map, keys, values, codec: None }
    }

    /// The same map, whose queries have this format and these classes.
    pub fn with_classes(self, format: Format, classes: Classes) -> Self {
        Self { codec: Some(Arc::new(Codec { format, classes })), ..self }
    }

    /// Returns the map of binaries below.
    pub fn binary(&self) -> &Arc<dyn NamedMap> {
        &self.map
    }

    /// Returns the name of the map.
    pub fn name(&self) -> &str {
        self.map.name()
    }

    /// As [`NamedMap::get`].
    pub async fn get(&self, key: &(impl Lend<K> + ?Sized)) -> Outcome<Option<V>> {
        let key = self.key_bytes(key)?;
        self.read_value(self.map.get(&key).await?)
    }

    /// As [`TypedMap::get`]; `default` where the entry is absent.
    pub async fn get_or_default(&self, key: &(impl Lend<K> + ?Sized), default: V) -> Outcome<V> {
        Ok(self.get(key).await?.unwrap_or(default))
    }

    /// As [`NamedMap::get_all`]; a key may be given more than once.
    pub async fn get_all<'k, Q: Lend<K> + ?Sized + 'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Q>,
    ) -> Outcome<Vec<(K, V)>> {
        let keys = self.key_batch(keys)?;
        let present = self.map.get_all(keys).await?;
        present.iter().map(|(key, value)| self.read_entry(key, value)).collect()
    }

    /// Puts one entry, which expires as the map is configured. The value that it replaced, or `None`.
    pub async fn put(
        &self,
        key: &(impl Lend<K> + ?Sized),
        value: &(impl Lend<V> + ?Sized),
    ) -> Outcome<Option<V>> {
        self.put_with(key, value, Expiry::Default).await
    }

    /// As [`NamedMap::put`].
    pub async fn put_with(
        &self,
        key: &(impl Lend<K> + ?Sized),
        value: &(impl Lend<V> + ?Sized),
        expiry: Expiry,
    ) -> Outcome<Option<V>> {
        let (key, value) = (self.key_bytes(key)?, self.value_bytes(value)?);
        self.read_value(self.map.put(&key, &value, expiry).await?)
    }

    /// Puts all entries, which expire as the map is configured: see [`TypedMap::put_all_with`].
    pub async fn put_all<'e, Q, W>(&self, entries: impl IntoIterator<Item = (&'e Q, &'e W)>) -> Outcome<()>
    where
        Q: Lend<K> + ?Sized + 'e,
        W: Lend<V> + ?Sized + 'e,
    {
        self.put_all_with(entries, Expiry::Default).await
    }

    /// As [`NamedMap::put_all`]. Of a key that is given more than once the last value counts.
    pub async fn put_all_with<'e, Q, W>(
        &self,
        entries: impl IntoIterator<Item = (&'e Q, &'e W)>,
        expiry: Expiry,
    ) -> Outcome<()>
    where
        Q: Lend<K> + ?Sized + 'e,
        W: Lend<V> + ?Sized + 'e,
    {
        let mut batch = Vec::new();
        for (key, value) in entries {
            batch.push((self.key_bytes(key)?, self.value_bytes(value)?));
        }
        Ok(self.map.put_all(Arc::new(Entries::from_pairs(batch)), expiry).await?)
    }

    /// As [`NamedMap::put_if_absent`].
    pub async fn put_if_absent(
        &self,
        key: &(impl Lend<K> + ?Sized),
        value: &(impl Lend<V> + ?Sized),
    ) -> Outcome<Option<V>> {
        let (key, value) = (self.key_bytes(key)?, self.value_bytes(value)?);
        self.read_value(self.map.put_if_absent(&key, &value).await?)
    }

    /// As [`NamedMap::replace`].
    pub async fn replace(
        &self,
        key: &(impl Lend<K> + ?Sized),
        value: &(impl Lend<V> + ?Sized),
    ) -> Outcome<Option<V>> {
        let (key, value) = (self.key_bytes(key)?, self.value_bytes(value)?);
        self.read_value(self.map.replace(&key, &value).await?)
    }

    /// As [`NamedMap::remove`].
    pub async fn remove(&self, key: &(impl Lend<K> + ?Sized)) -> Outcome<Option<V>> {
        let key = self.key_bytes(key)?;
        self.read_value(self.map.remove(&key).await?)
    }

    /// As [`NamedMap::remove_all`]; a key may be given more than once.
    pub async fn remove_all<'k, Q: Lend<K> + ?Sized + 'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Q>,
    ) -> Outcome<()> {
        let keys = self.key_batch(keys)?;
        Ok(self.map.remove_all(keys).await?)
    }

    /// As [`NamedMap::contains_key`].
    pub async fn contains_key(&self, key: &(impl Lend<K> + ?Sized)) -> Outcome<bool> {
        let key = self.key_bytes(key)?;
        Ok(self.map.contains_key(&key).await?)
    }

    /// As [`NamedMap::size`].
    pub async fn size(&self) -> Outcome<usize> {
        Ok(self.map.size().await?)
    }

    /// As [`NamedMap::is_empty`].
    pub async fn is_empty(&self) -> Outcome<bool> {
        Ok(self.map.is_empty().await?)
    }

    /// As [`NamedMap::clear`].
    pub async fn clear(&self) -> Outcome<()> {
        Ok(self.map.clear().await?)
    }

    /// As [`NamedMap::truncate`].
    pub async fn truncate(&self) -> Outcome<()> {
        Ok(self.map.truncate().await?)
    }

    /// As [`NamedMap::destroy`].
    pub async fn destroy(&self) -> Outcome<()> {
        Ok(self.map.destroy().await?)
    }

    /// As [`NamedMap::entries`]. An entry that cannot be read is an error in its place, behind which others follow.
    pub fn entries(&self) -> BoxStream<'_, Outcome<(K, V)>> {
        self.map
            .entries()
            .map(|entry| {
                let (key, value) = entry?;
                self.read_entry(&key, &value)
            })
            .boxed()
    }

    /// As [`NamedMap::keys`]. A key that cannot be read is an error in its place, behind which others follow.
    pub fn keys(&self) -> BoxStream<'_, Outcome<K>> {
        self.map.keys().map(|key| self.read_key(&key?)).boxed()
    }

    /// Every value, as [`TypedMap::entries`].
    pub fn values(&self) -> BoxStream<'_, Outcome<V>> {
        self.map.entries().map(|entry| self.read_present(&entry?.1)).boxed()
    }

    /// As [`NamedMap::listen`]; `lite` as [`Listen::lite`].
    pub async fn listen(
        &self,
        to: TypedListenTo<K>,
        lite: bool,
    ) -> Outcome<BoxStream<'static, TypedNotice<K, V>>> {
        let to = match to {
            TypedListenTo::All => ListenTo::All,
            TypedListenTo::Key(key) => ListenTo::Key(self.key_bytes(&key)?.into()),
            TypedListenTo::PrimedKey(key) => ListenTo::PrimedKey(self.key_bytes(&key)?.into()),
            TypedListenTo::Filter(filter) => ListenTo::Filter(filter),
        };
        let notices = self.map.listen(Listen { to, lite }).await?;
        let map = self.clone();
        Ok(notices.map(move |notice| map.read_notice(notice)).boxed())
    }

    fn read_notice(&self, notice: MapNotice) -> TypedNotice<K, V> {
        match notice {
            MapNotice::Event(event) => match self.read_event(event) {
                Ok(event) => TypedNotice::Event(event),
                Err(error) => TypedNotice::Unreadable(error),
            },
            MapNotice::Truncated => TypedNotice::Truncated,
            MapNotice::Destroyed => TypedNotice::Destroyed,
            MapNotice::Gap(why) => TypedNotice::Gap(why),
        }
    }

    fn read_event(&self, event: MapEvent) -> Outcome<TypedEvent<K, V>> {
        Ok(TypedEvent {
            kind: event.kind,
            key: self.read_key(&event.key)?,
            old_value: self.read_value(event.old_value)?,
            new_value: self.read_value(event.new_value)?,
            synthetic: event.synthetic,
            expired: event.expired,
            priming: event.priming,
        })
    }

    fn key_batch<'k, Q: Lend<K> + ?Sized + 'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Q>,
    ) -> Outcome<Arc<Entries>> {
        let keys = keys.into_iter().map(|key| self.key_bytes(key)).collect::<Outcome<Vec<_>>>()?;
        Ok(Arc::new(Entries::from_keys(keys)))
    }

    fn key_bytes(&self, key: &(impl Lend<K> + ?Sized)) -> Outcome<Vec<u8>> {
        key.lend(|key| self.bytes(&*self.keys, key, Part::Key))
    }

    fn value_bytes(&self, value: &(impl Lend<V> + ?Sized)) -> Outcome<Vec<u8>> {
        value.lend(|value| self.bytes(&*self.values, value, Part::Value))
    }

    fn bytes<T>(&self, serde: &dyn Serde<T>, value: &T, part: Part) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        serde
            .serialize(self.map.name(), &mut Vec::new(), value, &mut bytes)
            .map_err(|error| TypedMapError::Serializer { part, error })?;
        Ok(bytes)
    }

    fn read_key(&self, bytes: &[u8]) -> Outcome<K> {
        let key = self.keys.deserialize(self.map.name(), &[], bytes);
        key.map_err(|error| TypedMapError::Serializer { part: Part::Key, error })
    }

    fn read_value(&self, bytes: Option<Bytes>) -> Outcome<Option<V>> {
        let read = |bytes: Bytes| self.values.deserialize(self.map.name(), &[], &bytes);
        let value = bytes.map(read).transpose();
        value.map_err(|error| TypedMapError::Serializer { part: Part::Value, error })
    }

    fn read_present(&self, value: &[u8]) -> Outcome<V> {
        let value = self.values.deserialize(self.map.name(), &[], value);
        value.map_err(|error| TypedMapError::Serializer { part: Part::Value, error })
    }

    fn read_entry(&self, key: &[u8], value: &[u8]) -> Outcome<(K, V)> {
        Ok((self.read_key(key)?, self.read_present(value)?))
    }
}

#[cfg(test)]
mod tests;
