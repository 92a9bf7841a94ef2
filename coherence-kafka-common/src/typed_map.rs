//! A map of typed entries over a [`NamedMap`] of binaries.
//!
//! Owns: serializing on the way in, deserializing on the way out. Never does: I/O, or anything that the map below does
//! not do.
//!
//! ```
//! use coherence_kafka_common::local::LocalSession;
//! use coherence_kafka_common::map::{Expiry, Format};
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
//!     orders.put(&7, &order, Expiry::Default).await?;
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
use crate::pof::PofContext;
use crate::serializer::json::{JsonClasses, JsonSerde};
use crate::serializer::{JavaSerde, PofSerde, Serde, SerializerError};

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
}

/// The Java classes that Rust types stand for, in each format of a grid's maps. Types that exist in Java without a
/// class of the application, such as numbers, texts, lists and maps of them, need none: the default.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// Their type ids, for maps of POF, which holds no object of another class.
    pub pof: PofContext,
    /// Their aliases, for maps of JSON, where an object of another class is a map to Java.
    pub json: JsonClasses,
}

/// A [`NamedMap`] whose keys are of type `K` and values of type `V`. Cheap to clone.
///
/// Its serdes must write what the map can hold: a grid takes binaries alone, as [`PofSerde`], [`JsonSerde`] and
/// [`JavaSerde`] write them, whichever its session's [`Format`] names; an embedded map takes any bytes.
///
/// **Keys are found by their bytes**, so that two serializers for one map make two maps of it. A key that is an object
/// must have the bytes that its Java class writes, which are not always those of `user_type`: see
/// [`pof::serde`](crate::pof::serde#keys), and [`PofObjectSerde`](crate::serializer::PofObjectSerde) for classes that
/// are written by hand.
pub struct TypedMap<K, V> {
    map: Arc<dyn NamedMap>,
    keys: Arc<dyn Serde<K>>,
    values: Arc<dyn Serde<V>>,
}

impl<K, V> Clone for TypedMap<K, V> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone(), keys: self.keys.clone(), values: self.values.clone() }
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
        Ok(match session.format() {
            Format::Pof => {
                let serde = Arc::new(PofSerde::new(classes.pof.clone()));
                Self::new(map, serde.clone(), serde)
            }
            Format::Json => {
                let serde = Arc::new(JsonSerde::new(classes.json.clone()));
                Self::new(map, serde.clone(), serde)
            }
            Format::Java => {
                let serde = Arc::new(JavaSerde::default());
                Self::new(map, serde.clone(), serde)
            }
        })
    }

    /// `map`, with `keys` and `values` as the serdes of its entries.
    pub fn new(map: Arc<dyn NamedMap>, keys: Arc<dyn Serde<K>>, values: Arc<dyn Serde<V>>) -> Self {
        Self { map, keys, values }
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
    pub async fn get(&self, key: &K) -> Outcome<Option<V>> {
        self.read_value(self.map.get(&self.key_bytes(key)?).await?)
    }

    /// As [`NamedMap::get_all`]; a key may be given more than once.
    pub async fn get_all<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Outcome<Vec<(K, V)>> {
        let present = self.map.get_all(self.key_batch(keys)?).await?;
        present.iter().map(|(key, value)| self.read_entry(key, value)).collect()
    }

    /// As [`NamedMap::put`].
    pub async fn put(&self, key: &K, value: &V, expiry: Expiry) -> Outcome<Option<V>> {
        let (key, value) = (self.key_bytes(key)?, self.value_bytes(value)?);
        self.read_value(self.map.put(&key, &value, expiry).await?)
    }

    /// As [`NamedMap::put_all`]. Of a key that is given more than once the last value counts.
    pub async fn put_all<'e>(
        &self,
        entries: impl IntoIterator<Item = (&'e K, &'e V)>,
        expiry: Expiry,
    ) -> Outcome<()> {
        let mut batch = Vec::new();
        for (key, value) in entries {
            batch.push((self.key_bytes(key)?, self.value_bytes(value)?));
        }
        Ok(self.map.put_all(Arc::new(Entries::from_pairs(batch)), expiry).await?)
    }

    /// As [`NamedMap::put_if_absent`].
    pub async fn put_if_absent(&self, key: &K, value: &V) -> Outcome<Option<V>> {
        let (key, value) = (self.key_bytes(key)?, self.value_bytes(value)?);
        self.read_value(self.map.put_if_absent(&key, &value).await?)
    }

    /// As [`NamedMap::replace`].
    pub async fn replace(&self, key: &K, value: &V) -> Outcome<Option<V>> {
        let (key, value) = (self.key_bytes(key)?, self.value_bytes(value)?);
        self.read_value(self.map.replace(&key, &value).await?)
    }

    /// As [`NamedMap::remove`].
    pub async fn remove(&self, key: &K) -> Outcome<Option<V>> {
        self.read_value(self.map.remove(&self.key_bytes(key)?).await?)
    }

    /// As [`NamedMap::remove_all`]; a key may be given more than once.
    pub async fn remove_all<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Outcome<()> {
        Ok(self.map.remove_all(self.key_batch(keys)?).await?)
    }

    /// As [`NamedMap::contains_key`].
    pub async fn contains_key(&self, key: &K) -> Outcome<bool> {
        Ok(self.map.contains_key(&self.key_bytes(key)?).await?)
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

    fn key_batch<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Outcome<Arc<Entries>> {
        let keys = keys.into_iter().map(|key| self.key_bytes(key)).collect::<Outcome<Vec<_>>>()?;
        Ok(Arc::new(Entries::from_keys(keys)))
    }

    fn key_bytes(&self, key: &K) -> Outcome<Vec<u8>> {
        self.bytes(&*self.keys, key, Part::Key)
    }

    fn value_bytes(&self, value: &V) -> Outcome<Vec<u8>> {
        self.bytes(&*self.values, value, Part::Value)
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

    fn read_entry(&self, key: &[u8], value: &Bytes) -> Outcome<(K, V)> {
        let key = self.read_key(key)?;
        let value = self.values.deserialize(self.map.name(), &[], value);
        Ok((key, value.map_err(|error| TypedMapError::Serializer { part: Part::Value, error })?))
    }
}

#[cfg(test)]
mod tests;
