//! Transforms and predicates: lists of aliases, each with a class and the settings of that class.

use std::borrow::Cow;
use std::collections::HashSet;

use coherence_kafka_connect::config::def::{
    ConfigInfo, ConfigKey, DefaultValue, Given, Importance, Kind, PluginType, Typed, Validator, Width, key,
};

use super::classes;
use super::values::Request;
use crate::plugin::Plugin;

const TYPE: ConfigKey =
    key("type", Kind::Class, DefaultValue::Required, Validator::Any, ("", Importance::High), "").displayed(
        0,
        Width::Long,
        "",
    );
const PLUGIN_VERSION: ConfigKey =
    key("plugin.version", Kind::String, DefaultValue::Null, Validator::Any, ("", Importance::High), "")
        .displayed(1, Width::Long, "");

/// What every transform has.
const OF_TRANSFORMS: [ConfigKey; 2] = [
    key(
        "predicate",
        Kind::String,
        DefaultValue::Null,
        Validator::Any,
        ("", Importance::Medium),
        "The alias of a predicate used to determine whether to apply this transformation.",
    ),
    key(
        "negate",
        Kind::Boolean,
        DefaultValue::Text("false"),
        Validator::Any,
        ("", Importance::Medium),
        "Whether the configured predicate should be negated.",
    ),
];

/// Returns the settings below the aliases of the list of this kind, group by group.
pub(super) fn infos(plugin: &dyn Plugin, request: &Request, kind: PluginType) -> Vec<ConfigInfo> {
    let (list, title) = match kind {
        PluginType::Transformation => ("transforms", "Transforms"),
        _ => ("predicates", "Predicates"),
    };
    let exists = plugin.plugins().iter().any(|desc| desc.kind == kind);
    let (true, Given::Text(text)) = (exists, request.given(list)) else { return Vec::new() };
    // An alias is part of keys and groups, which are shown.
    if request.has_variable(list) {
        return Vec::new();
    }
    let Ok(Typed::List(aliases)) = Kind::List.parse(text) else { return Vec::new() };
    let mut infos = Vec::new();
    let mut seen = HashSet::new();
    for alias in aliases.iter().filter(|alias| seen.insert(alias.as_str())) {
        let prefix = format!("{list}.{alias}.");
        let mut of_alias = alias_infos(plugin, request, kind, &prefix, alias);
        for definition in of_alias.iter_mut().filter_map(|info| info.definition.as_mut()) {
            definition.group = Some(format!("{title}: {alias}"));
        }
        infos.append(&mut of_alias);
    }
    infos
}

fn alias_infos(
    plugin: &dyn Plugin,
    request: &Request,
    kind: PluginType,
    prefix: &str,
    alias: &str,
) -> Vec<ConfigInfo> {
    let interface = kind.interface();
    let full = |key: &ConfigKey| format!("{prefix}{}", key.name);
    let mut class = request.info(&TYPE, prefix, &full(&TYPE));
    let desc = classes::complete(plugin, request, kind, &mut class);
    let (negate, predicate) = (format!("{prefix}negate"), format!("{prefix}predicate"));
    if kind == PluginType::Transformation
        && request.given(&negate) != Given::Absent
        && request.given(&predicate) == Given::Absent
    {
        class.value.errors.push(format!(
            "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."
        ));
    }
    let mut version = request.info(&PLUGIN_VERSION, prefix, &full(&PLUGIN_VERSION));
    classes::complete_version(&mut version, desc.is_some());
    for (info, word) in [(&mut class, "type"), (&mut version, "version")] {
        if let Some(definition) = &mut info.definition {
            let (kind, what) =
                (interface.to_lowercase(), if word == "type" { "Class for" } else { "Version of" });
            definition.documentation = Cow::Owned(format!("{what} the '{alias}' {kind}."));
            definition.display_name = format!("{interface} {word} for {alias}");
        }
    }
    let mut infos = vec![class, version];
    let Some(desc) = desc else { return infos };
    let implicit: &[ConfigKey] = if kind == PluginType::Transformation { &OF_TRANSFORMS } else { &[] };
    let mut keys: Vec<&ConfigKey> = implicit.iter().chain(desc.settings.keys).collect();
    // `ConfigDef.sortedConfigs`: required ones first, then by importance, then by name.
    keys.sort_by_key(|key| (key.default != DefaultValue::Required, key.importance as u8, key.name));
    for (key, order) in keys.into_iter().zip(2..) {
        let mut info = request.info(key, prefix, &full(key));
        if let Some(definition) = &mut info.definition {
            definition.order_in_group = order;
        }
        infos.push(info);
    }
    infos
}
