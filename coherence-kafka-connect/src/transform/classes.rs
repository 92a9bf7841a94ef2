//! The classes of transforms and predicates that a configuration can name.

use super::class::{PredicateClass, TransformClass};
use super::{
    cast, debezium, drop_headers, extract_field, filter, flatten, header_from, hoist_field, insert_field,
    insert_header, mask_field, predicates, replace_field, routers, set_schema_metadata, timestamp_converter,
    value_to_key,
};
use crate::config::def::{PluginDesc, PluginType};

/// Every transform of this crate, by the full name of its class.
pub(super) static TRANSFORMS: [TransformClass; 31] = [
    cast::CLASSES[0],
    cast::CLASSES[1],
    drop_headers::CLASS,
    extract_field::CLASSES[0],
    extract_field::CLASSES[1],
    filter::CLASS,
    flatten::CLASSES[0],
    flatten::CLASSES[1],
    header_from::CLASSES[0],
    header_from::CLASSES[1],
    hoist_field::CLASSES[0],
    hoist_field::CLASSES[1],
    insert_field::CLASSES[0],
    insert_field::CLASSES[1],
    insert_header::CLASS,
    mask_field::CLASSES[0],
    mask_field::CLASSES[1],
    routers::CLASSES[0],
    replace_field::CLASSES[0],
    replace_field::CLASSES[1],
    set_schema_metadata::CLASSES[0],
    set_schema_metadata::CLASSES[1],
    timestamp_converter::CLASSES[0],
    timestamp_converter::CLASSES[1],
    routers::CLASSES[1],
    value_to_key::CLASS,
    debezium::EXTRACT_NEW_RECORD_STATE,
    debezium::EXTRACT_NEW_DOCUMENT_STATE,
    debezium::BY_LOGICAL_TABLE_ROUTER,
    debezium::TYPES[0],
    debezium::TYPES[1],
];

/// Every predicate of this crate, by the full name of its class.
pub(super) static PREDICATES: [PredicateClass; 3] =
    [predicates::HAS_HEADER_KEY, predicates::RECORD_IS_TOMBSTONE, predicates::TOPIC_NAME_MATCHES];

/// The classes that a configuration can name: those of this crate, and those that a program adds.
#[derive(Debug, Clone)]
pub struct Classes {
    transforms: Vec<TransformClass>,
    predicates: Vec<PredicateClass>,
}

impl Default for Classes {
    /// Returns the classes of this crate.
    fn default() -> Self {
        Self { transforms: TRANSFORMS.to_vec(), predicates: PREDICATES.to_vec() }
    }
}

impl Classes {
    /// Adds a class of transforms.
    #[must_use]
    pub fn with_transform(mut self, class: TransformClass) -> Self {
        self.transforms.push(class);
        self
    }

    /// Adds a class of predicates.
    #[must_use]
    pub fn with_predicate(mut self, class: PredicateClass) -> Self {
        self.predicates.push(class);
        self
    }

    /// Every class as user interfaces show it, the transforms first.
    pub fn descs(&self) -> impl Iterator<Item = PluginDesc> {
        let transforms = self.transforms.iter().map(TransformClass::desc);
        transforms.chain(self.predicates.iter().map(PredicateClass::desc))
    }

    /// Returns the class of transforms of this name, full or an alias.
    ///
    /// # Errors
    /// Why there is none, in Connect's words for the setting `key`.
    pub(super) fn transform(&self, key: &str, name: &str) -> Result<&TransformClass, String> {
        let class = self.transforms.iter().find(|class| class.desc().is_named(name));
        class.ok_or_else(|| self.refusal(PluginType::Transformation, key, name))
    }

    /// Returns the class of predicates of this name, full or an alias.
    ///
    /// # Errors
    /// As [`Classes::transform`].
    pub(super) fn predicate(&self, key: &str, name: &str) -> Result<&PredicateClass, String> {
        let class = self.predicates.iter().find(|class| class.desc().is_named(name));
        class.ok_or_else(|| self.refusal(PluginType::Predicate, key, name))
    }

    fn refusal(&self, kind: PluginType, key: &str, name: &str) -> String {
        let known: Vec<_> = self.descs().filter(|desc| desc.kind == kind).map(|desc| desc.class).collect();
        let inside: Vec<_> = known.iter().copied().filter(|class| is_inside(class, name)).collect();
        if let Some(other) = self.descs().find(|desc| desc.is_named(name)) {
            format!("Class class {} does not implement the {} interface", other.class, kind.interface())
        } else if inside.is_empty() {
            let known = known.join(", ");
            format!(
                "Invalid value {name} for configuration {key}: Class {name} could not be found; known are {known}"
            )
        } else {
            let inside = inside.join(", ");
            format!("This class is abstract and cannot be created. Did you mean {inside}?")
        }
    }
}

/// Returns whether a class is inside the class `outer`, which may be given by its simple name.
fn is_inside(class: &str, outer: &str) -> bool {
    let inside = |class: &str| class.strip_prefix(outer).is_some_and(|rest| rest.starts_with('$'));
    inside(class) || class.rsplit('.').next().is_some_and(inside)
}
