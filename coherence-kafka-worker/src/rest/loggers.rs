//! The levels of the loggers of this process.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use coherence_kafka_connect::config::json::setting;
use serde_json::{Map, Value, json};

use super::{Api, Refused, body, error, internal, of_connector, unavailable};
use crate::herder::set_level;
use crate::loggers::{Level, Logger, loggers};
use crate::worker::RequestError;

/// `GET /admin/loggers`.
#[utoipa::path(
    get,
    path = "/admin/loggers",
    tag = "admin",
    operation_id = "loggers_list",
    responses((status = 200, description = "The loggers and their levels", body = serde_json::Value))
)]
pub(super) async fn list() -> Response {
    let all = loggers().all().into_iter().map(|(name, logger)| (name, logger_json(logger)));
    axum::Json(all.collect::<Map<_, _>>()).into_response()
}

/// `GET /admin/loggers/{logger}`.
#[utoipa::path(
    get,
    path = "/admin/loggers/{logger}",
    tag = "admin",
    operation_id = "loggers_info",
    params(("logger" = String, Path, description = "The name of a logger, or root")),
    responses(
        (status = 200, description = "The level of the logger", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn info(Path(name): Path<String>) -> Response {
    match loggers().get(&name) {
        Some(logger) => axum::Json(logger_json(logger)).into_response(),
        None => error(StatusCode::NOT_FOUND, &format!("Logger {name} not found.")),
    }
}

/// `PUT /admin/loggers/{logger}`. A worker that is alone is all of its cluster: the scope decides the answer only.
#[utoipa::path(
    put,
    path = "/admin/loggers/{logger}",
    tag = "admin",
    operation_id = "loggers_set",
    params(
        ("logger" = String, Path, description = "The name of a logger, or root"),
        ("scope" = Option<String>, Query, description = "`worker` or `cluster`"),
    ),
    request_body(content = serde_json::Value, description = "The level"),
    responses(
        (status = 200, description = "The loggers whose level has changed", body = serde_json::Value),
        (status = 204, description = "The level is changed in the cluster"),
        (status = 400, description = "The request is refused"),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn set(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let level = |body: &str| {
        let level =
            body::object(body, "with the member level")?.get("level").map(|level| level.get().to_owned());
        Ok(level.filter(|level| level != "null"))
    };
    let level = body::read(&headers, body, level)?.ok_or_else(|| {
        Refused::new(StatusCode::BAD_REQUEST, "Desired 'level' parameter was not specified in request.")
    })?;
    let level = serde_json::from_str(&level).ok().and_then(setting).unwrap_or(level);
    let parsed = Level::parse(&level)
        .ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, format!("invalid log level '{level}'.")))?;
    let of_cluster = query.get("scope").is_some_and(|scope| scope.eq_ignore_ascii_case("cluster"));
    if !of_cluster {
        return Ok(axum::Json(set_level(&name, parsed)).into_response());
    }
    let outcome = of_connector(&api, &name, move |herder, name| herder.set_level(name, parsed)).await;
    Ok(match outcome {
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(RequestError::Unavailable(reason))) => unavailable(&reason),
        Some(Err(_)) | None => internal(),
    })
}

fn logger_json(logger: Logger) -> Value {
    json!({"level": logger.level.name(), "last_modified": logger.last_modified})
}
