//! Requests that create connectors or change their configuration.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coherence_kafka_connect::config::{ConfigErrors, Finding};

use super::connectors::info_json;
use super::{Api, Refused, blocking, body, error, internal, not_found};
use crate::worker::{ConnectorInfo, CreateError};

type Body = Result<Bytes, BytesRejection>;

/// `POST /connectors`.
pub(super) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let request = body::read(&headers, body, body::create)?;
    let worker = api.worker.clone();
    Ok(match blocking(move || worker.create_as(&request.config, request.target)).await {
        Some(Ok(info)) => created(&api, &info),
        Some(Err(reason)) => refused(&reason),
        None => internal(),
    })
}

/// `PUT /connectors/{name}/config`.
pub(super) async fn replace(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let config = body::read(&headers, body, |body| body::config(&name, body))?;
    let worker = api.worker.clone();
    Ok(match blocking(move || worker.configure(&config)).await {
        Some(Ok((true, info))) => created(&api, &info),
        Some(Ok((false, info))) => axum::Json(info_json(&info)).into_response(),
        Some(Err(reason)) => refused(&reason),
        None => internal(),
    })
}

/// `PATCH /connectors/{name}/config`: a null removes a setting.
pub(super) async fn patch(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let changes = body::read(&headers, body, body::patch)?;
    let mut settings = api.worker.info(&name).ok_or_else(|| not_found(&name))?.config;
    for (key, value) in changes {
        match value {
            Some(value) => settings.insert(key, value),
            None => settings.remove(&key),
        };
    }
    let config = body::named(&name, settings.into_iter().collect())
        .map_err(|reason| Refused::new(StatusCode::BAD_REQUEST, reason))?;
    let worker = api.worker.clone();
    Ok(match blocking(move || worker.configure(&config)).await {
        Some(Ok((_, info))) => axum::Json(info_json(&info)).into_response(),
        Some(Err(reason)) => refused(&reason),
        None => internal(),
    })
}

fn created(api: &Api, info: &ConnectorInfo) -> Response {
    let location = format!("http://{}/connectors/{}", api.worker_id, path_segment(&info.name));
    (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(info_json(info))).into_response()
}

/// Answers why a connector does not exist, or does not run, as it was asked for.
pub(super) fn refused(reason: &CreateError) -> Response {
    let status = match reason {
        CreateError::Invalid(errors) => return invalid(errors),
        CreateError::Exists(_) | CreateError::Conflict => StatusCode::CONFLICT,
        CreateError::Unknown(_) => StatusCode::NOT_FOUND,
        CreateError::TooManyTasks { .. } => StatusCode::BAD_REQUEST,
        CreateError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        CreateError::NotStarted { .. } | CreateError::NotEnded { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    error(status, &reason.to_string())
}

fn invalid(errors: &ConfigErrors) -> Response {
    // Without its class nothing is known of the other settings.
    if let Some(unknown) = errors.errors.iter().find(|error| error.key == "connector.class") {
        return error(StatusCode::BAD_REQUEST, &unknown.message);
    }
    let lines: Vec<String> = errors.errors.iter().map(line).collect();
    error(
        StatusCode::BAD_REQUEST,
        &format!(
            "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the \
             above list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
            lines.len(),
            lines.join("\n")
        ),
    )
}

/// One error in Connect's form: most of its texts name the setting.
fn line(error: &Finding) -> String {
    let Finding { key, message, .. } = error;
    if message.contains(key) { message.clone() } else { format!("{key}: {message}") }
}

fn path_segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
