//! What runs on one entry, where the entry is.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;

use super::extractor::Extractor;
use super::filter::Filter;
use super::literal::Literal;
use super::object::{Class, Object, Part, both};
use super::updater::Updater;
use crate::map::Format;
use crate::pof::PofContext;
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

const COMPOSITE: Class = Class::new("CompositeProcessor", 90, "processor.CompositeProcessor");
const CONDITIONAL: Class = Class::new("ConditionalProcessor", 91, "processor.ConditionalProcessor");
const PUT: Class = Class::new("ConditionalPut", 92, "processor.ConditionalPut");
const PUT_ALL: Class = Class::new("ConditionalPutAll", 93, "processor.ConditionalPutAll");
const REMOVE: Class = Class::new("ConditionalRemove", 94, "processor.ConditionalRemove");
const EXTRACT: Class = Class::new("ExtractorProcessor", 95, "processor.ExtractorProcessor");
const INCREMENT: Class = Class::new("NumberIncrementor", 96, "processor.NumberIncrementor");
const MULTIPLY: Class = Class::new("NumberMultiplier", 97, "processor.NumberMultiplier");
const PRELOAD: Class = Class::new("PreloadRequest", 98, "processor.PreloadRequest");
const PROPERTY: Class = Class::new("PropertyManipulator", 99, "processor.PropertyManipulator");
const UPDATE: Class = Class::new("UpdaterProcessor", 100, "processor.UpdaterProcessor");
const VERSIONED_PUT: Class = Class::new("VersionedPut", 101, "processor.VersionedPut");
const VERSIONED_PUT_ALL: Class = Class::new("VersionedPutAll", 102, "processor.VersionedPutAll");
const TOUCH: Class = Class::new("TouchProcessor", 105, "processor.TouchProcessor");

/// An entry processor whose result for an entry is an `R`, or null. It runs on an entry alone: no other change of the
/// entry comes in between. Cheap to clone.
pub struct Processor<R> {
    object: Object,
    result: PhantomData<fn() -> R>,
}

impl<R> Clone for Processor<R> {
    fn clone(&self) -> Self {
        Self::new(self.object.clone())
    }
}

impl<R> fmt::Debug for Processor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Processor").field(&self.object).finish()
    }
}

impl<R> Processor<R> {
    fn new(object: Object) -> Self {
        Self { object, result: PhantomData }
    }

    /// Returns the complete binary that a grid takes for it.
    ///
    /// # Errors
    /// As those of [`Filter::to_binary`].
    pub fn to_binary(
        &self,
        format: Format,
        pof: &PofContext,
        json: &JsonClasses,
    ) -> Result<Bytes, SerializerError> {
        self.object.to_binary(format, pof, json)
    }

    /// Runs the processor only where `filter` is true of the entry.
    pub fn only_if(self, filter: impl Into<Filter>) -> Self {
        Self::new(Object::new(
            &CONDITIONAL,
            [
                both(0, "filter", Part::Object(filter.into().0)),
                both(1, "processor", Part::Object(self.object)),
            ],
        ))
    }
}

impl<S> Processor<Vec<Option<S>>> {
    /// Runs the processors one after the other. Returns the list of their results.
    pub fn several(several: impl IntoIterator<Item = Processor<S>>) -> Self {
        let several = several.into_iter().map(|processor| processor.object).collect();
        Self::new(Object::new(&COMPOSITE, [both(0, "processors", Part::Objects(several))]))
    }
}

impl<V: Serialize + Send + Sync + 'static> Processor<V> {
    /// Puts the value where `filter` is true of the entry. Returns the value that kept it from being put, if any.
    ///
    /// The entry expires as the map is configured.
    pub fn put_if(filter: impl Into<Filter>, value: V) -> Self {
        Self::new(Object::new(
            &PUT,
            [
                both(0, "filter", Part::Object(filter.into().0)),
                both(1, "value", Part::Value(Literal::new(value))),
                both(2, "return", Part::Boolean(true)),
            ],
        ))
    }

    /// Puts the value where the entry is absent. Returns the value of an entry that is present.
    pub fn put_if_absent(value: V) -> Self {
        Self::put_if(!Filter::present(), value)
    }

    /// Puts the value where it has the version of the entry, and raises the version. The class of the values implements
    /// Java's `Versionable`. Returns the value of an entry with another version.
    pub fn versioned_put(value: V, insert: bool) -> Self {
        Self::new(Object::new(
            &VERSIONED_PUT,
            [
                both(0, "value", Part::Value(Literal::new(value))),
                both(1, "insert", Part::Boolean(insert)),
                both(2, "return", Part::Boolean(true)),
            ],
        ))
    }

    /// As [`Processor::versioned_put`], for each key the value of its own. Keys without a value here keep theirs.
    pub fn versioned_put_all<K: Serialize + Send + Sync + 'static>(
        entries: impl IntoIterator<Item = (K, V)>,
        insert: bool,
    ) -> Self {
        Self::new(Object::new(
            &VERSIONED_PUT_ALL,
            [
                both(0, "entries", Part::Map(pairs(entries))),
                both(1, "insert", Part::Boolean(insert)),
                both(2, "return", Part::Boolean(true)),
            ],
        ))
    }
}

