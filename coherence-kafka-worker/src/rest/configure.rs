//! Requests that create connectors or change their configuration.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coherence_kafka_connect::config::Properties;

use super::json::info_json;
use super::{Api, Refused, blocking, body, error, internal, not_found, of_connector, plugins};
use crate::worker::{ConnectorInfo, CreateError, Worker};

type Body = Result<Bytes, BytesRejection>;

/// `POST /connectors`.
#[utoipa::path(
    post,
    path = "/connectors",
    tag = "connectors",
    operation_id = "configure_create",
    request_body(content = serde_json::Value, description = "The name, the settings and the initial state"),
    responses(
        (status = 201, description = "The connector is created", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
        (status = 409, description = "It exists"),
    )
)]
pub(super) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let request = body::read(&headers, body, body::create)?;
    let herder = api.herder.clone();
    let work = move || {
        let info = herder.create(&request.config, request.target);
        info.map_err(|reason| refusal(herder.worker(), &request.config, &reason))
    };
    Ok(match blocking(work).await {
        Some(Ok(info)) => created(&api, &info),
        Some(Err(refused)) => refused.into_response(),
        None => internal(),
    })
}

/// `PUT /connectors/{name}/config`.
#[utoipa::path(
    put,
    path = "/connectors/{name}/config",
    tag = "connectors",
    operation_id = "configure_replace",
    params(("name" = String, Path, description = "The name of the connector")),
    request_body(content = serde_json::Value, description = "All settings"),
    responses(
        (status = 200, description = "The settings are replaced", body = serde_json::Value),
        (status = 201, description = "The connector is created", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn replace(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let config = body::read(&headers, body, |body| body::config(&name, body))?;
    Ok(match configured(&api, config).await {
        Some(Ok((true, info))) => created(&api, &info),
        Some(Ok((false, info))) => axum::Json(info_json(&info)).into_response(),
        Some(Err(refused)) => refused.into_response(),
        None => internal(),
    })
}

/// `PATCH /connectors/{name}/config`: a null removes a setting.
#[utoipa::path(
    patch,
    path = "/connectors/{name}/config",
    tag = "connectors",
    operation_id = "configure_patch",
    params(("name" = String, Path, description = "The name of the connector")),
    request_body(content = serde_json::Value, description = "Settings to change; null removes one"),
    responses(
        (status = 200, description = "The settings are changed", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn patch(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let changes = body::read(&headers, body, body::patch)?;
    let patched = of_connector(&api, &name, move |herder, name| {
        let change = |mut settings: BTreeMap<String, String>| {
            for (key, value) in changes.clone() {
                match value {
                    Some(value) => settings.insert(key, value),
                    None => settings.remove(&key),
                };
            }
            body::named(name, settings.into_iter().collect())
        };
        herder.patch(name, &change).map_err(|reason| match (&reason, herder.info(name)) {
            (CreateError::Unknown(_), _) => not_found(name),
            (CreateError::Invalid(_), Some(info)) => match change(info.config) {
                Ok(config) => refusal(herder.worker(), &config, &reason),
                Err(_) => Refused::new(status(&reason), reason.to_string()),
            },
            _ => Refused::new(status(&reason), reason.to_string()),
        })
    });
    Ok(match patched.await {
        Some(Ok(info)) => axum::Json(info_json(&info)).into_response(),
        Some(Err(refused)) => refused.into_response(),
        None => internal(),
    })
}

/// Changes the configuration of a connector, or creates it.
async fn configured(api: &Api, config: Properties) -> Option<Result<(bool, ConnectorInfo), Refused>> {
    let herder = api.herder.clone();
    let work = move || herder.configure(&config).map_err(|reason| refusal(herder.worker(), &config, &reason));
    blocking(work).await
}

fn created(api: &Api, info: &ConnectorInfo) -> Response {
    let location = format!("{}/connectors/{}", api.url, path_segment(&info.name));
    (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(info_json(info))).into_response()
}

/// Answers why a connector does not exist, or does not run, as it was asked for.
pub(super) fn refused(reason: &CreateError) -> Response {
    error(status(reason), &reason.to_string())
}

/// Returns why a connector does not have this configuration: every error, as a validation shows them.
fn refusal(worker: &Worker, config: &Properties, reason: &CreateError) -> Refused {
    let CreateError::Invalid(errors) = reason else {
        return Refused::new(status(reason), reason.to_string());
    };
    // Without its class nothing is known of the other settings.
    if let Some(unknown) = errors.errors.iter().find(|error| error.key == "connector.class") {
        return Refused::new(StatusCode::BAD_REQUEST, unknown.message.clone());
    }
    let lines: Vec<String> = plugins::errors(worker, config).into_iter().map(line).collect();
    let message = format!(
        "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above list \
         of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
        lines.len(),
        lines.join("\n")
    );
    Refused::new(StatusCode::BAD_REQUEST, message)
}

/// One error in Connect's form: most of its texts name the setting.
fn line((key, text): (String, String)) -> String {
    if text.contains(&key) { text } else { format!("{key}: {text}") }
}

fn status(reason: &CreateError) -> StatusCode {
    match reason {
        CreateError::Invalid(_) | CreateError::Refused(_) | CreateError::TooManyTasks { .. } => {
            StatusCode::BAD_REQUEST
        }
        CreateError::Exists(_) | CreateError::Conflict => StatusCode::CONFLICT,
        CreateError::Unknown(_) => StatusCode::NOT_FOUND,
        CreateError::Stopping | CreateError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        CreateError::NotStarted { .. } | CreateError::NotEnded { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn path_segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
