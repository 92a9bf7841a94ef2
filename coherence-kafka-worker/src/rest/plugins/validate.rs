//! A configuration of a request, setting by setting: definition, value, and why it is refused.
//!
//! The connector decides what is valid, as when it is created. Connect's own settings are checked by the connector's table
//! first, because Connect has a text for each fault there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coherence_kafka_connect::config::def::{
    ConfigInfo, ConfigInfos, ConfigKey, ConfigValue, Given, Kind, PluginType, Validator,
};
use coherence_kafka_connect::config::{ConfigErrors, Properties};
use coherence_kafka_connect::converter::SIMPLE_HEADER_CONVERTER;

use super::values::Request;
use super::{aliases, classes, definitions, overrides};
use crate::config::WorkerConfig;
use crate::description::Description;
use crate::load::ConnectorConfig;
use crate::plugin::Plugin;
use crate::worker::Worker;

const CLASS: &str = "connector.class";
const NULL: &str = "Null value can not be supplied as the configuration value.";

/// Validates settings for the connector that the path names as `plugin`.
///
/// # Errors
/// Why there is nothing to validate: the settings are not those of a connector that exists here.
pub(super) fn validate(worker: &Worker, plugin: &str, mut request: Request) -> Result<ConfigInfos, String> {
    let connector = worker.plugin().description();
    let Some(class) = request.written.get(CLASS).cloned() else {
        return Err(format!("the configuration contains no connector type: set {CLASS}"));
    };
    if !without_suffix(&class.value).ends_with(without_suffix(plugin)) {
        return Err(format!("Included connector type {} does not match request type {plugin}", class.value));
    }
    resolve(worker.config(), &mut request);
    if !request.resolved.get(CLASS).is_some_and(|class| connector.classes.contains(&class.trimmed())) {
        return Err(format!(
            "Failed to find any class that implements Connector and which name matches {}, available connectors are: {}",
            class.trimmed(),
            connector.classes.join(", ")
        ));
    }
    let answer = Answer::new(worker, &request);
    let texts: usize = answer.configs.iter().map(|info| info.value.errors.len()).sum();
    let prefixed = answer.prefixed.iter().filter(|info| !info.value.errors.is_empty()).count();
    Ok(ConfigInfos {
        name: class.value,
        error_count: texts + prefixed,
        groups: answer.groups,
        configs: answer.configs.into_iter().chain(answer.prefixed).collect(),
    })
}

/// Returns every error of the settings of a connector of this worker, each with its key.
pub(in crate::rest) fn errors(worker: &Worker, settings: &Properties) -> Vec<(String, String)> {
    let mut request = Request::of(settings.clone());
    resolve(worker.config(), &mut request);
    let Answer { configs, prefixed, .. } = Answer::new(worker, &request);
    let values = configs.into_iter().chain(prefixed).map(|info| info.value);
    values.flat_map(|value| value.errors.into_iter().map(move |text| (value.name.clone(), text))).collect()
}

/// Resolves the variables. What is wrong with them is found again with the connector.
fn resolve(worker: &WorkerConfig, request: &mut Request) {
    let variables = worker.variables().of_requests();
    request.resolved = variables.resolve(&request.written, &mut ConfigErrors::default());
}

/// Both the path and the class may have the suffix or not.
fn without_suffix(class: &str) -> &str {
    class.strip_suffix("Connector").unwrap_or(class)
}

struct Answer {
    groups: Vec<String>,
    /// Settings of the connector: every text of an error counts.
    configs: Vec<ConfigInfo>,
    /// Settings of clients and converters: a setting with errors counts once.
    prefixed: Vec<ConfigInfo>,
}

impl Answer {
    fn new(worker: &Worker, request: &Request) -> Self {
        let config = worker.config();
        let plugin = worker.plugin();
        let mut answer = Self { groups: Vec::new(), configs: Vec::new(), prefixed: Vec::new() };
        answer.connector(config, plugin, request);
        answer.prefixed.extend(overrides::infos(config, plugin.description().kind, request));
        answer.converters(plugin, request);
        if let Err(found) = ConnectorConfig::of_request(worker.plugin(), config, &request.written) {
            answer.found(found, request);
        }
        answer
    }

    fn connector(&mut self, worker: &WorkerConfig, plugin: &dyn Plugin, request: &Request) {
        let connector = plugin.description();
        for key in definitions::common(connector.kind).keys {
            self.configs.push(common(worker, plugin, request, key));
        }
        for kind in [PluginType::Transformation, PluginType::Predicate] {
            self.configs.extend(aliases::infos(plugin, request, kind));
        }
        self.nulls(connector, request);
        for definition in definitions::own(connector) {
            let Some(key) = connector.settings.key(&definition.name) else { continue };
            let mut info = request.info(key, "", key.name);
            // The connector finds them itself.
            info.value.errors.clear();
            info.definition = Some(definition);
            if let Validator::OneOf(words) = key.validator {
                info.value.recommended_values = words.iter().map(|word| (*word).to_owned()).collect();
            }
            self.configs.push(info);
        }
        self.add_groups(|answer| &answer.configs);
    }