impl Processor<()> {
    /// Puts for each key the value of its own, where `filter` is true of the entry. Keys without a value here keep theirs.
    pub fn put_all_if<K, V>(filter: impl Into<Filter>, entries: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Serialize + Send + Sync + 'static,
        V: Serialize + Send + Sync + 'static,
    {
        Self::new(Object::new(
            &PUT_ALL,
            [both(0, "filter", Part::Object(filter.into().0)), both(1, "entries", Part::Map(pairs(entries)))],
        ))
    }

    /// Makes the entry young again: it expires as if it had been put now.
    pub fn touch() -> Self {
        Self::new(Object::new(&TOUCH, []))
    }

    /// Loads the entry from the cache store of the map, if it is not there yet, and returns nothing.
    pub fn preload() -> Self {
        Self::new(Object::new(&PRELOAD, []))
    }
}

impl<R> Processor<R> {
    /// Removes the entry where `filter` is true of it. Returns the value that kept it from being removed, if any: the
    /// result is a value of the map.
    pub fn remove_if(filter: impl Into<Filter>) -> Self {
        Self::new(Object::new(
            &REMOVE,
            [both(0, "filter", Part::Object(filter.into().0)), both(1, "return", Part::Boolean(true))],
        ))
    }

    /// Returns what `extractor` makes of the entry.
    pub fn extract(extractor: impl Into<Extractor>) -> Self {
        Self::new(Object::new(&EXTRACT, [both(0, "extractor", Part::Object(extractor.into().0))]))
    }
}

impl Processor<bool> {
    /// Sets the part of the value to which `updater` leads. Returns true, and false where there is no entry.
    pub fn update(updater: impl Into<Updater>, value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::new(Object::new(
            &UPDATE,
            [
                both(0, "updater", Part::Object(updater.into().0)),
                both(1, "value", Part::Value(Literal::new(value))),
            ],
        ))
    }
}

impl<N: Serialize + Send + Sync + 'static> Processor<N> {
    /// Adds to the property `name`, written as in its methods: `Count` for `getCount` and `setCount`. Returns its new value.
    /// Its number is of the type of `by`.
    pub fn increment(name: impl Into<String>, by: N) -> Self {
        Self::new(Object::new(
            &INCREMENT,
            [
                both(0, "manipulator", Part::Object(manipulator(name))),
                both(1, "increment", Part::Value(Literal::new(by))),
                both(2, "postInc", Part::Boolean(false)),
            ],
        ))
    }

    /// The same; returns the value before.
    pub fn increment_after(name: impl Into<String>, by: N) -> Self {
        Self::new(Object::new(
            &INCREMENT,
            [
                both(0, "manipulator", Part::Object(manipulator(name))),
                both(1, "increment", Part::Value(Literal::new(by))),
                both(2, "postInc", Part::Boolean(true)),
            ],
        ))
    }

    /// Adds to the property to which these indexes of POF lead. Returns its new value. The grid needs no class for the
    /// value. For maps of POF alone.
    pub fn increment_pof(path: impl IntoIterator<Item = i32> + Clone, by: N) -> Self {
        let part = Updater::within(Extractor::pof(path.clone()), Updater::pof(path));
        Self::new(Object::new(
            &INCREMENT,
            [
                both(0, "manipulator", Part::Object(part.0)),
                both(1, "increment", Part::Value(Literal::new(by))),
                both(2, "postInc", Part::Boolean(false)),
            ],
        ))
    }

    /// Multiplies the property `name`. Returns its new value.
    pub fn multiply(name: impl Into<String>, by: N) -> Self {
        Self::new(Object::new(
            &MULTIPLY,
            [
                both(0, "manipulator", Part::Object(manipulator(name))),
                both(1, "multiplier", Part::Value(Literal::new(by))),
                both(2, "postMultiplication", Part::Boolean(false)),
            ],
        ))
    }
}

fn manipulator(name: impl Into<String>) -> Object {
    Object::new(
        &PROPERTY,
        [both(0, "name", Part::Text(name.into())), both(1, "useIsPrefix", Part::Boolean(false))],
    )
}

fn pairs<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Vec<(Literal, Literal)>
where
    K: Serialize + Send + Sync + 'static,
    V: Serialize + Send + Sync + 'static,
{
    entries.into_iter().map(|(key, value)| (Literal::new(key), Literal::new(value))).collect()
}
