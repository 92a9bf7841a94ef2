//! The settings of Kafka clients that a connector overrides.

use coherence_kafka_connect::config::def::{
    ConfigInfo, ConfigKey, ConfigValue, DefaultValue, HIDDEN, Importance, Kind, Validator, key,
};
use coherence_kafka_rdkafka::settings::translate::{self, Client};

use super::values::Request;
use crate::config::clients::prefixes;
use crate::config::{OverridePolicy, WorkerConfig};
use crate::description::ConnectorType;

const OVERRIDE: ConfigKey =
    key("", Kind::String, DefaultValue::Null, Validator::Any, ("", Importance::Medium), "");

/// Values that Kafka treats as passwords although their names do not show it.
const SECRETS: &[&str] = &["ssl.keystore.certificate.chain", "ssl.truststore.certificates"];

/// Returns the overrides of the clients that a connector of this kind has.
pub(super) fn infos(worker: &WorkerConfig, kind: ConnectorType, request: &Request) -> Vec<ConfigInfo> {
    let queue = request
        .resolved
        .get("errors.deadletterqueue.topic.name")
        .is_some_and(|property| !property.trimmed().is_empty());
    let clients: &[Client] = match kind {
        ConnectorType::Sink if queue => &[Client::Producer, Client::Consumer, Client::Admin],
        ConnectorType::Sink => &[Client::Consumer],
        ConnectorType::Source => &[Client::Producer],
    };
    let infos = clients.iter().flat_map(|client| {
        let (_, prefix) = prefixes(*client);
        let settings = request.resolved.below(prefix);
        settings.map(|(setting, _)| info(*client, prefix, setting, &worker.override_policy, request))
    });
    infos.collect()
}

fn info(
    client: Client,
    prefix: &str,
    setting: &str,
    policy: &OverridePolicy,
    request: &Request,
) -> ConfigInfo {
    let name = format!("{prefix}{setting}");
    let definition = translate::kind(client, setting).map(|kind| {
        let mut definition = OVERRIDE.definition("");
        definition.name.clone_from(&name);
        definition.kind = kind.name();
        setting.clone_into(&mut definition.display_name);
        definition
    });
    let written = request.resolved.get(&name).map(|property| property.trimmed().to_owned());
    let value = if SECRETS.contains(&setting) { Some(HIDDEN.to_owned()) } else { written };
    let mut value = ConfigValue::new(&*name, request.shown(&name, value));
    value.errors.extend(policy.refusal(setting));
    ConfigInfo { definition, value }
}
