//! Connectors: what they are, what state they are in, and which state they are wanted in.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::json::{info_json, status_json};
use super::{Api, configure, error, internal, not_found, of_connector, unavailable};
use crate::worker::{CONFLICT, CreateError, RequestError};

/// `GET /connectors`, with the status or the configuration of each where `expand` asks for it.
#[utoipa::path(
    get,
    path = "/connectors",
    tag = "connectors",
    operation_id = "connectors_list",
    params(
        ("expand" = Option<Vec<String>>, Query, description = "`status` or `info` of each connector"),
    ),
    responses((status = 200, description = "The names, or an object of them", body = serde_json::Value))
)]
pub(super) async fn list(State(api): State<Api>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let names = api.herder.names();
    let expand: Vec<&str> =
        query.iter().filter(|(key, _)| key == "expand").map(|(_, value)| value.as_str()).collect();
    if expand.is_empty() {
        return axum::Json(names).into_response();
    }
    let connector = |name: String| {
        let (info, status) = (api.herder.info(&name)?, api.herder.status(&name)?);
        let mut expanded = Map::new();
        for wanted in &expand {
            match *wanted {
                "status" => expanded.insert("status".to_owned(), status_json(&name, &api, &status)),
                "info" => expanded.insert("info".to_owned(), info_json(&info)),
                _ => None,
            };
        }
        Some((name, Value::Object(expanded)))
    };
    // One that is deleted meanwhile is left out.
    axum::Json(names.into_iter().filter_map(connector).collect::<Map<_, _>>()).into_response()
}

/// `GET /connectors/{name}`.
#[utoipa::path(
    get,
    path = "/connectors/{name}",
    tag = "connectors",
    operation_id = "connectors_info",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "Settings and tasks", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn info(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.herder.info(&name) {
        Some(info) => axum::Json(info_json(&info)).into_response(),
        None => not_found(&name).into_response(),
    }
}

/// `GET /connectors/{name}/config`.
#[utoipa::path(
    get,
    path = "/connectors/{name}/config",
    tag = "connectors",
    operation_id = "connectors_config",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "The settings", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn config(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.herder.info(&name) {
        Some(info) => axum::Json(info.config).into_response(),
        None => not_found(&name).into_response(),
    }
}

/// `GET /connectors/{name}/status`.
#[utoipa::path(
    get,
    path = "/connectors/{name}/status",
    tag = "connectors",
    operation_id = "connectors_status",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "The states of the connector and its tasks", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn status(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.herder.status(&name) {
        Some(status) => axum::Json(status_json(&name, &api, &status)).into_response(),
        None => error(StatusCode::NOT_FOUND, &format!("No status found for connector {name}")),
    }
}

/// `DELETE /connectors/{name}`.
#[utoipa::path(
    delete,
    path = "/connectors/{name}",
    tag = "connectors",
    operation_id = "connectors_delete",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 204, description = "The connector is deleted"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn delete(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let outcome = of_connector(&api, &name, |herder, name| herder.delete(name)).await;
    ended(outcome, &name, "deleted", &format!("Connector {name} not found"))
}

/// `PUT /connectors/{name}/stop`. Where Connect's standalone worker answers 500 for a name that it does not know, this
/// answers 404 as its distributed one; the same in all requests about connectors and tasks.
#[utoipa::path(
    put,
    path = "/connectors/{name}/stop",
    tag = "connectors",
    operation_id = "connectors_stop",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 204, description = "The tasks are stopped"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn stop(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let outcome = of_connector(&api, &name, |herder, name| herder.stop(name)).await;
    ended(outcome, &name, "stopped", &unknown(&name))
}

/// `PUT /connectors/{name}/pause`.
#[utoipa::path(
    put,
    path = "/connectors/{name}/pause",
    tag = "connectors",
    operation_id = "connectors_pause",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 202, description = "The tasks pause"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn pause(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match of_connector(&api, &name, |herder, name| herder.pause(name)).await {
        Some(Ok(())) => StatusCode::ACCEPTED.into_response(),
        Some(Err(RequestError::UnknownConnector)) => error(StatusCode::NOT_FOUND, &unknown(&name)),
        Some(Err(RequestError::Unavailable(reason))) => unavailable(&reason),
        Some(Err(_)) => error(StatusCode::CONFLICT, CONFLICT),
        None => internal(),
    }
}

/// `PUT /connectors/{name}/resume`.
#[utoipa::path(
    put,
    path = "/connectors/{name}/resume",
    tag = "connectors",
    operation_id = "connectors_resume",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 202, description = "The tasks run again"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn resume(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let outcome = of_connector(&api, &name, |herder, name| herder.resume(name)).await;
    match outcome {
        Some(Ok(())) => StatusCode::ACCEPTED.into_response(),
        Some(Err(CreateError::Unknown(_))) => error(StatusCode::NOT_FOUND, &unknown(&name)),
        Some(Err(reason)) => configure::refused(&reason),
        None => internal(),
    }
}

fn unknown(name: &str) -> String {
    format!("Unknown connector {name}")
}

/// Answers a request after which the tasks of a connector have ended.
fn ended(outcome: Option<Result<(), RequestError>>, name: &str, what: &str, unknown: &str) -> Response {
    match outcome {
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(RequestError::UnknownConnector | RequestError::UnknownTask)) => {
            error(StatusCode::NOT_FOUND, unknown)
        }
        Some(Err(RequestError::Conflict)) => error(StatusCode::CONFLICT, CONFLICT),
        Some(Err(RequestError::Unavailable(reason))) => unavailable(&reason),
        Some(Err(RequestError::NotEnded(tasks))) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!(
                "Connector {name} is not {what} yet: {tasks} of its tasks are still stopping; it is {what} when they \
                 have stopped"
            ),
        ),
        None => internal(),
    }
}
