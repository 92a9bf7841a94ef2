//! The converters of a source, its transforms and its mapping file.
//!
//! A connector's own converter counts, else the worker's, as in Kafka Connect. Serializers and pass-through come first:
//! a source that names them uses no converter.

use std::sync::Arc;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};
use coherence_kafka_connect::converter::{Converter, Role};
use coherence_kafka_connect::decode::Decoder;
use coherence_kafka_connect::mapping::Mapping;
use coherence_kafka_connect::transform::Classes;
use coherence_kafka_core::Conversion;
use coherence_kafka_worker::config::{create_converter, create_header_converter, mapping_file, transforms};

use super::table;

const CHANGES_KEYS: &str = "changes the key of a record, by which a source finds the entry of the map: choose a \
                            transform of values or headers";
const CHANGES_TOPICS: &str =
    "changes the topic of a record, which coherence.cache.mappings chooses: set the topic there";
const ROUTERS: [&str; 3] = ["RegexRouter", "TimestampRouter", "ByLogicalTableRouter"];

/// Where converters are set.
#[derive(Clone, Copy)]
pub(super) struct Converters<'a> {
    /// The settings of the connector, or of the source's own file.
    pub own: &'a Properties,
    /// The settings of the worker, if there is one.
    pub worker: Option<&'a Properties>,
    /// The values of the settings.
    pub values: &'a Values,
    /// The serializer of the maps.
    pub format: Format,
}

impl<'a> Converters<'a> {
    /// Returns whether a converter of keys or values is set.
    pub(super) fn are_set(&self) -> bool {
        [Role::Key, Role::Value].iter().any(|role| self.place(*role).get(role.property()).is_some())
    }

    /// Returns how records are made. What depends on the map is still missing.
    pub(super) fn conversion(
        &self,
        findings: &mut ConfigErrors,
    ) -> Option<(Conversion, Option<Arc<Mapping>>)> {
        let key = self.converter(Role::Key, findings);
        let value = self.converter(Role::Value, findings);
        self.report_options(Role::Header, findings);
        let header = create_header_converter(self.place(Role::Header), findings);
        let transforms = transforms(&Classes::default(), self.own, findings);
        self.check_transforms(findings);
        let mapping = self.mapping(findings);
        let decoder = Decoder { format: self.format, typed: None };
        let transforms = Arc::new(transforms?);
        Some((Conversion { decoder, key: key?, value: value?, header: header?, transforms }, mapping))
    }

    /// Reports what is set and has no effect, because of `cause`.
    pub(super) fn report_unused(&self, cause: &str, findings: &mut ConfigErrors) {
        let roles = [Role::Key, Role::Value, Role::Header];
        for property in roles.iter().filter_map(|role| self.own.get(role.property())) {
            findings.warning(property, format!("has no effect with {cause}"));
        }
        let set = |key| self.own.get(key).filter(|property| !property.trimmed().is_empty());
        for property in [table::TRANSFORMS, table::MAPPING_FILE].into_iter().filter_map(set) {
            let why = format!("needs key.converter and value.converter, which have no effect with {cause}");
            findings.error(property, why);
        }
    }

    /// Returns the settings that hold the class of a converter and its options.
    fn place(&self, role: Role) -> &'a Properties {
        let own = self.own.get(role.property()).is_some();
        self.worker.filter(|_| !own).unwrap_or(self.own)
    }

    fn converter(&self, role: Role, findings: &mut ConfigErrors) -> Option<Arc<dyn Converter>> {
        self.report_options(role, findings);
        let (key, place) = (role.property(), self.place(role));
        let Some(class) = place.get(key) else {
            let why = "must be set, in the worker or in the connector: the other converter is";
            findings.error_at(None, key, why);
            return None;
        };
        create_converter(role, class, place, findings)
    }

    fn report_options(&self, role: Role, findings: &mut ConfigErrors) {
        let key = role.property();
        let options = || self.own.below(&format!("{key}.")).map(|(_, property)| property.clone()).next();
        if self.own.get(key).is_none()
            && let Some(property) = options()
        {
            let why =
                format!("without effect: options count only where {key} is set in the same configuration");
            findings.warning(&property, why);
        }
    }

    /// Refuses transforms that are known to change what belongs to the map. What is not known is refused record by
    /// record.
    fn check_transforms(&self, findings: &mut ConfigErrors) {
        let aliases = self.own.get(table::TRANSFORMS).map_or("", Property::trimmed).split(',').map(str::trim);
        for property in aliases.filter_map(|alias| self.own.get(&format!("transforms.{alias}.type"))) {
            let simple = property.trimmed().rsplit('.').next().unwrap_or_default();
            if simple.ends_with("$Key") || simple == "ValueToKey" {
                findings.error(property, CHANGES_KEYS);
            } else if ROUTERS.contains(&simple) {
                findings.error(property, CHANGES_TOPICS);
            }
        }
    }

    fn mapping(&self, findings: &mut ConfigErrors) -> Option<Arc<Mapping>> {
        const KEY: &str = table::MAPPING_FILE;
        let path = self.values.text(KEY)?;
        let property = self.own.get(KEY);
        let refused = match self.format {
            Format::Pof => None,
            Format::Json => Some(
                "needs coherence.session.format=pof: objects of a map in JSON have the names of their fields",
            ),
            Format::Java => {
                Some("needs coherence.session.format=pof: only Java can read the objects of a map in java")
            }
        };
        if let Some(why) = refused {
            findings.error_at(property, KEY, why);
            return None;
        }
        mapping_file::of_setting(path, self.format, property, findings)
    }
}
