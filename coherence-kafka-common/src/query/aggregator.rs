//! One result over many entries.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;

use super::decimal::Decimal;
use super::extractor::Extractor;
use super::filter::Filter;
use super::object::{Class, Object, Part, Property, both, in_json, in_pof};
use crate::map::Format;
use crate::pof::PofContext;
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

const AVERAGE: Class = Class::new("BigDecimalAverage", 20, "aggregator.BigDecimalAverage");
const SUM: Class = Class::new("BigDecimalSum", 23, "aggregator.BigDecimalSum");
const MAX: Class = Class::new("ComparableMax", 24, "aggregator.ComparableMax");
const MIN: Class = Class::new("ComparableMin", 25, "aggregator.ComparableMin");
const SEVERAL: Class = Class::new("CompositeAggregator", 26, "aggregator.CompositeAggregator");
const COUNT: Class = Class::new("Count", 28, "aggregator.Count");
const DISTINCT: Class = Class::new("DistinctValues", 29, "aggregator.DistinctValues");
const DOUBLE_AVERAGE: Class = Class::in_pof("DoubleAverage", 30);
const DOUBLE_SUM: Class = Class::in_pof("DoubleSum", 33);
const GROUP: Class = Class::new("GroupAggregator", 34, "aggregator.GroupAggregator");
const LONG_SUM: Class = Class::in_pof("LongSum", 38);
const INVERSE: Class = Class::new("InverseComparator", 42, "comparator.InverseComparator");
const SAFE: Class = Class::new("SafeComparator", 43, "comparator.SafeComparator");
const EXTRACTED: Class = Class::new("ReducerAggregator", 250, "aggregator.ReducerAggregator");
const TOP: Class = Class::new("TopNAggregator", 252, "aggregator.TopNAggregator");

/// An aggregator whose result is an `R`. `Option` where there is none over no entries. Null is left out of what it
/// computes. Cheap to clone.
pub struct Aggregator<R> {
    object: Object,
    result: PhantomData<fn() -> R>,
}

impl<R> Clone for Aggregator<R> {
    fn clone(&self) -> Self {
        Self::new(self.object.clone())
    }
}

impl<R> fmt::Debug for Aggregator<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Aggregator").field(&self.object).finish()
    }
}

impl<R> Aggregator<R> {
    fn new(object: Object) -> Self {
        Self { object, result: PhantomData }
    }

    fn of(
        class: &'static Class,
        extractor: impl Into<Extractor>,
        more: impl IntoIterator<Item = Property>,
    ) -> Self {
        let common = [
            both(0, "parallel", Part::Boolean(false)),
            both(1, "extractor", Part::Object(extractor.into().0)),
        ];
        Self::new(Object::new(class, common.into_iter().chain(more)))
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

    /// This result for each group of entries for which `extractor` returns the same.
    pub fn by<G>(self, extractor: impl Into<Extractor>) -> Aggregator<HashMap<G, R>> {
        self.grouped(extractor, Part::Null)
    }

    /// The same for the groups whose result, as its [`Extractor::identity`], fulfils `having`.
    pub fn by_having<G>(
        self,
        extractor: impl Into<Extractor>,
        having: impl Into<Filter>,
    ) -> Aggregator<HashMap<G, R>> {
        self.grouped(extractor, Part::Object(having.into().0))
    }

    fn grouped<G>(self, extractor: impl Into<Extractor>, having: Part) -> Aggregator<HashMap<G, R>> {
        Aggregator::new(Object::new(
            &GROUP,
            [
                both(0, "extractor", Part::Object(extractor.into().0)),
                both(1, "aggregator", Part::Object(self.object)),
                both(2, "filter", having),
            ],
        ))
    }
}

impl<S> Aggregator<Vec<S>> {
    /// The list of the results of several aggregators.
    pub fn several(several: impl IntoIterator<Item = Aggregator<S>>) -> Self {
        let several = several.into_iter().map(|aggregator| aggregator.object).collect();
        Self::new(Object::new(&SEVERAL, [both(0, "aggregators", Part::Objects(several))]))
    }
}

impl Aggregator<i32> {
    /// The number of entries.
    pub fn count() -> Self {
        Self::new(Object::new(&COUNT, []))
    }
}

/// A grid whose own serializer is JSON refuses them, from Java too: its members have no form for parts of the result.
impl Aggregator<Option<Decimal>> {
    /// The exact sum of numbers of any type.
    pub fn sum(extractor: impl Into<Extractor>) -> Self {
        Self::of(&SUM, extractor, [in_json("m_fStripTrailingZeros", Part::Boolean(false))])
    }

    /// The average of numbers of any type, to eight digits behind the point.
    pub fn average(extractor: impl Into<Extractor>) -> Self {
        Self::of(&AVERAGE, extractor, [in_json("m_fStripTrailingZeros", Part::Boolean(false))])
    }
}

impl Aggregator<Option<i64>> {
    /// The sum of numbers as `long`s, which wraps. For maps of POF alone: grids do not have it in JSON.
    pub fn long_sum(extractor: impl Into<Extractor>) -> Self {
        Self::of(&LONG_SUM, extractor, [])
    }
}

impl Aggregator<Option<f64>> {
    /// The sum of numbers as `double`s. For maps of POF alone: grids do not have it in JSON.
    pub fn double_sum(extractor: impl Into<Extractor>) -> Self {
        Self::of(&DOUBLE_SUM, extractor, [])
    }

    /// The average of numbers as a `double`. For maps of POF alone: grids do not have it in JSON.
    pub fn double_average(extractor: impl Into<Extractor>) -> Self {
        Self::of(&DOUBLE_AVERAGE, extractor, [])
    }
}

impl<T> Aggregator<Option<T>> {
    /// The least of what `extractor` returns.
    pub fn min(extractor: impl Into<Extractor>) -> Self {
        Self::of(&MIN, extractor, [in_pof(2, Part::Null)])
    }

    /// The greatest of what `extractor` returns.
    pub fn max(extractor: impl Into<Extractor>) -> Self {
        Self::of(&MAX, extractor, [in_pof(2, Part::Null)])
    }
}

impl<T> Aggregator<Vec<T>> {
    /// What `extractor` returns, each value once, in no order.
    pub fn distinct(extractor: impl Into<Extractor>) -> Self {
        Self::of(&DISTINCT, extractor, [])
    }

    /// The greatest `count` of what `extractor` returns, the greatest first.
    pub fn top(extractor: impl Into<Extractor>, count: u16) -> Self {
        Self::first(extractor, safe(), count)
    }

    /// The least `count` of what `extractor` returns, the least first.
    pub fn bottom(extractor: impl Into<Extractor>, count: u16) -> Self {
        let inverse = Object::new(
            &INVERSE,
            [both(0, "comparator", Part::Object(safe())), both(1, "nullFirst", Part::Boolean(true))],
        );
        Self::first(extractor, inverse, count)
    }

    fn first(extractor: impl Into<Extractor>, comparator: Object, count: u16) -> Self {
        let more = [
            both(2, "comparator", Part::Object(comparator)),
            both(3, "results", Part::Int(i32::from(count))),
        ];
        Self::of(&TOP, extractor, more)
    }
}

impl<K, T> Aggregator<HashMap<K, T>> {
    /// What `extractor` returns for each key.
    pub fn extracted(extractor: impl Into<Extractor>) -> Self {
        Self::of(&EXTRACTED, extractor, [])
    }
}

/// The natural order, null before everything.
fn safe() -> Object {
    Object::new(&SAFE, [in_pof(0, Part::Null), both(1, "nullFirst", Part::Boolean(true))])
}
