//! Settings that name a class, and the version of it.

use coherence_kafka_connect::config::def::{ConfigInfo, Given, PluginDesc, PluginType, trim};

use super::VERSION;
use super::values::Request;
use crate::plugin::Plugin;

/// Completes a setting that names a class of this kind: its choices, its full name, or why it is refused. Returns the class
/// that it names, not the one that it has by default.
pub(super) fn complete<'p>(
    plugin: &'p dyn Plugin,
    request: &Request,
    kind: PluginType,
    info: &mut ConfigInfo,
) -> Option<&'p PluginDesc> {
    let of_kind = plugin.plugins().iter().filter(|desc| desc.kind == kind);
    info.value.recommended_values = of_kind.map(|desc| desc.class.to_owned()).collect();
    let name = info.value.name.clone();
    let Given::Text(text) = request.given(&name) else { return None };
    let class = trim(text);
    if let Some(desc) = find(plugin, kind, class) {
        info.value.value = request.shown(&name, Some(desc.class.to_owned()));
        return Some(desc);
    }
    let shown = request.shown(&name, Some(class.to_owned())).unwrap_or_default();
    let known = || {
        let connectors = plugin.description().classes.iter().copied();
        plugin.plugins().iter().map(|desc| desc.class).chain(connectors)
    };
    let inner: Vec<_> = known().filter(|other| is_inside(other, class)).collect();
    let why = if known().any(|other| other == class) {
        format!("Class class {shown} does not implement the {} interface", kind.interface())
    } else if !inner.is_empty() && shown == class {
        format!("This class is abstract and cannot be created. Did you mean {}?", inner.join(", "))
    } else {
        info.value.value = None;
        format!("Invalid value {shown} for configuration {name}: Class {shown} could not be found.")
    };
    info.value.errors.push(why);
    None
}

/// Returns the class of this kind that a setting names, by its full name or an alias.
pub(super) fn find<'p>(plugin: &'p dyn Plugin, kind: PluginType, name: &str) -> Option<&'p PluginDesc> {
    let name = trim(name);
    plugin.plugins().iter().find(|desc| desc.kind == kind && desc.is_named(name))
}

/// Returns whether a class is inside another one.
fn is_inside(class: &str, outer: &str) -> bool {
    class.strip_prefix(outer).is_some_and(|rest| rest.starts_with('$'))
}

/// Completes the setting of a version. There is one version of each class, and what is asked for makes no difference.
pub(super) fn complete_version(info: &mut ConfigInfo, known: bool) {
    if !known {
        return;
    }
    info.value.recommended_values = vec![VERSION.to_owned()];
    info.value.value.get_or_insert_with(|| VERSION.to_owned());
    if let Some(definition) = &mut info.definition {
        definition.default_value = Some(VERSION.to_owned());
    }
}
