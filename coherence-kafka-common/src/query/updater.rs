//! Where a processor writes to.

use super::extractor::{Extractor, pof_path};
use super::object::{Class, Object, Part, both, in_pof};

const COMPOSITE: Class = Class::new("CompositeUpdater", 51, "extractor.CompositeUpdater");
const REFLECTION: Class = Class::in_pof("ReflectionUpdater", 56);
const POF: Class = Class::in_pof("PofUpdater", 59);
const UNIVERSAL: Class = Class::new("UniversalUpdater", 193, "extractor.UniversalUpdater");

/// The part of a value that a processor changes. A text is a property, as for an [`Extractor`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Updater(pub(super) Object);

impl Updater {
    /// The property `name`, by its method `setName`, or in a map under that key. `"name()"` calls the method of this name.
    pub fn property(name: impl Into<String>) -> Self {
        Self(Object::new(&UNIVERSAL, [both(0, "name", Part::Text(name.into()))]))
    }

    /// By the method `name`, by reflection. For maps of POF alone: grids do not have it in JSON.
    pub fn method(name: impl Into<String>) -> Self {
        Self(Object::new(&REFLECTION, [in_pof(0, Part::Text(name.into()))]))
    }

    /// The property to which these indexes of POF lead. The grid needs no class for the value. For maps of POF alone.
    pub fn pof(path: impl IntoIterator<Item = i32>) -> Self {
        Self(Object::new(&POF, [in_pof(0, Part::Object(pof_path(path)))]))
    }

    /// What `updater` changes of what `extractor` returns: `Updater::within("address", "city")`.
    pub fn within(extractor: impl Into<Extractor>, updater: impl Into<Updater>) -> Self {
        Self(Object::new(
            &COMPOSITE,
            [
                both(0, "extractor", Part::Object(extractor.into().0)),
                both(1, "updater", Part::Object(updater.into().0)),
            ],
        ))
    }
}

impl From<&str> for Updater {
    fn from(name: &str) -> Self {
        Self::property(name)
    }
}