    /// Adds the errors of nulls. Where it is null, an own setting of the connector counts as absent.
    fn nulls(&mut self, connector: &Description, request: &Request) {
        let mut nulls: BTreeSet<&str> = request.nulls.iter().map(String::as_str).collect();
        for info in &mut self.configs {
            if nulls.remove(&*info.value.name) {
                info.value.errors.push(NULL.to_owned());
            }
        }
        let unknown = nulls.into_iter().filter(|key| connector.settings.key(key).is_none());
        self.configs.splice(0..0, unknown.map(|key| unknown_setting(key, None, vec![NULL.to_owned()])));
    }

    /// Adds the options of the converters that the connector names.
    fn converters(&mut self, plugin: &dyn Plugin, request: &Request) {
        for (setting, role, kind) in CONVERTERS {
            let valid = |info: &ConfigInfo| info.value.name == setting && info.value.errors.is_empty();
            let (true, Given::Text(class)) = (self.configs.iter().any(valid), request.given(setting)) else {
                continue;
            };
            let Some(desc) = classes::find(plugin, kind, class) else { continue };
            let prefix = format!("{setting}.");
            for key in desc.settings.keys {
                let mut info = request.info(key, &prefix, key.name);
                if key.name == "converter.type" && request.given(&info.value.name) == Given::Absent {
                    info.value.errors.clear();
                    info.value.value = Some(role.to_owned());
                }
                self.prefixed.push(info);
            }
        }
        self.add_groups(|answer| &answer.prefixed);
    }

    fn add_groups(&mut self, infos: impl Fn(&Self) -> &Vec<ConfigInfo>) {
        let found = infos(self).iter().filter_map(|info| info.definition.as_ref()?.group.clone());
        for group in found.collect::<Vec<_>>() {
            // The settings of a group are neighbours, or the group is one of a few.
            if self.groups.last() != Some(&group) && !self.groups.contains(&group) {
                self.groups.push(group);
            }
        }
    }

    /// Adds what the connector refuses, where the same fault is not shown already.
    fn found(&mut self, found: ConfigErrors, request: &Request) {
        let infos = self.configs.iter_mut().chain(&mut self.prefixed);
        let mut known: HashMap<String, (bool, &mut ConfigInfo)> =
            infos.map(|info| (info.value.name.clone(), (info.value.errors.is_empty(), info))).collect();
        let mut unknown: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for error in found.errors {
            match known.get_mut(&error.key) {
                Some((true, info)) => info.value.errors.push(error.message),
                Some((false, _)) => {}
                None => unknown.entry(error.key).or_default().push(error.message),
            }
        }
        self.configs.extend(unknown.into_iter().map(|(key, errors)| {
            let written = request.resolved.get(&key).map(|property| property.trimmed().to_owned());
            unknown_setting(&key, request.shown(&key, written), errors)
        }));
    }
}

fn unknown_setting(key: &str, value: Option<String>, errors: Vec<String>) -> ConfigInfo {
    ConfigInfo { definition: None, value: ConfigValue { errors, ..ConfigValue::new(key, value) } }
}

/// The settings that name converters, with the roles of these.
const CONVERTERS: [(&str, &str, PluginType); 3] = [
    ("header.converter", "header", PluginType::HeaderConverter),
    ("key.converter", "key", PluginType::Converter),
    ("value.converter", "value", PluginType::Converter),
];

/// Returns one of Connect's own settings. It is checked if the connector's table has it, and by that table.
fn common(worker: &WorkerConfig, plugin: &dyn Plugin, request: &Request, key: &ConfigKey) -> ConfigInfo {
    let own = plugin.description().settings.key(key.name);
    let mut info = match own {
        Some(own) => request.info(&ConfigKey { name: key.name, default: key.default, ..*own }, "", key.name),
        None => request.unchecked(key),
    };
    info.definition = Some(key.definition(""));
    if let Some((setting, _, kind)) = CONVERTERS.into_iter().find(|(setting, ..)| *setting == key.name) {
        if own.is_some_and(|own| own.kind == Kind::Class) {
            classes::complete(plugin, request, kind, &mut info);
        }
        let default = default_converter(worker, plugin, setting, kind);
        if request.given(setting) == Given::Absent {
            info.value.value.clone_from(&default);
        }
        if let Some(definition) = &mut info.definition {
            definition.default_value = default;
        }
    }
    if let Some(class) = key.name.strip_suffix(".plugin.version") {
        let known = match CONVERTERS.into_iter().find(|(setting, ..)| *setting == class) {
            None => true,
            Some((setting, _, kind)) => {
                let name = match request.given(setting) {
                    Given::Text(text) => Some(text.to_owned()),
                    _ => default_converter(worker, plugin, setting, kind),
                };
                name.is_some_and(|name| classes::find(plugin, kind, &name).is_some())
            }
        };
        classes::complete_version(&mut info, known);
    }
    info
}

/// Returns the full name of the worker's converter.
fn default_converter(
    worker: &WorkerConfig,
    plugin: &dyn Plugin,
    setting: &str,
    kind: PluginType,
) -> Option<String> {
    match worker.properties().get(setting) {
        Some(class) => classes::find(plugin, kind, &class.value).map(|desc| desc.class.to_owned()),
        None => (kind == PluginType::HeaderConverter).then(|| SIMPLE_HEADER_CONVERTER.to_owned()),
    }
}
