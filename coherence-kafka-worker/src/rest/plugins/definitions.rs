//! The settings of a class as user interfaces show them.

use coherence_kafka_connect::config::def::{ConfigDef, Definition};
use coherence_kafka_connect::config::{SINK_KEYS, SOURCE_KEYS};

use super::VERSION;
use crate::description::{ConnectorType, Description};
use crate::plugin::Plugin;

/// The settings that Connect gives every connector of this kind.
pub(super) fn common(kind: ConnectorType) -> &'static ConfigDef {
    match kind {
        ConnectorType::Sink => &SINK_KEYS,
        ConnectorType::Source => &SOURCE_KEYS,
    }
}

/// The settings that only this connector has.
pub(super) fn own(connector: &Description) -> Vec<Definition> {
    let common = common(connector.kind);
    let mut own = connector.settings.definitions();
    own.retain(|definition| common.key(&definition.name).is_none());
    own
}

/// Returns the full name of a class, which may be given by an alias, and its settings; `None` where it is unknown.
pub(super) fn of(plugin: &dyn Plugin, name: &str) -> Option<(&'static str, Vec<Definition>)> {
    let connector = plugin.description();
    if let (true, Some(class)) = (connector.classes.contains(&name), connector.classes.first()) {
        let common = common(connector.kind).definitions().into_iter().map(|mut definition| {
            if definition.name == "connector.plugin.version" {
                definition.default_value = Some(VERSION.to_owned());
            }
            definition
        });
        return Some((class, own(connector).into_iter().chain(common).collect()));
    }
    let desc = plugin.plugins().iter().find(|desc| desc.is_named(name))?;
    Some((desc.class, desc.settings.definitions()))
}
