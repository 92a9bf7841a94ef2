//! Restarts of connectors and tasks.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::json::status_json;
use super::{Api, Refused, configure, error, internal, of_connector, tasks, unavailable};
use crate::herder::Restart;
use crate::worker::{CONFLICT, CreateError, RequestError};

/// `POST /connectors/{name}/restart`. Without `includeTasks` a connector is restarted that could not be started; of
/// another one nothing would be.
#[utoipa::path(
    post,
    path = "/connectors/{name}/restart",
    tag = "connectors",
    operation_id = "restart_connector",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("includeTasks" = Option<bool>, Query, description = "Restarts its tasks too"),
        ("onlyFailed" = Option<bool>, Query, description = "Restarts only what has failed"),
    ),
    responses(
        (status = 202, description = "The states, with what restarts", body = serde_json::Value),
        (status = 204, description = "The connector is restarted"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn connector(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    // As in Java, what is not "true" is false.
    let flag = |name: &str| query.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let restart = Restart { include_tasks: flag("includeTasks"), only_failed: flag("onlyFailed") };
    match of_connector(&api, &name, move |herder, name| herder.restart(name, restart)).await {
        Some(Ok(_)) if !restart.include_tasks && !restart.only_failed => {
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Ok(planned)) => {
            (StatusCode::ACCEPTED, axum::Json(status_json(&name, &api, &planned))).into_response()
        }
        Some(Err(CreateError::Unknown(_))) => refused(&api, RequestError::UnknownConnector, &name, ""),
        Some(Err(reason)) => configure::refused(&reason),
        None => internal(),
    }
}

/// `POST /connectors/{name}/tasks/{id}/restart`.
#[utoipa::path(
    post,
    path = "/connectors/{name}/tasks/{task}/restart",
    tag = "tasks",
    operation_id = "restart_task",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("task" = u32, Path, description = "The number of the task"),
    ),
    responses(
        (status = 204, description = "The task restarts"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn task(
    State(api): State<Api>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let Ok(number) = u32::try_from(tasks::number(&id)?) else {
        return Ok(refused(&api, RequestError::UnknownTask, &name, &id));
    };
    Ok(match of_connector(&api, &name, move |herder, name| herder.restart_task(name, number)).await {
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(reason)) => refused(&api, reason, &name, &id),
        None => internal(),
    })
}

fn refused(api: &Api, reason: RequestError, name: &str, task: &str) -> Response {
    match reason {
        RequestError::UnknownConnector => error(StatusCode::NOT_FOUND, &format!("Unknown connector: {name}")),
        RequestError::UnknownTask if api.is_distributed() => {
            error(StatusCode::NOT_FOUND, &format!("Unknown task: {name}-{task}"))
        }
        RequestError::UnknownTask => error(StatusCode::NOT_FOUND, &format!("Task {name}-{task} not found")),
        RequestError::Conflict | RequestError::NotEnded(_) => error(StatusCode::CONFLICT, CONFLICT),
        RequestError::Unavailable(reason) => unavailable(&reason),
    }
}
