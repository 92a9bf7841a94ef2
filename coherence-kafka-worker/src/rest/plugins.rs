//! The classes that settings can name, what their settings are, and what is wrong with a configuration.
//!
//! ```text
//! definitions.rs  settings by class: the plugin's own and Connect's
//! validate.rs     a request → every setting, its value and its errors
//!   values.rs     what a request gives for a setting, and what may be shown of it
//!   classes.rs    settings that name a class
//!   aliases.rs    transforms and predicates
//!   overrides.rs  settings of Kafka clients
//! ```

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, put};
use coherence_kafka_connect::config::def::PluginType;
use serde_json::{Value, json};

use self::values::Request;
use super::{Api, Refused, VERSION, blocking, body, error, internal};

mod aliases;
mod classes;
mod definitions;
mod overrides;
mod validate;
mod values;

pub(super) use validate::errors;

/// The routes below `/connector-plugins`.
pub(super) fn routes() -> [(&'static str, MethodRouter<Api>); 3] {
    [
        ("/connector-plugins", get(list)),
        ("/connector-plugins/{plugin}/config", get(definitions)),
        ("/connector-plugins/{plugin}/config/validate", put(validate)),
    ]
}

/// `GET /connector-plugins`: the connector alone, or with `connectorsOnly=false` every class that its settings can name.
#[utoipa::path(
    get,
    path = "/connector-plugins",
    tag = "plugins",
    operation_id = "plugins_list",
    params(
        ("connectorsOnly" = Option<bool>, Query, description = "Without it, or with `true`: the connector alone"),
    ),
    responses((status = 200, description = "The classes that settings can name", body = serde_json::Value))
)]
pub(super) async fn list(State(api): State<Api>, Query(query): Query<HashMap<String, String>>) -> Response {
    // As in Java, what is not "true" is false.
    let alone = query.get("connectorsOnly").is_none_or(|value| value.eq_ignore_ascii_case("true"));
    let plugin = |class: &str, kind: &str| json!({"class": class, "type": kind, "version": VERSION});
    let connector = api.herder.worker().plugin();
    let description = connector.description();
    let mut plugins: Vec<Value> =
        description.classes.first().map(|class| plugin(class, description.kind.name())).into_iter().collect();
    let kinds = PluginType::ALL.into_iter().filter(|_| !alone);
    plugins.extend(kinds.flat_map(|kind| {
        let of_kind = connector.plugins().iter().filter(move |desc| desc.kind == kind);
        of_kind.map(move |desc| plugin(desc.class, kind.name()))
    }));
    axum::Json(plugins).into_response()
}

/// `GET /connector-plugins/{plugin}/config`.
#[utoipa::path(
    get,
    path = "/connector-plugins/{plugin}/config",
    tag = "plugins",
    operation_id = "plugins_definitions",
    params(
        ("plugin" = String, Path, description = "A class, or an alias of it"),
        ("version" = Option<String>, Query, description = "A version of the plugin"),
    ),
    responses(
        (status = 200, description = "The definitions of its settings", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn definitions(
    State(api): State<Api>,
    Path(plugin): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Some((class, definitions)) = definitions::of(api.herder.worker().plugin(), &plugin) else {
        return error(StatusCode::NOT_FOUND, &format!("Unknown plugin {plugin}."));
    };
    match query.get("version").map(String::as_str) {
        None | Some("" | "latest" | VERSION) => axum::Json(definitions).into_response(),
        Some(version) => {
            let range =
                if version.contains(',') { version.to_owned() } else { format!("[{version},{version}]") };
            let message = format!(
                "Plugin {class} not found that matches the version range {range}, available versions: [{VERSION}]"
            );
            error(StatusCode::BAD_REQUEST, &message)
        }
    }
}

/// `PUT /connector-plugins/{plugin}/config/validate`. A configuration with errors is an answer too.
#[utoipa::path(
    put,
    path = "/connector-plugins/{plugin}/config/validate",
    tag = "plugins",
    operation_id = "plugins_validate",
    params(("plugin" = String, Path, description = "A class, or an alias of it")),
    request_body(content = serde_json::Value, description = "The settings of a connector"),
    responses(
        (status = 200, description = "Each setting with its errors", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
    )
)]
pub(super) async fn validate(
    State(api): State<Api>,
    Path(plugin): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let request = body::read(&headers, body, Request::read)?;
    // Variables and certificates are read from files.
    let answer = blocking(move || validate::validate(api.herder.worker(), &plugin, request));
    Ok(match answer.await {
        Some(Ok(infos)) => axum::Json(infos).into_response(),
        Some(Err(message)) => error(StatusCode::BAD_REQUEST, &message),
        None => internal(),
    })
}

#[cfg(test)]
mod tests;
