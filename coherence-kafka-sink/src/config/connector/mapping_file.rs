//! `coherence.mapping.file`: the types of entries.

use std::sync::Arc;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::mapping::Mapping;
use coherence_kafka_worker::config::mapping_file;

use super::{Check, MapNames, Topics};

const MAPPING_FILE: &str = mapping_file::SETTING;

impl Check<'_> {
    /// Reads the mapping file, whose types must have a form in the format of the maps.
    pub(super) fn mapping_file(
        &mut self,
        values: &Values,
        format: Format,
        topics: Option<&Topics>,
        names: &MapNames,
    ) -> Option<Arc<Mapping>> {
        let path = values.text(MAPPING_FILE)?;
        if values.boolean("coherence.passthrough") {
            self.error(
                MAPPING_FILE,
                "needs coherence.passthrough=false: bytes that pass through have their types",
            );
        }
        if format == Format::Java {
            self.error(
                MAPPING_FILE,
                "needs coherence.session.format=pof or json: a map in java has no form for objects that this program can \
                 write",
            );
            return None;
        }
        let property = self.property(MAPPING_FILE);
        let mapping = mapping_file::of_setting(path, format, property, self.findings)?;
        // A transform may change the topic of a record.
        let transformed = self.property("transforms").is_some();
        let shown = property.filter(|property| !property.secret && !transformed);
        if let (Some(Topics::List(topics)), Some(property)) = (topics, shown) {
            let written: Vec<_> = topics.iter().filter_map(|topic| names.map_of(topic).ok()).collect();
            for map in mapping.maps().filter(|map| !written.iter().any(|name| name == map)) {
                self.findings.warning(property, format!("describes map {map}, which no topic goes to"));
            }
        }
        Some(mapping)
    }
}
